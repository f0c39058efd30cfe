"""Values of a debt that have the right form and still cannot be meant."""

import json
from datetime import timedelta
from typing import Any

import pytest

from calls import Site
from debts.test_rules import WORKSPACE
from getbill.debts import parse_bodies
from getbill.debts.wire.checks import birthdate_range
from getbill.kit.text import names

DEBTS = "/external-api/v1/debts"
DISAGREEING = [
    ("Jean Dupont", "Marie", "Dupont"),
    ("Jean Dupont", "Jean", "Martin"),
    ("Jean Dupont", "Paul", None),
    ("Jean Dupont", None, "Martin"),
    ("Marie Martin", "Jean", "Dupont"),
    ("Jean Dupond", "Jean", "Dupont"),
]


def body(reference: str = "V-1", **debtor: Any) -> dict[str, Any]:
    return {"debtor": {"name": "Jean Dupont"} | debtor, "amount": 10, "reference": reference}


async def errors(site: Site, new: dict[str, Any]) -> list[tuple[str, str]]:
    """What the single route says of a body; the batch and the import say the same of it."""
    answer = await site.post(DEBTS, new)
    [many] = parse_bodies(WORKSPACE, [json.loads(json.dumps(new))])
    if answer.status == 201:
        assert not isinstance(many, list)
        return []
    wrong = answer.json()["errors"]
    assert isinstance(many, list)
    assert [item.pointer for item in many] == [item["pointer"] for item in wrong]
    return [(item["pointer"], item["code"]) for item in wrong]


@pytest.mark.parametrize(("name", "first", "last"), DISAGREEING)
async def test_a_name_that_its_parts_contradict_is_refused(
    sandbox: Site, name: str, first: str | None, last: str | None
) -> None:
    input_value = {"name": name, "first_name": first, "last_name": last}
    nested = body(**{field: value for field, value in input_value.items() if value})
    flat = body(name=name) | {"firstname": first, "lastname": last}

    assert await errors(sandbox, nested) == [("/debtor/name", "disagrees")]
    assert await errors(sandbox, flat) == [("/debtor/name", "disagrees")]


async def test_the_name_of_a_firm_and_its_contact_do_not_disagree(sandbox: Site) -> None:
    firm = {"name": "Acme SARL", "company": "ACME", "first_name": "Jean", "last_name": "Dupont"}

    assert await errors(sandbox, body(**firm)) == []


async def test_a_changed_name_must_agree_with_the_parts_that_stay(sandbox: Site) -> None:
    new = body(first_name="Jean", last_name="Dupont")
    place = f"{DEBTS}/{(await sandbox.post(DEBTS, new)).json()['id']}"

    async def put(**debtor: Any) -> tuple[int, str]:
        answer = await sandbox.call("PUT", place, body=json.dumps({"debtor": debtor}).encode())
        shown = answer.json()
        return answer.status, shown.get("debtor", {}).get("name") or shown["errors"][0]["pointer"]

    assert await put(name="Marie Martin") == (422, "/debtor/name")
    assert await put(name=None) == (422, "/debtor/name")
    assert await put(name="Marie Martin", first_name="Marie", last_name="Martin") == (200, "Marie Martin")
    assert await put(name="MARTIN Marie") == (200, "MARTIN Marie")
    assert await put(first_name="Anne") == (200, "Anne Martin")
    assert await put(name="Zoe Petit", first_name=None, last_name=None) == (200, "Zoe Petit")


@pytest.mark.parametrize("field", ["birthdate", "debtor.birthdate"])
async def test_nobody_is_born_later_or_older_than_anybody(sandbox: Site, field: str, company: Any) -> None:
    oldest, newest = birthdate_range(company.sandbox.now())
    pointer = "/" + field.replace(".", "/")

    async def of(day: str) -> list[tuple[str, str]]:
        new = body(f"B-{day}", birthdate=day) if "." in field else body(f"B-{day}") | {"birthdate": day}
        return await errors(sandbox, new)

    for day in ("2150-06-01", "2999-01-01", "9999-12-31", "0001-01-01", "1899-12-31"):
        assert await of(day) == [(pointer, "birthdate")]
    assert await of(str(company.sandbox.now().date() + timedelta(days=2))) == [(pointer, "birthdate")]
    assert await of("1900-06-01") == [(pointer, "birthdate")]
    assert await of(newest) == []
    assert await of(oldest) == []
    assert await of("1985-03-15") == []


@pytest.mark.parametrize("code", ["zz", "xx", "qq", "XX", "e1", "fre", ""])
async def test_a_language_that_nobody_speaks_is_refused(sandbox: Site, code: str) -> None:
    assert [pointer for pointer, _ in await errors(sandbox, body(language=code))] == ["/debtor/language"]


@pytest.mark.parametrize("code", ["fr", "DE", "ar", "he", "zh"])
async def test_a_language_is_known_by_its_two_letters(sandbox: Site, code: str) -> None:
    assert await errors(sandbox, body(language=code)) == []


async def test_metadata_has_at_most_16_kb(sandbox: Site) -> None:
    def filled(letters: int) -> dict[str, Any]:
        # {"note":"..."} is eleven bytes besides the letters.
        return body(f"M-{letters}") | {"metadata": {"note": "x" * letters}}

    assert await errors(sandbox, filled(16_384 - 11)) == []
    assert [pointer for pointer, _ in await errors(sandbox, filled(16_384 - 10))] == ["/metadata"]
    # Bytes count, not letters.
    assert await errors(sandbox, body("M-e") | {"metadata": {"note": "\u00e9" * 8_200}})
    deep = {"a": {"b": [{"c": "x" * 17_000}]}}
    assert await errors(sandbox, body("M-d") | {"metadata": deep})


HIDDEN = [
    *[chr(code) for code in (*range(0x01, 0x20), *range(0x7F, 0xA0))],
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\ufff9\U000e0041\u200e\u200f\u061c",
]
LEGITIMATE = [
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0645\u062d\u0645\u062f\u200f",
    "\u05d3\u05d5\u05d3\u200e (A-1)",
    "\u0915\u094d\u200d\u0937",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Jean\u00a0Dupont",
    "Caf\u00e9 L\u2019\u00c9toile",
]


@pytest.mark.parametrize("character", HIDDEN, ids=lambda item: f"U+{ord(item):04X}")
def test_no_name_holds_what_controls_or_turns_text(character: str) -> None:
    assert names.hidden_in(f"Jean{character}Dupont") == character


@pytest.mark.parametrize("name", LEGITIMATE)
async def test_names_keep_what_their_script_needs(sandbox: Site, name: str) -> None:
    assert names.hidden_in(name) is None
    assert await errors(sandbox, body(name=name)) == []


@pytest.mark.parametrize("character", ["\u202e", "\x1b", "\x85", "\u2066", "\n", "\t"])
async def test_every_name_of_a_debt_is_looked_at(sandbox: Site, character: str) -> None:
    bad = f"a{character}b"
    nested = ["name", "first_name", "last_name", "company", "reference"]
    flat = ["reference", "invoice_reference", "company", "firstname", "lastname", "debtor_reference", "city"]
    for field in nested:
        new = body()
        new["debtor"] = {"name": "a b", field: bad}
        assert f"/debtor/{field}" in dict(await errors(sandbox, new)), field
    for field in [*flat, "debtor_company", "postal_code", "street_number"]:
        new = {"debtor": {"company": "Acme"}, "amount": 10, "reference": "N-1"}
        if field == "debtor_company":
            new["debtor"] = {"name": "Acme"}
        assert f"/{field}" in dict(await errors(sandbox, new | {field: bad})), field


async def test_an_address_may_have_lines_but_turns_nothing(sandbox: Site) -> None:
    assert await errors(sandbox, body() | {"address": "12 rue X\n75001 Paris"}) == []
    assert await errors(sandbox, body("A-2") | {"address": "12 rue \u202eX"}) == [("/address", "wrong-value")]


async def test_names_that_people_give_things_are_looked_at(sandbox: Site) -> None:
    bad = "a\u202eb"
    base = "/external-api/v1"
    calls = [
        ("/sftp/logins", {"name": bad}, "/name"),
        ("/webhooks", {"url": "https://example.com/h", "description": bad}, "/description"),
        ("/debts/batch", {"debts": [body()], "batch_name": bad}, "/batch_name"),
        ("/consents", {"phone": "+12025550143", "consent": "artificial_voice", "source": bad}, "/source"),
    ]
    for path, value, pointer in calls:
        answer = await sandbox.post(f"{base}{path}", value)
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, pointer), path
    for query in ("name", "sender"):
        answer = await sandbox.call(
            "POST",
            f"{base}/imports?{query}=a%E2%80%AEb",
            body=b"reference;name;amount\n1;Jean;10\n",
            headers={"Content-Type": "text/csv"},
        )
        assert answer.status == 400, query
    named = {"Content-Type": "text/csv", "Content-Disposition": 'attachment; filename="a\x1bb.csv"'}
    answer = await sandbox.call(
        "POST", f"{base}/imports", body=b"reference;name;amount\n1;J;10\n", headers=named
    )
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "filename")


async def test_a_list_of_an_unknown_scenario_is_refused(sandbox: Site) -> None:
    answer = await sandbox.get(f"{DEBTS}?scenario=none_of_ours")

    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (400, "scenario")
    assert "standard_3_waves" in answer.json()["detail"]
    assert (await sandbox.get(f"{DEBTS}?scenario=standard_3_waves")).status == 200


STATUSES = [
    "pending",
    "in_progress",
    "on_hold",
    "payment_plan",
    "resolved",
    "escalated",
    "unresolved",
    "archived",
]
WAYS = {
    "pending": [],
    "in_progress": [("PUT", "", {"status": "in_progress"})],
    "on_hold": [("POST", "/hold", {})],
    "contacted, on_hold": [("PUT", "", {"status": "in_progress"}), ("POST", "/hold", {})],
    "unresolved": [("PUT", "", {"status": "unresolved"})],
    "escalated": [("POST", "/escalate", {"reason": "r", "decided_by": "d"})],
    "resolved": [("POST", "/payments", {"amount": 10, "method": "card"})],
    "archived": [("PUT", "", {"status": "archived"})],
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("start", WAYS)
async def test_a_status_is_what_was_asked_or_refused(sandbox: Site, start: str, status: str) -> None:
    result = (await sandbox.post(DEBTS, body() | {"timeline_start_mode": "next_day"})).json()
    place = f"{DEBTS}/{result['id']}"
    for method, path, value in WAYS[start]:
        assert (await sandbox.call(method, place + path, body=json.dumps(value).encode())).status < 300
    before = (await sandbox.get(place)).json()["status"]

    answer = await sandbox.call("PUT", place, body=json.dumps({"status": status}).encode())

    after = (await sandbox.get(place)).json()["status"]
    assert (answer.status, after) in {(200, status), (409, before)}
    if before == "on_hold" and status in {"pending", "in_progress"} and answer.status == 409:
        assert "/resume" in answer.json()["detail"]
