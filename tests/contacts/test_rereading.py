"""A debt that a transaction read is taken on by the next one as it was, unless it or its debtor changed between."""

from collections import Counter
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import pytest

import collecting
from collecting import JEAN, Provider, WorkspaceEngine
from getbill import debts
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome, failed
from getbill.contacts import history, ledger
from getbill.contacts.history import ContactHistory
from getbill.contacts.sending import deliver, prepare, settlement
from getbill.contacts.sending.context import each_debt
from getbill.debts import Debt
from getbill.kit.database.transactions import Database
from getbill.kit.money import Money


async def read(workspace: WorkspaceEngine, debt_id: UUID) -> Debt:
    """Have a transaction hold a debt, and return it as that left it."""
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        return await debts.lock(tx, snapshot, debt_id)


async def again(workspace: WorkspaceEngine, before: Debt) -> Debt | None:
    """Hold a debt again that was read before."""
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        return (await debts.lock_many(tx, snapshot, [before.id], {before.id: before})).get(before.id)


async def test_a_debt_that_nobody_changed_is_not_read_again(workspace: WorkspaceEngine) -> None:
    before = await read(workspace, (await workspace.debt()).id)

    assert await again(workspace, before) is before


async def test_a_debt_changed_since_is_read_again(workspace: WorkspaceEngine) -> None:
    before = await read(workspace, (await workspace.debt()).id)
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        changed = await debts.lock(tx, snapshot, before.id)
        await debts.update(tx, snapshot, changed, debts.DebtChange({}, {}, {}, amount=Money(100_00, "EUR")))

    after = await again(workspace, before)

    assert after is not None
    assert (after.amount, before.amount) == (100_00, 2340_00)


async def test_a_debt_whose_debtor_changed_at_the_same_instant_is_read_again(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    before = await read(workspace, (await workspace.debt()).id)
    other = await workspace.debt()

    await workspace.learn(other.id, email="other@example.com")
    after = await again(workspace, before)

    assert after is not None
    assert after.debtor.identity.email == "other@example.com"


async def test_a_debt_erased_since_is_not_there_any_more(workspace: WorkspaceEngine) -> None:
    before = await read(workspace, (await workspace.debt()).id)
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, before.id))

    assert await again(workspace, before) is None


async def test_what_contacts_do_not_move_is_written_too_where_it_changed(workspace: WorkspaceEngine) -> None:
    debt = await read(workspace, (await workspace.debt()).id)
    snapshot = await workspace.snapshot()

    async with workspace.database.transaction(snapshot.now()) as tx:
        locked = await debts.lock(tx, snapshot, debt.id)
        debts.mark_contacted(tx, locked)
        locked.run += 1

    after = await workspace.find(debt.id)
    assert (after.run, after.contacts_count, after.status) == (2, 1, "in_progress")


def facts_of(past: ContactHistory) -> dict[str, Any]:
    """Return what a history says, whatever the order it was read in."""
    output = {field.name: getattr(past, field.name) for field in fields(ContactHistory)}
    return output | {"contacts": Counter(past.contacts)}


@pytest.mark.parametrize("fate", [Fate.ACCEPTED, Fate.DELIVERED, Fate.UNKNOWN])
async def test_the_history_that_departure_knew_is_the_one_that_would_be_read_again(
    database: Database, fate: Fate
) -> None:
    outcome = SendOutcome(fate, "ref")
    providers = {channel: Provider(channel, outcome=outcome) for channel in Channel}
    workspace = await collecting.new_engine(database, live=True, senders=providers)
    await workspace.set_clock("2026-01-05 09:00")
    mine = [await workspace.debt() for _ in range(2)] + [
        await workspace.debt(replace(JEAN, email="eve@example.com"))
    ]
    await workspace.send_due_live()
    due_at = (await workspace.find(mine[0].id)).next_action_at
    assert due_at is not None
    await workspace.set_clock(f"{due_at:%Y-%m-%d %H:%M}")
    snapshot = await workspace.snapshot()
    claim = await workspace.claim()

    prepared = await prepare.prepare_sends(workspace.context, snapshot, claim)
    sends = each_debt(await deliver.send_prepared(prepared))
    async with database.transaction(snapshot.now()) as tx:
        locked = await debts.lock_many(tx, snapshot, {debt.id for debt in mine})
        for item in sends:
            item.contact.settle("accepted" if fate == Fate.ACCEPTED else str(fate), tx.now)
        await ledger.write(tx, [entry.contact for entry in sends])
        read_again = await history.load(tx, snapshot.id, locked)

    assert len(sends) >= 2
    for item in sends:
        assert item.contact_history is not None
        assert facts_of(
            item.contact_history.after_contact(item.contact.step, item.contact.sent_at)
        ) == facts_of(read_again[item.contact.debt_id])


async def test_after_a_failure_the_histories_of_a_round_are_read_again(database: Database) -> None:
    provider = Provider(Channel.EMAIL, outcome=failed("no such mailbox", permanent=True))
    workspace = await collecting.new_engine(database, live=True, senders={Channel.EMAIL: provider})
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    snapshot = await workspace.snapshot()
    claim = await workspace.claim()

    sends = await deliver.send_prepared(await prepare.prepare_sends(workspace.context, snapshot, claim))
    async with database.transaction(snapshot.now()) as tx:
        locked = await debts.lock_many(tx, snapshot, [debt.id], {debt.id: sends[0].debt or debt})
        result = await settlement._load_histories(tx, locked, sends)

    assert result[debt.id] is not sends[0].contact_history
