"""Responses of simulated debtors: carried out at their instants, by the actions that serve live debts.

A payment is entered, a promise recorded, a disputed debt held, an address suppressed: with the same events and
consequences. A response that its debt no longer allows, such as a promise for a paid debt, is dropped.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

import structlog

from getbill import compliance, debts, followups, payments, quarantine, todos
from getbill.channels.senders import ResponseKind
from getbill.companies import Workspace
from getbill.debts import Debt, DebtChange
from getbill.followups import ScheduledResponse
from getbill.kit import calendar, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import Problem

_log = structlog.get_logger(__name__)

HOLD_REASON: Final = "The debtor disputes the debt."


async def respond_due(
    database: Database, workspace: Workspace, keep_going: Callable[[], bool], limit: int = 1000
) -> int:
    """Carry out responses that are due at a sandbox's instant, up to a limit; return how many there were."""
    count = 0
    while count < limit and keep_going() and await _respond_next(database, workspace):
        count += 1
    return count


async def _respond_next(database: Database, workspace: Workspace) -> bool:
    response = None
    try:
        async with database.transaction(workspace.now()) as tx:
            response = await followups.lock_due_response(tx, workspace.id)
            if response is None:
                return False
            debt = await debts.lock(tx, workspace, response.debt_id)
            await followups.delete_response(tx, response)
            await _ACTIONS[response.kind](tx, debt, response)
    except Exception as error:
        if response is None or quarantine.is_transient(error):
            raise
        if not isinstance(error, Problem):
            _log.error("response_failed", debt=ids.show("debt", response.debt_id), exc_info=error)
        await _drop(database, workspace, response)
    return True


async def _drop(database: Database, workspace: Workspace, response: ScheduledResponse) -> None:
    async with database.transaction(workspace.now()) as tx:
        await followups.delete_response(tx, response)


async def pay(tx: Transaction, debt: Debt, response: ScheduledResponse) -> None:
    """Pay a share of the balance by card, unless the debt was archived, for example with an undone import."""
    if debt.status == debts.Status.ARCHIVED:
        return
    share = max(debt.balance * response.percent // 100, 1)
    amount = debt.money(share) if debt.balance > 0 else None
    await payments.simulate(tx, debt, amount, "card")


async def promise(tx: Transaction, debt: Debt, response: ScheduledResponse) -> None:
    """Promise the balance for a later day."""
    if not debt.is_contactable:
        return
    today = calendar.local_date(tx.now, debt.debtor.identity.zones[0])
    terms = {
        "date": today + timedelta(days=response.promise_days),
        "amount": debt.money(debt.balance).decimal,
    }
    await debts.update(tx, debt.workspace, debt, DebtChange({}, {"promise": terms}, {}))


async def dispute(tx: Transaction, debt: Debt, _response: ScheduledResponse) -> None:
    """Put the debt on hold until a person has decided on the dispute."""
    if not debt.is_contactable:
        return
    debts.hold(tx, debt, HOLD_REASON)
    todos.create(tx, debt.workspace_id, "dispute", debt.id, debt.id)


async def suppress_address(tx: Transaction, debt: Debt, response: ScheduledResponse) -> None:
    """Suppress the address that was contacted."""
    if response.address_hash is not None:
        await compliance.suppress(
            tx, debt.workspace_id, response.address_kind, response.address_hash, response.kind
        )


_ACTIONS: Final[Mapping[str, Callable[[Transaction, Debt, ScheduledResponse], Awaitable[object]]]] = {
    ResponseKind.PAYMENT: pay,
    ResponseKind.PROMISE: promise,
    ResponseKind.DISPUTE: dispute,
    ResponseKind.STOP: suppress_address,
    ResponseKind.NOT_ME: suppress_address,
}
