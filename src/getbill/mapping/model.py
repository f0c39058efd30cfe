"""Mapping model: the field of each column in a creditor's file, such as amount due, due date, debtor's name.

Any uncertainty about money or time becomes a question, and a mapping with questions imports nothing. Two
columns never share a field.
"""

from collections.abc import Mapping as Facts
from dataclasses import asdict, dataclass, replace
from dataclasses import field as default
from typing import Any

from getbill.kit.errors import WrongValue
from getbill.kit.messages import Message, message
from getbill.mapping.fields import Field
from getbill.mapping.messages import message_of

# Above this confidence a column needs no confirmation; below, and down to `WORTH_ASKING`, it raises a
# question.
CERTAIN = 0.8
WORTH_ASKING = 0.5


class ColumnsCollide(WrongValue):
    """Two columns were assigned to one field."""


class FieldUnknown(WrongValue):
    """The field, column, number format, date order or currency does not exist."""


@dataclass(frozen=True, slots=True)
class ColumnReason:
    """The reason for a column's field: a code, and the facts of its message."""

    code: str
    facts: Facts[str, Any] = default(default_factory=dict)

    @property
    def message(self) -> Message:
        """The message of the reason."""
        return message_of(self.code, self.facts)

    def without_example(self) -> "ColumnReason":
        """Return the reason without its example cell."""
        return replace(self, facts={**self.facts, "example": "…"}) if "example" in self.facts else self


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another possible field of the column."""

    field: Field
    confidence: float


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A column of the file and its field; None leaves the column out."""

    index: int
    letter: str
    header: str
    field: Field | None
    confidence: float
    reason: ColumnReason
    alternatives: tuple[Alternative, ...] = ()
    # `cents` where the header states that amounts are in minor units.
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a person must answer before anything is imported.

    `proposed` is the answer given by confirming the mapping unchanged; without one, an explicit answer is
    required.
    """

    code: str
    columns: tuple[int, ...] = ()
    field: Field | None = None
    options: tuple[str, ...] = ()
    proposed: str | None = None
    facts: Facts[str, Any] = default(default_factory=dict)

    @property
    def message(self) -> Message:
        """The message of the question."""
        return message_of(self.code, self.facts)


@dataclass(frozen=True, slots=True)
class Currency:
    """The default currency of rows that state none: `code`, with its reason.

    `signs` has the currency of each ambiguous symbol beside an amount.
    """

    code: str
    reason: ColumnReason
    signs: Facts[str, str] = default(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The field of every column, the open questions, and the number and date formats that a person chose."""

    columns: tuple[ColumnMapping, ...]
    currency: Currency
    # The country of national phone numbers and addresses where a row names none (ISO 3166-1 alpha-2).
    country: str
    questions: tuple[Question, ...] = ()
    # By column: the decimal mark and the date order, as a person answered.
    numbers: Facts[int, str] = default(default_factory=dict)
    dates: Facts[int, str] = default(default_factory=dict)
    # By column, the row status of its values (`row_status.words.STATUSES`). Empty: the column is ignored.
    row_status: Facts[int, Facts[str, str]] = default(default_factory=dict)
    # How instalments of one invoice are imported: `split` or `merge`; None where the layout has none.
    instalments: str | None = None
    # The columns that identify a debt together, where no column is its reference.
    reference_from: tuple[int, ...] = ()
    # The reason for the country; `country_unsettled` where it is only the company's own.
    country_reason: ColumnReason = default(default_factory=lambda: ColumnReason("remembered"))

    @property
    def is_certain(self) -> bool:
        """Whether no question is open."""
        return not self.questions

    @property
    def not_owed(self) -> dict[int, dict[str, str]]:
        """By column, the values that mark their row as not due, each with the reason."""
        return {
            index: {value: _NOT_OWED[status] for value, status in values.items() if status in _NOT_OWED}
            for index, values in self.row_status.items()
        }

    def column_for(self, field: Field) -> ColumnMapping | None:
        """Return the column of a field, None where there is none."""
        return next((column for column in self.columns if column.field == field), None)

    def to_json(self) -> dict[str, Any]:
        """Return the mapping as JSON for `from_json`."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "currency": asdict(self.currency),
            "country": self.country,
            "country_reason": asdict(self.country_reason),
            "questions": [asdict(question) for question in self.questions],
            "numbers": {str(index): mark for index, mark in self.numbers.items()},
            "dates": {str(index): order for index, order in self.dates.items()},
            "row_status": {str(index): dict(values) for index, values in self.row_status.items()},
            "not_owed": {str(index): values for index, values in self.not_owed.items()},
            "instalments": self.instalments,
            "reference_from": list(self.reference_from),
            "is_certain": self.is_certain,
        }

    @classmethod
    def from_json(cls, stored: Facts[str, Any]) -> "Mapping":
        """Return the mapping from the JSON of `to_json`."""
        currency = stored["currency"]
        return cls(
            columns=tuple(_column_from_json(column) for column in stored["columns"]),
            currency=Currency(currency["code"], ColumnReason(**currency["reason"]), currency["signs"]),
            country=stored["country"],
            # Mappings saved by an earlier version have no reason.
            country_reason=ColumnReason(**stored.get("country_reason", {"code": "remembered"})),
            questions=tuple(_question_from_json(question) for question in stored["questions"]),
            numbers={int(index): mark for index, mark in stored["numbers"].items()},
            dates={int(index): order for index, order in stored["dates"].items()},
            row_status=_row_status_from_json(stored),
            instalments=stored.get("instalments"),
            reference_from=tuple(stored.get("reference_from", ())),
        )

    def without_examples(self) -> "Mapping":
        """Return the mapping without cell contents: its reasons and questions have examples from cells."""
        columns = tuple(replace(column, reason=column.reason.without_example()) for column in self.columns)
        return replace(
            self, columns=columns, questions=(), country_reason=self.country_reason.without_example()
        )

    def without_collisions(self) -> "Mapping":
        """Return the mapping itself, or raise `ColumnsCollide` where two columns have one field."""
        columns_by_field: dict[Field, ColumnMapping] = {}
        for column in self.columns:
            if column.field is None or column.field == Field.METADATA:
                continue
            if (other := columns_by_field.setdefault(column.field, column)) is not column:
                raise ColumnsCollide(
                    message(
                        "Columns {letter} and {other} are both mapped to {field}: a field can have one column only.",
                        letter=other.letter,
                        other=column.letter,
                        field=column.field,
                    )
                )
        return self


def confirm(mapping: Mapping) -> Mapping:
    """Return the confirmed mapping: its proposals are accepted, and questions without one stay open."""
    unanswered = tuple(question for question in mapping.questions if question.proposed is None)
    return replace(mapping, questions=unanswered)


def _column_from_json(stored: Facts[str, Any]) -> ColumnMapping:
    alternatives = [
        Alternative(Field(other["field"]), other["confidence"]) for other in stored["alternatives"]
    ]
    field, reason = stored["field"] and Field(stored["field"]), ColumnReason(**stored["reason"])
    return ColumnMapping(**{**stored, "field": field, "reason": reason, "alternatives": tuple(alternatives)})


_NOT_OWED = {"paid": "settled", "credit": "credit", "excluded": "excluded"}
_STATUS_OF = {reason: status for status, reason in _NOT_OWED.items()}


def _row_status_from_json(stored: Facts[str, Any]) -> dict[int, dict[str, str]]:
    """Return the saved row statuses; mappings of an earlier version only have the values not due."""
    if "row_status" in stored:
        return {int(index): dict(values) for index, values in stored["row_status"].items()}
    return {
        int(index): {value: _STATUS_OF[reason] for value, reason in values.items()}
        for index, values in stored["not_owed"].items()
    }


def _question_from_json(stored: Facts[str, Any]) -> Question:
    field, options = stored["field"] and Field(stored["field"]), tuple(stored["options"])
    return Question(**{**stored, "field": field, "columns": tuple(stored["columns"]), "options": options})
