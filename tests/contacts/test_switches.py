"""Switches of contact: a stop of a workspace or of the installation, a dry run, and the grace of imports."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import collecting
from calls import Site
from collecting import LYON, ContactWorkspace, Provider, WorkspaceEngine, at, live_engine
from getbill import companies, contacts, debts
from getbill.channels import Channel
from getbill.kit import ids
from getbill.kit.database.transactions import Database

DEBT: dict[str, Any] = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-1",
}


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("switches")) as site:
        yield site


@pytest.fixture
async def sandbox(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


async def test_a_stopped_workspace_contacts_nobody_until_it_is_switched_on(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()

    await workspace.switch("stopped")
    await workspace.send_due_live()
    stopped = await workspace.ledger(debt.id)
    await workspace.switch("on")
    await workspace.send_due_live()

    assert stopped == [("wave_1_email", "planned")]
    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", "accepted")
    assert len(provider.taken) == 1


async def test_a_stop_of_the_installation_stops_every_workspace(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    live = await live_engine(database, provider)
    workspace = await collecting.new_engine(database)
    await workspace.set_clock("2026-01-05 09:00")
    several = [(live, await live.debt()), (workspace, await workspace.debt())]

    async with database.transaction(at("2026-01-05 09:00")) as tx:
        await companies.stop_all(tx)
    await live.send_due_live()
    await workspace.send_due()
    due = await contacts.next_due(database, workspace.id)
    stopped = [await place.ledger(debt.id) for place, debt in several]
    async with database.transaction(at("2026-01-05 09:00")) as tx:
        await companies.resume_all(tx)
    await live.send_due_live()
    await workspace.send_due()

    assert (stopped, due) == ([[("wave_1_email", "planned")]] * 2, None)
    assert [(await place.ledger(debt.id))[0][1] for place, debt in several] == ["accepted", "delivered"]


async def test_what_was_claimed_before_the_stop_goes_back(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    claim = await workspace.claim()
    await workspace.switch("stopped")

    done = await contacts.sending.jobs._send_batch(
        workspace.context, await workspace.snapshot(), claim, lambda: True
    )

    assert (done, provider.taken) == (0, [])
    assert await workspace.ledger(debt.id) == [("wave_1_email", "planned")]


async def test_a_dry_run_goes_through_the_whole_scenario_and_sends_nothing(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await collecting.new_engine(database, live=True, senders={Channel.EMAIL: provider})
    await workspace.set_clock("2026-01-05 09:00")
    await workspace.switch("dry_run")
    debt = await workspace.debt()

    for day in range(5, 29):
        await workspace.set_clock(f"2026-01-{day:02} 10:00")
        await workspace.send_due_live()

    rehearsed = await workspace.ledger(debt.id)
    assert [step for step, state in rehearsed if state == "rehearsed"] == ["wave_1_email", "wave_2_email"]
    assert rehearsed[-1] == ("end", "planned")
    assert provider.taken == []
    assert await workspace.followups(debt.id) == []
    assert await workspace.events(debt.id) == ["debt.created"]
    assert (await workspace.find(debt.id)).contacts_count == 0


async def test_after_a_dry_run_the_scenario_begins_in_earnest(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    await workspace.switch("dry_run")
    debt = await workspace.debt(LYON)
    await workspace.run_until("2026-02-20 12:00")
    during = await workspace.ledger(debt.id)

    await workspace.switch("on")
    await workspace.run_until("2026-04-10 12:00")

    assert [state for _, state in during] == ["rehearsed"] * 6 + ["planned"]
    assert await workspace.followups(debt.id) == [
        ("email", "delivered"),
        ("sms", "delivered"),
        ("ai_call", "deal_not_found"),
        ("email", "delivered"),
        ("letter", "delivered"),
        ("ai_call", "deal_not_found"),
    ]
    after = await workspace.find(debt.id)
    assert (after.status, after.started_on) == ("unresolved", at("2026-02-21 00:00").date())


async def test_after_a_dry_run_what_was_really_sent_is_not_sent_again(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(LYON)
    await workspace.run_until("2026-01-06 09:00")
    await workspace.switch("dry_run")
    await workspace.run_until("2026-01-09 09:00")

    await workspace.switch("on")
    # The text message waited for four days, and what follows keeps its distance to it.
    await workspace.run_until("2026-01-19 12:00")

    assert await workspace.followups(debt.id) == [
        ("email", "delivered"),
        ("sms", "delivered"),
        ("ai_call", "deal_not_found"),
        ("email", "delivered"),
    ]
    assert [step for step, state in await workspace.ledger(debt.id) if state == "stopped"] == [
        "wave_1_sms",
        "wave_2_call",
    ]


async def test_an_imported_debt_is_left_alone_for_the_grace_period(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    snapshot = await workspace.snapshot()
    origin = debts.Origin(ids.new(), [2], not_before=at("2026-01-05 11:00"))
    async with workspace.database.transaction(snapshot.now()) as tx:
        (created,) = await debts.create_many(tx, snapshot, [collecting.new_debt()], origin)
    assert isinstance(created, debts.Created)
    before = await workspace.find(created.debt.id)

    await workspace.learn(before.id, email="other@example.com")

    assert before.next_action_at == at("2026-01-05 11:00")
    assert (await workspace.find(before.id)).next_action_at == at("2026-01-05 11:00")


async def test_the_switches_are_read_and_set_over_http(sandbox: ContactWorkspace) -> None:
    await sandbox.engine.set_clock("2026-01-05 09:00")
    debt = (await sandbox.post("/debts", DEBT)).json()

    before = (await sandbox.get("/contact")).json()
    stopped = (await sandbox.call("PUT", "/contact", {"contact": "stopped"})).json()
    timeline = (await sandbox.get(f"/debts/{debt['id']}/timeline")).json()
    longer = (await sandbox.call("PUT", "/contact", {"grace_hours": 48})).json()
    apart = (await sandbox.call("PUT", "/contact", {"contacts_per_day": 0, "grouping": "off"})).json()
    wrong = await sandbox.call("PUT", "/contact", {"contact": "loud"})
    too_many = await sandbox.call("PUT", "/contact", {"contacts_per_day": 21, "grouping": "by_creditor"})
    amounts = (-1, 0.0001, 10**7, "1", True)
    refused = [await sandbox.call("PUT", "/contact", {"minimum_balance": amount}) for amount in amounts]

    assert before == {
        "contact": "on",
        "grace_hours": 2,
        "minimum_balance": 1,
        "write_off_small_balances": False,
        "contacts_per_day": 1,
        "grouping": "by_debtor",
        "installation_stopped_at": None,
    }
    assert stopped["contact"] == "stopped"
    assert [item["rule"] for item in timeline["planned"][0]["blocked_by"]] == ["CONTACT-STOPPED"]
    assert longer == before | {"contact": "stopped", "grace_hours": 48}
    assert apart == longer | {"contacts_per_day": 0, "grouping": "off"}
    assert [error["pointer"] for error in too_many.json()["errors"]] == ["/contacts_per_day", "/grouping"]
    assert wrong.status == 422
    assert [answered.status for answered in refused] == [422] * 5


async def test_what_a_step_would_say_is_shown_before_it_is_sent(sandbox: ContactWorkspace) -> None:
    await sandbox.engine.set_clock("2026-01-05 09:00")
    debt = (await sandbox.post("/debts", DEBT)).json()

    email = (await sandbox.get(f"/debts/{debt['id']}/timeline/wave_1_email")).json()
    letter = await sandbox.get(f"/debts/{debt['id']}/timeline/wave_3_letter")
    unknown = await sandbox.get(f"/debts/{debt['id']}/timeline/wave_9_fax")

    assert (email["step"], email["channel"], email["language"]) == ("wave_1_email", "email", "fr")
    assert "Bonjour Jean Dupont" in email["text"]
    assert (letter.status, letter.json()["type"]) == (409, "/problems/nothing-to-say")
    assert unknown.status == 404
