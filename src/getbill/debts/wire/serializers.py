"""Conversion of request bodies to domain objects, and of debts to responses."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from getbill import scenarios
from getbill.companies import Workspace
from getbill.creditors import CreditorChoice
from getbill.debtors import Debtor, HistoryEntry, Identity
from getbill.debts import promises, transitions
from getbill.debts.actions import DebtChange
from getbill.debts.creditor_changes import contact_gap
from getbill.debts.erasure import ErasureResult
from getbill.debts.model import Debt, Details, NewDebt, Status
from getbill.debts.wire import checks
from getbill.debts.wire.bodies import (
    AddressBody,
    DebtChangeBody,
    DebtFields,
    DebtorBody,
    NewDebtBody,
    amount_errors,
    phone_region,
)
from getbill.debts.wire.debtor_bodies import CAMEL_CASE as _CAMEL_CASE
from getbill.debts.wire.debtor_bodies import DebtorChangeBody, without_debtor
from getbill.debts.wire.fields import (
    ADDRESS_ANSWER,
    ADDRESS_FIELDS,
    ADDRESS_LINE,
    DEBT_ANSWER,
    DEBT_FIELDS,
    DEBTOR_ANSWER,
    DEBTOR_FIELDS,
    DETAIL_FIELDS,
    DETAILS_ANSWER,
)
from getbill.kit import ids, json, phones
from getbill.kit.errors import Invalid, one_field, refusal
from getbill.kit.money import Money

_ADDRESS_NAMES = tuple(field.stored_name for field in (ADDRESS_LINE, *ADDRESS_FIELDS))
_COLUMN_NAMES = {name: field.stored_name for field in DEBT_FIELDS for name in field.body_names}
_DETAIL_NAMES = {name: field.stored_name for field in DETAIL_FIELDS for name in field.body_names}
_DEBTOR_ALIASES = {
    alias: field.stored_name
    for field in (*DEBTOR_FIELDS, ADDRESS_LINE, *ADDRESS_FIELDS)
    for alias in field.aliases
}


def new_debt(body: NewDebtBody, workspace: Workspace) -> NewDebt:
    """Return the debt of a body, with the company's defaults for omitted fields."""
    currency = body.currency or workspace.company.currency
    assert body.amount is not None  # noqa: S101 - required across fields
    errors = amount_errors(body.amount, currency)
    if errors:
        raise refusal(errors)
    columns = _present_values(body, _COLUMN_NAMES)
    columns["scenario"] = scenarios.resolve(workspace, columns.get("scenario"), body.timeline_id)
    details = _present_values(body, _DETAIL_NAMES)
    return NewDebt(
        identity=Identity(**_with_full_name(_identity_fields(body))),
        amount=Money.from_decimal(body.amount, currency),
        details=Details(**{name: _json_value(value) for name, value in details.items()}),
        creditor_id=None if body.creditor_id is None else checks.read_creditor_id(body.creditor_id),
        **columns,
    )


def _present_values(body: DebtFields, stored_names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that are not null, by their stored names; `stored_names` has every name in a body."""
    names = stored_names.keys() & body.model_fields_set
    return {stored_names[name]: value for name in names if (value := getattr(body, name)) is not None}


def new_debtor(body: DebtorBody) -> Identity:
    """Return the identity of a person who is described by a body."""
    nested = DebtChangeBody.model_construct(_fields_set={"debtor"}, debtor=body)
    return Identity(**_with_full_name(_identity_fields(nested)))


def parse_debtor_change(body: DebtorChangeBody, identity: Identity) -> dict[str, Any]:
    """Return the requested fields of a debtor; raise Invalid if the name would contradict its parts."""
    stated = {_CAMEL_CASE.get(name, name): getattr(body, name) for name in body.model_fields_set}
    debtor = DebtorBody.model_construct(_fields_set=set(stated), **stated)
    nested = DebtChangeBody.model_construct(_fields_set={"debtor"}, debtor=debtor)
    try:
        fields = _with_changed_name(_identity_fields(nested, identity.country), identity)
        _refuse_disagreeing_name(fields, identity)
    except Invalid as error:
        raise refusal([without_debtor(field_error) for field_error in error.errors]) from None
    return {name: value for name, value in fields.items() if getattr(identity, name) != value}


def parse_change(body: DebtChangeBody, debt: Debt) -> DebtChange:
    """Return the requested change of a debt."""
    body_fields = body.model_fields_set
    nulls: dict[str, Any] = {_COLUMN_NAMES[name]: None for name in _COLUMN_NAMES.keys() & body_fields}
    columns = nulls | _present_values(body, _COLUMN_NAMES)
    if columns.get("scenario") or body.timeline_id:
        columns["scenario"] = scenarios.resolve(debt.workspace, columns.get("scenario"), body.timeline_id)
    currency = body.currency or debt.currency
    if body.amount is not None and (errors := amount_errors(body.amount, currency)):
        raise refusal(errors)
    identity = _identity_fields(body, debt.debtor.identity.country)
    if identity:
        identity = _with_changed_name(identity, debt.debtor.identity)
    details = {
        _DETAIL_NAMES[name]: _json_value(getattr(body, name)) for name in _DETAIL_NAMES.keys() & body_fields
    }
    _refuse_expensive(body, identity, details, debt)
    creditor = None
    if body_fields & {"company", "creditor_id"}:
        creditor_id = None if body.creditor_id is None else checks.read_creditor_id(body.creditor_id)
        creditor = CreditorChoice(creditor_id, details.pop("creditor", None))
    if "promise" in body_fields:
        details["promise"] = body.promise and {"date": body.promise.date, "amount": body.promise.amount}
    return DebtChange(
        identity=identity,
        details=details,
        columns=columns,
        scenario_version=body.scenario_version,
        amount=Money.from_decimal(body.amount, currency) if body.amount is not None else None,
        currency=body.currency,
        status=None if body.status is None else Status(body.status),
        creditor=creditor,
    )


def _phone_pointer(body: DebtFields) -> str:
    return (
        "/debtor/phone" if body.debtor is not None and "phone" in body.debtor.model_fields_set else "/phone"
    )


def _refuse_expensive(
    body: DebtChangeBody, identity: dict[str, str | None], details: dict[str, Any], debt: Debt
) -> None:
    """Raise Invalid for a number dearer than a personal one, unless the body or the debt accepts it."""
    accepts = details.get("accept_expensive_destination", debt.details.accept_expensive_destination)
    phone = identity.get("phone")
    if phone is None or accepts:
        return
    pointer = _phone_pointer(body)
    error = checks.destination_error(pointer, phone, debt.workspace.company.refused_zones)
    if error is not None:
        raise refusal([error])


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _identity_fields(body: DebtFields, known_country: str | None = None) -> dict[str, str | None]:
    """Return the debtor's fields of a body under our names, from either spelling."""
    fields = {
        _DEBTOR_ALIASES[name]: getattr(body, name) for name in _DEBTOR_ALIASES.keys() & body.model_fields_set
    }
    if body.debtor is not None:
        address = body.debtor.address
        fields |= {name: getattr(body.debtor, name) for name in body.debtor.model_fields_set - {"address"}}
        if isinstance(address, AddressBody):
            fields |= {name: getattr(address, name) for name in address.model_fields_set}
        elif "address" in body.debtor.model_fields_set:
            fields |= {"address": address} if address else dict.fromkeys(_ADDRESS_NAMES)
    fields = {name: _json_value(value) for name, value in fields.items()}
    if fields.get("phone"):
        country = fields.get("country", known_country)
        pointer = _phone_pointer(body)
        fields["phone"] = _parse_phone(str(fields["phone"]), phone_region({"country": country}), pointer)
    return fields


def _parse_phone(text: str, country: str, pointer: str) -> str:
    try:
        return phones.parse(text, country)
    except phones.PhoneInvalid as error:
        # The body names no country, so the number was first read as a French one.
        raise one_field(pointer, "phone", error.detail) from None


def _with_full_name(fields: dict[str, Any]) -> dict[str, Any]:
    if not fields.get("name"):
        full_name = " ".join(part for part in (fields.get("first_name"), fields.get("last_name")) if part)
        fields["name"] = full_name or fields.get("company")
    return fields


def _with_changed_name(fields: dict[str, str | None], before: Identity) -> dict[str, str | None]:
    # A changed first or last name also changes the full name, unless that is given.
    if "name" not in fields and ({"first_name", "last_name"} & fields.keys()):
        first = fields.get("first_name", before.first_name)
        last = fields.get("last_name", before.last_name)
        fields["name"] = " ".join(part for part in (first, last) if part) or before.name
    if not fields.get("name", before.name):
        fields["name"] = before.name
    return fields


def refuse_other_name(change: DebtChange, debt: Debt) -> None:
    """Raise Invalid if the debtor's name would contradict its parts, of which a body names only some."""
    _refuse_disagreeing_name(change.identity, debt.debtor.identity)


def _refuse_disagreeing_name(fields: dict[str, str | None], before: Identity) -> None:
    if "name" not in fields:
        return
    after = before.with_changes(fields)
    parts = after.first_name, after.last_name
    if checks.do_names_disagree(after.name, *parts, after.company):
        raise refusal([checks.name_error(after.name, *parts)])


def serialize_debt(debt: Debt) -> dict[str, Any]:
    """Return a debt as the API shows it."""
    return {
        "id": ids.show("debt", debt.id),
        "status": debt.status,
        **DEBT_ANSWER.read(debt),
        "amount": debt.money(debt.amount).decimal,
        "currency": debt.currency,
        "balance": debt.money(debt.balance).decimal,
        "amount_paid": debt.money(debt.paid).decimal,
        "amount_written_off": transitions.written_off(debt).decimal,
        "scenario_version": debt.scenario_version,
        "timeline_id": scenarios.scenario_public_id(debt.workspace, debt.scenario),
        **DETAILS_ANSWER.read(debt.details),
        "creditor_id": debt.creditor_public_id,
        "company": debt.creditor_name,
        "debtor": serialize_debtor(debt.debtor),
        "next_action_at": None if contact_gap(debt) else transitions.next_contact_at(debt),
        "contacted_at": debt.contacted_at,
        "resolved_at": debt.resolved_at,
        "resolution": debt.resolution,
        "payment_plan_active": debt.has_plan,
        "promise": promises.serialize_promise(debt),
        "followups_count": debt.contacts_count,
        "created_at": debt.created_at,
        "updated_at": debt.updated_at,
    }


def serialize_debtor(debtor: Debtor) -> dict[str, Any]:
    """Return a debtor as the API shows them."""
    identity = debtor.identity
    address = ADDRESS_ANSWER.read(identity)
    return {
        "id": ids.show("debtor", debtor.id),
        **DEBTOR_ANSWER.read(identity),
        "address": address | {"street_address": identity.street_address or identity.address},
        "emails": _serialize_points(identity, "email"),
        "phones": _serialize_points(identity, "phone"),
        "other_names": list(identity.other_names),
        "other_references": list(identity.other_references),
        "other_addresses": list(identity.other_addresses),
    }


def _serialize_points(identity: Identity, kind: str) -> list[dict[str, Any]]:
    preferred = getattr(identity, kind)
    return [
        {
            "value": point.value,
            "source": point.source,
            "health": point.health,
            "preferred": point.value == preferred,
        }
        for point in identity.points(kind)
    ]


def serialize_erasure(erasure: ErasureResult) -> dict[str, Any]:
    """Return an erasure as the API shows it."""
    erased_fields = ["reference", "details", "events", "followups", "messages", "stored answers"]
    return {
        "id": ids.show("debt", erasure.debt_id),
        "erased_at": json.instant(erasure.erased_at),
        "erased": ["debtor", *erased_fields] if erasure.is_debtor_erased else erased_fields,
        "kept": ["amounts and payments, without any name, as accounting needs"],
        "is_debtor_erased": erasure.is_debtor_erased,
    }


def serialize_history(entry: HistoryEntry) -> dict[str, Any]:
    """Return an entry of a debtor's history as the API shows it."""
    return {
        "action": entry.action,
        "at": json.instant(entry.at),
        "by": entry.actor.public_id if entry.actor else None,
        "other_debtor_id": ids.show("debtor", entry.other_id) if entry.other_id else None,
        "fields": list(entry.fields),
        "debts": [ids.show("debt", debt_id) for debt_id in entry.debt_ids],
    }


def serialize_debtor_with_totals(person: Debtor, totals: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a debtor with their creation time and amounts per currency."""
    return serialize_debtor(person) | {
        "debts_count": sum(row["debts"] for row in totals),
        "totals": [
            {
                "currency": row["currency"],
                "amount": Money(row["amount"], row["currency"]).decimal,
                "balance": Money(row["balance"], row["currency"]).decimal,
                "amount_paid": Money(row["paid"], row["currency"]).decimal,
            }
            for row in totals
        ],
        "created_at": json.instant(person.created_at),
        "updated_at": json.instant(person.updated_at),
    }
