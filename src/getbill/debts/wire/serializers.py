"""Conversion of request bodies to domain objects, and of debts to responses."""

from datetime import date
from typing import Any

from asyncpg import Record

from getbill import scenarios
from getbill.companies import Workspace
from getbill.debtors import Debtor, Identity
from getbill.debts import promises
from getbill.debts.actions import DebtChange
from getbill.debts.erasure import ErasureResult
from getbill.debts.model import Debt, Details, NewDebt
from getbill.debts.wire import checks
from getbill.debts.wire.bodies import (
    AddressBody,
    DebtChangeBody,
    DebtFields,
    NewDebtBody,
    amount_errors,
    phone_region,
)
from getbill.kit import ids, json, phones
from getbill.kit.errors import one_field, refusal
from getbill.kit.money import Money

_ADDRESS = ("street_address", "street_number", "postal_code", "city", "country")
# Our identity field for each top-level name of the docs' body.
_FLAT = {
    "firstname": "first_name",
    "lastname": "last_name",
    "civility": "civility",
    "birthdate": "birthdate",
    "email": "email",
    "phone": "phone",
    "debtor_reference": "reference",
    "debtor_company": "company",
    "address": "address",
    **{name: name for name in _ADDRESS},
}
_NESTED = (
    "name",
    "first_name",
    "last_name",
    "civility",
    "birthdate",
    "company",
    "email",
    "phone",
    "language",
)
_DETAILS = {
    "object": "object",
    "iban": "iban",
    "payment_link": "payment_link",
    "invoice_date": "invoice_date",
    "company": "creditor",
    "metadata": "metadata",
    "timeline_start_mode": "start_mode",
    "accept_expensive_destination": "accept_expensive_destination",
}


def new_debt(body: NewDebtBody, workspace: Workspace) -> NewDebt:
    """Return the debt of a body, with the company's defaults for omitted fields."""
    currency = body.currency or workspace.company.currency
    assert body.amount is not None  # noqa: S101 - required across fields
    errors = amount_errors(body.amount, currency)
    if errors:
        raise refusal(errors)
    details = {field: _json_value(getattr(body, body_field)) for body_field, field in _DETAILS.items()}
    return NewDebt(
        identity=Identity(**_with_full_name(_identity_fields(body))),
        amount=Money.from_decimal(body.amount, currency),
        reference=body.reference or body.internal_id or "",
        scenario=scenarios.resolve(workspace, body.scenario, body.timeline_id),
        details=Details(**details),
        invoice_reference=body.invoice_reference,
        due_on=body.due_date,
    )


def parse_change(body: DebtChangeBody, debt: Debt) -> DebtChange:
    """Return the requested change of a debt."""
    body_fields = body.model_fields_set
    columns: dict[str, Any] = {}
    if body.reference or body.internal_id:
        columns["reference"] = body.reference or body.internal_id
    if body.scenario or body.timeline_id:
        columns["scenario"] = scenarios.resolve(debt.workspace, body.scenario, body.timeline_id)
    if "invoice_reference" in body_fields:
        columns["invoice_reference"] = body.invoice_reference
    if "due_date" in body_fields:
        columns["due_on"] = body.due_date
    currency = body.currency or debt.currency
    if body.amount is not None and (errors := amount_errors(body.amount, currency)):
        raise refusal(errors)
    identity = _identity_fields(body, debt.debtor.identity.country)
    if identity:
        identity = _with_changed_name(identity, debt.debtor.identity)
    details = {
        field: _json_value(getattr(body, body_field))
        for body_field, field in _DETAILS.items()
        if body_field in body_fields
    }
    _refuse_expensive(body, identity, debt)
    if "promise" in body_fields:
        details["promise"] = body.promise and {"date": body.promise.date, "amount": body.promise.amount}
    return DebtChange(
        identity=identity,
        details=details,
        columns=columns,
        scenario_version=body.scenario_version,
        amount=Money.from_decimal(body.amount, currency) if body.amount is not None else None,
        currency=body.currency,
        status=body.status,
    )


def _refuse_expensive(body: DebtChangeBody, identity: dict[str, str | None], debt: Debt) -> None:
    """Raise Invalid for a number dearer than a personal one, unless the body or the debt accepts it."""
    accepts = body.accept_expensive_destination
    if accepts is None and "accept_expensive_destination" not in body.model_fields_set:
        accepts = debt.details.accept_expensive_destination
    phone = identity.get("phone")
    if phone is None or accepts:
        return
    pointer = "/phone" if body.phone else "/debtor/phone"
    error = checks.destination_error(pointer, phone, debt.workspace.company.refused_zones)
    if error is not None:
        raise refusal([error])


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _identity_fields(body: DebtFields, known_country: str | None = None) -> dict[str, str | None]:
    """Return the debtor's fields of a body under our names, from either spelling."""
    body_fields = body.model_fields_set
    fields = {
        field: _json_value(getattr(body, body_field))
        for body_field, field in _FLAT.items()
        if body_field in body_fields
    }
    debtor = body.debtor
    if debtor is not None:
        debtor_fields = debtor.model_fields_set
        fields |= {name: _json_value(getattr(debtor, name)) for name in _NESTED if name in debtor_fields}
        if "reference" in debtor_fields:
            fields["reference"] = debtor.reference
        if isinstance(debtor.address, AddressBody):
            address_fields = debtor.address.model_fields_set
            fields |= {name: getattr(debtor.address, name) for name in _ADDRESS if name in address_fields}
        elif "address" in debtor_fields:
            fields |= {"address": debtor.address} if debtor.address else dict.fromkeys(("address", *_ADDRESS))
    if fields.get("phone"):
        country = fields.get("country", known_country)
        fields["phone"] = _parse_phone(
            str(fields["phone"]), phone_region({"country": country}), is_flat=bool(body.phone)
        )
    return fields


def _parse_phone(text: str, country: str, *, is_flat: bool) -> str:
    try:
        return phones.parse(text, country)
    except phones.PhoneInvalid as error:
        # The body names no country, so the number was first read as a French one.
        raise one_field("/phone" if is_flat else "/debtor/phone", "phone", error.detail) from None


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
    if "name" not in change.identity:
        return
    after = debt.debtor.identity.with_changes(change.identity)
    parts = after.first_name, after.last_name
    if checks.do_names_disagree(after.name, *parts, after.company):
        raise refusal([checks.name_error(after.name, *parts)])


def serialize_debt(debt: Debt) -> dict[str, Any]:
    """Return a debt as the API shows it."""
    details = debt.details
    return {
        "id": ids.show("debt", debt.id),
        "status": debt.status,
        "reference": debt.reference,
        "invoice_reference": debt.invoice_reference,
        "amount": debt.money(debt.amount).decimal,
        "currency": debt.currency,
        "balance": debt.money(debt.balance).decimal,
        "amount_paid": debt.money(debt.paid).decimal,
        "due_date": debt.due_on,
        "invoice_date": details.invoice_date,
        "object": details.object,
        "scenario": debt.scenario,
        "scenario_version": debt.scenario_version,
        "timeline_id": scenarios.scenario_public_id(debt.workspace, debt.scenario),
        "debtor": serialize_debtor(debt.debtor),
        "next_action_at": debt.next_action_at,
        "contacted_at": debt.contacted_at,
        "resolved_at": debt.resolved_at,
        "resolution": debt.resolution,
        "payment_link": details.payment_link,
        "payment_plan_active": debt.has_plan,
        "promise": promises.serialize_promise(debt),
        "iban": details.iban,
        "company": details.creditor,
        "followups_count": debt.contacts_count,
        "metadata": details.metadata or {},
        "created_at": debt.created_at,
        "updated_at": debt.updated_at,
    }


def serialize_debtor(debtor: Debtor) -> dict[str, Any]:
    """Return a debtor as the API shows them."""
    identity = debtor.identity
    return {
        "id": ids.show("debtor", debtor.id),
        "name": identity.name,
        "first_name": identity.first_name,
        "last_name": identity.last_name,
        "civility": identity.civility,
        "birthdate": identity.birthdate,
        "company": identity.company,
        "email": identity.email,
        "phone": identity.phone,
        "language": identity.language,
        "reference": identity.reference,
        "address": {
            "street_address": identity.street_address or identity.address,
            "street_number": identity.street_number,
            "postal_code": identity.postal_code,
            "city": identity.city,
            "country": identity.country,
        },
    }


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


def serialize_debtor_with_totals(person: Debtor, totals: list[Record]) -> dict[str, Any]:
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


def etag(debt: Debt) -> str:
    """Return the entity tag of a debt: it changes with the debt and with its debtor."""
    return f'"{debt.version}-{int(debt.debtor.updated_at.timestamp() * 1000):x}"'
