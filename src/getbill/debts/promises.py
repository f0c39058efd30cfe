"""A promise to pay: what a debtor said they would pay, and until when.

Whoever has promised is left alone until the day is over; then the scenario goes on. A promise ends no debt and
moves no money: whether it was kept is read off what was paid since it was given.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from getbill.debts.model import Debt
from getbill.kit import calendar
from getbill.kit.errors import FieldError, one_field, refusal
from getbill.kit.messages import message
from getbill.kit.money import AmountHasTooManyDecimals, AmountTooLarge, Money

_DAYS_MAX = 366


class PromiseState(StrEnum):
    """Where a promise stands: none was given, its day is to come, it was kept, or its day is over."""

    NONE = "none"
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


def build_promise(debt: Debt, on: date, amount: Any, now: datetime) -> dict[str, Any]:
    """Return a promise as a debt keeps it; raise Invalid for a day or a sum that cannot be meant."""
    errors = []
    today = calendar.local_date(now, debt.debtor.identity.zones[0])
    if not today <= on <= today + timedelta(days=_DAYS_MAX):
        detail = message("A promise is for a day from today ({today}) on, within a year.", today=today)
        errors.append(FieldError("/promise/date", "out-of-range", detail))
    minor = None
    if amount is not None:
        minor = _minor(debt, amount)
        if minor > debt.balance:
            detail = message(
                "No more than the balance ({balance} {currency}) is promised.",
                balance=debt.money(debt.balance).decimal,
                currency=debt.currency,
            )
            errors.append(FieldError("/promise/amount", "above-balance", detail))
    if errors:
        raise refusal(errors)
    return {"date": on.isoformat(), "amount": minor, "paid": debt.paid}


def _minor(debt: Debt, amount: Any) -> int:
    try:
        return Money.from_decimal(amount, debt.currency).minor
    except AmountHasTooManyDecimals as error:
        raise one_field("/promise/amount", "too-many-decimals", error.detail) from None
    except AmountTooLarge as error:
        raise one_field("/promise/amount", "too-large", error.detail) from None


def state_of(debt: Debt, at: datetime) -> PromiseState:
    """Return where a debt's promise stands at an instant."""
    promise = debt.details.promise
    if promise is None:
        return PromiseState.NONE
    promised_amount = promise["amount"]
    if debt.balance <= 0 or (promised_amount is not None and debt.paid - promise["paid"] >= promised_amount):
        return PromiseState.KEPT
    return PromiseState.OPEN if at < promise_ends_at(debt, promise) else PromiseState.BROKEN


def promise_ends_at(debt: Debt, promise: dict[str, Any]) -> datetime:
    """Return the instant at which the promised day is over where the debtor lives."""
    day = date.fromisoformat(promise["date"]) + timedelta(days=1)
    return calendar.at_local(day, time(0), debt.debtor.identity.zones[0])


def paused_until(debt: Debt) -> datetime | None:
    """Return when the debtor may be contacted again: after an import's grace, and after what they promised is due."""
    promise, grace = debt.details.promise, debt.not_before
    if promise is None:
        return grace
    until = promise_ends_at(debt, promise)
    return max(grace or until, until)


def is_promise_pending(debt: Debt) -> bool:
    """Tell whether it is the promise that has the debtor left alone, not the grace of an import."""
    return paused_until(debt) != debt.not_before


def serialize_promise(debt: Debt) -> dict[str, Any] | None:
    """Return a debt's promise as answers show it, with where it stands now; None where there is none."""
    terms = promise_terms(debt, debt.details.promise)
    return terms and terms | {"state": str(state_of(debt, debt.workspace.now()))}


def promise_terms(debt: Debt, promise: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what was promised, as events tell it."""
    if promise is None:
        return None
    minor = promise["amount"]
    return {"date": promise["date"], "amount": None if minor is None else debt.money(minor).decimal}
