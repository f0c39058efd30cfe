"""A dry run foresees what the import does with instalments, warnings and debts that refuse a change."""

from datetime import timedelta
from typing import Any

from getbill.kit import clock
from imports.sender import Sender, csv, row

SECOND = {"Échéance": "28/02/2026", "Nom": "Jean Dupont 1", "E-mail": "jean.dupont1@example.com"}
COUNTED = ("created", "updated", "unchanged", "skipped", "rejected", "warnings")


async def foreseen_and_done(
    sender: Sender, content: bytes, answer: dict[str, Any], query: str = ""
) -> tuple[list[Any], list[Any]]:
    """Check a file and then import it; return the counts and findings of both."""
    import_id = await sender.sent(content, f"?dry_run=true{query}")
    await sender.work(import_id)
    await sender.call("PUT", f"/imports/{import_id}/mapping", answer | {"confirm": True})
    checked = await sender.work(import_id)
    assert checked["state"] == "checked", checked
    before = await outcome(sender, import_id)
    await sender.call("POST", f"/imports/{import_id}/start")
    done = await sender.work(import_id)
    assert done["state"] == "completed", done
    return before, await outcome(sender, import_id)


async def outcome(sender: Sender, import_id: str) -> list[Any]:
    sql = f"SELECT {', '.join(COUNTED)} FROM imports WHERE workspace_id = $1 AND source <> 'batch' ORDER BY created_at DESC LIMIT 1"
    (counts,) = await sender.rows(sql, sender.workspace_id)
    findings = [
        (finding["line"], finding["code"], finding["outcome"]) for finding in await sender.findings(import_id)
    ]
    return [dict(counts), findings]


NOTHING = dict.fromkeys(COUNTED, 0)


async def test_instalments_of_a_sum_are_counted_as_part_of_it(sender: Sender) -> None:
    content = csv([row(1), row(1, **SECOND), row(2)])

    foreseen, done = await foreseen_and_done(sender, content, {"instalments": "merge"})

    expected = [NOTHING | {"created": 2, "skipped": 1}, [(3, "instalment-merged", "skipped")]]
    assert foreseen == done == expected
    assert {debt["amount"] for debt in await sender.debts()} == {203, 102.5}


async def test_a_row_that_will_be_created_with_a_warning_says_so_before(sender: Sender) -> None:
    far = f"{clock.wall() + timedelta(days=3 * 365):%d/%m/%Y}"

    foreseen, done = await foreseen_and_done(sender, csv([row(1), row(2, Échéance=far)]), {})

    assert foreseen == done == [NOTHING | {"created": 2, "warnings": 1}, [(3, "date-far", "warned")]]


async def test_a_row_that_is_wrong_changes_nothing_beside_rows_that_update(sender: Sender) -> None:
    await sender.imported(csv([row(1), row(2), row(3)]))
    content = csv([row(1, **{"Montant dû": "90,00"}), row(2, **{"Montant dû": "douze"}), row(3), row(4)])

    foreseen, done = await foreseen_and_done(sender, content, {}, "&on_duplicate=update")

    counts = {"created": 1, "updated": 1, "unchanged": 1, "rejected": 1}
    assert foreseen[0] == done[0] == NOTHING | counts
    assert foreseen[1] == done[1]
    assert [(line, outcome) for line, _, outcome in done[1]] == [(2, "warned"), (3, "rejected")]
    assert [debt["amount"] for debt in await sender.debts()] == [90, 102.5, 103.5, 104.5]
