"""Opening a file as a table and reading its rows, as often as one likes and each time from the beginning.

What a file is is decided by what is in it; its extension is only told when it says something else.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from getbill.sheets import files, tables
from getbill.sheets.files import Delimited, Dialect, Merge, Merged, Record
from getbill.sheets.messages import CellWrong, Unreadable
from getbill.sheets.model import Cell, Choices, Column, Layout, LeftOut, Limits, Note, Row
from getbill.sheets.tables import INITIALS, MARKS, STARTS, Headings, Leaving, without_tables_beside

_SAMPLE_BYTES = 256 * 1024
_SAMPLE_ROWS = 300
# Further down for the header and the first rows of a file that begins with lines of another kind.
_SAMPLE_BYTES_MAX = 64 * _SAMPLE_BYTES
_PREAMBLE_ROWS = 900
_HEADER_NOTES = frozenset({"no_header", "header_unsure"})
# So many more where the first row may name the customer of all those below it.
_GROUP_ROWS = 3_000


# A step that gives a row what stands outside it: the line, its cells, and why it is no data, if it is none.
Completion = Callable[[int, list[Cell], str | None], tuple[str | None, list[Cell]]]


class Source(Protocol):
    """Where rows come from: a CSV or a sheet of a workbook."""

    @property
    def hidden(self) -> frozenset[int]:
        """The lines that the file itself hides."""

    @property
    def merges(self) -> Sequence[Merge]:
        """The cells merged over several rows."""

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
        # What was unpacked for this sheet, and goes with it.
        self._unpacked: BinaryIO | None = None

    def under(self, layout: Layout) -> "Sheet | None":
        """Return the table as a layout describes it, of what was read already; None where that does not hold it."""
        asked, read = ((one.kind, one.sheet, one.with_hidden_rows) for one in (layout, self.layout))
        is_there = layout.kind == "xlsx" and asked == read
        if not is_there:
            return None
        sheet = Sheet(layout, self._source, self._limits)
        sheet._unpacked = self._unpacked
        return sheet

    def out_of(self, unpacked: BinaryIO, note: Note) -> Self:
        """Return the sheet as one of a file that was unpacked for it; the note says so."""
        self._unpacked = unpacked
        if note not in self.layout.notes:
            self.layout = replace(self.layout, notes=(note, *self.layout.notes))
        return self

    def rows(self, after_line: int = 0) -> Iterator[Row]:
        """Yield the rows of data below `after_line`, from the beginning of the file each time."""
        self.left_out = left_out = LeftOut()
        layout, leaving, rows_left = self.layout, Leaving(self.layout), self._limits.rows_max
        width, data_line, few = layout.physical_width, layout.data_line, leaving.few
        next_line = data_line
        blank: Cell = "" if layout.kind == "csv" else None
        first_header, hidden = leaving.first_header, self._source.hidden
        # What ordinary files need nothing of: headings and merged cells.
        completed = self._completion(leaving)
        for line, cells, wrong in self._source.records():
            if line < data_line:
                continue
            if len(cells) != width:
                cells, wrong = self._fitted(line, cells, wrong)  # noqa: PLW2901 - the same row, made to fit
            first = cells[0] or next(filter(None, cells), None)
            is_looked_at = (
                line != next_line
                or line <= leaving.near_line
                or cells.count(blank) >= few
                or first == first_header
                or (
                    type(first) is str
                    and first[0] in INITIALS
                    and (first[0] in MARKS or first[:3].lower() in STARTS)
                )
            )
            why = leaving.why(line, cells, is_below_gap=line != next_line) if is_looked_at else None
            # Below blank rows or a title another table may begin.
            next_line = 0 if is_looked_at and cells.count(blank) >= width - 1 else line + 1
            if completed is not None:
                why, cells = completed(line, cells, why)  # noqa: PLW2901 - the same row, with what stands elsewhere
            if why is None and line in hidden:
                why = "hidden"
            if why is not None:
                left_out.add(line, why)
                continue
            rows_left -= 1
            if rows_left < 0:
                raise Unreadable("too_many_rows", limit=self._limits.rows_max)
            if line > after_line:
                yield Row(line, cells, wrong)

    def _completion(self, leaving: Leaving) -> Completion | None:
        """Return what gives a row the values that stand outside it, or None where there are none."""
        layout = self.layout
        steps: list[Completion] = []
        if layout.group:
            steps.append(Headings(layout, layout.group, leaving).completed)
        if layout.merged_columns:
            steps.append(Merged(self._source.merges, layout).completed)

        def completed(line: int, cells: list[Cell], why: str | None) -> tuple[str | None, list[Cell]]:
            for step in steps:
                why, cells = step(line, cells, why)
            return why, cells

        return completed if steps else None

    def close(self) -> None:
        """Give back what reading took; the file itself stays open, it is its owner's."""
        self._source.close()
        if self._unpacked is not None:
            self._unpacked.close()

    def _fitted(
        self, line: int, cells: list[Cell], wrong: CellWrong | None
    ) -> tuple[list[Cell], CellWrong | None]:
        """Return the row with as many cells as the header has columns, and what that says about the row."""
        width, found = self.layout.physical_width, len(cells)
        if found > self._limits.columns_max:
            raise Unreadable("too_many_columns", line=line, limit=self._limits.columns_max)
        if found > width:
            # A spreadsheet's cell slides nowhere: it stands beside the table.
            if self.layout.kind == "csv" and any(cells[width:]):
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
    member = files.member(file, name, limits)
    if member is None:
        return _opened(file, name, limits, layout, choices)
    try:
        sheet = _opened(member.file, member.name, limits, layout, choices)
    except BaseException:
        member.file.close()
        raise
    return sheet.out_of(member.file, Note("unpacked", {"file": member.name, "archive": name}))


def _opened(
    file: BinaryIO, name: str, limits: Limits, layout: Layout | None, choices: Choices | None
) -> Sheet:
    kind = files.kind_of(file, file.seek(0, io.SEEK_END))
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
        encoding = files.named(layout.encoding)
        dialect = Dialect(layout.delimiter, layout.quote, layout.escape)
        return Sheet(layout, Delimited(file, encoding, dialect, limits, layout.physical_width), limits)
    encoding = files.named(choices.encoding) if choices.encoding else files.detect(file)
    lines = _first_lines(file, encoding)
    dialect = files.find(lines)
    if choices.delimiter:
        dialect = replace(dialect, delimiter=choices.delimiter)
    # Enough to read the first rows by, until the header tells the width.
    source = Delimited(file, encoding, dialect, limits, files.usual_width(dialect, lines))
    sample, found = _found(source, choices, limits, is_said=files.is_said(lines))
    source.width = found.width
    found = _grouped(found, source, sample)
    notes = (*encoding.notes, *files.notes(name, "csv"), *found.notes)
    layout = replace(
        found,
        encoding=encoding.name,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        notes=notes,
    )
    return Sheet(layout, source, limits)


def _first_lines(file: BinaryIO, encoding: files.Encoding) -> list[str]:
    """Return the first lines of a text that hold something, from further down where many are blank."""
    size = _SAMPLE_BYTES
    while True:
        file.seek(0)
        head = file.read(size)
        lines = files.lines_of(encoding.text(head), is_whole=len(head) < size)
        if len(head) < size or len(lines) > 1 or size >= _SAMPLE_BYTES_MAX:
            return lines
        size *= 8


def _sample(source: Source, most: int = _SAMPLE_ROWS) -> list[tuple[int, list[Cell]]]:
    """Return the first lines that hold something."""
    filled = ((line, cells) for line, cells, _ in source.records() if any(map(_holds, cells)))
    return list(islice(filled, most))


def _found(
    source: Source, choices: Choices, limits: Limits, *, is_said: bool = False, may_be_empty: bool = False
) -> tuple[list[tuple[int, list[Cell]]], Layout]:
    """Find the table in the first records, further down where they are lines of another kind.

    `is_said` leaves out the first, which names the delimiter; a table that `may_be_empty` is read without rows.
    """
    for most in (_SAMPLE_ROWS, _PREAMBLE_ROWS):
        sample = _sample(source, most)
        if sample and is_said:
            sample[0] = (1, [])
        found = _table(sample, choices, limits, may_be_empty=may_be_empty)
        if len(sample) < most or not any(note.code in _HEADER_NOTES for note in found.notes):
            break
    return sample, found


def _above_others(layout: Layout, sample: list[tuple[int, list[Cell]]]) -> Layout:
    """Return the layout with a note on another table below, if the first rows show one."""
    leaving = Leaving(layout)
    other, next_line = None, layout.data_line
    for line, cells in sample:
        if line >= layout.data_line:
            if leaving.why(line, cells, is_below_gap=line != next_line) == "other_table":
                other = line
                break
            next_line = 0 if sum(map(_holds, cells)) <= 1 else line + 1
    return replace(layout, notes=(*layout.notes, Note("other_table", {"line": other}))) if other else layout


def _holds(cell: Cell) -> bool:
    return cell is not None and cell != ""


def _grouped(layout: Layout, source: Source, sample: list[tuple[int, list[Cell]]]) -> Layout:
    """Return the layout with the customers that stand on rows of their own, if they do."""
    first = next((cells for line, cells in sample if line >= layout.data_line), [])
    if len(sample) >= _SAMPLE_ROWS and tables.is_heading(first):
        sample = _sample(source, _GROUP_ROWS)
    return _above_others(tables.grouped(layout, sample), sample)


def _open_workbook(
    file: BinaryIO, name: str, limits: Limits, layout: Layout | None, choices: Choices
) -> Sheet:
    book = files.extract(file, limits, choices)
    try:
        if layout:
            book.twice = files.twice_of(layout.encoding)
            return Sheet(layout, book, limits)
        first = _sample(book)
        book.twice = files.twice_in(cell for _, cells in first for cell in cells if isinstance(cell, str))
        # Rows that hold nothing but cells far beside the table are rows all the same.
        may_be_empty = book.head["far_cells"] > 0
        sample, found = _found(book, choices, limits, may_be_empty=may_be_empty)
        notes = (*found.notes, *book.notes, *files.notes(name, "xlsx"))
        found = replace(
            found,
            kind="xlsx",
            columns=tuple(_with_currency(column, book.currencies) for column in found.columns),
            sheet=book.sheet,
            encoding=files.twice_name(book.twice) if book.twice else None,
            other_sheets=book.others,
            with_hidden_rows=choices.with_hidden_rows,
            is_ragged=True,
            merged_columns=files.columns_of(book.merges, found.data_line),
            hidden_columns=tuple(book.head["hidden_columns"]),
            notes=notes,
        )
        rows = [cells for line, cells in sample if line >= found.data_line]
        found = _grouped(without_tables_beside(found, rows), book, sample)
        return Sheet(found, book, limits)
    except BaseException:
        book.close()
        raise


def _with_currency(column: Column, currencies: dict[str, list[str]]) -> Column:
    shown = currencies.get(column.letter, [])
    return replace(column, currency=shown[0]) if len(shown) == 1 else column


def _table(
    sample: Sequence[tuple[int, list[Cell]]], choices: Choices, limits: Limits, *, may_be_empty: bool = False
) -> Layout:
    """Find the table in the first records, or say why there is none."""
    for line, cells in sample:
        if len(cells) > limits.columns_max:
            raise Unreadable("too_many_columns", line=line, limit=limits.columns_max)
    table = tables.find(sample, choices.header_line)
    if table is None:
        raise Unreadable("empty")
    below = [cells for line, cells in sample if line >= table.data_line and any(cells)]
    if not below and not may_be_empty:
        raise Unreadable("no_rows")
    short = sum(1 for cells in below if 2 < len(cells) < table.width)
    return Layout(
        kind="csv",
        columns=tuple(map(tables.marked, table.columns)),
        header_line=table.header_line,
        data_line=table.data_line,
        width=table.width,
        skipped=table.skipped,
        notes=table.notes,
        # Many programs end a row at its last filled cell; where most rows do not, a short one is cut.
        is_ragged=short > max(1, len(below) // 10),
        filled=tables.usually_filled(
            [(line, cells) for line, cells in sample if line >= table.data_line and any(cells)]
        ),
        is_padded=any(
            isinstance(cell, str) and cell and not cell.strip() for cells in below for cell in cells
        ),
    )
