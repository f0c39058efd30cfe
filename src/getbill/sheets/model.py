"""Sheet model: a list of debts exported from an ERP as a CSV or a workbook.

Lines and columns keep the numbers that a person sees in the file. Lines that are not data (a title above the
header, a total below) are skipped, counted and reported, never silently.
"""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from getbill.kit.messages import Message
from getbill.sheets import messages
from getbill.sheets.messages import CellWrong

# A cell's value: always text in a CSV; in a workbook also numbers, dates and booleans, and None for an empty
# cell. A datetime is a date.
Cell = str | int | float | bool | date | None
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Resource limits for one file; a file beyond any of them is refused with a message."""

    bytes_max: int = 512 * MEBIBYTE
    rows_max: int = 2_000_000
    columns_max: int = 2_000
    # Length of a CSV line, in characters. A cell has at most 131,072, the limit of the csv module.
    line_max: int = MEBIBYTE
    unpacked_max: int = 1024 * MEBIBYTE
    memory_max: int = 2048 * MEBIBYTE
    cpu_seconds: int = 120
    wait_seconds: float = 180.0


class Row(NamedTuple):
    """One data row: `line` as displayed (1-based), `cells` by the columns' index.

    `wrong` is an error of the row as a whole (its cells extend beyond the header's columns).
    """

    line: int
    cells: Sequence[Cell]
    wrong: CellWrong | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `index` in a row's cells, its spreadsheet `letter`, its header and the group above it."""

    index: int
    letter: str
    header: str
    group: str = ""
    # The currency symbol or code in the number format of a workbook's cells, if all of them have the same.
    currency: str = ""
    # The part of a heading row that the column holds: `name`, `code`, `phone` or `email`; `name?` where the
    # row may be a group of another kind. Empty for a column of the file.
    heading: str = ""


@dataclass(frozen=True, slots=True)
class OtherSheet:
    """A sheet of the workbook that is not read unless a person chooses it."""

    name: str
    rows: int
    is_hidden: bool
    has_same_header: bool = False


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A skipped line above the data: `why` is `preamble`, `header`, `group`, `separator` or `empty`."""

    line: int
    why: str
    text: str


# The note on a workbook with the 1904 date system: a bare number in it is not a usual serial date.
DATES_FROM_1904 = "dates_from_1904"


@dataclass(frozen=True, slots=True)
class Note:
    """A note on how the file was read."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        """The message."""
        return messages.NOTES[self.code].filled(self.facts)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that name the customer of the lines below them: their position and contents."""

    # The column in which they begin.
    at: int
    # Their contents, each in a column added after the file's: `name`, `code`, `phone`, `email`; empty where
    # they name no customer.
    parts: tuple[str, ...] = ()
    # Whether each has a total row that repeats its name.
    has_totals: bool = False
    # Whether they stand above the header of their own block, as in SAP's lists: `Debitor  140001`.
    is_block: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The structure of a file: enough to read it again in the same way."""

    kind: Literal["csv", "xlsx"]
    columns: tuple[Column, ...]
    # None where the first row is data already.
    header_line: int | None
    # The line of the first row that may be data.
    data_line: int
    # Number of cells in a row.
    width: int
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    sheet: str | None = None
    with_hidden_rows: bool = False
    # Whether rows commonly end before the last column.
    is_ragged: bool = True
    # Usual number of filled cells in a row; 0 where unknown.
    filled: int = 0
    # Whether blank cells are padded with spaces.
    is_padded: bool = False
    # Customers on rows of their own, above their lines.
    group: Group | None = None
    # Columns with cells merged over several data rows: the value applies to each of them, an amount to the
    # first.
    merged_columns: tuple[int, ...] = ()
    # Columns that the file hides; they are read.
    hidden_columns: tuple[int, ...] = ()
    other_sheets: tuple[OtherSheet, ...] = ()
    skipped: tuple[SkippedLine, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def physical_width(self) -> int:
        """Number of cells in a row of the file itself."""
        return self.width - (len(self.group.parts) if self.group else 0)

    @property
    def signature(self) -> str:
        """The layout's identity: its kind and its headers in order, normalized."""
        names = [f"{fold(column.group)}/{fold(column.header)}" for column in self.columns]
        return hashlib.sha256("\x1f".join([self.kind, *names]).encode()).hexdigest()[:32]

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in order."""
        return tuple(column.header for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """Return the layout as JSON for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Layout":
        """Return the layout from the JSON of `to_json`."""
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
    """A person's choices for reading a file; None means automatic detection."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    # 0 means no header.
    header_line: int | None = None
    with_hidden_rows: bool = False


# Number of lines listed; further ones are only counted.
LISTED_MAX = 1_000


@dataclass(slots=True)
class SkippedRows:
    """The skipped rows: a count for each reason, and the lines of the first thousand.

    Reasons: `empty`, `template`, `total`, `header` and `page` (repeated), `footer`, `separator`, `heading`,
    `hidden`, `other_table`.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        """Count a skipped row."""
        self.counts[why] = self.counts.get(why, 0) + 1
        # Empty rows are many, and their lines are of no interest.
        if why != "empty" and len(self.lines) < LISTED_MAX:
            self.lines.append((line, why))


class CellKind(StrEnum):
    """A type of cell by appearance; one cell can have several."""

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
    WHOLE_FLOAT = "whole_float"  # 12345.0: a whole number stored as a fraction, as all of its column are
    DIGITS_LOST = "digits_lost"  # 1.2E+11: a long number that a spreadsheet abbreviated
    FORMULA_ERROR = "formula_error"  # #N/A
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class NumberShape:
    """A column's number format; `thousands` is '' where none is seen, `why` is a code.

    `marks` are the letters of credits and debits beside its amounts: `cd` for C and D, Cr and Dr. `places` is
    the maximum number of decimals in its cells, 3 where unknown: with three where other cells have two, the
    decimal mark is in doubt.
    """

    decimal: Literal[".", ","]
    thousands: str
    is_certain: bool
    why: str
    marks: str = ""
    places: int = 3


@dataclass(frozen=True, slots=True)
class DateShape:
    """A column's date format: `dmy`, `mdy`, `ymd` or `serial`; `why` is a code."""

    order: Literal["dmy", "mdy", "ymd", "serial"]
    is_certain: bool
    why: str
    # Whether its bare numbers are serial dates; None where this was not checked.
    has_serials: bool | None = None
    # Whether a spreadsheet swapped the days and months of its typed dates.
    is_turned: bool = False
    # How many of its date-times are midnights east of Greenwich, which belong to the next day.
    midnights: Literal["none", "some", "all"] = "none"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """The contents of a column, over all of its rows."""

    column: Column
    rows: int
    filled: int
    # Counted up to DISTINCT_MAX; beyond that, a lower bound.
    distinct: int
    samples: tuple[Cell, ...]
    # Every value with its count, where there are few; else empty.
    values: Mapping[str, int]
    kinds: Mapping[CellKind, int]
    number: NumberShape | None
    date: DateShape | None
    # The symbols and codes beside numbers, as written: {"€": 812, "CHF": 3}.
    currencies: Mapping[str, int]

    def share(self, kind: CellKind) -> float:
        """Return the share of filled cells of type `kind`."""
        return self.kinds.get(kind, 0) / self.filled if self.filled else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The contents of a sheet by column, over all of its rows."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    left_out: SkippedRows
    # The cells of the first rows, to compare columns with each other.
    head: tuple[Sequence[Cell], ...] = ()

    def column(self, index: int) -> ColumnProfile:
        """Return the profile of the column at `index` in a row's cells."""
        return next(column for column in self.columns if column.column.index == index)


def letter(index: int) -> str:
    """Return the spreadsheet letter of the column at `index`: A, B, … Z, AA."""
    letters = ""
    index += 1
    while index:
        index, remainder = divmod(index - 1, 26)
        letters = chr(ord("A") + remainder) + letters
    return letters


def fold(text: str) -> str:
    """Return the text normalized for comparison: lower case, no accents, one space between words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())
