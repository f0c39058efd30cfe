"""Corrected rows: those of a batch by pointer, many at once, and instalments like the rows beside them."""

from typing import Any

import pytest

import make
from getbill.kit import json
from imports.sender import Sender, csv, row, table


async def batch(sender: Sender, *bodies: dict[str, Any]) -> str:
    """Send a batch, have its accepted rows created, and return its id."""
    answered = await sender.call("POST", "/debts/batch", {"debts": list(bodies)})
    assert answered.status == 202, answered.body
    await sender.work(answered.json()["batch_id"])
    return str(answered.json()["batch_id"])


async def correct(sender: Sender, import_id: str, **body: Any) -> dict[str, Any]:
    """Correct rows of an import and have them imported."""
    answered = await sender.call("POST", f"/imports/{import_id}/corrections", body)
    assert answered.status == 202, answered.body
    return await sender.work(import_id)


async def by_reference(sender: Sender) -> dict[str, Any]:
    return {debt["reference"]: debt for debt in await sender.debts()}


async def test_rows_of_a_batch_are_corrected_by_pointer_and_by_suggestion(sender: Sender) -> None:
    batch_id = await batch(
        sender,
        make.debt(reference="B-0"),
        make.debt(reference="B-1", amount=0),
        make.debt(reference="B-2", due_date="15/01/2026"),
        make.debt(reference="B-3", amount=0, due_date="16/01/2026"),
        {"reference": "B-4", "amount": 50, "currency": "EUR"},
    )
    (code,) = {
        finding["code"] for finding in await sender.findings(batch_id) if finding["suggestion"] is not None
    }

    patches = [
        {"line": 1, "column": "/amount", "value": 120},
        {"line": 3, "column": "/amount", "value": 130},
        {"line": 4, "column": "/debtor/name", "value": "Ada Roux"},
        {"line": 4, "column": "/debtor/email", "value": "ada.roux@example.com"},
    ]
    done = await correct(sender, batch_id, corrections=patches, accept=[code])

    debts = await by_reference(sender)
    assert (done["state"], done["counts"]["created"], done["counts"]["rejected"]) == ("completed", 5, 0)
    assert [debts[f"B-{number}"]["amount"] for number in range(5)] == [2340, 120, 2340, 130, 50]
    assert [debts[f"B-{number}"]["due_date"] for number in (2, 3)] == ["2026-01-15", "2026-01-16"]
    assert debts["B-4"]["debtor"]["name"] == "Ada Roux"
    assert await sender.findings(batch_id) == []


async def test_a_row_of_a_batch_that_stays_wrong_is_refused_again_with_its_correction(sender: Sender) -> None:
    batch_id = await batch(sender, make.debt(reference="B-0"), make.debt(reference="B-1", amount=0))

    done = await correct(sender, batch_id, corrections=[{"line": 1, "column": "/amount", "value": -3}])

    (finding,) = await sender.findings(batch_id)
    assert (done["counts"]["created"], done["counts"]["rejected"]) == (1, 1)
    assert (finding["index"], finding["column"], finding["value"]) == (1, "/amount", -3)


async def test_a_thousand_suggestions_are_reported_and_accepted_at_once(sender: Sender) -> None:
    rows = [row(number, **{"E-mail": f"a{number}@gmial.com"}) for number in range(1_001)]
    shown = await sender.imported(csv(rows))

    report = await sender.call("GET", f"/imports/{shown['id']}/report?format=csv&rows=findings")
    done = await correct(sender, shown["id"], accept=["email-typo"])

    assert shown["counts"]["rejected"] == 1_001
    assert [int(line[0]) for line in table(report.body)[1:]] == list(range(2, 1_003))
    assert (done["counts"]["created"], done["counts"]["rejected"]) == (1_001, 0)
    domains = await sender.rows("SELECT count(*) FROM debts WHERE workspace_id = $1", sender.workspace_id)
    assert domains[0][0] == 1_001


async def test_an_address_that_a_person_confirms_is_not_doubted_again(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1, **{"E-mail": "jean@gmial.com"}), row(2)]))

    done = await correct(
        sender, shown["id"], corrections=[{"line": 2, "column": "E-mail", "value": "jean@gmial.com"}]
    )

    assert (shown["counts"]["rejected"], done["counts"]["rejected"]) == (1, 0)
    assert (await by_reference(sender))["F-2026-00001"]["debtor"]["email"] == "jean@gmial.com"


LATER = {"Échéance": "28/02/2026", "E-mail": "jean.dupont1@example.com", "Nom": "Jean Dupont 1"}
INSTALMENTS = [
    *(row(1), row(1, **LATER, **{"Montant dû": "douze"})),
    *(row(6), row(6, Échéance="28/02/2026")),
    *map(row, range(2, 6)),
]


async def imported_as(sender: Sender, mode: str, *rows: list[str], query: str = "") -> dict[str, Any]:
    """Import rows, and answer what is made of instalments."""
    import_id = await sender.sent(csv(rows), query)
    await sender.work(import_id)
    answered = await sender.call(
        "PUT", f"/imports/{import_id}/mapping", {"instalments": mode, "confirm": True}
    )
    assert answered.status == 200, answered.body
    return await sender.work(import_id)


AMOUNT = {"line": 3, "column": "Montant dû", "value": "50,00"}


@pytest.mark.parametrize("query", ["", "?dry_run=true", "?mode=all_or_nothing"])
async def test_a_corrected_instalment_becomes_a_debt_of_its_own_like_the_others(
    sender: Sender, query: str
) -> None:
    shown = await imported_as(sender, "split", *INSTALMENTS, query=query)

    done = await correct(sender, shown["id"], corrections=[AMOUNT])
    if query == "?dry_run=true":
        await sender.call("POST", f"/imports/{shown['id']}/start")
        done = await sender.work(shown["id"])

    debts = await by_reference(sender)
    assert (done["state"], done["counts"]["created"], done["counts"]["rejected"]) == ("completed", 8, 0)
    assert {"F-2026-00006-2026-01-31", "F-2026-00006-2026-02-28"} <= set(debts)
    assert debts["F-2026-00001-2026-02-28"]["amount"] == 50


async def test_an_instalment_corrected_before_the_import_is_in_the_sum(sender: Sender) -> None:
    shown = await imported_as(sender, "merge", *INSTALMENTS, query="?mode=all_or_nothing")

    done = await correct(sender, shown["id"], corrections=[AMOUNT])

    debts = await by_reference(sender)
    assert (done["state"], done["counts"]["created"], done["counts"]["skipped"]) == ("completed", 6, 2)
    assert (debts["F-2026-00001"]["amount"], debts["F-2026-00001"]["due_date"]) == (151.5, "2026-01-31")


async def test_an_instalment_corrected_after_the_sum_became_a_debt_is_not_said_to_be_in_it(
    sender: Sender,
) -> None:
    third = row(1, **LATER | {"Échéance": "31/03/2026"})
    shown = await imported_as(sender, "merge", *INSTALMENTS, third)

    done = await correct(sender, shown["id"], corrections=[AMOUNT])

    (finding,) = await sender.findings(shown["id"], "?outcome=rejected")
    assert (finding["line"], finding["code"]) == (3, "duplicate-in-file")
    assert (done["counts"]["rejected"], done["counts"]["skipped"]) == (1, 2)
    assert (await by_reference(sender))["F-2026-00001"]["amount"] == 203


async def test_an_instalment_whose_address_is_corrected_is_in_the_sum_already(sender: Sender) -> None:
    mistyped = row(6, **{"Échéance": "31/03/2026", "E-mail": "jean.dupont6@gmial.com"})
    shown = await imported_as(sender, "merge", *INSTALMENTS[2:], mistyped)

    done = await correct(sender, shown["id"], accept=["email-typo"])

    (_, finding) = await sender.findings(shown["id"], "?code=instalment-merged")
    assert (shown["counts"]["rejected"], done["counts"]["rejected"]) == (1, 0)
    assert (finding["line"], finding["outcome"]) == (8, "skipped")
    assert (await by_reference(sender))["F-2026-00006"]["amount"] == 3 * 106.5


async def test_a_value_of_a_batch_that_is_no_text_is_reported_as_it_was_sent(sender: Sender) -> None:
    sent = {"debts": [make.debt(amount=[100, 200]), make.debt(debtor={"email": {"home": "a@example.com"}})]}

    answered = await sender.call("POST", "/debts/batch", sent)

    values = [finding["value"] for finding in answered.json()["error_report"]["findings"]]
    assert values == ["[100,200]", json.write({"home": "a@example.com"}).decode()]
