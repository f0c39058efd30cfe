"""Entry of money on a debt. The debt is locked first, so its entries are serialised."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from getbill import debts, events
from getbill.companies import SandboxOnly
from getbill.debts import Debt
from getbill.kit import ids, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError, Invalid, one_field, refusal
from getbill.kit.messages import message
from getbill.kit.money import Money
from getbill.payments import queries, questions
from getbill.payments.model import (
    AlreadyReversed,
    Balance,
    Entry,
    NewEntry,
    NewReversal,
    NothingOwed,
    PaymentImplausible,
    ProviderIdTaken,
    RelatedEntry,
    is_implausible,
    note_context,
    refusals,
    related_refusals,
    reversal_refusals,
)

# The event of an entry's own, and the name of the entry in it.
_EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "payment": ("debt.payment_received", "payment"),
    "refund": ("payment.refunded", "entry"),
    "chargeback": ("payment.charged_back", "entry"),
}

_INSERT = Statement(
    "payments.insert_entry",
    "Insert an entry.",
    """
    INSERT INTO payments (workspace_id, id, debt_id, kind, minor, currency, method, provider, provider_id, note,
        paid_at, created_at, related_id, reversed_kind)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    """,
)
_ANONYMISE = Statement(
    "payments.anonymise_entries",
    "Erase the provider ids and notes of an erased debt's entries; the amounts remain for accounting.",
    "UPDATE payments SET provider_id = NULL, note = NULL WHERE workspace_id = $1 AND debt_id = $2",
)


@dataclass(frozen=True, slots=True)
class EntryOutcome:
    """The result of a request: a new entry, or the existing one with the same provider's id."""

    entry: Entry
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Before:
    """The balance and resolution of a debt before an entry."""

    balance: int
    resolution: str | None

    @classmethod
    def of(cls, debt: Debt) -> "_Before":
        """Return the figures of a debt as they are now."""
        return cls(debt.balance, debt.resolution)

    def record_changes(self, tx: Transaction, debt: Debt, entry: Entry) -> None:
        """Record what an entry changed besides what events of its own announce."""
        changes: dict[str, Any] = {}
        if entry.kind != "payment":
            after = debt.money(debt.balance).decimal
            changes["balance"] = {"from": debt.money(self.balance).decimal, "to": after}
        if self.resolution is not None and debt.resolution not in {None, self.resolution}:
            changes["resolution"] = {"from": self.resolution, "to": debt.resolution}
        if changes:
            events.record(tx, "debt.updated", debt, {"changes": changes, "entry": entry_payload(entry)})


async def enter(
    tx: Transaction, debt: Debt, new: NewEntry, related: RelatedEntry | None = None
) -> EntryOutcome:
    """Enter money on a locked debt, or return the existing entry with this provider's id.

    Raises ProviderIdTaken if that entry differs, AlreadyReversed if the entry it names is, PaymentImplausible
    without a confirmation, Invalid if the debt's state forbids the entry. A full payment resolves the debt
    and stops contact in this transaction. `related` is the entry it names, if loaded before.
    """
    if new.provider_id is not None:
        twin = await queries.find_by_provider(tx, debt, new.provider, new.provider_id)
        if twin is not None:
            return EntryOutcome(_same(twin, debt, new), is_new=False)
    errors = []
    if new.related_id is not None:
        related = related or await queries.find_related(tx, debt, new.related_id)
        errors += _check_related(debt, new, related)
    balance = Balance(debt.money(debt.amount), debt.money(debt.balance), debt.money(debt.paid))
    errors += refusals(new, balance, tx.now)
    if errors:
        raise refusal(errors)
    if is_implausible(new, balance):
        raise _implausible(new, balance)
    before = _Before.of(debt)
    entry = _write(tx, debt, new)
    before.record_changes(tx, debt, entry)
    return EntryOutcome(entry, is_new=True)


def _check_related(debt: Debt, new: NewEntry, related: RelatedEntry | None) -> list[FieldError]:
    if related is None:
        raise _unknown_entry(debt, "/payment_id")
    if related.reversal_id is not None:
        raise AlreadyReversed(
            message(
                "{entry} was reversed by {reversal}.",
                entry=ids.show("pay", related.entry.id),
                reversal=ids.show("pay", related.reversal_id),
            ),
            extra={"id": ids.show("pay", related.reversal_id)},
        )
    return related_refusals(new, related)


def _unknown_entry(debt: Debt, pointer: str) -> Invalid:
    return one_field(
        pointer,
        "unknown",
        message(
            "The debt has no such entry. GET /external-api/v1/debts/{debt}/payments lists its entries.",
            debt=ids.show("debt", debt.id),
        ),
    )


def _implausible(new: NewEntry, balance: Balance) -> PaymentImplausible:
    detail = message(
        "{amount} {currency} is more than ten times the balance of {balance} {currency}. Send it again with `confirm: true` if it is right.",
        amount=new.amount.decimal,
        balance=balance.balance.decimal,
        currency=new.amount.currency,
    )
    return PaymentImplausible(detail, errors=[FieldError("/amount", PaymentImplausible.code, detail)])


async def reverse(tx: Transaction, debt: Debt, new: NewReversal) -> EntryOutcome:
    """Cancel a payment or write-off of a locked debt by an entry that names it, once and whole.

    Raises AlreadyReversed for a second one, Invalid for an entry of another kind or another amount.
    """
    related = await queries.find_related(tx, debt, new.entry_id)
    if related is None:
        raise _unknown_entry(debt, "/reverses")
    errors = reversal_refusals(related.entry, new.amount)
    if errors:
        raise refusal(errors)
    reversal = NewEntry(
        kind="reversal",
        amount=related.entry.amount,
        method=new.method,
        paid_at=new.paid_at,
        provider=new.provider,
        provider_id=new.provider_id,
        note=new.note,
        related_id=related.entry.id,
        reversed_kind=related.entry.kind,
    )
    return await enter(tx, debt, reversal, related)


def _same(twin: Entry, debt: Debt, new: NewEntry) -> Entry:
    # A repeated refund or chargeback may name the payment that the first request did not know.
    is_same_subject = new.kind != "reversal" or twin.related_id == new.related_id
    if is_same_subject and (twin.debt_id, twin.kind, twin.minor) == (debt.id, new.kind, new.balance_change):
        return twin
    entry_id = ids.show("pay", twin.id)
    raise ProviderIdTaken(
        message(
            "{provider} {provider_id} is already recorded as {shown}: a {kind} of {amount} {currency} on {debt}.",
            provider=new.provider,
            provider_id=new.provider_id,
            shown=entry_id,
            kind=twin.kind,
            amount=twin.amount.decimal,
            currency=twin.currency,
            debt=ids.show("debt", twin.debt_id),
        ),
        extra={"id": entry_id},
    )


def _write(tx: Transaction, debt: Debt, new: NewEntry) -> Entry:
    entry = Entry(
        id=ids.new(),
        debt_id=debt.id,
        kind=new.kind,
        minor=new.balance_change,
        currency=debt.currency,
        method=new.method,
        provider=new.provider,
        provider_id=new.provider_id,
        note=new.note,
        paid_at=new.paid_at or tx.now,
        created_at=tx.now,
        related_id=new.related_id,
        reversed_kind=new.reversed_kind,
    )
    _insert(tx, debt, entry)
    payload, balance_before = entry_payload(entry), debt.balance
    if entry.kind in _EVENTS:
        kind, name = _EVENTS[entry.kind]
        events.record(tx, kind, debt, {name: payload})
    debts.enter_money(tx, debt, entry.kind, entry.minor, payload, reversed_kind=entry.reversed_kind)
    questions.ask_about_overpayment(tx, debt, balance_before)
    review_small_balance(tx, debt)
    return entry


def review_small_balance(tx: Transaction, debt: Debt) -> None:
    """Have the balance of a locked debt in collection written off, by rule or by a person, if it is too small."""
    if not debts.is_below_minimum(debt):
        questions.withdraw_small_balance(tx, debt)
    elif questions.is_review_due(debt):
        if questions.is_written_off_by_rule(debt):
            _write_off(tx, debt)
        else:
            questions.ask_about_small_balance(tx, debt)


def _write_off(tx: Transaction, debt: Debt) -> None:
    before = _Before.of(debt)
    note = str(message("The balance was below the minimum."))
    entry = _write(tx, debt, NewEntry("write_off", debt.money(debt.balance), note=note))
    before.record_changes(tx, debt, entry)


def _insert(tx: Transaction, debt: Debt, entry: Entry) -> None:
    note = None
    if entry.note is not None and debt.key is not None:
        note = debt.key.seal(entry.note.encode(), note_context(debt.workspace_id, entry.id))
    tx.defer(
        _INSERT,
        debt.workspace_id,
        entry.id,
        entry.debt_id,
        entry.kind,
        entry.minor,
        entry.currency,
        entry.method,
        entry.provider,
        entry.provider_id,
        note,
        entry.paid_at,
        entry.created_at,
        entry.related_id,
        entry.reversed_kind,
    )


def entry_payload(entry: Entry) -> dict[str, Any]:
    """Return an entry as its event carries it."""
    payload = {
        "id": ids.show("pay", entry.id),
        "kind": entry.kind,
        "amount": entry.amount.decimal,
        "currency": entry.currency,
        "method": entry.method,
        "stripe_payment_id": entry.provider_id if entry.provider == "stripe" else None,
        "paid_at": json.instant(entry.paid_at),
    }
    if entry.related_id is not None:
        name = "reverses" if entry.kind == "reversal" else "payment_id"
        payload[name] = ids.show("pay", entry.related_id)
    return payload


async def simulate(
    tx: Transaction, debt: Debt, amount: Money | None, method: str, paid_at: datetime | None = None
) -> EntryOutcome:
    """Simulate a Stripe payment on a sandbox's locked debt, by default of the whole balance and made now."""
    if debt.workspace.is_live:
        raise SandboxOnly(
            message(
                "Payments can be simulated in a sandbox only. Record live payments with POST .../payments."
            )
        )
    if amount is None:
        if debt.balance <= 0:
            raise NothingOwed(
                message("This debt has no outstanding balance. Send an amount to simulate an overpayment.")
            )
        amount = debt.money(debt.balance)
    payment_intent_id = f"pi_{secrets.token_hex(12)}"
    new = NewEntry("payment", amount, method, paid_at, provider="stripe", provider_id=payment_intent_id)
    return await enter(tx, debt, new)


async def write_adjustment(tx: Transaction, debt: Debt, change: int) -> None:
    """Book a changed claim on a locked debt: `change` is in minor units, negative lowers the balance.

    The caller has checked that the claim stays above zero.
    """
    _write(tx, debt, NewEntry("adjustment", debt.money(change)))


async def anonymise(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Delete provider ids and notes of an erased debt's entries, keeping the amounts."""
    await tx.execute(_ANONYMISE, workspace_id, debt_id)
