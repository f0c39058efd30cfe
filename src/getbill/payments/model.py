"""Money entries: their kinds, and what each may do to a debt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from getbill.kit.errors import Conflict, FieldError, Problem
from getbill.kit.messages import Message, message
from getbill.kit.money import Money, least_minor

# The direction in which each kind moves the balance; an adjustment has its own sign.
KINDS = {"payment": -1, "refund": 1, "chargeback": 1, "write_off": -1, "adjustment": 1, "reversal": 1}
# How an entry is cancelled that cannot be reversed.
_OTHER_WAYS: Mapping[str, Message] = {
    "refund": message("Enter the amount of this refund as a `payment`."),
    "chargeback": message("Enter the money that came back after this chargeback as a `payment`."),
    "adjustment": message("Enter an `adjustment` of the opposite sign."),
    "reversal": message("Enter the reversed payment or write-off again."),
}
# A payment above this multiple of the balance is confirmed before it is entered.
_PLAUSIBLE_TIMES: Final = 10

# A creditor's clock may run a little ahead of ours.
_AHEAD = timedelta(minutes=5)


class ProviderIdTaken(Conflict):
    """An entry with this provider's id exists and differs."""

    code = "provider-id-taken"
    title = message("This provider id belongs to another entry")
    way_out = (
        "The existing entry was recorded earlier. For a different payment, refund or chargeback, send its own"
        " `provider_id`, and name the payment it returns in `payment_id`."
    )


class AlreadyReversed(Conflict):
    """The entry was reversed before; an entry is reversed once."""

    code = "already-reversed"
    title = message("This entry is already reversed")
    way_out = (
        "Read the reversal in `id`. If it was wrong, enter the payment or write-off again as a new entry."
    )


class PaymentImplausible(Problem):
    """The payment is far above the balance, and no provider or bank vouches for it."""

    status = 422
    code = "payment-implausible"
    title = message("The payment is far above the balance")
    way_out = (
        "Check the amount and its decimals. If it is right, send the payment again with `confirm: true`."
    )


class NothingOwed(Conflict):
    """The debt has no balance to simulate a payment for."""

    code = "nothing-owed"
    title = message("This debt has no outstanding balance")
    way_out = "Simulate payments on a debt with an outstanding balance."


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A validated request for an entry, in the debt's currency and positive except for adjustments."""

    kind: str
    amount: Money
    method: str | None = None
    paid_at: datetime | None = None
    provider: str | None = None
    provider_id: str | None = None
    note: str | None = None
    # The entry that a reversal cancels, or the payment that a refund or chargeback returns.
    related_id: UUID | None = None
    # The kind of the entry that a reversal cancels.
    reversed_kind: str | None = None
    # Whether an amount far above the balance is meant; false asks for a confirmation.
    is_confirmed: bool = True

    @property
    def balance_change(self) -> int:
        """The change of the balance in minor units; negative lowers it."""
        return KINDS[self.kind] * self.amount.minor


@dataclass(frozen=True, slots=True)
class NewReversal:
    """A validated request to cancel an entry; without an amount, that of the entry."""

    entry_id: UUID
    amount: Money | None = None
    method: str | None = None
    paid_at: datetime | None = None
    provider: str | None = None
    provider_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A money entry as stored; `minor` is its change of the balance."""

    id: UUID
    debt_id: UUID
    kind: str
    minor: int
    currency: str
    method: str | None
    provider: str | None
    provider_id: str | None
    note: str | None
    paid_at: datetime
    created_at: datetime
    related_id: UUID | None = None
    reversed_kind: str | None = None

    @property
    def amount(self) -> Money:
        """The amount as entered."""
        return Money(KINDS[self.kind] * self.minor, self.currency)


@dataclass(frozen=True, slots=True)
class RelatedEntry:
    """An entry that others name: its reversal, and what refunds and chargebacks returned of it."""

    entry: Entry
    reversal_id: UUID | None
    returned: int

    @property
    def remaining(self) -> Money:
        """What is not returned yet."""
        return Money(self.entry.amount.minor - self.returned, self.entry.currency)


@dataclass(frozen=True, slots=True)
class Balance:
    """Claimed, open and paid amounts of a debt in minor units, before an entry."""

    amount: Money
    balance: Money
    paid: Money


def refusals(new: NewEntry, balance: Balance, now: datetime) -> list[FieldError]:
    """Return why an entry is refused for a debt with this balance."""
    errors = []
    is_returned = new.reversed_kind == "payment" or new.kind in {"refund", "chargeback"}
    if is_returned and new.amount.minor > balance.paid.minor:
        detail = message("Only {paid} has been paid and not refunded.", paid=_money_text(balance.paid))
        errors.append(FieldError("/reverses" if new.reversed_kind else "/amount", "exceeds-paid", detail))
    if new.kind == "write_off" and new.amount.minor > balance.balance.minor:
        errors.append(
            _amount_error(
                "exceeds-balance",
                message("The outstanding balance is only {balance}.", balance=_money_text(balance.balance)),
            )
        )
    if new.kind == "adjustment" and balance.amount.minor + new.amount.minor <= 0:
        errors.append(
            _amount_error(
                "exceeds-claim",
                message("The claim of {amount} must stay above 0.", amount=_money_text(balance.amount)),
            )
        )
    if new.paid_at is not None and new.paid_at > now + _AHEAD:
        errors.append(
            FieldError(
                "/paid_at",
                "in-the-future",
                message("paid_at is later than the workspace's time. Send an instant in the past."),
            )
        )
    return errors


def is_implausible(new: NewEntry, balance: Balance) -> bool:
    """Return whether a payment needs a confirmation: more than ten times the balance, taken as one unit at least."""
    if new.kind != "payment" or new.is_confirmed or balance.balance.minor <= 0:
        return False
    least = least_minor(Decimal(1), balance.balance.currency)
    return new.amount.minor > _PLAUSIBLE_TIMES * max(balance.balance.minor, least)


def related_refusals(new: NewEntry, related: RelatedEntry) -> list[FieldError]:
    """Return why an entry cannot cancel or return the one that it names."""
    if new.kind == "reversal":
        if related.returned:
            detail = message("A part of this payment was returned. Enter a `refund` of the rest instead.")
            return [FieldError("/reverses", "returned", detail)]
        return []
    if related.entry.kind != "payment":
        detail = message(
            "This entry is a {kind}. Name a payment, or omit the field.", kind=related.entry.kind
        )
        return [FieldError("/payment_id", "not-a-payment", detail)]
    if new.amount.minor > related.remaining.minor:
        detail = message(
            "Only {remaining} of this payment has not been returned.",
            remaining=_money_text(related.remaining),
        )
        return [_amount_error("exceeds-payment", detail)]
    return []


def reversal_refusals(entry: Entry, amount: Money | None) -> list[FieldError]:
    """Return why an entry cannot be reversed: its kind, or an amount other than its own."""
    if entry.kind in _OTHER_WAYS:
        detail = message(
            "Only a payment or a write-off is reversed, not a {kind}. {way_out}",
            kind=entry.kind,
            way_out=_OTHER_WAYS[entry.kind],
        )
        return [FieldError("/reverses", "not-reversible", detail)]
    if amount is not None and amount.minor != entry.amount.minor:
        detail = message(
            "An entry is reversed whole: {amount}. Send this amount, or omit it.",
            amount=_money_text(entry.amount),
        )
        return [_amount_error("not-whole", detail)]
    return []


def _amount_error(code: str, detail: Message) -> FieldError:
    return FieldError("/amount", code, detail)


def _money_text(money: Money) -> str:
    return f"{money.decimal} {money.currency}"


def note_context(workspace_id: UUID, entry_id: UUID) -> bytes:
    """Return the sealing context of an entry's note."""
    return b"payment" + workspace_id.bytes + entry_id.bytes
