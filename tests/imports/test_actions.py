"""Rows becoming debts: of people known before and of strangers, in any order."""

from bringing import Sender, csv, row


async def test_a_file_that_begins_with_a_known_debtor_may_go_on_with_a_stranger(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))

    shown = await sender.imported(csv([row(1, Référence="F-2026-00101"), row(2)]))

    debtors = {debt["reference"]: debt["debtor"]["id"] for debt in await sender.debts()}
    assert (shown["state"], shown["counts"]["created"]) == ("completed", 2)
    assert sorted(debtors) == ["F-2026-00001", "F-2026-00002", "F-2026-00101"]
    assert debtors["F-2026-00101"] == debtors["F-2026-00001"] != debtors["F-2026-00002"]
