"""The creditors that a file names: found or created by name, and required of a third party."""

from calls import Site
from getbill.kit import json
from imports.sender import HEADERS, Sender, csv, row


async def test_rows_of_a_file_share_the_creditors_they_name(sender: Sender) -> None:
    headers = [*HEADERS, "Créancier"]
    rows = [[*row(1), "Garage Martin"], [*row(2), "GARAGE  MARTIN"], [*row(3), "Garage Durand"]]

    await sender.imported(csv(rows, headers))

    debts = await sender.debts()
    names = [debt["company"] for debt in debts]
    assert names == ["Garage Martin", "Garage Martin", "Garage Durand"]
    assert len({debt["creditor_id"] for debt in debts}) == 2


async def test_a_third_party_s_row_without_a_creditor_is_rejected(sender: Sender, sandbox: Site) -> None:
    declared = await sandbox.call(
        "PUT", "/external-api/v1/company/collector", body=json.write({"collector": "third_party"})
    )
    headers = [*HEADERS, "Créancier"]

    shown = await sender.imported(csv([[*row(1), "Garage Martin"], [*row(2), ""]], headers))

    assert declared.status == 200
    (finding,) = await sender.findings(shown["id"])
    assert [debt["company"] for debt in await sender.debts()] == ["Garage Martin"]
    assert (finding["line"], finding["code"]) == (3, "missing")


async def test_a_row_that_names_another_creditor_changes_it_and_undoing_brings_it_back(
    sender: Sender, sandbox: Site
) -> None:
    headers = [*HEADERS, "Créancier"]
    await sender.imported(csv([[*row(1), "Garage Martin"]], headers))
    (before,) = await sender.debts()

    again = await sender.imported(
        csv([[*row(1), "GARAGE MARTIN"]], headers), "?auto=true&on_duplicate=update&name=again"
    )
    (same,) = await sender.debts()
    other = await sender.imported(
        csv([[*row(1), "Garage Durand"]], headers), "?auto=true&on_duplicate=update&name=other"
    )
    (changed,) = await sender.debts()
    await sandbox.call("POST", f"/external-api/v1/imports/{other['id']}/undo", body=b"")
    await sender.work(other["id"])
    (restored,) = await sender.debts()

    assert again["id"] != other["id"]
    assert (same["creditor_id"], changed["company"]) == (before["creditor_id"], "Garage Durand")
    assert (restored["creditor_id"], restored["company"]) == (before["creditor_id"], "Garage Martin")
