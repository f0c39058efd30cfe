"""Entry of money on a debt. The debt is locked first, so its entries are serialised."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from getbill import debts, events
from getbill.companies import SandboxOnly
from getbill.debts import Debt
from getbill.kit import ids, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import refusal
from getbill.kit.messages import message
from getbill.kit.money import Money
from getbill.payments import queries
from getbill.payments.model import (
    Balance,
    Entry,
    NewEntry,
    NothingOwed,
    ProviderIdTaken,
    note_context,
    refusals,
)

_INSERT = Statement(
    "payments.insert_entry",
    "Insert an entry.",
    """
    INSERT INTO payments (workspace_id, id, debt_id, kind, minor, currency, method, provider, provider_id, note,
        paid_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
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


async def enter(tx: Transaction, debt: Debt, new: NewEntry) -> EntryOutcome:
    """Enter money on a locked debt, or return the existing entry with this provider's id.

    Raises ProviderIdTaken if that entry differs, Invalid if the debt's state forbids the entry. A full
    payment resolves the debt and stops contact in this transaction.
    """
    if new.provider_id is not None:
        twin = await queries.find_by_provider(tx, debt, new.provider, new.provider_id)
        if twin is not None:
            return EntryOutcome(_same(twin, debt, new), is_new=False)
    balance = Balance(debt.money(debt.amount), debt.money(debt.balance), debt.money(debt.paid))
    errors = refusals(new, balance, tx.now)
    if errors:
        raise refusal(errors)
    before = debt.money(debt.balance).decimal
    entry = _write(tx, debt, new)
    if entry.kind != "payment":
        changes = {"balance": {"from": before, "to": debt.money(debt.balance).decimal}}
        events.record(tx, "debt.updated", debt, {"changes": changes, "entry": entry_payload(entry)})
    return EntryOutcome(entry, is_new=True)


def _same(twin: Entry, debt: Debt, new: NewEntry) -> Entry:
    if (twin.debt_id, twin.kind, twin.minor) == (debt.id, new.kind, new.balance_change):
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
    )
    _insert(tx, debt, entry)
    if new.kind == "payment":
        events.record(tx, "debt.payment_received", debt, {"payment": entry_payload(entry)})
    debts.enter_money(tx, debt, entry.kind, entry.minor, entry_payload(entry))
    return entry


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
    )


def entry_payload(entry: Entry) -> dict[str, Any]:
    """Return an entry as its event carries it."""
    return {
        "id": ids.show("pay", entry.id),
        "kind": entry.kind,
        "amount": entry.amount.decimal,
        "currency": entry.currency,
        "method": entry.method,
        "stripe_payment_id": entry.provider_id if entry.provider == "stripe" else None,
        "paid_at": json.instant(entry.paid_at),
    }


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
