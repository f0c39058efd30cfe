"""Planning anew after a change outside the debt: an address suppressed or lifted, a consent, a provider, a company.

A debt whose next contact is still the same keeps it, with its instant and its attempts. Debts of one address
are planned in the transaction of the change if they are few. All others are planned by a worker, some at a
time: a request keeps the place that was reached, and a change meanwhile has it begin again.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from asyncpg import Record

from getbill import companies, debts, followups, quarantine
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact
from getbill.contacts.schedule.planning import plan_next
from getbill.debts import Debt
from getbill.kit import clock, work
from getbill.kit.database import Database, Statement, Transaction
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

# Debts of an address that the transaction of its change plans anew itself.
_AT_ONCE_MAX: Final = 500
_BATCH: Final = 200
# Debts of one workspace in one visit.
_SHARE: Final = 2_000
_FIRST_ID: Final = UUID(int=0)

_FIND_REQUEST = Statement(
    "contacts.find_replan",
    "A request of a workspace to plan contacts anew, with the place that was reached.",
    "SELECT address_hash, reached_id, revision FROM replans WHERE workspace_id = $1 ORDER BY address_hash LIMIT 1",
)
_MOVE_REQUEST = Statement(
    "contacts.move_replan",
    "Note how far a request was followed, unless it began again meanwhile.",
    "UPDATE replans SET reached_id = $4 WHERE workspace_id = $1 AND address_hash = $2 AND revision = $3",
)
_END_REQUEST = Statement(
    "contacts.end_replan",
    "Delete a request that was followed to its end, unless it began again meanwhile.",
    "DELETE FROM replans WHERE workspace_id = $1 AND address_hash = $2 AND revision = $3",
)
_NEXT_REQUEST = Statement(
    "contacts.find_next_replan",
    "An instant that is due while a request of a workspace is open; null if there is none.",
    "SELECT max($2::timestamptz) FROM replans WHERE workspace_id = $1",
)
_LIST_PLANNED = Statement(
    "contacts.list_planned",
    "Planned contacts of these debts.",
    "SELECT * FROM contacts WHERE workspace_id = $1 AND debt_id = ANY($2) AND state IN ('planned', 'claimed')",
)


async def replan_address(tx: Transaction, workspace: Workspace, address_hash: bytes) -> None:
    """Plan the debts of an address anew, in this transaction if they are few, else by a worker."""
    debt_ids = await debts.planned_ids(tx, workspace.id, _FIRST_ID, _AT_ONCE_MAX + 1, address_hash)
    if len(debt_ids) > _AT_ONCE_MAX:
        await companies.request_replan(tx, workspace.id, address_hash)
    elif debt_ids:
        await _replan_debts(tx, workspace, debt_ids)


async def replan_due(database: Database, vault: Vault, workspace_id: UUID) -> int:
    """Follow the open requests of a workspace, a bounded share of its debts; return how many were looked at."""
    seen_count = 0
    while seen_count < _SHARE:
        request = await database.fetchrow(_FIND_REQUEST, workspace_id)
        if request is None:
            async with database.transaction(clock.wall()) as tx:
                await work.postpone(
                    tx, workspace_id, "plans", tx.now, _NEXT_REQUEST, workspace_id, work.EARLIEST
                )
            break
        # After the request, so that it has all that the request is about.
        workspace = await companies.workspace(database, vault, workspace_id)
        seen_count += await _follow_request(database, workspace, request)
    return seen_count


async def _follow_request(database: Database, workspace: Workspace, request: Record) -> int:
    """Plan the next debts of a request anew and return how many they were; one that fails is left as it is."""
    address_hash = request["address_hash"]
    async with database.transaction(workspace.now()) as tx:
        debt_ids = await debts.planned_ids(
            tx, workspace.id, request["reached_id"], _BATCH, address_hash or None
        )
    await quarantine.isolate_failures(debt_ids, partial(_replan_batch, database, workspace), _log_failure)
    async with database.transaction(workspace.now()) as tx:
        key = workspace.id, address_hash, request["revision"]
        if len(debt_ids) < _BATCH:
            await tx.execute(_END_REQUEST, *key)
        else:
            await tx.execute(_MOVE_REQUEST, *key, debt_ids[-1])
    return len(debt_ids)


async def _log_failure(debt_id: UUID, error: Exception) -> None:
    # Its contact is decided on when it is due, and is set aside then if the cause remains.
    _log.error("debt_not_replanned", debt=str(debt_id), error=type(error).__name__)


async def _replan_batch(database: Database, workspace: Workspace, debt_ids: Sequence[UUID]) -> None:
    async with database.transaction(workspace.now()) as tx:
        await _replan_debts(tx, workspace, debt_ids)


async def _replan_debts(tx: Transaction, workspace: Workspace, debt_ids: Sequence[UUID]) -> None:
    """Lock debts and plan those anew whose next contact is another one by now."""
    locked_debts = await debts.lock_many(tx, workspace, debt_ids)
    debts_by_id = {debt_id: debt for debt_id, debt in locked_debts.items() if debt.is_contactable}
    if not debts_by_id:
        return
    rows = await tx.fetch(_LIST_PLANNED, workspace.id, list(debts_by_id))
    histories = await history.load(tx, workspace.id, debts_by_id)
    for planned in map(ledger.contact_from_row, rows):
        debt, contact_history = debts_by_id[planned.debt_id], histories[planned.debt_id]
        if _is_outdated(debt, contact_history, planned, tx):
            await _replan_debt(tx, debt, contact_history)


def _is_outdated(debt: Debt, contact_history: ContactHistory, planned: Contact, tx: Transaction) -> bool:
    """Return whether a debt's planned contact is not its next one any more."""
    if planned.contact_epoch != debt.contact_epoch or contact_history.is_sending:
        return False
    if contact_history.rehearsed_steps:
        # Its dry run is over: it starts anew when its contact is due.
        return False
    last_step, prior_contacts = contact_history.last_step(debt), contact_history.prior_contacts(debt)
    upcoming = debts.next_contact(debt, tx.now, last_step, prior_contacts)
    return (upcoming.step, str(upcoming.channel)) != (planned.step, planned.channel)


async def _replan_debt(tx: Transaction, debt: Debt, contact_history: ContactHistory) -> None:
    """Plan a debt's next contact in place of the planned one.

    Steps that were missed meanwhile are handled as after an outage: of several messages the last one is enough.
    """
    debt.stop_contact()
    debt.touch(tx)
    followup_ids = await ledger.stop(tx, debt.workspace_id, debt.id, "planned anew")
    await followups.cancel(tx, [(debt, followup_id) for followup_id in followup_ids])
    last_step = contact_history.last_step(debt)
    ledger.plan(tx, plan_next(tx, debt, contact_history, last_step, is_late=True))
