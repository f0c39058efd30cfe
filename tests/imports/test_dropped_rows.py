"""Imports whose rows were dropped after their thirty days: what still answers, and what is refused in words."""

from typing import Any

import pytest

import make
from getbill import imports
from imports.sender import Sender, csv, row

WRONG = csv([row(1), row(2, **{"Montant dû": "douze"}), row(3)])
UNCLEAR = csv([["F-1", "Jean Dupont", "12,50"]], ["Référence", "Nom", "Quelque chose"])


async def expire(sender: Sender) -> None:
    await sender.rows(
        "UPDATE imports SET drop_at = drop_at - interval '31 days' WHERE workspace_id = $1",
        sender.workspace_id,
    )
    await imports.drop_expired(sender.installation.database, sender.installation.vault)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("format=csv", "The rows of this import are gone, or it is a batch: read the report as JSON."),
        ("format=csv&rows=findings", "The findings of this import are gone."),
    ],
)
async def test_a_report_as_a_file_is_refused_and_the_counts_stay(
    sender: Sender, query: str, detail: str
) -> None:
    shown = await sender.imported(WRONG)
    await expire(sender)

    refused = await sender.call("GET", f"/imports/{shown['id']}/report?{query}", Accept_Language="en")
    report = await sender.get(f"/imports/{shown['id']}/report")

    assert (refused.status, refused.json()["detail"]) == (409, detail)
    assert (report["data"], report["codes"]) == ([], [])
    assert (report["counts"]["created"], report["counts"]["rejected"]) == (2, 1)


async def test_a_batch_keeps_its_counts_and_lists_no_findings(sender: Sender) -> None:
    sent = await sender.call("POST", "/debts/batch", {"debts": [make.debt(), make.debt(amount=0)]})
    batch_id = sent.json()["batch_id"]
    await sender.work(batch_id)

    await expire(sender)

    shown = await sender.get(f"/debts/batch/{batch_id}")
    assert (sent.json()["error_report"]["rows"], shown["total"], shown["errors"]) == (1, 2, 1)
    assert shown["error_report"] == {"rows": 0, "findings": [], "more": None}


async def waiting_files(sender: Sender) -> list[Any]:
    return [todo["file"] for todo in (await sender.get("/todos?type=import_mapping&state=open"))["data"]]


async def test_a_todo_about_a_file_that_is_gone_names_it_and_asks_nothing(sender: Sender) -> None:
    await sender.imported(UNCLEAR, "?auto=true&name=march.csv")
    before = await waiting_files(sender)

    await expire(sender)

    assert [bool(file["questions"]) for file in before] == [True]
    assert [(file["name"], file["questions"]) for file in await waiting_files(sender)] == [("march.csv", [])]
