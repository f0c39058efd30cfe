"""The OpenAPI document word by word: what it names, requires, describes and refuses, for every route."""

import re
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from getbill.explorer import glossary
from getbill.explorer.document import MODELS, scope_of
from getbill.kit.http.bodies import body, json_bodies
from getbill.kit.http.openapi import SchemaNameTaken, classes_of
from getbill.kit.http.paths import routes_of
from getbill.streams import WebhookData

VERBS = re.compile(
    r"(advance|change|check|confirm|correct|create|cut|decide|delete|escalate|get|hold|issue|list|merge|pick|preview|publish"
    r"|replay|report|resume|revoke|rotate|simulate|split|start|test|undo|update)_"
)
# Fields of answers that are not always there; each with the reason.
MAY_BE_ABSENT = {
    "TokenShown.refresh_token": "a client that may not refresh gets none",
    "OAuthRefusal.error_description": "RFC 6749 leaves it open",
    "ProblemShown.errors": "of refusals that are about no field",
    "ProblemShown.errors_total": "where there are more than are listed",
    "Pagination.total_is_exact": "said where it is false",
    "WebhookSent.fields": "said where the webhook asked for some fields only",
    "DebtUpdatedData.entry": "where the amount changed",
    "MoneyEntered.payment_id": "of a refund or chargeback that names it",
    "MoneyEntered.reverses": "of a reversal",
    "DebtStatusChangedData.reason": "where a reason was given",
    "DebtStatusChangedData.status_change_context": "where a payment changed it",
}
# A webhook that asks for some fields gets those.
OF_A_DEBT = WebhookData.model_fields.keys() - {"debt_id"}
# What a sentence of this house does not begin with: the thing comes first.
DIALECT = re.compile(r"^(Of|And|Then|Who|Whose|Since when|Until when|How|Null|False|Before then|That)\b")
# What is refused with 422 although no JSON body is read.
REFUSED_BY_FIELD = {"create_import": "fields of the form"}


@pytest.fixture
def document(installation) -> dict[str, Any]:
    return installation.site.app.openapi()


@pytest.fixture
def routes(installation) -> list[Any]:
    return list(routes_of(installation.site.app))


@pytest.fixture
def operations(document) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def described(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Everything that has to be described, by where it stands."""
    result = []
    for path, methods in [*document["paths"].items(), *document["webhooks"].items()]:
        for method, operation in methods.items():
            place = f"{method} {path}"
            result += [
                (f"{place} {parameter['name']}", parameter) for parameter in operation.get("parameters", ())
            ]
            result += [(f"{place} {status}", item) for status, item in operation["responses"].items()]
            for media in operation.get("requestBody", {}).get("content", {}).values():
                result += properties(place, media["schema"])
    for name, schema in document["components"]["schemas"].items():
        result += properties(name, schema)
        if "enum" not in schema:
            result.append((name, schema))
    return result


def properties(place: str, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The properties of a schema and of those in it; not those that only narrow another's."""
    result = []
    for name, answer in schema.get("properties", {}).items():
        if "const" not in answer or "description" in answer:
            result += [(f"{place}.{name}", answer), *properties(f"{place}.{name}", answer)]
    return result


def test_each_class_is_one_schema_and_each_schema_one_class(routes, document) -> None:
    classes = classes_of(routes, MODELS)

    names = set(document["components"]["schemas"])

    assert [name for name in names if "__" in name or not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []
    assert {
        name for name in names - classes.keys() if name.removesuffix("Shown") + "Body" not in classes
    } == set()


def test_two_classes_of_one_name_are_no_document(routes) -> None:
    class Shown(BaseModel):
        model_config = ConfigDict(title="DebtShown")

    with pytest.raises(SchemaNameTaken):
        classes_of(routes, [*MODELS, Shown])


def test_each_route_shows_the_body_it_reads_and_what_it_answers(routes, document) -> None:
    wrong = []
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is None:
                continue
            for reader in json_bodies(route):
                media = operation["requestBody"]["content"]["application/json"]
                wrong += differs(document, media, reader.model, operation["operationId"])
            if route.response_model is not None:
                media = operation["responses"][str(route.status_code or 200)]["content"]["application/json"]
                wrong += differs(document, media, route.response_model, operation["operationId"])

    assert wrong == []


def differs(document: dict[str, Any], media: dict[str, Any], model: type[BaseModel], name: str) -> list[str]:
    """Whether a schema is another class's, told by its fields and what it says of itself."""
    schema = document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
    fields = {field.alias or own for own, field in model.model_fields.items()}
    is_same = schema.get("properties", {}).keys() == fields
    is_same = is_same and schema["description"].split() == (model.__doc__ or "").split()
    return [] if is_same else [f"{name}: {media['schema']} is not {model}"]


def test_what_is_always_there_is_required(document) -> None:
    schemas = document["components"]["schemas"]
    optional = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        if not name.endswith("Body")
        for field in schema.get("properties", {}).keys() - set(schema.get("required", ()))
        if not (name.endswith("Data") and field in OF_A_DEBT)
    }

    assert optional == MAY_BE_ABSENT.keys()


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("NewDebtBody", ["amount"]),
        # A reversal has the amount of the entry it reverses.
        ("NewPaymentBody", []),
        ("NewEndpointBody", ["url"]),
        ("NewFollowupBody", ["debt_id"]),
        ("ScenarioBody", ["steps", "end", "name"]),
        ("ConsentBody", ["phone", "consent", "source"]),
        ("BatchBody", ["debts"]),
        ("DebtChangeBody", []),
    ],
)
def test_a_body_requires_what_its_route_requires(document, name: str, required: list[str]) -> None:
    assert document["components"]["schemas"][name].get("required", []) == required


@pytest.mark.parametrize("name", ["DebtChangeBody", "FollowupChangeBody"])
def test_a_change_shows_no_default_for_what_it_leaves_alone(document, name: str) -> None:
    answer = document["components"]["schemas"][name]["properties"]

    assert [field for field, schema in answer.items() if "default" in schema] == []


def test_everything_is_described_in_plain_english(document) -> None:
    wrong = []
    for place, answer in described(document):
        text = answer.get("description") or ""
        if not text:
            wrong.append(f"{place} has no description")
        elif not text.endswith((".", "`")) or not re.match(r"[A-Z`]", text):
            wrong.append(f"{place} is no sentence: {text}")
        elif DIALECT.match(text) and "." in place:
            wrong.append(f"{place} does not begin with the thing: {text}")
        elif len(text) > 320 and "." in place:
            wrong.append(f"{place} is too long: {text}")

    assert wrong == [], "\n".join(wrong)


def test_no_parameter_is_null(operations) -> None:
    nulls = [
        (operation["operationId"], parameter["name"])
        for _, _, operation in operations
        for parameter in operation.get("parameters", ())
        if "null" in str(parameter["schema"])
    ]

    assert nulls == []


def test_every_word_of_the_glossary_is_used(document, routes, operations) -> None:
    classes = classes_of(routes, MODELS)
    schemas = document["components"]["schemas"]
    fields = {
        key
        for name, schema in schemas.items()
        for field in schema.get("properties", {})
        for key in glossary.keys_of(field, glossary.places_of(name, classes))
    }
    parameters = {
        key
        for _, _, operation in operations
        for parameter in operation.get("parameters", ())
        for key in glossary.keys_of(parameter["name"], [operation["operationId"]])
    }

    assert glossary.load_descriptions(glossary.PROPERTIES).keys() - fields == set()
    assert glossary.load_descriptions(glossary.PARAMETERS).keys() - parameters == set()


def test_operations_are_verbs_with_a_title_in_words(operations) -> None:
    names = [operation["operationId"] for _, _, operation in operations]
    titles = [operation["summary"] for _, _, operation in operations]

    assert [name for name in names if not VERBS.match(name)] == []
    assert len(set(names)) == len(names)
    assert set(names) == glossary.load_descriptions(glossary.SUMMARIES).keys()
    assert len(set(titles)) == len(titles)
    assert [title for title in titles if re.search(r"[a-z] [A-Z][a-z]", title)] == []


def test_a_webhook_is_something_to_receive(document, operations) -> None:
    names = [methods["post"]["operationId"] for methods in document["webhooks"].values()]

    assert [name for name in names if not re.fullmatch("receive_[a-z_]+", name)] == []
    assert len({*names, *(operation["operationId"] for _, _, operation in operations)}) == len(names) + len(
        operations
    )


def test_every_call_may_be_refused_before_it_is_read(operations) -> None:
    for _, _, operation in operations:
        responses = operation["responses"]
        assert {"400", "408", "431", "503"} <= responses.keys(), operation["operationId"]
        for status, code in (("408", "request-timeout"), ("431", "request-header-fields-too-large")):
            refusal = responses[status]["content"]["application/problem+json"]
            assert refusal["example"]["type"] == f"/problems/{code}"


def test_the_groups_begin_with_debts_and_every_group_is_described(document, operations) -> None:
    groups = [tag["name"] for tag in document["tags"]]

    assert groups[0] == "Debts"
    assert {tag for _, _, operation in operations for tag in operation["tags"]} <= set(groups)
    assert all(tag["description"].endswith(".") for tag in document["tags"])


def test_422_is_documented_where_fields_are_checked_and_nowhere_else(document, routes) -> None:
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is None:
                continue
            # A key that was used for another request is refused as a field, on every POST that takes one.
            has_key = scope_of(route) is not None and method == "POST"
            checks = json_bodies(route) or has_key or operation["operationId"] in REFUSED_BY_FIELD

            assert ("422" in operation["responses"]) == bool(checks), operation["operationId"]


async def test_what_is_refused_is_documented(sandbox, client, operations) -> None:
    wrong = []
    answered: set[int] = set()
    for method, path, operation in operations:
        place = re.sub(r"\{\w+\}", "none", path)
        queries = ["", "?nonsense=1", "?limit=x", "?limit=0&page=0&status=x&cursor=x&from=x", "?q=%00"]
        bodies = [b"{}", b"[]", b"{", b'{"nonsense": 1}'] if method in {"POST", "PUT"} else [b""]
        calls = [(sandbox, place + query, body, {}) for query in queries for body in bodies]
        calls += [(client, place, bodies[0], {})]
        if method in {"POST", "PUT"}:
            calls.append((sandbox, place, b"{}", {"Content-Type": "text/plain"}))
            calls.append((sandbox, place, b"x", {"Content-Length": "999999999"}))
        for site, address, sent, headers in calls:
            got = (await site.call(method, address, body=sent, headers=headers)).status
            answered.add(got)
            if str(got) not in operation["responses"]:
                wrong.append(f"{method} {address} {sent!r}: {got}")

    assert wrong == [], "\n".join(wrong)
    assert {200, 400, 401, 404, 413, 415, 422} <= answered


async def test_every_body_with_a_field_too_many_is_422(sandbox, routes) -> None:
    walked = 0
    for route in routes:
        for reader in json_bodies(route):
            method = next(iter(route.methods))
            place = re.sub(r"\{\w+\}", "none", route.path_format)

            answered = await sandbox.call(method, place, body=b'{"nonsense": 1}')

            assert (answered.status, body(reader.model) is not None) == (422, True), route.path
            walked += 1
    assert walked > 25
