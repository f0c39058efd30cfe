"""Money entries: their kinds, and what each may do to a debt."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from getbill.kit.errors import Conflict, FieldError
from getbill.kit.messages import Message, message
from getbill.kit.money import Money

# The direction in which each kind moves the balance; an adjustment has its own sign.
KINDS = {"payment": -1, "refund": 1, "write_off": -1, "adjustment": 1}

# A creditor's clock may run a little ahead of ours.
_AHEAD = timedelta(minutes=5)


class ProviderIdTaken(Conflict):
    """An entry with this provider's id exists and differs."""

    code = "provider-id-taken"
    title = message("This provider id belongs to another entry")
    way_out = "The existing entry was recorded earlier. For a different payment, send its own `provider_id`."


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

    @property
    def balance_change(self) -> int:
        """The change of the balance in minor units; negative lowers it."""
        return KINDS[self.kind] * self.amount.minor


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

    @property
    def amount(self) -> Money:
        """The amount as entered."""
        return Money(KINDS[self.kind] * self.minor, self.currency)


@dataclass(frozen=True, slots=True)
class Balance:
    """Claimed, open and paid amounts of a debt in minor units, before an entry."""

    amount: Money
    balance: Money
    paid: Money


def refusals(new: NewEntry, balance: Balance, now: datetime) -> list[FieldError]:
    """Return why an entry is refused for a debt with this balance."""
    errors = []
    if new.kind == "refund" and new.amount.minor > balance.paid.minor:
        errors.append(
            _amount_error(
                "exceeds-paid",
                message("Only {paid} has been paid and not refunded.", paid=_money_text(balance.paid)),
            )
        )
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


def _amount_error(code: str, detail: Message) -> FieldError:
    return FieldError("/amount", code, detail)


def _money_text(money: Money) -> str:
    return f"{money.decimal} {money.currency}"


def note_context(workspace_id: UUID, entry_id: UUID) -> bytes:
    """Return the sealing context of an entry's note."""
    return b"payment" + workspace_id.bytes + entry_id.bytes
