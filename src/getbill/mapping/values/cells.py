"""Readers that add single cells to a body, and findings for unreadable cells."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from getbill import sheets
from getbill.kit.messages import Message
from getbill.kit.text.word_lists import WordLists
from getbill.mapping.fields import Field
from getbill.mapping.messages import message_of
from getbill.mapping.model import ColumnMapping

# Placeholders for an absent value.
LISTS = WordLists(Path(__file__).with_name("values.toml"))
# Of these, placeholders for a value that exists but is unknown.
_UNKNOWN = frozenset(LISTS.words("unknown", "placeholders", str.casefold))
NOTHING = frozenset(LISTS.words("absent", "placeholders", str.casefold)) | _UNKNOWN
# Texts that are neither a name nor a reference; Null and Nil are people.
NO_NAME = frozenset(text for text in NOTHING if not text.isalpha()).union(
    LISTS.words("no_name", "placeholders", str.casefold)
)
_NO_NAME_MAX = 10
# No debt is this old: 1900-01-01 and 1970-01-01 are placeholders for no date.
_OLDEST = "1980"
_EXACT_MAX = 10**15
# Fifteen digits, the mark and a zero.
_FLOAT_DIGITS_MAX = 17
NO_NUMBER = NOTHING.union(LISTS.words("no_number", "placeholders", str.casefold))
# The error value of a formula; #2214 is the number of a shop.
_FAILED = re.compile(r"#(?:N/?[ADV]|[^\W\d_\u00bf]*\u00bf?[^\W\d_]+(?:/0)?[!?])")
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_AROUND = sheets.AROUND_TEXT
_REMEMBERED_MAX = 20_000


@dataclass(slots=True)
class CellFinding:
    """A finding about a cell: `column` is its index (None: the whole row), `facts` are for the message.

    `wrong` is the reader's error, whose message replaces the code's.
    """

    column: int | None
    field: Field | None
    value: Any
    code: str
    facts: dict[str, Any] = default(default_factory=dict)
    suggestion: str | None = None
    is_warning: bool = False
    wrong: sheets.CellWrong | None = None

    @property
    def message(self) -> Message:
        """The message of the finding."""
        return self.wrong.message if self.wrong is not None else message_of(self.code, self.facts)


class BodyDraft:
    """A body under construction."""

    __slots__ = ("address", "body", "debtor", "findings", "metadata", "phones")

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.debtor: dict[str, Any] = {}
        self.address: dict[str, str] = {}
        self.phones: list[tuple[ColumnMapping, str]] = []
        self.metadata: dict[str, Any] = {}
        self.findings: list[CellFinding] = []

    def refuse(
        self, column: ColumnMapping, value: sheets.Cell, error: sheets.CellWrong, *, is_warning: bool = False
    ) -> None:
        """Add a finding for an unreadable cell."""
        self.findings.append(
            CellFinding(
                column.index,
                column.field,
                value,
                error.code,
                dict(error.facts),
                error.suggestion,
                is_warning,
                error,
            )
        )

    def warn(self, column: ColumnMapping, value: sheets.Cell, code: str, facts: dict[str, Any]) -> None:
        """Add a warning for a part of a cell that was left out or changed."""
        self.findings.append(
            CellFinding(column.index, column.field, value, code, facts, None, is_warning=True)
        )


Step = Callable[[Sequence[sheets.Cell], BodyDraft], None]


def text_of(cell: sheets.Cell) -> str:
    """Return a cell's text without surrounding spaces."""
    if cell.__class__ is not str:
        return sheets.read_text(cell)
    text = cell.strip()
    return sheets.read_text(text) if text[:1] in _AROUND or text[-1:] in _AROUND else text


def digits_of(cell: sheets.Cell) -> str:
    """Return the text of a phone number or postal code, without a fraction added by software."""
    text = text_of(cell)
    return text if text.isalnum() else sheets.drop_zero_fraction(sheets.clean(text))


def are_digits_lost(cell: sheets.Cell, text: str) -> bool:
    """Return whether a spreadsheet stored a long code as a number and lost its last digits."""
    if cell.__class__ is float:
        return abs(cell) >= _EXACT_MAX
    return "+" in text and bool(_SHORTENED.fullmatch(text))


def cached_date_reader(reader: Callable[[sheets.Cell], date]) -> Callable[[sheets.Cell], str]:
    """Return a caching date reader: files repeat dates."""
    return lru_cache(_REMEMBERED_MAX)(lambda cell: reader(cell).isoformat())


def date_into_body(
    column: ColumnMapping, read: Callable[[sheets.Cell], str], name: str, *, has_midnights: bool
) -> Step:
    """Add a date to the body; with `has_midnights`, some date-times of the column mean the next day."""
    index = column.index

    def put_date(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        cell = cells[index]
        if cell is None or cell == "":
            return
        try:
            day = read(cell)
        except sheets.CellWrong as error:
            if not is_nothing(cell):
                draft.refuse(column, cell, error)
            return
        if day < _OLDEST:
            draft.refuse(column, cell, sheets.CellWrong("date_placeholder", value=text_of(cell)))
            return
        draft.body[name] = day
        if has_midnights and sheets.is_midnight(cell):
            draft.warn(column, cell, "day_before_midnight", {"date": day})

    return put_date


def birthdate_into_debtor(column: ColumnMapping, read: Callable[[sheets.Cell], str]) -> Step:
    """Add the debtor's birthdate to the body; an unreadable one is left out with a warning."""
    index = column.index

    def put_birthdate(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        cell = cells[index]
        if cell is None or cell == "":
            return
        try:
            draft.debtor["birthdate"] = read(cell)
        except sheets.CellWrong as error:
            if not is_nothing(cell):
                draft.refuse(column, cell, error, is_warning=True)

    return put_birthdate


def is_nothing(cell: sheets.Cell) -> bool:
    """Return whether a cell is a placeholder for an absent value."""
    text = text_of(cell)
    return not text or text.casefold() in NOTHING


def is_unknown(cell: sheets.Cell) -> bool:
    """Return whether a cell is a placeholder for an unknown value."""
    return text_of(cell).casefold() in _UNKNOWN


def name_of(column: ColumnMapping, cell: sheets.Cell, draft: BodyDraft) -> str:
    """Return a cell's text as a name or reference; empty, with a finding, for a formula error."""
    text = text_of(cell)
    if text[:1] == "#" and _FAILED.fullmatch(text):
        draft.refuse(column, text, sheets.CellWrong("formula_error", value=text))
        return ""
    return "" if len(text) < _NO_NAME_MAX and text.casefold() in NO_NAME else text


def text_into_body(column: ColumnMapping, name: str) -> Step:
    """Add a cell's text to the body."""
    index = column.index

    def put_text(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if text := text_of(cells[index]):
            draft.body[name] = text

    return put_text


def iban_into_body(column: ColumnMapping) -> Step:
    """Add an IBAN to the body, without its grouping spaces."""
    index = column.index

    def put_iban(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if text := text_of(cells[index]):
            draft.body["iban"] = "".join(sheets.clean(text).split()).removeprefix("IBAN")

    return put_iban


def code_into_body(column: ColumnMapping, are_floats: bool, name: str, also: str | None = None) -> Step:
    """Add a reference to the body; one that a spreadsheet abbreviated is rejected, as digits are lost."""
    index, read = column.index, _code_reader(column, are_floats)

    def put_code(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if text := read(cells[index], draft):
            draft.body[name] = text
            if also:
                draft.body[also] = text

    return put_code


def codes_into_body(indexes: Sequence[int], name: str) -> Step:
    """Add a reference composed of several cells to the body; none where one of them is empty."""

    def put_codes(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        texts = [" ".join(text_of(cells[index]).split()) for index in indexes]
        if all(texts):
            draft.body[name] = "-".join(texts)

    return put_codes


def code_into_debtor(column: ColumnMapping, are_floats: bool, name: str) -> Step:
    """Add a debtor's reference to the body."""
    index, read = column.index, _code_reader(column, are_floats)

    def put_code(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if text := read(cells[index], draft):
            draft.debtor[name] = text

    return put_code


def cell_into_metadata(column: ColumnMapping, name: str) -> Step:
    """Add a cell unchanged to the debt's metadata."""
    index = column.index

    def put_metadata(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        cell = cells[index]
        if cell.__class__ is str:
            if text := cell.strip():
                draft.metadata[name] = text
        elif isinstance(cell, bool | int | float):
            draft.metadata[name] = cell
        elif cell is not None:
            draft.metadata[name] = sheets.read_text(cell)

    return put_metadata


def _code_reader(column: ColumnMapping, are_floats: bool) -> Callable[[sheets.Cell, BodyDraft], str]:
    """Return the reader of a reference; `are_floats` means that software stored its digits as fractions."""

    def read(cell: sheets.Cell, draft: BodyDraft) -> str:
        text = name_of(column, cell, draft)
        if text[-1:] == ";" or not text.isascii():
            text = sheets.clean(text)
        is_doubtful = "+" in text or cell.__class__ is float
        if (is_doubtful and are_digits_lost(cell, text)) or (are_floats and len(text) > _FLOAT_DIGITS_MAX):
            draft.refuse(column, cell, sheets.CellWrong("digits_lost", value=text))
            return ""
        return sheets.drop_zero_fraction(text) if are_floats else text

    return read
