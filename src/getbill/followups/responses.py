"""Responses of simulated debtors to the contacts of a sandbox, each due at an instant of its clock.

A response is scheduled in the transaction that settles its contact, and carried out by the package `sandbox`
at its own instant, by the action that a person or an integrator would call. A live workspace has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from getbill.channels.senders import DebtorResponse
from getbill.debts import Debt
from getbill.followups.model import PHONE_CHANNELS, Followup
from getbill.kit import ids, work
from getbill.kit.database import Statement, Transaction

_INSERT = Statement(
    "followups.insert_response",
    "Insert a response of a simulated debtor.",
    """
    INSERT INTO debtor_responses (workspace_id, id, debt_id, kind, due_at, percent, promise_days, address_kind,
        address_hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """,
)
_LOCK_DUE = Statement(
    "followups.lock_due_response",
    "Lock the response of a sandbox that is due first, with its debt.",
    """
    SELECT r.* FROM debtor_responses r JOIN debts d ON d.workspace_id = r.workspace_id AND d.id = r.debt_id
    WHERE r.workspace_id = $1 AND r.due_at <= $2
    ORDER BY r.due_at, r.id LIMIT 1 FOR UPDATE OF r, d SKIP LOCKED
    """,
)
_DELETE = Statement(
    "followups.delete_response",
    "Delete a response.",
    "DELETE FROM debtor_responses WHERE workspace_id = $1 AND id = $2",
)
_ERASE = Statement(
    "followups.delete_responses",
    "Delete the responses of an erased debt.",
    "DELETE FROM debtor_responses WHERE workspace_id = $1 AND debt_id = $2",
)


@dataclass(frozen=True, slots=True)
class ScheduledResponse:
    """A response as stored: what the debtor does, when, and the address they do not want to be used any more."""

    workspace_id: UUID
    id: UUID
    debt_id: UUID
    kind: str
    due_at: datetime
    percent: int
    promise_days: int
    address_kind: str
    address_hash: bytes | None


def schedule_responses(
    tx: Transaction,
    debt: Debt,
    followup: Followup,
    address_hash: bytes | None,
    responses: Sequence[DebtorResponse],
) -> None:
    """Schedule a simulated debtor's responses to a followup that was sent now."""
    address_kind = "phone" if followup.channel in PHONE_CHANNELS else "email"
    for response in responses:
        due_at = tx.now + timedelta(days=response.days)
        terms = str(response.kind), due_at, response.percent, response.promise_days
        tx.defer(_INSERT, debt.workspace_id, ids.new(), debt.id, *terms, address_kind, address_hash)
        work.note(tx, debt.workspace_id, "sandbox_contacts", due_at)


async def lock_due_response(tx: Transaction, workspace_id: UUID) -> ScheduledResponse | None:
    """Return the response that is due first, locked with its debt; None if none is due, or it is locked."""
    row = await tx.fetchrow(_LOCK_DUE, workspace_id, tx.now)
    return ScheduledResponse(**row) if row else None


async def delete_response(tx: Transaction, response: ScheduledResponse) -> None:
    """Delete a response that was carried out, or cannot be."""
    await tx.execute(_DELETE, response.workspace_id, response.id)


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Delete the responses of an erased debt."""
    await tx.execute(_ERASE, workspace_id, debt_id)
