"""Reading many bodies at once, each as `POST /debts` would read it alone.

Nearly every row of a file is plainly right; such a row is read in one pass over its fields. Of any other, the checks of
the single route say what is wrong with it, so that the answer is theirs word for word. The invariant: a row that is
read here the short way is read by the single route to the same debt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from getbill import scenarios
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts.model import Details, NewDebt
from getbill.debts.wire import checks, field_checks
from getbill.debts.wire.bodies import NewDebtBody
from getbill.debts.wire.serializers import new_debt
from getbill.kit import phones
from getbill.kit.errors import FieldError, Invalid
from getbill.kit.http import JsonBody, pointer
from getbill.kit.messages import message
from getbill.kit.money import Money

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks, as far as the single route's checks want to know."""

    workspace: Workspace


_BODY: Final = JsonBody(NewDebtBody, optional=False)


def read_many(workspace: Workspace, raws: Sequence[Raw]) -> list[NewDebt | list[FieldError]]:
    """Return, for each body, the debt it asks for or every field that is wrong, in the order asked."""
    reader = _Reader(workspace)
    return [reader.read(raw) for raw in raws]


_CIVILITY: Final = field_checks.word("Mr", "Ms")
_ADDRESS: Final[dict[str, field_checks.Check]] = {
    "street_address": field_checks.line,
    "street_number": field_checks.text,
    "postal_code": field_checks.text,
    "city": field_checks.text,
    "country": field_checks.country,
}
_WHOLE: Final[dict[str, field_checks.Check]] = {"address": field_checks.line}
# Of the debtor: our name and the check of each field, by where it may stand in a body.
_NESTED: Final[dict[str, field_checks.Check]] = {
    "name": field_checks.text,
    "first_name": field_checks.text,
    "last_name": field_checks.text,
    "civility": _CIVILITY,
    "birthdate": field_checks.written_day,
    "company": field_checks.text,
    "email": field_checks.email,
    "phone": field_checks.phone,
    "language": field_checks.language,
    "reference": field_checks.text,
}
_FLAT: Final[dict[str, tuple[str, field_checks.Check]]] = {
    "firstname": ("first_name", field_checks.text),
    "lastname": ("last_name", field_checks.text),
    "debtor_reference": ("reference", field_checks.text),
    "debtor_company": ("company", field_checks.text),
    "address": ("address", field_checks.line),
    **{name: (name, _NESTED[name]) for name in ("civility", "birthdate", "email", "phone")},
    **{name: (name, check) for name, check in _ADDRESS.items()},
}
_DETAILS: Final[dict[str, tuple[str, field_checks.Check]]] = {
    "object": ("object", field_checks.line),
    "iban": ("iban", field_checks.iban),
    "payment_link": ("payment_link", field_checks.link),
    "invoice_date": ("invoice_date", field_checks.written_day),
    "company": ("creditor", field_checks.text),
    "metadata": ("metadata", field_checks.metadata),
    "timeline_start_mode": ("start_mode", field_checks.word("immediate", "next_day")),
    "accept_expensive_destination": ("accept_expensive_destination", field_checks.flag),
}
_REST: Final[dict[str, tuple[str, field_checks.Check]]] = {
    "amount": ("amount", field_checks.amount),
    "currency": ("currency", field_checks.currency),
    "reference": ("reference", field_checks.text),
    "internal_id": ("reference", field_checks.text),
    "due_date": ("due_on", field_checks.day),
    "scenario": ("scenario", field_checks.text),
    "timeline_id": ("timeline_id", field_checks.text),
    "invoice_reference": ("invoice_reference", field_checks.text),
}
# Which part of the debt a field is of, under which name, and its check.
_FIELDS: Final = {
    name: (part, ours, check)
    for part, table in enumerate((_FLAT, _DETAILS, _REST))
    for name, (ours, check) in table.items()
}


class _Reader:
    """Reads bodies for one workspace; what many of them name alike is looked up once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._asking = _Asking(workspace)
        self._scenarios: dict[tuple[str | None, str | None], str] = {}
        self._born_after, self._born_before = checks.lifetimes(workspace.now())

    def read(self, raw: Raw) -> NewDebt | list[FieldError]:
        """Return the debt a body asks for, or what is wrong with it."""
        try:
            return self._plain(raw)
        except (ValueError, ArithmeticError, LookupError):
            pass
        unstorable = field_checks.nul_in(raw)
        if unstorable is not None:
            return [
                FieldError(
                    pointer(unstorable), "characters", message("A text holds U+0000, which no text may.")
                )
            ]
        try:
            return new_debt(_BODY.check(raw, self._asking), self._workspace)
        except Invalid as refused:
            return list(refused.errors)

    def _plain(self, raw: Raw) -> NewDebt:
        """Return the debt a body plainly asks for; raise where there is any doubt."""
        if type(raw) is not dict:
            raise field_checks.Doubt
        parts: tuple[dict[str, Any], ...] = ({}, {}, {})
        who, details, rest = parts
        for name, value in raw.items():
            if value is None:
                if name not in _FIELDS and name != "debtor":
                    raise field_checks.Doubt
            elif name == "debtor":
                _read_debtor(value, who)
                if "address" in value and raw.get("address") is not None:
                    raise field_checks.Doubt
            else:
                part, ours, check = _FIELDS[name]
                if ours in parts[part]:
                    raise field_checks.Doubt
                parts[part][ours] = check(value)
        birthdate = who.get("birthdate")
        if birthdate and not self._born_after <= birthdate <= self._born_before:
            raise field_checks.Doubt
        identity = _identity(who)
        if identity.phone and not details.get("accept_expensive_destination"):
            self._refuse_expensive(identity.phone)
        return self._debt(identity, details, rest)

    def _refuse_expensive(self, phone: str) -> None:
        if phones.expensive(phone, self._workspace.company.refused_zones) is not None:
            raise field_checks.Doubt

    def _debt(self, identity: Identity, details: dict[str, Any], rest: dict[str, Any]) -> NewDebt:
        due_on, invoiced_on = rest.get("due_on"), details.get("invoice_date")
        if due_on and invoiced_on and due_on.isoformat() < invoiced_on:
            raise field_checks.Doubt
        amount = Money.of(rest["amount"], rest.get("currency") or self._workspace.company.currency)
        if amount.minor <= 0:
            raise field_checks.Doubt
        return NewDebt(
            identity=identity,
            amount=amount,
            reference=rest["reference"],
            scenario=self._scenario(rest.get("scenario"), rest.get("timeline_id")),
            details=Details(**details) if details else _NO_DETAILS,
            invoice_reference=rest.get("invoice_reference"),
            due_on=due_on,
        )

    def _scenario(self, name: str | None, timeline_id: str | None) -> str:
        asked = name, timeline_id
        found = self._scenarios.get(asked)
        if found is None:
            found = self._scenarios[asked] = scenarios.resolve(self._workspace, name, timeline_id)
        return found


_NO_DETAILS: Final = Details()


def _read_debtor(debtor: Any, who: dict[str, Any]) -> None:
    if type(debtor) is not dict:
        raise field_checks.Doubt
    for name, value in debtor.items():
        if name == "address":
            _read_address(value, who)
        elif name in who or value is None:
            raise field_checks.Doubt
        else:
            who[name] = _NESTED[name](value)


def _read_address(address: Any, who: dict[str, Any]) -> None:
    if type(address) is str:
        address, checks = {"address": address}, _WHOLE
    elif type(address) is dict:
        checks = _ADDRESS
    else:
        raise field_checks.Doubt
    for name, value in address.items():
        if name in who or value is None:
            raise field_checks.Doubt
        who[name] = checks[name](value)


def _identity(who: dict[str, Any]) -> Identity:
    if "phone" in who:
        who["phone"] = phones.parse(who["phone"], who.get("country") or "FR")
    if "name" not in who:
        full = " ".join(part for part in (who.get("first_name"), who.get("last_name")) if part)
        who["name"] = full or who["company"]
    elif ("first_name" in who or "last_name" in who) and checks.do_names_disagree(
        who["name"], who.get("first_name"), who.get("last_name"), who.get("company")
    ):
        raise field_checks.Doubt
    return Identity(**who)
