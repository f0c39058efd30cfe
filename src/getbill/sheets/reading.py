"""Opening a file as a table and reading its rows, as often as one likes and each time from the beginning.

What a file is is decided by what is in it; its extension is only told when it says something else.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from getbill.sheets import contents, dialects, encodings, headers, workbooks
from getbill.sheets.delimited import Delimited, Dialect, Record
from getbill.sheets.leaving import Leaving
from getbill.sheets.model import Cell, Choices, Column, Layout, LeftOut, Limits, Row
from getbill.sheets.words import CellWrong, Unreadable

_SAMPLE_BYTES = 256 * 1024
_SAMPLE_ROWS = 300
# A row beginning like this is looked at closely.
_MARKS = frozenset("*-=_~+")


class Source(Protocol):
    """Where rows come from: a CSV or a sheet of a workbook."""

    @property
    def hidden(self) -> frozenset[int]:
        """The lines that the file itself hides."""

    def records(self) -> Iterator[Record]:
        """Yield every line that holds something, from the first."""

    def close(self) -> None:
        """Give back what reading took."""


class Sheet:
    """A table of a file that is open: what it looks like and its rows."""

    def __init__(self, layout: Layout, source: Source, limits: Limits) -> None:
        self.layout = layout
        # What the latest pass over the rows left out, whole once the pass is.
        self.left_out = LeftOut()
        self._source = source
        self._limits = limits

    def under(self, layout: Layout) -> "Sheet | None":
        """Return the table as a layout describes it, of what was read already; None where that does not hold it."""
        asked, read = ((one.kind, one.sheet, one.with_hidden_rows) for one in (layout, self.layout))
        is_there = layout.kind == "xlsx" and asked == read
        return Sheet(layout, self._source, self._limits) if is_there else None

    def rows(self, after_line: int = 0) -> Iterator[Row]:
        """Yield the rows of data below `after_line`, from the beginning of the file each time."""
        self.left_out = left_out = LeftOut()
        layout, leaving, rows_left = self.layout, Leaving(self.layout), self._limits.rows_max
        width, data_line, near_line, few = layout.width, layout.data_line, leaving.near_line, leaving.few
        blank: Cell = "" if layout.kind == "csv" else None
        first_header, hidden = leaving.first_header, self._source.hidden
        for line, cells, wrong in self._source.records():
            if line < data_line:
                continue
            if len(cells) != width:
                cells, wrong = self._fitted(line, cells, wrong)  # noqa: PLW2901 - the same row, made to fit
            first = cells[0]
            if (
                line <= near_line
                or cells.count(blank) >= few
                or first == first_header
                or (first and type(first) is str and first[0] in _MARKS)
            ) and (why := leaving.why(line, cells)):
                left_out.add(line, why)
                continue
            if line in hidden:
                left_out.add(line, "hidden")
                continue
            rows_left -= 1
            if rows_left < 0:
                raise Unreadable("too_many_rows", limit=self._limits.rows_max)
            if line > after_line:
                yield Row(line, cells, wrong)

    def close(self) -> None:
        """Give back what reading took; the file itself stays open, it is its owner's."""
        self._source.close()

    def _fitted(
        self, line: int, cells: list[Cell], wrong: CellWrong | None
    ) -> tuple[list[Cell], CellWrong | None]:
        """Return the row with as many cells as the header has columns, and what that says about the row."""
        width, found = self.layout.width, len(cells)
        if found > self._limits.columns_max:
            raise Unreadable("too_many_columns", line=line, limit=self._limits.columns_max)
        if found > width:
            if any(cells[width:]):
                wrong = wrong or CellWrong("cells_slid", cells=found, columns=width)
            return cells[:width], wrong
        if not self.layout.is_ragged and any(cells):
            wrong = wrong or CellWrong("row_cut", cells=found, columns=width)
        blank: Cell = "" if self.layout.kind == "csv" else None
        return [*cells, *[blank] * (width - found)], wrong

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(  # noqa: A001 - read as `sheets.open`
    file: BinaryIO,
    name: str,
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
    *,
    layout: Layout | None = None,
    choices: Choices | None = None,
) -> Sheet:
    """Open a file as a table, whatever its extension says, or raise `Unreadable`.

    With the `layout` of an earlier reading it is read in exactly that way; `choices` are a person's.
    """
    size = file.seek(0, io.SEEK_END)
    if size > limits.bytes_max:
        raise Unreadable("too_large", limit=limits.bytes_max)
    kind = contents.kind_of(file, size)
    if layout:
        choices = Choices(
            layout.encoding, layout.delimiter, layout.sheet, layout.header_line, layout.with_hidden_rows
        )
    choices = choices or Choices()
    if kind == "xlsx":
        return _open_workbook(file, name, limits, layout, choices)
    return _open_text(file, name, limits, layout, choices)


def _open_text(file: BinaryIO, name: str, limits: Limits, layout: Layout | None, choices: Choices) -> Sheet:
    if layout and layout.encoding and layout.delimiter:
        encoding = encodings.named(layout.encoding)
        dialect = Dialect(layout.delimiter, layout.quote, layout.escape)
        return Sheet(layout, Delimited(file, encoding, dialect, limits, layout.width), limits)
    encoding = encodings.named(choices.encoding) if choices.encoding else encodings.detect(file)
    file.seek(0)
    head = file.read(_SAMPLE_BYTES)
    lines = dialects.lines_of(encoding.text(head), is_whole=len(head) < _SAMPLE_BYTES)
    dialect = dialects.find(lines)
    if choices.delimiter:
        dialect = replace(dialect, delimiter=choices.delimiter)
    # Enough to read the first rows by, until the header tells the width.
    source = Delimited(file, encoding, dialect, limits, dialects.usual_width(dialect, lines))
    sample = [(line, cells) for line, cells, _ in islice(source.records(), _SAMPLE_ROWS)]
    if sample and dialects.is_said(sample[0][1], lines):
        sample[0] = (1, [])
    found = _table(sample, choices, limits)
    source.width = found.width
    notes = [*found.notes, *encoding.notes, *contents.notes(name, "csv")]
    layout = replace(
        found,
        encoding=encoding.name,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        notes=tuple(notes),
    )
    return Sheet(layout, source, limits)


def _open_workbook(
    file: BinaryIO, name: str, limits: Limits, layout: Layout | None, choices: Choices
) -> Sheet:
    book = workbooks.extract(file, limits, choices)
    try:
        if layout:
            return Sheet(layout, book, limits)
        sample = [(line, cells) for line, cells, _ in islice(book.records(), _SAMPLE_ROWS)]
        found = _table(sample, choices, limits)
        notes = (*found.notes, *book.notes, *contents.notes(name, "xlsx"))
        found = replace(
            found,
            kind="xlsx",
            columns=tuple(_with_currency(column, book.currencies) for column in found.columns),
            sheet=book.sheet,
            other_sheets=book.others,
            with_hidden_rows=choices.with_hidden_rows,
            is_ragged=True,
            notes=notes,
        )
        return Sheet(found, book, limits)
    except BaseException:
        book.close()
        raise


def _with_currency(column: Column, currencies: dict[str, list[str]]) -> Column:
    shown = currencies.get(column.letter, [])
    return replace(column, currency=shown[0]) if len(shown) == 1 else column


def _table(sample: Sequence[tuple[int, list[Cell]]], choices: Choices, limits: Limits) -> Layout:
    """Find the table in the first records, or say why there is none."""
    for line, cells in sample:
        if len(cells) > limits.columns_max:
            raise Unreadable("too_many_columns", line=line, limit=limits.columns_max)
    table = headers.find(sample, choices.header_line)
    if table is None:
        raise Unreadable("empty")
    below = [cells for line, cells in sample if line >= table.data_line and any(cells)]
    if not below:
        raise Unreadable("no_rows")
    short = sum(1 for cells in below if 2 < len(cells) < table.width)
    return Layout(
        kind="csv",
        columns=table.columns,
        header_line=table.header_line,
        data_line=table.data_line,
        width=table.width,
        skipped=table.skipped,
        notes=table.notes,
        # Many programs end a row at its last filled cell; where most rows do not, a short one is cut.
        is_ragged=short > max(1, len(below) // 10),
        filled=headers.usually_filled(
            [(line, cells) for line, cells in sample if line >= table.data_line and any(cells)]
        ),
        is_padded=any(
            isinstance(cell, str) and cell and not cell.strip() for cells in below for cell in cells
        ),
    )
