"""A debt that a transaction read is taken on by the next one as it was, unless it or its debtor changed between."""

from uuid import UUID

from collecting import Place
from getbill import debts
from getbill.debts import Debt
from getbill.kit.money import Money


async def read(place: Place, debt_id: UUID) -> Debt:
    """Have a transaction hold a debt, and return it as that left it."""
    workspace = await place.workspace()
    async with place.database.transaction(workspace.now()) as tx:
        return await debts.lock(tx, workspace, debt_id)


async def again(place: Place, before: Debt) -> Debt | None:
    """Hold a debt again that was read before."""
    workspace = await place.workspace()
    async with place.database.transaction(workspace.now()) as tx:
        return (await debts.lock_many(tx, workspace, [before.id], {before.id: before})).get(before.id)


async def test_a_debt_that_nobody_changed_is_not_read_again(sandbox: Place) -> None:
    before = await read(sandbox, (await sandbox.debt()).id)

    assert await again(sandbox, before) is before


async def test_a_debt_changed_since_is_read_again(sandbox: Place) -> None:
    before = await read(sandbox, (await sandbox.debt()).id)
    workspace = await sandbox.workspace()
    async with sandbox.database.transaction(workspace.now()) as tx:
        changed = await debts.lock(tx, workspace, before.id)
        await debts.update(tx, workspace, changed, debts.Change({}, {}, {}, amount=Money(100_00, "EUR")))

    after = await again(sandbox, before)

    assert after is not None
    assert (after.amount, before.amount) == (100_00, 2340_00)


async def test_a_debt_whose_debtor_changed_at_the_same_instant_is_read_again(sandbox: Place) -> None:
    await sandbox.set_clock("2026-01-05 09:00")
    before = await read(sandbox, (await sandbox.debt()).id)
    other = await sandbox.debt()

    await sandbox.learn(other.id, email="other@example.com")
    after = await again(sandbox, before)

    assert after is not None
    assert after.debtor.identity.email == "other@example.com"


async def test_a_debt_erased_since_is_not_there_any_more(sandbox: Place) -> None:
    before = await read(sandbox, (await sandbox.debt()).id)
    workspace = await sandbox.workspace()
    async with sandbox.database.transaction(workspace.now()) as tx:
        await debts.erase(tx, workspace, await debts.lock(tx, workspace, before.id))

    assert await again(sandbox, before) is None


async def test_what_contacts_do_not_move_is_written_too_where_it_changed(sandbox: Place) -> None:
    debt = await read(sandbox, (await sandbox.debt()).id)
    workspace = await sandbox.workspace()

    async with sandbox.database.transaction(workspace.now()) as tx:
        held = await debts.lock(tx, workspace, debt.id)
        debts.mark_contacted(tx, held)
        held.run += 1

    after = await sandbox.find(debt.id)
    assert (after.run, after.contacts_count, after.status) == (2, 1, "in_progress")
