"""What `on_duplicate=update` changed is listed before and after, and undoing gives it back unless something followed."""

import asyncio
from contextlib import suppress
from signal import SIGKILL
from typing import Any

import pytest

import make
from getbill.imports.rows.create import LeaseLost
from getbill.imports.runs import jobs, tasks
from getbill.imports.runs.jobs import ImportSupervisor, child_starter
from getbill.kit import clock
from imports.sender import Sender, alone, csv

HEADERS = ["Nom", "Facture", "Échéance", "Solde", "E-mail"]
UPDATE = "?auto=true&on_duplicate=update"
_CHANGES = "SELECT number, kept, sealed FROM import_changes WHERE workspace_id = $1"


def line(name: str, reference: str, amount: str, email: str) -> list[str]:
    return [name, reference, "14/10/2026", amount, email]


JEAN = line("Jean Dupont", "U-1", "100,00", "jean@example.com")
JEAN_TOO = line("Jean Dupont", "U-2", "150,00", "jean@example.com")
SOPHIE = line("Sophie Martin", "U-3", "200,00", "sophie@example.com")
BOOK = [JEAN, JEAN_TOO, SOPHIE]


async def booked(sender: Sender, rows: list[list[str]] = BOOK) -> dict[str, Any]:
    """Import some debts in a book of nobody else's, and return them."""
    await sender.imported(csv(rows, HEADERS))
    return await book(sender)


async def book(sender: Sender) -> dict[str, Any]:
    return {debt["reference"]: debt for debt in await sender.debts()}


def seen(debts: dict[str, Any]) -> dict[str, Any]:
    """What an update may change of each debt."""
    return {
        name: (debt["amount"], debt["due_date"], debt["debtor"]["name"], debt["debtor"]["email"])
        for name, debt in debts.items()
    }


async def updated(sender: Sender, *rows: list[str], query: str = UPDATE) -> dict[str, Any]:
    answer = await sender.imported(csv(rows, HEADERS), query)
    if answer["waiting_for"] in {"mapping", "confirmation"}:
        confirmed = {"columns": {"Facture": "reference"}, "confirm": True}
        await sender.call("PUT", f"/imports/{answer['id']}/mapping", confirmed)
        answer = await sender.work(answer["id"])
    return answer


async def undone(sender: Sender, answer: dict[str, Any]) -> dict[str, Any]:
    answered = await sender.call("POST", f"/imports/{answer['id']}/undo")
    assert answered.status == 202, answered.body
    return await sender.work(answer["id"])


async def kept(sender: Sender, answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    report = await sender.get(f"/imports/{answer['id']}/report", Accept_Language="en")
    return [(item["line"], item["reference"], item["code"]) for item in report["kept"]]


MOVED = line("Marie Petit", "U-1", "90,00", "marie@example.com")
RENAMED = line("Sophie Bernard", "U-3", "200,00", "sophie.bernard@example.com")
MAILED = line("Jean Dupont", "U-2", "150,00", "jean.new@example.com")


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([MOVED], {"updated", "person-changed", "debt-moved"}),
        ([RENAMED], {"updated", "person-changed"}),
        ([MAILED], {"updated", "person-changed"}),
        ([line("Jean Dupont", "U-1", "70,00", "jean@example.com")], {"updated"}),
        (
            [line("Jean Dupont", "U-2", "70,00", "jean@example.com"), MOVED],
            {"updated", "person-changed", "debt-moved"},
        ),
        ([MOVED, RENAMED, MAILED], {"updated", "person-changed", "debt-moved"}),
        # The last debt of a person goes to the person of the row before.
        (
            [MOVED, line("Marie Petit", "U-2", "150,00", "marie@example.com")],
            {"updated", "person-changed", "debt-moved"},
        ),
        # One debt twice, and another of the same person between.
        (
            [
                line("Jean Dupont", "U-1", "90,00", "b@example.com"),
                line("Jean Dupont", "U-2", "140,00", "c@example.com"),
                line("Jean Dupont", "U-1", "100,00", "d@example.com"),
            ],
            {"updated", "person-changed"},
        ),
        (
            [line("Sophie Martin", "U-1", "100,00", "sophie@example.com")],
            {"updated", "person-changed", "debt-moved"},
        ),
    ],
)
async def test_undoing_gives_back_what_was_changed(
    sender: Sender, rows: list[list[str]], codes: set[str]
) -> None:
    before = await booked(sender)
    checked = await updated(sender, *rows, query=UPDATE + "&dry_run=true")
    message = await sender.get(f"/imports/{checked['id']}/report")

    answer = await updated(sender, *rows)
    changed = await book(sender)
    after = await undone(sender, answer)

    report = await sender.get(f"/imports/{answer['id']}/report")
    assert {code["code"] for code in message["codes"]} >= codes - {"debt-moved"}
    assert {code["code"] for code in report["codes"]} == codes
    name, reference, _, amount, email = rows[-1]
    assert seen(changed)[reference][2:] == (name, email)
    assert f"{seen(changed)[reference][0]:.2f}".replace(".", ",") == amount
    assert seen(await book(sender)) == seen(before)
    assert (after["state"], after["counts"]["restored"]) == ("undone", len(rows))
    assert (after["counts"]["kept"], report["kept"]) == (0, [])
    assert "changes-stay" not in {note["code"] for note in after["notes"]}
    assert await sender.rows(_CHANGES, sender.workspace_id) == []


async def test_only_the_debt_that_the_file_names_gets_another_person(sender: Sender) -> None:
    before = await booked(sender)

    answer = await updated(sender, MOVED)

    after = await book(sender)
    findings = await sender.findings(answer["id"], Accept_Language="en")
    assert seen(after)["U-1"] == (90, "2026-10-14", "Marie Petit", "marie@example.com")
    assert after["U-2"]["debtor"] == before["U-2"]["debtor"]
    assert (answer["counts"]["updated"], answer["counts"]["warnings"]) == (1, 1)
    assert [finding["message"].partition(": ")[2] for finding in findings] == [
        "amount, name, email.",
        "name, email.",
        f"{before['U-1']['id']} is moved to them, and the other debts keep their debtor.",
    ]


async def test_a_debtor_without_a_debt_is_not_kept(sender: Sender) -> None:
    before = await booked(sender)
    moved = [MOVED, line("Marie Petit", "U-2", "150,00", "marie@example.com")]

    answer = await updated(sender, *moved)
    jean = await sender.call("GET", f"/debtors/{before['U-1']['debtor']['id']}")
    marie = (await book(sender))["U-1"]["debtor"]["id"]
    await undone(sender, answer)

    assert jean.status == 404
    assert (await sender.call("GET", f"/debtors/{marie}")).status == 404
    debts = await book(sender)
    assert debts["U-1"]["debtor"]["id"] == debts["U-2"]["debtor"]["id"]


async def paid(sender: Sender, debts: dict[str, Any]) -> None:
    answered = await sender.call("POST", f"/debts/{debts['U-1']['id']}/payments", {"amount": 10})
    assert answered.status == 201, answered.body


async def contacted(sender: Sender, debts: dict[str, Any]) -> None:
    result = {
        "debt_id": debts["U-1"]["id"],
        "type": "manual_call",
        "status": "deal_not_found",
        "call_date": debts["U-1"]["created_at"],
    }
    answered = await sender.call("POST", "/followups", result)
    assert answered.status == 201, answered.body


async def sending(sender: Sender, debts: dict[str, Any]) -> None:
    await sender.rows(
        "UPDATE contacts SET state = 'sending' WHERE workspace_id = $1"
        " AND debt_id = (SELECT id FROM debts WHERE workspace_id = $1 AND reference = 'U-1')",
        sender.workspace_id,
    )


async def changed_again(sender: Sender, debts: dict[str, Any]) -> None:
    answered = await sender.call("PUT", f"/debts/{debts['U-1']['id']}", {"email": "third@example.com"})
    assert answered.status == 200, answered.body


async def amount_changed(sender: Sender, debts: dict[str, Any]) -> None:
    answered = await sender.call("PUT", f"/debts/{debts['U-1']['id']}", {"amount": 80})
    assert answered.status == 200, answered.body


async def archived(sender: Sender, debts: dict[str, Any]) -> None:
    answered = await sender.call("PUT", f"/debts/{debts['U-1']['id']}", {"status": "archived"})
    assert answered.status == 200, answered.body


@pytest.mark.parametrize(
    ("follow", "code"),
    [
        (paid, "money-since"),
        (contacted, "contacted-since"),
        (sending, "contacted-since"),
        (changed_again, "changed-since"),
        (amount_changed, "changed-since"),
        (archived, "moved-since"),
    ],
)
async def test_what_something_followed_keeps_its_change(sender: Sender, follow: Any, code: str) -> None:
    await booked(sender, [JEAN, SOPHIE])
    mailed = line("Jean Dupont", "U-1", "90,00", "jean.new@example.com")
    answer = await updated(sender, mailed, RENAMED)
    await follow(sender, await book(sender))
    followed = seen(await book(sender))["U-1"]

    after = await undone(sender, answer)

    debts = seen(await book(sender))
    assert debts["U-1"] == followed
    assert debts["U-3"][2:] == ("Sophie Martin", "sophie@example.com")
    assert (after["counts"]["restored"], after["counts"]["kept"]) == (1, 1)
    assert [note["code"] for note in after["notes"]] == ["changes-stay"]
    assert await kept(sender, answer) == [(2, "U-1", code)]
    assert [row["sealed"] for row in await sender.rows(_CHANGES, sender.workspace_id)] == [None]


async def test_an_amount_that_reopened_a_paid_and_escalated_debt_is_taken_back(sender: Sender) -> None:
    await booked(sender, [JEAN])
    place = f"/debts/{(await book(sender))['U-1']['id']}"
    person = {"reason": "No answer.", "decided_by": "Marie Martin"}
    assert (await sender.call("POST", f"{place}/escalate", person)).status == 200
    assert (await sender.call("POST", f"{place}/payments", {"amount": 100})).status == 201
    raised = line("Jean Dupont", "U-1", "150,00", "jean@example.com")

    answer = await updated(sender, raised)
    reopened = (await book(sender))["U-1"]
    asked = (await sender.get("/todos?type=reopening&state=open"))["data"]
    after = await undone(sender, answer)

    debt = (await book(sender))["U-1"]
    assert (reopened["status"], reopened["balance"], reopened["next_action_at"]) == ("escalated", 50, None)
    assert [todo["amount"] for todo in asked] == [50]
    assert (debt["status"], debt["resolution"], debt["balance"]) == ("resolved", "paid", 0)
    assert (after["counts"]["restored"], after["counts"]["kept"]) == (1, 0)
    assert (await sender.get("/todos?type=reopening&state=open"))["data"] == []


async def test_a_contact_about_another_debt_keeps_the_address_it_went_to(sender: Sender) -> None:
    await booked(sender)
    answer = await updated(sender, MAILED)
    await contacted(sender, await book(sender))

    await undone(sender, answer)

    assert await kept(sender, answer) == [(2, "U-2", "contacted-since")]
    assert seen(await book(sender))["U-1"][3] == "jean.new@example.com"


async def test_a_payment_before_the_change_keeps_nothing(sender: Sender) -> None:
    before = await booked(sender)
    await paid(sender, before)
    await contacted(sender, before)
    earlier = seen(await book(sender))
    answer = await updated(sender, MOVED)

    await undone(sender, answer)

    assert seen(await book(sender)) == earlier
    assert await kept(sender, answer) == []


async def test_a_person_given_back_is_recognised_as_before_and_the_other_is_not(sender: Sender) -> None:
    before = await booked(sender, [SOPHIE])
    await undone(sender, await updated(sender, RENAMED))

    await updated(
        sender,
        line("Sophie Martin", "U-8", "1,00", "sophie@example.com"),
        line("Sophie Bernard", "U-9", "1,00", "sophie.bernard@example.com"),
    )

    debts = await book(sender)
    assert debts["U-8"]["debtor"]["id"] == before["U-3"]["debtor"]["id"] != debts["U-9"]["debtor"]["id"]
    unchanged = await updated(sender, SOPHIE)
    assert unchanged["counts"]["unchanged"] == 1


@pytest.mark.parametrize("reference", ["U-1", "U-2"])
async def test_erasing_a_person_drops_what_imports_keep_of_them(sender: Sender, reference: str) -> None:
    """U-1 went from Jean to Marie; U-2 is Jean's last."""
    debts = await booked(sender)
    answer = await updated(sender, MOVED)
    before = await sender.rows(_CHANGES, sender.workspace_id)

    erased = await sender.call("DELETE", f"/debts/{debts[reference]['id']}")

    assert erased.json()["is_debtor_erased"]
    assert len(before) == 1
    assert await sender.rows(_CHANGES, sender.workspace_id) == []
    after = await undone(sender, answer)
    assert (after["counts"]["restored"], after["counts"]["kept"]) == (0, 0)


async def test_erasing_one_person_of_a_code_leaves_what_is_kept_of_another(sender: Sender) -> None:
    for name, reference in (("Jean Dupont", "U-1"), ("Sophie Martin", "U-2")):
        who = {"name": name, "email": f"{reference}@example.com", "phone": None, "reference": "DIVERS"}
        await sender.call(
            "POST", "/debts", make.debt(reference=reference, debtor=who, timeline_start_mode="next_day")
        )
    answer = await updated(sender, line("Jean Dupont", "U-1", "70,00", "u-1@example.com"))
    await sender.call("DELETE", f"/debts/{(await book(sender))['U-2']['id']}")

    after = await undone(sender, answer)

    assert (after["counts"]["restored"], (await book(sender))["U-1"]["amount"]) == (1, 2340)


async def test_all_or_nothing_gives_back_by_itself_and_goes_in_whole_when_corrected(sender: Sender) -> None:
    before = await booked(sender)
    content = csv([MOVED, MAILED, line("Paul Roux", "U-7", "10,00", "paul@example.com")], HEADERS)
    request = UPDATE + "&mode=all_or_nothing"
    import_id = await sender.sent(content, request)
    await alone(tasks.read, await sender.taken(import_id))
    await alone(tasks.check, await sender.taken(import_id))
    # In another currency, and paid in part: no row changes that.
    debt = await sender.call("POST", "/debts", make.debt(reference="U-7", currency="USD"))
    await sender.call("POST", f"/debts/{debt.json()['id']}/payments", {"amount": 1})

    failed = await sender.work(import_id)
    debts = await book(sender)
    patch = {"line": 4, "column": "Facture", "value": "U-70"}
    await sender.call("POST", f"/imports/{import_id}/corrections", {"corrections": [patch]})
    done = await sender.work(import_id)
    went_in = seen(await book(sender))
    after = await undone(sender, done)

    assert (failed["state"], failed["counts"]["restored"], failed["notes"]) == ("failed", 2, [])
    assert {name: seen(debts)[name] for name in before} == seen(before)
    assert (done["state"], done["counts"]["updated"], done["counts"]["restored"]) == ("completed", 2, 0)
    assert went_in["U-1"][2] == "Marie Petit"
    assert (after["state"], after["counts"]["restored"]) == ("undone", 2)
    assert {name: seen(await book(sender))[name] for name in before} == seen(before)


async def test_undoing_goes_on_where_it_was_cut_short(sender: Sender) -> None:
    people = [line(f"Jean Dupont {n}", f"V-{n:03}", "10,00", f"j{n}@example.com") for n in range(120)]
    before = await booked(sender, people)
    lines = [line(f"Paul Martin {n}", f"V-{n:03}", "20,00", f"p{n}@example.com") for n in range(120)]
    answer = await updated(sender, *lines)
    await sender.call("POST", f"/imports/{answer['id']}/undo")
    cut = await sender.taken(answer["id"])
    begun = asyncio.create_task(alone(tasks.undo, cut))
    while len(await sender.rows(_CHANGES, sender.workspace_id)) == 120:  # noqa: ASYNC110 it waits in the database
        await asyncio.sleep(0)
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    left = len(await sender.rows(_CHANGES, sender.workspace_id))

    after = await sender.work(answer["id"])

    assert 0 < left < 120
    assert after["counts"]["restored"] == 120
    assert seen(await book(sender)) == seen(before)


async def test_undoing_survives_the_death_of_its_process(sender: Sender) -> None:
    people = [line(f"Jean Dupont {n}", f"V-{n:03}", "10,00", f"j{n}@example.com") for n in range(400)]
    before = await booked(sender, people)
    lines = [line(f"Paul Martin {n}", f"V-{n:03}", "20,00", f"p{n}@example.com") for n in range(400)]
    answer = await updated(sender, *lines)
    await sender.call("POST", f"/imports/{answer['id']}/undo")
    installation = sender.installation
    crew = ImportSupervisor(installation.database, installation.vault, child_starter(installation.settings))
    until, killed_at = clock.monotonic() + 60, 0

    while (after := await sender.get(f"/imports/{answer['id']}"))["doing"] is not None:
        assert clock.monotonic() < until, after
        await crew.tick()
        if not killed_at and after["counts"]["restored"]:
            for process in crew.children.values():
                with suppress(ProcessLookupError):
                    process.send_signal(SIGKILL)
            killed_at = after["counts"]["restored"]
        await asyncio.sleep(0.01)
    await crew.close()

    assert 0 < killed_at < 400
    assert (after["state"], after["counts"]["restored"], after["counts"]["kept"]) == ("undone", 400, 0)
    assert seen(await book(sender)) == seen(before)


async def test_whoever_lost_the_lease_gives_nothing_back(sender: Sender) -> None:
    await booked(sender)
    answer = await updated(sender, MOVED)
    changed = seen(await book(sender))
    await sender.call("POST", f"/imports/{answer['id']}/undo")
    late = await sender.taken(answer["id"])
    await sender.taken(answer["id"])

    with pytest.raises(LeaseLost):
        await alone(tasks.undo, late)

    assert seen(await book(sender)) == changed


async def test_what_is_kept_of_changes_goes_with_the_import(sender: Sender) -> None:
    await booked(sender)
    await updated(sender, MOVED)
    database, vault = sender.installation.database, sender.installation.vault
    await sender.rows(
        "UPDATE imports SET drop_at = '2020-01-01' WHERE workspace_id = $1", sender.workspace_id
    )

    await jobs.drop_expired(database, vault)

    assert await sender.rows(_CHANGES, sender.workspace_id) == []


PHONED = ["Nom", "Facture", "Échéance", "Solde", "E-mail", "Téléphone"]


async def test_what_a_file_added_to_a_person_goes_with_it_unless_they_were_contacted(sender: Sender) -> None:
    before = await booked(sender)
    rows = [[*JEAN[:1], "W-1", *JEAN[2:], "+33612345678"], [*SOPHIE[:1], "W-2", *SOPHIE[2:], "+33612345679"]]
    answer = await sender.imported(csv(rows, PHONED))
    added = await book(sender)
    await contacted(sender, added)

    after = await undone(sender, answer)

    debts = await book(sender)
    assert added["U-3"]["debtor"]["phone"] == "+33612345679"
    assert debts["U-3"]["debtor"] == before["U-3"]["debtor"]
    assert debts["U-1"]["debtor"]["phone"] == "+33612345678"
    assert (after["counts"]["undone"], after["counts"]["restored"], after["counts"]["kept"]) == (2, 0, 1)
    assert await kept(sender, answer) == [(2, "W-1", "contacted-since")]
    # Nobody is recognised by the number that was taken back.
    sophie = make.debt(debtor={"name": "Sophie Martin", "email": None, "phone": "+33612345679"})
    debt = await sender.call("POST", "/debts", sophie)
    assert debt.json()["debtor"]["id"] != before["U-3"]["debtor"]["id"]


async def test_a_batch_that_is_undone_gives_back_what_it_replaced_of_a_person(sender: Sender) -> None:
    before = await booked(sender, [SOPHIE])
    sophie = {"name": "Sophie Martin", "email": "sophie@example.com", "phone": "+33612345679"}
    sent = await sender.call("POST", "/debts/batch", {"debts": [make.debt(reference="W-3", debtor=sophie)]})
    answer = await sender.work(sent.json()["batch_id"])
    taught = (await book(sender))["U-3"]["debtor"]

    await undone(sender, answer)

    assert (taught["phone"], taught["address"]["city"]) == ("+33612345679", "Lyon")
    assert (await book(sender))["U-3"]["debtor"] == before["U-3"]["debtor"]
