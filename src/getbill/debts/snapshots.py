"""Snapshots of a debt: the values that a change may replace, kept so that it can be undone."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from getbill.creditors import CreditorChoice
from getbill.debts.actions import DebtChange
from getbill.debts.model import Debt, Details, NewDebt
from getbill.kit import json
from getbill.kit.http import api_fields
from getbill.kit.money import Money

_COLUMNS: Final = ("invoice_reference", "due_on", "scenario", "scenario_version", "currency", "amount")
_WIRE_NAMES: Final = {field.stored_name: field.name for field in api_fields(NewDebt) + api_fields(Details)}


def snapshot(debt: Debt) -> dict[str, Any]:
    """Return the replaceable values of a debt in JSON form."""
    values = {name: getattr(debt, name) for name in _COLUMNS}
    fingerprint = debt.fingerprint.hex() if debt.fingerprint else None
    snapshot_values = values | {
        "details": debt.details.present_fields(),
        "fingerprint": fingerprint,
        "status": debt.status,
    }
    creditor_id = debt.creditor_id.hex if debt.creditor_id else None
    return dict(json.read(json.write(snapshot_values | {"creditor_id": creditor_id})))


def differing_fields(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of the values in which two snapshots of a debt differ."""
    names = [name for name in _COLUMNS if before[name] != after[name]]
    # Snapshots of earlier versions have no creditor.
    if before.get("creditor_id") != after.get("creditor_id"):
        names.append("creditor_id")
    details = before["details"].keys() | after["details"].keys()
    return names + sorted(
        name for name in details if before["details"].get(name) != after["details"].get(name)
    )


def restoring_change(before: dict[str, Any], names: list[str]) -> DebtChange:
    """Return the change that restores some values of a snapshot."""
    columns: dict[str, Any] = {
        name: before[name] for name in names if name in {"invoice_reference", "scenario"}
    }
    if "due_on" in names:
        columns["due_on"] = date.fromisoformat(before["due_on"]) if before["due_on"] else None
    is_claim = not {"amount", "currency"}.isdisjoint(names)
    is_course = not {"scenario", "scenario_version"}.isdisjoint(names)
    return DebtChange(
        identity={},
        details={
            name: before["details"].get(name)
            for name in names
            if name not in {*_COLUMNS, "creditor_id", "creditor"}
        },
        columns=columns,
        scenario_version=before["scenario_version"] if is_course else None,
        amount=Money(before["amount"], before["currency"]) if is_claim else None,
        currency=before["currency"] if "currency" in names else None,
        creditor=_earlier_creditor(before) if {"creditor_id", "creditor"} & set(names) else None,
    )


def _earlier_creditor(before: dict[str, Any]) -> CreditorChoice:
    """Return the creditor of a snapshot: by id, since it may have been renamed."""
    if before.get("creditor_id") is not None:
        return CreditorChoice(UUID(before["creditor_id"]))
    return CreditorChoice(name=before["details"].get("creditor"))


def replaced_fields(debt: Debt, change: DebtChange) -> list[str]:
    """Return the API names of the values that a change would replace, the debtor excepted."""
    names = [name for name, value in change.columns.items() if getattr(debt, name) != value]
    names += [name for name, value in change.details.items() if getattr(debt.details, name) != value]
    if change.creditor is not None and not change.creditor.is_of(debt.creditor, debt.details.creditor):
        names.append("company")
    currency = change.currency or debt.currency
    if currency != debt.currency:
        names.append("currency")
    if change.amount is not None and change.amount != debt.money(debt.amount):
        names.append("amount")
    return sorted(_WIRE_NAMES.get(name, name) for name in names)
