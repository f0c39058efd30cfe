"""The declared fields of a debt and its debtor, and what each kind of field is in bodies and answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal

from pydantic import Field

from getbill.debtors import Identity
from getbill.debts.model import Details, NewDebt
from getbill.debts.wire import field_checks, field_types
from getbill.kit.http import ApiField, Day, Flag, api_fields
from getbill.kit.text import body_types

DEBT_FIELDS: Final = api_fields(NewDebt)
DETAIL_FIELDS: Final = api_fields(Details)
_IDENTITY: Final = api_fields(Identity)
ADDRESS_FIELDS: Final = tuple(field for field in _IDENTITY if field.parent == "address")
# The address as one line stands in place of its parts.
ADDRESS_LINE: Final = next(field for field in _IDENTITY if field.name == "address")
DEBTOR_FIELDS: Final = tuple(field for field in _IDENTITY if field not in {*ADDRESS_FIELDS, ADDRESS_LINE})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field holds: its type in bodies, the bulk parser's check, its type in answers."""

    body_type: Any
    check: field_checks.Check
    answer_type: Any = str
    # Makes what an answer has in place of null.
    empty: Callable[[], Any] | None = None
    # Whether bodies show the field's example; the types of other kinds have one of their own, or none.
    has_example: bool = False


KINDS: Final[dict[str, Kind]] = {
    "text": Kind(body_types.Text, field_checks.text),
    "name": Kind(body_types.Text, field_checks.text, has_example=True),
    "line": Kind(body_types.Line, field_checks.line),
    "civility": Kind(Literal["Mr", "Ms"], field_checks.word("Mr", "Ms")),
    "birthdate": Kind(field_types.Birthdate, field_checks.written_day, Day),
    "email": Kind(body_types.Email, field_checks.email),
    "phone": Kind(body_types.Phone, field_checks.phone),
    "language": Kind(field_types.Language, field_checks.language),
    "country": Kind(body_types.Country, field_checks.country),
    "day": Kind(field_types.Day, field_checks.day, Day),
    "day_text": Kind(field_types.Day, field_checks.written_day, Day),
    "iban": Kind(body_types.Iban, field_checks.iban),
    "link": Kind(field_types.Link, field_checks.link),
    "flag": Kind(Flag, field_checks.flag, bool),
    "metadata": Kind(field_types.Metadata, field_checks.metadata, dict[str, Any], empty=dict),
    "start_mode": Kind(Literal["immediate", "next_day"], field_checks.word("immediate", "next_day")),
}


def body_fields(fields: Iterable[ApiField]) -> dict[str, tuple[Any, Any]]:
    """Return the type and the `Field` of each, by its name in a body; all may be left out."""
    return {field.name: _body_field(field) for field in fields}


def top_level_fields() -> dict[str, tuple[Any, Any]]:
    """Return the fields at the top of a debt's body, those of the debtor and all aliases among them."""
    fields = body_fields(field for field in DEBT_FIELDS + DETAIL_FIELDS if not field.is_only_new)
    everything = (*DEBT_FIELDS, *DETAIL_FIELDS, *DEBTOR_FIELDS, ADDRESS_LINE, *ADDRESS_FIELDS)
    return fields | {alias: _body_field(field) for field in everything for alias in field.aliases}


def _body_field(field: ApiField) -> tuple[Any, Any]:
    kind = KINDS[field.kind]
    examples = [field.example] if kind.has_example else None
    return kind.body_type | None, Field(None, description=field.description, examples=examples)


def answer_fields(fields: Iterable[ApiField]) -> dict[str, tuple[Any, Any]]:
    """Return the type and the `Field` of each shown field, by its name in an answer."""
    return {field.name: _answer_field(field) for field in fields if field.is_shown}


def _answer_field(field: ApiField) -> tuple[Any, Any]:
    kind = KINDS[field.kind]
    is_nullable = field.is_nullable and kind.empty is None
    examples = None if field.example is None else [field.example]
    return (
        kind.answer_type | None if is_nullable else kind.answer_type,
        Field(description=field.description, examples=examples),
    )


class AnswerValues:
    """Reads the shown fields of a record for an answer."""

    def __init__(self, fields: Iterable[ApiField]) -> None:
        shown_fields = [field for field in fields if field.is_shown]
        self._names = tuple(field.name for field in shown_fields)
        self._examples = tuple(field.example for field in shown_fields)
        self._values = attrgetter(*(field.stored_name for field in shown_fields))
        self._empty = [
            (field.name, empty) for field in shown_fields if (empty := KINDS[field.kind].empty) is not None
        ]

    def read(self, record: Any) -> dict[str, Any]:
        """Return the record's values by their names in the answer."""
        return self._answer(self._values(record))

    def example(self) -> dict[str, Any]:
        """Return the declared examples by their names in the answer."""
        return self._answer(self._examples)

    def _answer(self, values: Iterable[Any]) -> dict[str, Any]:
        answer = dict(zip(self._names, values, strict=True))
        for name, empty in self._empty:
            if answer[name] is None:
                answer[name] = empty()
        return answer


DEBT_ANSWER: Final = AnswerValues(DEBT_FIELDS)
DETAILS_ANSWER: Final = AnswerValues(DETAIL_FIELDS)
DEBTOR_ANSWER: Final = AnswerValues(DEBTOR_FIELDS)
ADDRESS_ANSWER: Final = AnswerValues(ADDRESS_FIELDS)
