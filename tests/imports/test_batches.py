"""Batches over HTTP: every row checked before the answer, nothing accepted lost, nothing refused kept from its sender."""

import asyncio
import multiprocessing
from typing import Any

import pytest

import make
from calls import Answer, Site
from getbill.imports import batch
from getbill.imports.batch import checks
from getbill.kit import ids, json
from getbill.kit.errors import Unavailable
from installation import Installation
from make import Company

PATH = "/external-api/v1/debts/batch"


async def send(site: Site, body: Any, **headers: str) -> Answer:
    sent = body if isinstance(body, bytes) else json.write(body)
    return await site.call("POST", PATH, body=sent, headers=headers)


async def rows_of(installation: Installation, company: Company, table: str) -> int:
    sql = f'SELECT count(*) FROM "{table}" WHERE workspace_id = $1'
    result: int = await installation.database.pool.fetchval(sql, company.sandbox.id)
    return result


def a_batch(*changes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"debts": [make.debt(**change) for change in changes], **fields}


async def test_a_batch_answers_what_is_accepted_and_what_is_not_and_why(sandbox: Site) -> None:
    sent = a_batch({}, {"amount": -5, "temp_id": "row-2"}, {"debtor": {"email": "jean@"}}, {})

    answered = await send(sandbox, sent)

    answer = answered.json()
    assert answered.status == 202
    assert answer["batch_id"].startswith("batch_")
    assert (answer["status"], answer["total"], answer["created"], answer["errors"]) == ("processing", 4, 2, 2)
    findings = answer["error_report"]["findings"]
    assert [
        (finding["index"], finding["temp_id"], finding["column"], finding["code"]) for finding in findings
    ] == [
        (1, "row-2", "/amount", "wrong-value"),
        (2, None, "/debtor/email", "wrong-value"),
    ]
    assert findings[1]["value"] == "jean@"
    assert answer["error_report"]["more"] is None


async def test_what_was_refused_is_suggested_to_nobody(sandbox: Site) -> None:
    born = {"debtor": {"name": "Jean Dupont", "birthdate": "2999-01-01"}}
    sent = a_batch(born, {"due_date": "2024-01-15", "invoice_date": "2024-01-16"}, {"due_date": "15/01/2024"})

    findings = (await send(sandbox, sent)).json()["error_report"]["findings"]

    assert [(finding["value"], finding["suggestion"]) for finding in findings] == [
        ("2999-01-01", None),
        ("2024-01-15", None),
        ("15/01/2024", "2024-01-15"),
    ]


async def test_a_batch_is_read_again_by_its_id(
    sandbox: Site, client: Site, installation: Installation
) -> None:
    sent = (await send(sandbox, a_batch({}, {"amount": 0}, batch_name="Autumn"))).json()

    again = (await sandbox.call("GET", f"{PATH}/{sent['batch_id']}")).json()

    assert (again["name"], again["total"], again["errors"]) == ("Autumn", 2, 1)
    assert again["error_report"] == sent["error_report"]
    stranger = client.with_token((await make.company(installation.database, installation.vault)).key)
    assert (await stranger.call("GET", f"{PATH}/{sent['batch_id']}")).status == 404
    assert (await sandbox.call("GET", f"{PATH}/{ids.show('import', ids.new())}")).status == 404


async def test_a_finding_is_said_in_the_language_asked_for(sandbox: Site) -> None:
    sent = a_batch({"amount": -5})

    in_french = (await send(sandbox, sent, **{"accept-language": "fr-FR,fr;q=0.9"})).json()
    in_english = (await send(sandbox, sent, **{"accept-language": "en"})).json()

    output = [item["error_report"]["findings"][0]["message"] for item in (in_french, in_english)]
    assert output == [
        "Le champ « amount » doit être supérieur à zéro.",
        "The field 'amount' must be above zero.",
    ]


async def test_of_rows_with_one_reference_the_first_counts(sandbox: Site) -> None:
    debt = make.debt()
    sent = {"debts": [debt, debt, debt | {"amount": 17}, make.debt()]}

    answer = (await send(sandbox, sent)).json()

    assert (answer["created"], answer["errors"]) == (3, 1)
    (finding,) = answer["error_report"]["findings"]
    assert (finding["index"], finding["code"], finding["value"]) == (
        2,
        "duplicate-reference",
        debt["reference"],
    )


async def test_a_reference_in_the_book_is_refused_unless_it_is_the_same_debt(sandbox: Site) -> None:
    base, other = make.debt(), make.debt()
    for debt in (base, other):
        assert (await sandbox.call("POST", "/external-api/v1/debts", body=json.write(debt))).status == 201

    answer = (await send(sandbox, {"debts": [base, other | {"amount": 17}, make.debt()]})).json()

    assert (answer["created"], answer["errors"]) == (2, 1)
    (finding,) = answer["error_report"]["findings"]
    assert (finding["index"], finding["code"]) == (1, "reference-taken")


async def test_a_batch_sent_again_with_its_key_changes_nothing(
    sandbox: Site, installation: Installation, company: Company
) -> None:
    sent = json.write(a_batch({}, {"amount": 0}))
    headers = {"idempotency-key": "batch-of-today"}

    first = await send(sandbox, sent, **headers)
    again = await send(sandbox, sent, **headers)

    assert (again.status, again.json()) == (202, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert await rows_of(installation, company, "imports") == 1
    assert await rows_of(installation, company, "import_chunks") == 1
    assert await rows_of(installation, company, "import_findings") == 1
    other = await send(sandbox, a_batch({}), **headers)
    assert (other.status, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await rows_of(installation, company, "imports") == 1


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b'{"debts": [', 400, "malformed-json"),
        (b"[]", 400, "bad-request"),
        (b"{}", 422, "invalid"),
        (b'{"debts": []}', 422, "invalid"),
        (b'{"debts": {}, "colour": "red", "batch_name": 7}', 422, "invalid"),
        (json.write({"debts": [{}] * (checks.ROWS_MAX + 1)}), 413, "too-many-rows"),
        (b'{"debts": [' + b" " * 20_000_000 + b"]}", 413, "too-large"),
    ],
    ids=["cut off", "a list", "nothing", "no rows", "wrong fields", "too many rows", "too many bytes"],
)
async def test_what_is_no_batch_is_refused_and_nothing_is_kept(
    sandbox: Site, installation: Installation, company: Company, body: bytes, status: int, kind: str
) -> None:
    refused = await send(sandbox, body)

    assert (refused.status, refused.json()["type"]) == (status, f"/problems/{kind}")
    assert await rows_of(installation, company, "imports") == 0


async def test_every_wrong_field_of_the_envelope_is_named(sandbox: Site) -> None:
    refused = await send(sandbox, {"debts": "all", "colour": "red", "batch_name": 7})

    assert [error["pointer"] for error in refused.json()["errors"]] == ["/batch_name", "/colour", "/debts"]


async def test_a_batch_may_be_larger_than_other_bodies(sandbox: Site) -> None:
    sent = a_batch(*[{"metadata": {"notes": "x" * 4_000}} for _ in range(400)])

    answered = await send(sandbox, sent)

    assert (answered.status, answered.json()["created"]) == (202, 400)


async def test_a_batch_of_nothing_but_errors_is_over_at_once_and_shows_the_first_hundred(
    sandbox: Site,
) -> None:
    sent = a_batch(*[{"amount": 0} for _ in range(120)])

    answer = (await send(sandbox, sent)).json()

    report = answer["error_report"]
    assert (answer["status"], answer["created"], answer["errors"]) == ("completed", 0, 120)
    assert (report["rows"], len(report["findings"])) == (120, 100)
    assert report["more"] == f"/external-api/v1/imports/{answer['batch_id']}/report"


def test_what_the_batch_says_of_costly_calls_holds_for_rows_that_do_not(company: Company) -> None:
    rows = [make.debt(), make.debt(accept_expensive_destination=False), 7]
    sent = {"debts": rows, "accept_expensive_destination": True}

    checked = checks.check(json.write(sent), checks.WorkspaceTerms.from_workspace(company.sandbox))

    bodies = [body for _, _, body in checks.rows_of(checked.chunks[0].rows)]
    assert [body["accept_expensive_destination"] for body in bodies] == [True, False]
    assert [item.index for item in checked.refused_rows] == [2]


async def test_a_checking_process_that_dies_costs_one_request(company: Company) -> None:
    rest = multiprocessing.active_children()
    checkers = batch.Checkers()
    body = json.write(a_batch({}))

    before = await checkers.check(body, company.sandbox)
    for process in multiprocessing.active_children():
        if process not in rest:
            process.kill()
            process.join()
    with pytest.raises(Unavailable):
        await checkers.check(body, company.sandbox)
    after = await checkers.check(body, company.sandbox)
    checkers.close()

    assert (before.total, after.total) == (1, 1)


async def over(site: Site, batch_id: str) -> Any:
    """Return a batch once nothing more happens to it."""
    for _ in range(600):
        answer = (await site.call("GET", f"{PATH}/{batch_id}")).json()
        if answer["status"] != "processing":
            return answer
        await asyncio.sleep(0.1)
    raise TimeoutError(answer)


async def by_reference(site: Site, reference: str) -> Any:
    result = (await site.call("GET", f"/external-api/v1/debts?reference={reference}")).json()["data"]
    assert len(result) == 1, result
    return result[0]


NOT_ALIKE = {"id", "reference", "created_at", "updated_at", "next_action_at", "debtor", "timeline_id"}


@pytest.mark.usefixtures("running")
async def test_each_debt_of_a_batch_is_made_and_announced_as_if_made_alone(
    sandbox: Site, installation: Installation, company: Company
) -> None:
    # Nobody is contacted before they are compared, whatever the hour.
    later = {"timeline_start_mode": "next_day"}
    alone, rows = make.debt(**later), [make.debt(temp_id=number, **later) for number in range(3)]
    await sandbox.call("POST", "/external-api/v1/debts", body=json.write(alone))
    sent = {"debts": [*rows, rows[0], alone, make.debt(amount=0)], "batch_name": "Autumn"}

    begun = (await send(sandbox, sent)).json()
    answer = await over(sandbox, begun["batch_id"])

    assert (begun["created"], begun["errors"]) == (5, 1)
    assert (answer["status"], answer["total"], answer["created"], answer["errors"]) == ("completed", 6, 5, 1)
    assert answer["unchanged"] == 2
    single = await by_reference(sandbox, alone["reference"])
    for row in rows:
        reference = await by_reference(sandbox, row["reference"])
        alike = reference.keys() - NOT_ALIKE
        assert {name: reference[name] for name in alike} == {name: single[name] for name in alike}
        events = await installation.database.pool.fetch(
            "SELECT kind, sequence FROM events WHERE workspace_id = $1 AND debt_id = $2",
            company.sandbox.id,
            ids.read("debt", reference["id"]),
        )
        assert [tuple(event) for event in events] == [("debt.created", 1)]
        planned = await installation.database.pool.fetchval(
            "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND debt_id = $2 AND state = 'planned'",
            company.sandbox.id,
            ids.read("debt", reference["id"]),
        )
        assert planned == 1
