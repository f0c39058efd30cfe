"""Status transitions of a debt: hold, resume, resolve, reopen, escalate, end.

Each transition follows the table and records an event, which says what caused it. What is written off, overpaid
or too small to collect follows from the debt's row.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from getbill import events
from getbill.debts.model import (
    CONTACTABLE,
    RESUMABLE,
    TRANSITIONS,
    Debt,
    Details,
    MoveNotAllowed,
    ResolutionName,
    Status,
    transition,
)
from getbill.kit import ids, json
from getbill.kit.database import Transaction
from getbill.kit.errors import Conflict, one_field
from getbill.kit.messages import message
from getbill.kit.money import Money, least_minor


class Cause(StrEnum):
    """What changed the status of a debt: an entry of a kind, a person or program through the API, or GetBill."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    WRITE_OFF = "write_off"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"
    STAFF = "staff"
    CONTACT = "contact"
    SCENARIO_ENDED = "scenario_ended"
    IMPORT_UNDONE = "import_undone"


# The entries that move money between debtor and creditor.
_MONEY: Final = frozenset({"payment", "refund", "chargeback"})


def written_off(debt: Debt) -> Money:
    """Return what was waived and not reversed: what neither payments nor the balance account for."""
    return debt.money(debt.amount - debt.paid - debt.balance)


def overpaid(debt: Debt) -> Money:
    """Return what was paid beyond the claim; a claim lowered below its write-offs is not overpaid."""
    return debt.money(max(0, min(-debt.balance, debt.paid)))


def resolution_of(debt: Debt) -> ResolutionName:
    """Return how a debt without a balance was resolved: paid, settled for a part, or written off."""
    if debt.paid <= 0:
        return "written_off"
    return "settled" if written_off(debt).minor > 0 else "paid"


def minimum_balance(debt: Debt) -> Money:
    """Return the balance from which a debt is collected, in its currency."""
    return debt.money(least_minor(debt.workspace.minimum_balance, debt.currency))


def is_below_minimum(debt: Debt) -> bool:
    """Return whether the balance is too small for any contact; without a balance there is none to collect."""
    return 0 < debt.balance < least_minor(debt.workspace.minimum_balance, debt.currency)


def next_contact_at(debt: Debt) -> datetime | None:
    """Return when the debtor is contacted next; a debt below the minimum is only looked at again."""
    return None if is_below_minimum(debt) else debt.next_action_at


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


def move(
    tx: Transaction,
    debt: Debt,
    to: Status,
    context: dict[str, Any] | None = None,
    *,
    cause: Cause = Cause.STAFF,
) -> None:
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
    detail = {"changes": {"status": {"from": before, "to": to}}, "cause": cause}
    events.record(tx, "debt.status_changed", debt, detail | (context or {}))


def hold(tx: Transaction, debt: Debt, reason: str | None) -> None:
    """Stop contacting the debtor until the debt is resumed; an archived debt with a balance leaves the archive."""
    if debt.status == Status.RESOLVED or (debt.status == Status.ARCHIVED and debt.balance <= 0):
        raise _nothing_owed(debt)
    if debt.undone_at is not None:
        raise DebtCannotMove(
            message("The import of this debt was undone. Create the debt anew."),
            extra={"status_now": debt.status},
        )
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


def resume_reopened(tx: Transaction, debt: Debt) -> None:
    """Resume contact with a reopened debt on a person's decision, wherever it stands."""
    if debt.status == Status.ARCHIVED:
        hold(tx, debt, None)
    debt.details = _replace_details(debt.details, hold_reason=None)
    to = working_status(debt)
    move(tx, debt, to if to in TRANSITIONS[debt.status] else Status.IN_PROGRESS)


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
    move(tx, debt, Status.UNRESOLVED, cause=Cause.SCENARIO_ENDED)
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
    context = {"reason": "The import it came with was undone."}
    move(tx, debt, Status.ARCHIVED, context, cause=Cause.IMPORT_UNDONE)


def mark_contacted(tx: Transaction, debt: Debt) -> None:
    """Record that a contact reached the debtor; the first one sets the debt in progress."""
    debt.contacts_count += 1
    debt.contacted_at = debt.contacted_at or tx.now
    debt.touch(tx)
    if debt.status == Status.PENDING:
        move(tx, debt, Status.IN_PROGRESS, cause=Cause.CONTACT)


def plan(tx: Transaction, debt: Debt, at: datetime | None) -> None:
    """Set when the next contact is due."""
    if debt.next_action_at != at:
        debt.next_action_at = at
        debt.touch(tx)


def enter_money(
    tx: Transaction,
    debt: Debt,
    kind: str,
    change: int,
    entry_payload: dict[str, Any] | None = None,
    *,
    reversed_kind: str | None = None,
) -> None:
    """Apply an entry to the balance: `change` is in minor units and negative lowers the balance.

    Resolves the debt when no balance is left, and reopens a resolved one when a balance arises; a resolved
    debt's contacts are void from this transaction on. `entry_payload` is the entry as events carry it,
    `reversed_kind` the kind of the entry that a reversal cancels.
    """
    was_below_minimum = is_below_minimum(debt)
    debt.balance += change
    debt.entries_count += 1
    if (reversed_kind or kind) in _MONEY:
        debt.paid -= change
    if kind == "adjustment":
        debt.amount += change
    debt.touch(tx)
    _follow_balance(tx, debt, Cause(kind), entry_payload)
    if was_below_minimum and debt.is_contactable and not is_below_minimum(debt):
        # What was planned waits for a review: contact is planned anew from now on.
        debt.stop_contact()
        debt.is_resumed = True


def _follow_balance(tx: Transaction, debt: Debt, cause: Cause, entry_payload: dict[str, Any] | None) -> None:
    is_resolved = debt.status == Status.RESOLVED or debt.resolution is not None
    if debt.undone_at is not None:
        return
    if debt.balance > 0:
        if is_resolved:
            reopen(tx, debt, cause)
    elif is_resolved:
        debt.resolution = resolution_of(debt)
    else:
        resolve(tx, debt, cause, entry_payload)


def resolve(tx: Transaction, debt: Debt, cause: Cause, entry_payload: dict[str, Any] | None = None) -> None:
    """Record how the balance was settled and where the debt stood, and end contact."""
    debt.status_before_resolution = debt.status
    debt.resolution = resolution_of(debt)
    debt.resolved_at = tx.now
    # Only a payment pays a debt: a write-off has no transaction.
    context = (
        {"status_change_context": {"transaction": entry_payload}}
        if cause == Cause.PAYMENT and entry_payload
        else None
    )
    move(tx, debt, Status.RESOLVED, context, cause=cause)
    resolution = {
        "resolution": debt.resolution,
        "amount_paid": debt.money(debt.paid).decimal,
        "amount_written_off": written_off(debt).decimal,
    }
    events.record(tx, "debt.resolved", debt, resolution)


def reopen(tx: Transaction, debt: Debt, cause: Cause) -> None:
    """Return a resolved debt whose balance has risen to where it stood; an archived one stays archived.

    Contact goes on by itself only if the debt was being collected.
    """
    before = debt.status_before_resolution
    debt.resolution = debt.resolved_at = debt.status_before_resolution = None
    debt.is_reopened = True
    if debt.status == Status.ARCHIVED:
        return
    # A person may have stopped a debt that was resolved before its status was kept.
    to = Status.ON_HOLD if before is None else before
    if to in CONTACTABLE:
        to = working_status(debt)
    context = {"reason": debt.details.hold_reason} if to == Status.ON_HOLD else None
    move(tx, debt, to, context, cause=cause)


def working_status(debt: Debt) -> Status:
    """Return the status of a debt that is being collected."""
    return Status.IN_PROGRESS if debt.contacted_at else Status.PENDING


def set_status(tx: Transaction, debt: Debt, status: Status) -> None:
    """Set a requested status; `resolved` requires money, an escalation a person's decision."""
    if status == debt.status:
        return
    if status == Status.RESOLVED and debt.balance <= 0 and debt.undone_at is None:
        _leave_archive(tx, debt)
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
        raise _nothing_owed(debt)
    if status == Status.ON_HOLD:
        hold(tx, debt, None)
    elif status in CONTACTABLE and debt.status in RESUMABLE:
        _refuse_other_than_resumed(debt, status)
        resume(tx, debt)
    else:
        move(tx, debt, status)


def _nothing_owed(debt: Debt) -> DebtCannotMove:
    return DebtCannotMove(
        message(
            "This debt has no outstanding balance, so the debtor is not contacted. A refund or a higher amount reopens it."
        ),
        extra={"status_now": debt.status},
    )


def _leave_archive(tx: Transaction, debt: Debt) -> None:
    """Move an archived debt without a balance back to resolved; its resolution was announced before."""
    debt.resolution = debt.resolution or resolution_of(debt)
    debt.resolved_at = debt.resolved_at or tx.now
    move(tx, debt, Status.RESOLVED)


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
