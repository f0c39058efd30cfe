"""Whatever is sent, every route refuses it in our own words, in one language: the one that was asked for."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import make
from calls import Answer, Site
from getbill.kit import json

# Pydantic's wording, Python's spelling of a value, a class of ours, a regular expression.
FOREIGN = re.compile(
    r"Input should|Value error|Assertion|instance of|after validation|Field required|not permitted|valid string"
    r"|datetime\.|Decimal\(|\bNone\b|\bTrue\b|\bFalse\b|NoneType|[a-z]Body\b|object at 0x|validator|\[\^|\^\[|\\[dwxs]"
)
# What is quoted, or listed, is the API's and the caller's own.
QUOTED = re.compile(r"« .*? »|`[^`]*`|: [^ ]+, .*$|/[^ ]*")
ENGLISH = re.compile(
    r"\b(the|must|there|send|with|which|this|that|should|field|given|is|are|not|has|of|and|body|written)\b",
    re.IGNORECASE,
)
KINDS: dict[str, Any] = {
    "number": 7,
    "negative": -1,
    "fraction": json.read(b"0.123456789"),
    "huge": Decimal(10**30),
    "text": "Ωμέγα \u00a7",
    "empty": "",
    "long": "x" * 25_000,
    "true": True,
    "null": None,
    "list": [],
    "list of texts": ["no-such-thing", "no-such-thing"],
    "list of numbers": [-1, 0],
    "list of objects": [{"no-such-field": 1}],
    "object": {"no-such-field": {"a": 1}},
    "date": "2024-02-30",
    "slashes": "31/12/2024",
    "old": "1066-10-14",
    "instant": "2024-01-15T25:00:00Z",
    "naive": "2024-01-15T10:00:00",
    "link": "javascript:alert(1)",
    "e-mail": "no one@example",
}
UNKNOWN = {
    "debt_id": "debt_00000000000000000000000000",
    "language": "fr",
    "channel": "sms",
}

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def document(installation) -> dict[str, Any]:
    return installation.site.app.openapi()


@pytest.fixture
def operations(document) -> list[Operation]:
    """Every operation, its path filled with ids that nothing has."""
    return [
        (method.upper(), re.sub(r"\{(\w+)\}", _identifier, path), operation)
        for path, methods in document["paths"].items()
        if path.startswith("/external-api/")
        for method, operation in methods.items()
    ]


def _identifier(match: re.Match[str]) -> str:
    name = match[1]
    return UNKNOWN.get(name, f"{name.removesuffix('_id')}_00000000000000000000000000")


def texts_of(problem: dict[str, Any]) -> Iterator[str]:
    """What people read of a refusal."""
    yield problem["title"]
    yield problem["detail"]
    for error in problem.get("errors", ()):
        yield error["detail"]


def complaints(answered: Answer, language: str) -> list[str]:
    """What is wrong with the words of a refusal."""
    if answered.headers.get("content-type") != "application/problem+json":
        return []
    answer = answered.json()
    texts = [text for text in texts_of(answer) if FOREIGN.search(text)]
    if answered.headers.get("content-language") != language:
        texts.append(f"Content-Language: {answered.headers.get('content-language')}")
    if "Accept-Language" not in answered.headers.get("vary", ""):
        texts.append("Vary")
    if language == "fr":
        texts += [text for text in texts_of(answer) if ENGLISH.search(QUOTED.sub("", text))]
    if len(answer.get("errors", ())) > 100:
        texts.append("more than 100 errors")
    return texts


def properties_of(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The properties of a schema, through references and choices."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    properties = dict(schema.get("properties", {}))
    for branch in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        properties |= properties_of(branch, document)
    return properties


def filled(schema: dict[str, Any], document: dict[str, Any], value: Any, depth: int = 3) -> Any:
    """A body whose every field holds one value; objects hold it in their own fields."""
    properties = properties_of(schema, document)
    if not properties or not depth:
        return value
    return {name: filled(member, document, value, depth - 1) for name, member in properties.items()}


def body_schema(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return schema


async def refused(
    sandbox: Site, call: tuple[str, str], body: bytes | None, language: str
) -> tuple[Answer, list[str]]:
    headers = {"Accept-Language": language}
    if body is not None:
        headers["Content-Type"] = "application/json"
    answered = await sandbox.call(*call, body=body or b"", headers=headers)
    return answered, complaints(answered, language)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_body_is_refused_in_our_words_and_in_one_language(
    sandbox, document, operations, kind: str
) -> None:
    wrong: list[tuple[str, list[str]]] = []
    statuses: set[int] = set()
    for method, path, operation in operations:
        schema = body_schema(operation)
        if schema is None:
            continue
        for sent in (
            filled(schema, document, KINDS[kind]),
            filled(schema, document, KINDS[kind], depth=1),
            KINDS[kind],
            {"no-such-field": KINDS[kind]},
        ):
            for language in ("en", "fr"):
                answered, result = await refused(sandbox, (method, path), json.write(sent), language)
                statuses.add(answered.status)
                if result or answered.status >= 500:
                    wrong.append((f"{method} {path} {answered.status}", result[:3]))

    assert not wrong
    assert 422 in statuses


async def test_a_wrong_parameter_is_refused_by_its_own_name(sandbox, operations) -> None:
    wrong: list[tuple[str, list[str]]] = []
    checked = 0
    for method, path, operation in operations:
        names = [
            parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
        ]
        for name in names:
            for value in ("", "-1", "nonsense", "%CE%A9", "2024-02-30", "99999999999999999999", "x" * 300):
                for language in ("en", "fr"):
                    call = method, f"{path}?{name}={value}"
                    answered, result = await refused(sandbox, call, None, language)
                    answer = answered.json() if answered.status in {400, 422} else {}
                    result += [
                        error["pointer"]
                        for error in answer.get("errors", ())
                        if error["pointer"] not in names
                    ]
                    checked += len(answer.get("errors", ()))
                    if result or answered.status >= 500:
                        wrong.append((f"{call} {answered.status}", result[:3]))

    assert not wrong
    assert checked > 100


async def test_a_list_parameter_is_named_and_its_values_are_listed(sandbox) -> None:
    answered = await sandbox.call(
        "GET", "/external-api/v1/debts?status=nonsense", headers={"Accept-Language": "fr"}
    )

    (error,) = answered.json()["errors"]
    assert error["pointer"] == "status"
    assert error["detail"].startswith("Le paramètre « status » doit avoir une de ces valeurs : pending, ")


async def test_what_a_path_or_a_method_refuses_is_said_in_the_language_asked_for(sandbox, operations) -> None:
    wrong: list[tuple[str, list[str]]] = []
    for method, path, operation in operations:
        calls = [
            (method, f"{path}?nonsense=1", b"{}"),
            ("PATCH", path, b"{}"),
            (method, f"{path}/nothing", None),
        ]
        if body_schema(operation) is None:
            calls.append((method, path, None))
        else:
            calls += [
                (method, path, broken) for broken in (b"", b"{", b'{"a": 1,}', b'{"a": 1, "a": 2}', b"\xff")
            ]
        for verb, place, body in calls:
            for language in ("en", "fr"):
                answered, result = await refused(sandbox, (verb, place), body, language)
                if result or answered.status >= 500:
                    wrong.append((f"{verb} {place} {answered.status}", result[:3]))

    assert not wrong


@pytest.mark.parametrize("path", ["/external-api/v1/debts", "/nothing"])
async def test_a_caller_without_a_credential_is_refused_in_french_too(client, path: str) -> None:
    answered = await client.call("GET", path, headers={"Accept-Language": "fr-FR, en;q=0.5"})

    assert answered.status in {401, 404}
    assert complaints(answered, "fr") == []


async def test_a_repeated_refusal_is_in_the_language_of_its_first_answer(sandbox) -> None:
    debt = make.debt()
    await sandbox.post("/external-api/v1/debts", debt)
    again = debt | {"amount": 17}

    report = [
        await sandbox.post("/external-api/v1/debts", again, Accept_Language=language, Idempotency_Key="once")
        for language in ("fr", "en")
    ]

    assert [item.status for item in report] == [409, 409]
    assert report[0].body == report[1].body
    assert [item for answered in report for item in complaints(answered, "fr")] == []


async def test_a_batch_is_answered_in_the_language_asked_for(sandbox) -> None:
    wrong = {"debts": [make.debt() | {"amount": "12,50", "currency": "EUR"}, {"temp_id": 1}, 7]}

    report = {
        language: await sandbox.post("/external-api/v1/debts/batch", wrong, Accept_Language=language)
        for language in ("en", "fr")
    }

    for language, answered in report.items():
        assert (answered.headers["content-language"], answered.headers["vary"]) == (
            language,
            "Accept-Language",
        )
        findings = answered.json()["error_report"]["findings"]
        assert [finding["message"] for finding in findings if FOREIGN.search(finding["message"])] == []
        is_french = [not ENGLISH.search(QUOTED.sub("", finding["message"])) for finding in findings]
        assert all(is_french) == (language == "fr")
        assert (findings[0]["reference"], findings[0]["suggestion"]) == (wrong["debts"][0]["reference"], 12.5)  # type: ignore[index]
        assert b'"suggestion":12.50' in answered.body
