"""The bulk parser of request bodies, equivalent to `POST /debts` for each.

Most rows of a file are clearly valid and are parsed in one pass over their fields. Any other row goes through
the checks of the single route, so that errors are identical word for word. The invariant: a row parsed on the
fast path gives the same debt as the single route.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from getbill import scenarios
from getbill.companies import Workspace
from getbill.creditors import PREFIX as CREDITOR_PREFIX
from getbill.debtors import Identity
from getbill.debts.model import Details, NewDebt
from getbill.debts.wire import checks, field_checks
from getbill.debts.wire.bodies import NewDebtBody
from getbill.debts.wire.fields import (
    ADDRESS_FIELDS,
    ADDRESS_LINE,
    DEBT_FIELDS,
    DEBTOR_FIELDS,
    DETAIL_FIELDS,
    KINDS,
)
from getbill.debts.wire.serializers import new_debt
from getbill.kit import ids, phones
from getbill.kit.errors import FieldError, Invalid, NotFound
from getbill.kit.http import ApiField, JsonBody, pointer
from getbill.kit.messages import message
from getbill.kit.money import Money

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _BodyContext:
    """The request context that the single route's checks need."""

    workspace: Workspace


_BODY: Final = JsonBody(NewDebtBody, optional=False)


def parse_bodies(workspace: Workspace, raws: Sequence[Raw]) -> list[NewDebt | list[FieldError]]:
    """Return, for each body, its debt or all its errors, in the order given."""
    parser = _BulkParser(workspace)
    return [parser.read(raw) for raw in raws]


_ADDRESS: Final = {field.name: KINDS[field.kind].check for field in ADDRESS_FIELDS}
_ADDRESS_LINE: Final[dict[str, field_checks.Check]] = {"address": field_checks.line}
# Fields of the debtor: the check of each name in the nested object.
_NESTED: Final = {field.name: KINDS[field.kind].check for field in DEBTOR_FIELDS}
_PLAIN: Final[dict[str, tuple[str, field_checks.Check]]] = {
    "amount": ("amount", field_checks.amount),
    "currency": ("currency", field_checks.currency),
    "timeline_id": ("timeline_id", field_checks.text),
    "creditor_id": ("creditor_id", field_checks.text),
}


def _checks_by_name(
    fields: Iterable[ApiField], *, is_nested: bool
) -> dict[str, tuple[str, field_checks.Check]]:
    return {
        name: (field.stored_name, KINDS[field.kind].check)
        for field in fields
        for name in (field.aliases if is_nested else field.body_names)
    }


# Each field's part of the debt, name and check.
_FIELDS: Final = {
    name: (part, field_name, check)
    for part, table in enumerate(
        (
            _checks_by_name((*DEBTOR_FIELDS, ADDRESS_LINE, *ADDRESS_FIELDS), is_nested=True),
            _checks_by_name(DETAIL_FIELDS, is_nested=False),
            _PLAIN | _checks_by_name(DEBT_FIELDS, is_nested=False),
        )
    )
    for name, (field_name, check) in table.items()
}


class _BulkParser:
    """The parser of one workspace; repeated values are looked up once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._context = _BodyContext(workspace)
        self._scenarios: dict[tuple[str | None, str | None], str] = {}
        self._born_after, self._born_before = checks.birthdate_range(workspace.now())

    def read(self, raw: Raw) -> NewDebt | list[FieldError]:
        """Return the debt of a body, or its errors."""
        try:
            return self._parse_fast(raw)
        except (ValueError, ArithmeticError, LookupError, NotFound):
            pass
        nul_path = field_checks.find_nul(raw)
        if nul_path is not None:
            return [
                FieldError(
                    pointer(nul_path),
                    "characters",
                    message("A text contains the character U+0000, which is not allowed."),
                )
            ]
        try:
            return new_debt(_BODY.check(raw, self._context), self._workspace)
        except Invalid as error:
            return list(error.errors)

    def _parse_fast(self, raw: Raw) -> NewDebt:
        """Return the debt of a clearly valid body; raise on any doubt."""
        if type(raw) is not dict:
            raise field_checks.NeedsFullCheck
        parts: tuple[dict[str, Any], ...] = ({}, {}, {})
        debtor_fields, details, debt_fields = parts
        for name, value in raw.items():
            if value is None:
                if name not in _FIELDS and name != "debtor":
                    raise field_checks.NeedsFullCheck
            elif name == "debtor":
                _read_debtor(value, debtor_fields)
                if "address" in value and raw.get("address") is not None:
                    raise field_checks.NeedsFullCheck
            else:
                part, field_name, check = _FIELDS[name]
                if field_name in parts[part]:
                    raise field_checks.NeedsFullCheck
                parts[part][field_name] = check(value)
        birthdate = debtor_fields.get("birthdate")
        if birthdate and not self._born_after <= birthdate <= self._born_before:
            raise field_checks.NeedsFullCheck
        identity = _build_identity(debtor_fields)
        if identity.phone and not details.get("accept_expensive_destination"):
            self._refuse_expensive(identity.phone)
        return self._build_debt(identity, details, debt_fields)

    def _refuse_expensive(self, phone: str) -> None:
        if phones.expensive_destination(phone, self._workspace.company.refused_zones) is not None:
            raise field_checks.NeedsFullCheck

    def _build_debt(
        self, identity: Identity, details: dict[str, Any], debt_fields: dict[str, Any]
    ) -> NewDebt:
        due_on, invoiced_on = debt_fields.get("due_on"), details.get("invoice_date")
        if due_on and invoiced_on and due_on.isoformat() < invoiced_on:
            raise field_checks.NeedsFullCheck
        creditor_id = debt_fields.get("creditor_id")
        if checks.is_creditor_missing(self._workspace, details.get("creditor"), creditor_id):
            raise field_checks.NeedsFullCheck
        amount = Money.from_decimal(
            debt_fields["amount"], debt_fields.get("currency") or self._workspace.company.currency
        )
        if amount.minor <= 0:
            raise field_checks.NeedsFullCheck
        return NewDebt(
            identity=identity,
            amount=amount,
            reference=debt_fields["reference"],
            scenario=self._resolve_scenario(debt_fields.get("scenario"), debt_fields.get("timeline_id")),
            details=Details(**details) if details else _NO_DETAILS,
            invoice_reference=debt_fields.get("invoice_reference"),
            due_on=due_on,
            creditor_id=None if creditor_id is None else ids.read(CREDITOR_PREFIX, creditor_id),
        )

    def _resolve_scenario(self, name: str | None, timeline_id: str | None) -> str:
        cache_key = name, timeline_id
        scenario = self._scenarios.get(cache_key)
        if scenario is None:
            scenario = scenarios.resolve(self._workspace, name, timeline_id)
            scenarios.refuse_notices(self._workspace, scenario)
            self._scenarios[cache_key] = scenario
        return scenario


_NO_DETAILS: Final = Details()


def _read_debtor(debtor: Any, debtor_fields: dict[str, Any]) -> None:
    if type(debtor) is not dict:
        raise field_checks.NeedsFullCheck
    for name, value in debtor.items():
        if name == "address":
            _read_address(value, debtor_fields)
        elif name in debtor_fields or value is None:
            raise field_checks.NeedsFullCheck
        else:
            debtor_fields[name] = _NESTED[name](value)


def _read_address(address: Any, debtor_fields: dict[str, Any]) -> None:
    if type(address) is str:
        address, address_checks = {"address": address}, _ADDRESS_LINE
    elif type(address) is dict:
        address_checks = _ADDRESS
    else:
        raise field_checks.NeedsFullCheck
    for name, value in address.items():
        if name in debtor_fields or value is None:
            raise field_checks.NeedsFullCheck
        debtor_fields[name] = address_checks[name](value)


def _build_identity(debtor_fields: dict[str, Any]) -> Identity:
    if "phone" in debtor_fields:
        debtor_fields["phone"] = phones.parse(debtor_fields["phone"], debtor_fields.get("country") or "FR")
    if "name" not in debtor_fields:
        full_name = " ".join(
            part for part in (debtor_fields.get("first_name"), debtor_fields.get("last_name")) if part
        )
        debtor_fields["name"] = full_name or debtor_fields["company"]
    elif ("first_name" in debtor_fields or "last_name" in debtor_fields) and checks.do_names_disagree(
        debtor_fields["name"],
        debtor_fields.get("first_name"),
        debtor_fields.get("last_name"),
        debtor_fields.get("company"),
    ):
        raise field_checks.NeedsFullCheck
    return Identity(**debtor_fields)
