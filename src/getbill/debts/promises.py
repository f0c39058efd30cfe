"""Promises to pay: the amount a debtor promised and the date.

A debtor who has promised is not contacted until that day is over; then the scenario continues. A promise ends
no debt and moves no money: whether it was kept follows from the payments since it was given.
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
    """The state of a promise: none given, still open, kept, or broken."""

    NONE = "none"
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


def build_promise(debt: Debt, on: date, amount: Any, now: datetime) -> dict[str, Any]:
    """Return a promise for storage; raise Invalid for an implausible date or amount."""
    errors = []
    today = calendar.local_date(now, debt.debtor.identity.zones[0])
    if not today <= on <= today + timedelta(days=_DAYS_MAX):
        detail = message(
            "The date of a promise must be today ({today}) or within the next year.", today=today
        )
        errors.append(FieldError("/promise/date", "out-of-range", detail))
    minor = None
    if amount is not None:
        minor = _minor(debt, amount)
        if minor > debt.balance:
            detail = message(
                "A promise cannot exceed the balance ({balance} {currency}).",
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


def promise_state(debt: Debt, at: datetime) -> PromiseState:
    """Return the state of a debt's promise at an instant."""
    promise = debt.details.promise
    if promise is None:
        return PromiseState.NONE
    promised_amount = promise["amount"]
    if debt.balance <= 0 or (promised_amount is not None and debt.paid - promise["paid"] >= promised_amount):
        return PromiseState.KEPT
    return PromiseState.OPEN if at < promise_ends_at(debt, promise) else PromiseState.BROKEN


def promise_ends_at(debt: Debt, promise: dict[str, Any]) -> datetime:
    """Return the end of the promised day in the debtor's time zone."""
    day = date.fromisoformat(promise["date"]) + timedelta(days=1)
    return calendar.at_local(day, time(0), debt.debtor.identity.zones[0])


def paused_until(debt: Debt) -> datetime | None:
    """Return when the debtor may be contacted again: after the import's hold and the promised day."""
    promise, grace = debt.details.promise, debt.not_before
    if promise is None:
        return grace
    until = promise_ends_at(debt, promise)
    return max(grace or until, until)


def is_promise_pending(debt: Debt) -> bool:
    """Return whether contact is paused by a promise rather than by an import's hold."""
    return paused_until(debt) != debt.not_before


def serialize_promise(debt: Debt) -> dict[str, Any] | None:
    """Return a debt's promise with its current state, as the API shows it; None without one."""
    terms = promise_terms(debt, debt.details.promise)
    return terms and terms | {"state": str(promise_state(debt, debt.workspace.now()))}


def promise_terms(debt: Debt, promise: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the terms of a promise, as events carry them."""
    if promise is None:
        return None
    minor = promise["amount"]
    return {"date": promise["date"], "amount": None if minor is None else debt.money(minor).decimal}
