"""A sheet is the list of debts a creditor exports from an ERP: a CSV or a workbook, as a person sees it.

It is read as it lies: lines and columns keep the numbers a person sees in the file, and what is not a
row of data (a title above the header, a total below) is left out, counted and said, never silently.
"""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from getbill.sheets import messages
from getbill.sheets.messages import CellWrong

# What a cell holds: always text in a CSV; a workbook knows numbers, dates and truth, and None where nothing is.
# A datetime is a date.
Cell = str | int | float | bool | date | None
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one file may cost to read; a file beyond any of them is refused, in words."""

    bytes_max: int = 512 * MEBIBYTE
    rows_max: int = 2_000_000
    columns_max: int = 2_000
    # One line of a CSV, in characters. A cell has at most 131,072, the limit of the csv module.
    line_max: int = MEBIBYTE
    unpacked_max: int = 1024 * MEBIBYTE
    memory_max: int = 2048 * MEBIBYTE
    cpu_seconds: int = 120
    wait_seconds: float = 180.0


class Row(NamedTuple):
    """One row of data: `line` as the person sees it (1-based), `cells` by the columns' index.

    `wrong` says why the row as a whole cannot be trusted (its cells slid past the header's columns).
    """

    line: int
    cells: Sequence[Cell]
    wrong: CellWrong | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `index` in a row's cells, its `letter` in a spreadsheet, its header and the group above it."""

    index: int
    letter: str
    header: str
    group: str = ""
    # The sign or code that a workbook's cells show beside their numbers by their format, if all show one.
    currency: str = ""
    # What a row above its lines says of the customer: `name`, `code`, `phone` or `email`; `name?` where it may be a
    # group of another kind. Empty for a column of the file.
    heading: str = ""


@dataclass(frozen=True, slots=True)
class OtherSheet:
    """A sheet of the workbook that is not read unless it is chosen."""

    name: str
    rows: int
    is_hidden: bool
    has_same_header: bool = False


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A line above the data that is not data: `why` is `preamble`, `header`, `group`, `separator` or `empty`."""

    line: int
    why: str
    text: str


# The note of a workbook that counts its days from 1904: a bare number in it is no day of the usual count.
DATES_FROM_1904 = "dates_from_1904"


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should know about how the file was read."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def localized(self, language: str) -> str:
        """Return the sentence in French (`fr`) or English."""
        return messages.note_text(self.code, language, self.facts)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that name the customer of the lines below them: where they stand and what each says."""

    # The column in which they begin.
    at: int
    # What they say, each in a column of its own behind the file's: `name`, `code`, `phone`, `email`; none of it where
    # they name no customer.
    parts: tuple[str, ...] = ()
    # Whether each is summed up by a row that names it again.
    has_totals: bool = False
    # Whether they stand above the header of a block of their own, as in SAP's lists: `Debitor  140001`.
    is_block: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file lies: enough to read it again in the same way, whoever reads it and whenever."""

    kind: Literal["csv", "xlsx"]
    columns: tuple[Column, ...]
    # None where the first row is data already.
    header_line: int | None
    # The line of the first row that may be data.
    data_line: int
    # How many cells a row has.
    width: int
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    sheet: str | None = None
    with_hidden_rows: bool = False
    # Whether rows commonly end before the last column.
    is_ragged: bool = True
    # How many cells of a row usually hold something; 0 where that is not known.
    filled: int = 0
    # Whether blank cells are filled up with spaces.
    is_padded: bool = False
    # Customers on rows of their own, and the cells of each below them.
    group: Group | None = None
    # Columns with cells merged over several rows of data: the value belongs to each of them, an amount to the first.
    merged_columns: tuple[int, ...] = ()
    # Columns the file hides; they are read.
    hidden_columns: tuple[int, ...] = ()
    other_sheets: tuple[OtherSheet, ...] = ()
    skipped: tuple[SkippedLine, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def physical_width(self) -> int:
        """How many cells a row has in the file itself."""
        return self.width - (len(self.group.parts) if self.group else 0)

    @property
    def signature(self) -> str:
        """What tells this layout from others: the kind and the headers in their order, however written."""
        names = [f"{fold(column.group)}/{fold(column.header)}" for column in self.columns]
        return hashlib.sha256("\x1f".join([self.kind, *names]).encode()).hexdigest()[:32]

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in their order."""
        return tuple(column.header for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads back as the same layout."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Layout":
        """Read a layout as `to_json` wrote it."""
        group = stored.get("group")
        return cls(
            **{
                **stored,
                "group": Group(**{**group, "parts": tuple(group["parts"])}) if group else None,
                "merged_columns": tuple(stored.get("merged_columns", ())),
                "hidden_columns": tuple(stored.get("hidden_columns", ())),
                "columns": tuple(Column(**column) for column in stored["columns"]),
                "other_sheets": tuple(OtherSheet(**sheet) for sheet in stored["other_sheets"]),
                "skipped": tuple(SkippedLine(**line) for line in stored["skipped"]),
                "notes": tuple(Note(**note) for note in stored["notes"]),
            }
        )


@dataclass(frozen=True, slots=True)
class ReadChoices:
    """What a person decided about a file against what was found; None leaves it to be found."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    # 0 says that there is no header.
    header_line: int | None = None
    with_hidden_rows: bool = False


# Lines told one by one; beyond, only counted.
LISTED_MAX = 1_000


@dataclass(slots=True)
class SkippedRows:
    """The rows that are not data: how many for each reason, and the lines of the first thousand.

    Reasons: `empty`, `template`, `total`, `header` and `page` (repeated), `footer`, `separator`, `heading`,
    `hidden`, `other_table`.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        """Count a row that is left out."""
        self.counts[why] = self.counts.get(why, 0) + 1
        # Empty rows are many and nobody asks which.
        if why != "empty" and len(self.lines) < LISTED_MAX:
            self.lines.append((line, why))


class CellKind(StrEnum):
    """What a cell looks like; one cell can look like several things."""

    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    BIC = "bic"
    DATE = "date"
    SERIAL_DATE = "serial_date"  # a whole number that Excel may show as a date of 2010 to 2045
    NUMBER = "number"
    INTEGER = "integer"
    CURRENCY = "currency"
    COUNTRY = "country"
    POSTCODE = "postcode"
    SIREN = "siren"
    SIRET = "siret"
    VAT_NUMBER = "vat_number"
    URL = "url"
    YES_NO = "yes_no"
    CIVILITY = "civility"
    WHOLE_FLOAT = "whole_float"  # 12345.0: a whole number kept as a fraction, as all of its column are
    DIGITS_LOST = "digits_lost"  # 1.2E+11: a spreadsheet wrote a long number short
    FORMULA_ERROR = "formula_error"  # #N/A
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class NumberShape:
    """How a column writes numbers. `thousands` is '' where none is seen; `why` is a code of `words.REASONS`.

    `marks` are the letters of credits and debits beside its amounts: `cd` for C and D, Cr and Dr. `places` is how many
    decimals its cells have at most, 3 where that is not known: of three where others have two, the mark is in doubt.
    """

    decimal: Literal[".", ","]
    thousands: str
    is_certain: bool
    why: str
    marks: str = ""
    places: int = 3


@dataclass(frozen=True, slots=True)
class DateShape:
    """How a column writes dates: `dmy`, `mdy`, `ymd` or `serial`; `why` is a code of `words.REASONS`."""

    order: Literal["dmy", "mdy", "ymd", "serial"]
    is_certain: bool
    why: str
    # Whether its bare numbers are the days that a spreadsheet counts; None where nobody looked.
    has_serials: bool | None = None
    # Whether a spreadsheet turned the days and months of its typed dates round.
    is_turned: bool = False
    # How many of its instants are midnights east of Greenwich, which belong to the day after.
    midnights: Literal["none", "some", "all"] = "none"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What a column holds, over all of its rows."""

    column: Column
    rows: int
    filled: int
    # Counted up to DISTINCT_MAX, beyond that a lower bound.
    distinct: int
    samples: tuple[Cell, ...]
    # Every value with its count, where there are few; else empty.
    values: Mapping[str, int]
    kinds: Mapping[CellKind, int]
    number: NumberShape | None
    date: DateShape | None
    # The signs and codes written beside numbers, as written: {"€": 812, "CHF": 3}.
    currencies: Mapping[str, int]

    def share(self, kind: CellKind) -> float:
        """The share of filled cells that look like `kind`."""
        return self.kinds.get(kind, 0) / self.filled if self.filled else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What a sheet holds, column by column, over all of its rows."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    left_out: SkippedRows
    # The cells of the first rows, for what only columns side by side show.
    head: tuple[Sequence[Cell], ...] = ()

    def column(self, index: int) -> ColumnProfile:
        """Return the profile of the column at `index` in a row's cells."""
        return next(column for column in self.columns if column.column.index == index)


def letter(index: int) -> str:
    """Return what a spreadsheet calls the column at `index`: A, B, … Z, AA."""
    letters = ""
    index += 1
    while index:
        index, remainder = divmod(index - 1, 26)
        letters = chr(ord("A") + remainder) + letters
    return letters


def fold(text: str) -> str:
    """Return the text as it compares: small letters without accents, one space between words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())
