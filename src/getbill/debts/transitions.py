"""Status transitions of a debt: hold, resume, resolve, escalate, end.

Each transition follows the table and records an event.
"""

from datetime import datetime
from typing import Any

from getbill import events
from getbill.debts.model import (
    CLOSED,
    CONTACTABLE,
    RESUMABLE,
    Debt,
    Details,
    MoveNotAllowed,
    Status,
    transition,
)
from getbill.kit import ids, json
from getbill.kit.database import Transaction
from getbill.kit.errors import Conflict, one_field
from getbill.kit.messages import message


class DebtCannotMove(Conflict):
    """The transition table has no way from the debt's status to the requested one."""

    code = "debt-cannot-move"
    title = message("The debt cannot move to this status")
    way_out = "Read the debt's status, and request a transition that the status table allows."


class DebtStillHasBalance(Conflict):
    """A debt is resolved by a payment or a write-off, not by setting its status."""

    code = "debt-has-balance"
    title = message("The debt still has a balance")
    way_out = "Record the payment or write-off with `POST /debts/{id}/payments`; it resolves the debt."


def move(tx: Transaction, debt: Debt, to: Status, context: dict[str, Any] | None = None) -> None:
    """Move a locked debt to a status and record it; raise DebtCannotMove if the table forbids it."""
    before = debt.status
    if before == to:
        return
    try:
        debt.status = transition(before, to)
    except MoveNotAllowed:
        raise DebtCannotMove(
            message(
                "The debt {debt} is {before}; it cannot become {to}.",
                debt=ids.show("debt", debt.id),
                before=before,
                to=to,
            ),
            extra={"status_now": before},
        ) from None
    if before in CONTACTABLE and to not in CONTACTABLE:
        debt.stop_contact()
    debt.is_resumed = to in CONTACTABLE and before not in CONTACTABLE
    debt.touch(tx)
    changes = {"status": {"from": before, "to": to}}
    events.record(tx, "debt.status_changed", debt, {"changes": changes, **(context or {})})


def hold(tx: Transaction, debt: Debt, reason: str | None) -> None:
    """Stop contacting the debtor until the debt is resumed."""
    move(tx, debt, Status.ON_HOLD, {"reason": reason})
    details = _replace_details(debt.details, hold_reason=reason)
    if details != debt.details:
        debt.details = details
        debt.touch(tx)


def resume(tx: Transaction, debt: Debt) -> None:
    """Resume the scenario where it was held."""
    if debt.status not in RESUMABLE:
        raise DebtCannotMove(
            message(
                "Only a debt on hold or unresolved can be resumed; this one is {status}.", status=debt.status
            ),
            extra={"status_now": debt.status},
        )
    debt.details = _replace_details(debt.details, hold_reason=None)
    move(tx, debt, working_status(debt))


def escalate(tx: Transaction, debt: Debt, reason: str, decided_by: str) -> None:
    """Hand a debt over to legal action on a person's decision and reason (GDPR art. 22)."""
    for name, value in (("reason", reason), ("decided_by", decided_by)):
        if not value.strip():
            raise one_field(
                f"/{name}",
                "missing",
                message("An escalation requires the name of the deciding person and the reason."),
            )
    if debt.balance <= 0 or debt.status == Status.ESCALATED:
        detail = (
            message("The debt is already escalated.")
            if debt.balance > 0
            else message("This debt has no outstanding balance to escalate.")
        )
        raise DebtCannotMove(detail, extra={"status_now": debt.status})
    move(tx, debt, Status.ESCALATED)
    decision = {"reason": reason, "decided_by": decided_by, "decided_at": json.instant(tx.now) or ""}
    debt.details = _replace_details(debt.details, escalation=decision)
    events.record(tx, "debt.escalated", debt, {"escalation": decision})


def end_scenario(tx: Transaction, debt: Debt) -> None:
    """Mark the scenario as ended without a response: a person decides what follows (GDPR art. 22)."""
    debt.next_action_at = None
    debt.is_over = True
    move(tx, debt, Status.UNRESOLVED)
    request = {
        "scenario_version": debt.scenario_version,
        "started_on": json.day(debt.started_on),
        "contacts_count": debt.contacts_count,
        "contacted_at": json.instant(debt.contacted_at),
    }
    events.record(tx, "debt.escalation_requested", debt, {"escalation_request": request})


def archive(tx: Transaction, debt: Debt) -> None:
    """Archive a debt: no further action is taken."""
    move(tx, debt, Status.ARCHIVED)


def undo(tx: Transaction, debt: Debt) -> None:
    """Archive a locked debt whose import is undone; its reference becomes free."""
    debt.undone_at = tx.now
    debt.stop_contact()
    move(tx, debt, Status.ARCHIVED, {"reason": "The import it came with was undone."})


def mark_contacted(tx: Transaction, debt: Debt) -> None:
    """Record that a contact reached the debtor; the first one sets the debt in progress."""
    debt.contacts_count += 1
    debt.contacted_at = debt.contacted_at or tx.now
    debt.touch(tx)
    if debt.status == Status.PENDING:
        move(tx, debt, Status.IN_PROGRESS)


def plan(tx: Transaction, debt: Debt, at: datetime | None) -> None:
    """Set when the next contact is due."""
    if debt.next_action_at != at:
        debt.next_action_at = at
        debt.touch(tx)


def enter_money(
    tx: Transaction, debt: Debt, kind: str, change: int, entry_payload: dict[str, Any] | None = None
) -> None:
    """Apply an entry to the balance: `change` is in minor units and negative lowers the balance.

    Resolves the debt when no balance is left, and reopens a resolved one when a balance arises; a resolved
    debt's contacts are void from this transaction on. `entry_payload` is the entry as events carry it.
    """
    debt.balance += change
    debt.entries_count += 1
    if kind in {"payment", "refund"}:
        debt.paid -= change
    if kind == "adjustment":
        debt.amount += change
    debt.touch(tx)
    if debt.balance <= 0 and debt.status not in CLOSED:
        resolve(tx, debt, kind, entry_payload)
    elif debt.balance > 0 and debt.status == Status.RESOLVED:
        reopen(tx, debt)


def resolve(tx: Transaction, debt: Debt, kind: str, entry_payload: dict[str, Any] | None = None) -> None:
    """Record how the balance was settled, and end contact: the last entry is of this kind."""
    # A claim lowered to the amount already written off was not paid.
    debt.resolution = "written_off" if kind == "write_off" or debt.paid <= 0 else "paid"
    debt.resolved_at = tx.now
    # Only a payment pays a debt: a write-off has no transaction.
    context = (
        {"status_change_context": {"transaction": entry_payload}}
        if kind == "payment" and entry_payload
        else None
    )
    move(tx, debt, Status.RESOLVED, context)
    events.record(tx, "debt.resolved", debt, {"resolution": debt.resolution})


def reopen(tx: Transaction, debt: Debt) -> None:
    """Collect a resolved debt again, whose balance has risen."""
    debt.resolution = debt.resolved_at = None
    move(tx, debt, working_status(debt))


def working_status(debt: Debt) -> Status:
    """Return the status of a debt that is being collected."""
    return Status.IN_PROGRESS if debt.contacted_at else Status.PENDING


def set_status(tx: Transaction, debt: Debt, status: Status) -> None:
    """Set a requested status; `resolved` requires money, an escalation a person's decision."""
    if status == debt.status:
        return
    if status == Status.RESOLVED:
        raise DebtStillHasBalance(
            message(
                "A payment or write-off resolves a debt: the outstanding balance is {balance}"
                " {currency}. Record one with POST /external-api/v1/debts/{debt}/payments.",
                balance=debt.money(debt.balance).decimal,
                currency=debt.currency,
                debt=ids.show("debt", debt.id),
            ),
        )
    if status == Status.ESCALATED:
        raise DebtCannotMove(
            message(
                "An escalation requires a person's decision: use POST /external-api/v1/debts/{debt}/escalate.",
                debt=ids.show("debt", debt.id),
            )
        )
    if status == Status.PAYMENT_PLAN:
        raise DebtCannotMove(
            message("The status payment_plan cannot be set: it follows from a payment plan.")
        )
    if debt.status == Status.RESOLVED and status != Status.ARCHIVED:
        raise DebtCannotMove(
            message(
                "This debt has no outstanding balance, so the debtor is not contacted. A refund or a higher amount reopens it."
            ),
            extra={"status_now": debt.status},
        )
    if status == Status.ON_HOLD:
        hold(tx, debt, None)
    elif status in CONTACTABLE and debt.status in RESUMABLE:
        _refuse_other_than_resumed(debt, status)
        resume(tx, debt)
    else:
        move(tx, debt, status)


def _refuse_other_than_resumed(debt: Debt, status: Status) -> None:
    resumed_status = working_status(debt)
    if status != resumed_status:
        raise DebtCannotMove(
            message(
                "This debt is {status}. Resuming it sets the status {resumed}, not {wanted}: use POST /external-api/v1/debts/{debt}/resume.",
                status=debt.status,
                resumed=resumed_status,
                wanted=status,
                debt=ids.show("debt", debt.id),
            ),
            extra={"status_now": debt.status},
        )


def _replace_details(details: Details, **changes: Any) -> Details:
    detail_fields = details.present_fields() | changes
    return Details(**detail_fields)
