"""Table reader: opens a file and reads its rows any number of times, each time from the beginning.

File type is detected from content; the extension only causes a note when it differs.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from getbill.sheets import files, tables
from getbill.sheets.files import Delimited, Dialect, Merge, MergedCells, Record
from getbill.sheets.messages import CellWrong, Unreadable
from getbill.sheets.model import Cell, Column, Layout, Note, ReadChoices, ReadLimits, Row, SkippedRows
from getbill.sheets.tables import INITIALS, MARKS, STARTS, Headings, SkipRules, without_tables_beside

_SAMPLE_BYTES = 256 * 1024
_SAMPLE_ROWS = 300
# Sample size to find the header and the first rows of a file that begins with unrelated lines.
_SAMPLE_BYTES_MAX = 64 * _SAMPLE_BYTES
_PREAMBLE_ROWS = 900
_HEADER_NOTES = frozenset({"no_header", "header_unsure"})
# Sample size where the first row may name the customer of all rows below it.
_GROUP_ROWS = 3_000


# A step that adds values from outside a row: the line, its cells, and its skip reason, if any.
Completion = Callable[[int, list[Cell], str | None], tuple[str | None, list[Cell]]]


class Source(Protocol):
    """A source of rows: a CSV or a sheet of a workbook."""

    @property
    def hidden(self) -> frozenset[int]:
        """The lines that the file itself hides."""

    @property
    def merges(self) -> Sequence[Merge]:
        """The vertically merged cells."""

    def records(self) -> Iterator[Record]:
        """Yield every line that is not blank, from the first."""

    def close(self) -> None:
        """Release the resources of the reader."""


class Sheet:
    """A table of an open file: its layout and its rows."""

    def __init__(self, layout: Layout, source: Source, limits: ReadLimits) -> None:
        self.layout = layout
        # The rows skipped in the latest pass, complete once the pass is.
        self.left_out = SkippedRows()
        self._source = source
        self._limits = limits
        # The unpacked file of this sheet, closed with it.
        self._unpacked: BinaryIO | None = None

    def reread(self, layout: Layout) -> "Sheet | None":
        """Return the table under another layout from what was read; None where that is not sufficient."""
        requested, current = (
            (version.kind, version.sheet, version.with_hidden_rows) for version in (layout, self.layout)
        )
        is_there = layout.kind == "xlsx" and requested == current
        if not is_there:
            return None
        sheet = Sheet(layout, self._source, self._limits)
        sheet._unpacked = self._unpacked
        return sheet

    def mark_unpacked(self, unpacked: BinaryIO, note: Note) -> Self:
        """Return the sheet as part of a file unpacked for it, with a note."""
        self._unpacked = unpacked
        if note not in self.layout.notes:
            self.layout = replace(self.layout, notes=(note, *self.layout.notes))
        return self

    def rows(self, after_line: int = 0) -> Iterator[Row]:
        """Yield the data rows below `after_line`, from the beginning of the file each time."""
        self.left_out = left_out = SkippedRows()
        layout, skip_rules, rows_left = self.layout, SkipRules(self.layout), self._limits.rows_max
        width, data_line, few = layout.physical_width, layout.data_line, skip_rules.few
        next_line = data_line
        blank: Cell = "" if layout.kind == "csv" else None
        first_header, hidden = skip_rules.first_header, self._source.hidden
        # Headings and merged cells, which ordinary files lack.
        complete = self._completion(skip_rules)
        for line, cells, wrong in self._source.records():
            if line < data_line:
                continue
            if len(cells) != width:
                cells, wrong = self._fit_width(line, cells, wrong)  # noqa: PLW2901 - the same row, made to fit
            first = cells[0] or next(filter(None, cells), None)
            is_looked_at = (
                line != next_line
                or line <= skip_rules.near_line
                or cells.count(blank) >= few
                or first == first_header
                or (
                    type(first) is str
                    and first[0] in INITIALS
                    and (first[0] in MARKS or first[:3].lower() in STARTS)
                )
            )
            why = (
                skip_rules.skip_reason(line, cells, is_below_gap=line != next_line) if is_looked_at else None
            )
            # Another table may begin below blank rows or a title.
            next_line = 0 if is_looked_at and cells.count(blank) >= width - 1 else line + 1
            if complete is not None:
                why, cells = complete(line, cells, why)  # noqa: PLW2901 - the same row, with what stands elsewhere
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

    def _completion(self, skip_rules: SkipRules) -> Completion | None:
        """Return the step that adds values from outside a row, or None where there are none."""
        layout = self.layout
        steps: list[Completion] = []
        if layout.group:
            steps.append(Headings(layout, layout.group, skip_rules).complete)
        if layout.merged_columns:
            steps.append(MergedCells(self._source.merges, layout).complete)

        def complete_row(line: int, cells: list[Cell], why: str | None) -> tuple[str | None, list[Cell]]:
            for step in steps:
                why, cells = step(line, cells, why)
            return why, cells

        return complete_row if steps else None

    def close(self) -> None:
        """Release the resources of the reader; the caller closes the file itself."""
        self._source.close()
        if self._unpacked is not None:
            self._unpacked.close()

    def _fit_width(
        self, line: int, cells: list[Cell], wrong: CellWrong | None
    ) -> tuple[list[Cell], CellWrong | None]:
        """Return the row with one cell for each column of the header, and the row's error."""
        width, count = self.layout.physical_width, len(cells)
        if count > self._limits.columns_max:
            raise Unreadable("too_many_columns", line=line, limit=self._limits.columns_max)
        if count > width:
            # Cells of a spreadsheet do not shift: an extra one is beside the table.
            if self.layout.kind == "csv" and any(cells[width:]):
                wrong = wrong or CellWrong("cells_slid", count=count, columns=width)
            return cells[:width], wrong
        if not self.layout.is_ragged and any(cells):
            wrong = wrong or CellWrong("row_cut", count=count, columns=width)
        blank: Cell = "" if self.layout.kind == "csv" else None
        return [*cells, *[blank] * (width - count)], wrong

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(  # noqa: A001 - read as `sheets.open`
    file: BinaryIO,
    name: str,
    limits: ReadLimits = ReadLimits(),  # noqa: B008 - it is frozen
    *,
    layout: Layout | None = None,
    choices: ReadChoices | None = None,
) -> Sheet:
    """Open a file as a table, whatever its extension, or raise `Unreadable`.

    The `layout` of an earlier reading is applied exactly; `choices` are a person's.
    """
    size = file.seek(0, io.SEEK_END)
    if size > limits.bytes_max:
        raise Unreadable("too_large", limit=limits.bytes_max)
    member = files.unpack_member(file, name, limits)
    if member is None:
        return _open_sheet(file, name, limits, layout, choices)
    try:
        sheet = _open_sheet(member.file, member.name, limits, layout, choices)
    except BaseException:
        member.file.close()
        raise
    return sheet.mark_unpacked(member.file, Note("unpacked", {"file": member.name, "archive": name}))


def _open_sheet(
    file: BinaryIO, name: str, limits: ReadLimits, layout: Layout | None, choices: ReadChoices | None
) -> Sheet:
    kind = files.kind_of(file, file.seek(0, io.SEEK_END))
    if layout:
        choices = ReadChoices(
            layout.encoding, layout.delimiter, layout.sheet, layout.header_line, layout.with_hidden_rows
        )
    choices = choices or ReadChoices()
    if kind == "xlsx":
        return _open_workbook(file, name, limits, layout, choices)
    return _open_text(file, name, limits, layout, choices)


def _open_text(
    file: BinaryIO, name: str, limits: ReadLimits, layout: Layout | None, choices: ReadChoices
) -> Sheet:
    if layout and layout.encoding and layout.delimiter:
        encoding = files.encoding_named(layout.encoding)
        dialect = Dialect(layout.delimiter, layout.quote, layout.escape)
        return Sheet(layout, Delimited(file, encoding, dialect, limits, layout.physical_width), limits)
    encoding = files.encoding_named(choices.encoding) if choices.encoding else files.detect(file)
    lines = _first_lines(file, encoding)
    dialect = files.detect_dialect(lines)
    if choices.delimiter:
        dialect = replace(dialect, delimiter=choices.delimiter)
    # Enough to read the first rows, until the header gives the width.
    source = Delimited(file, encoding, dialect, limits, files.usual_width(dialect, lines))
    sample, table_layout = _find_layout(source, choices, limits, names_delimiter=files.names_delimiter(lines))
    source.width = table_layout.width
    table_layout = _detect_groups(table_layout, source, sample)
    notes = (*encoding.notes, *files.extension_notes(name, "csv"), *table_layout.notes)
    layout = replace(
        table_layout,
        encoding=encoding.name,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        notes=notes,
    )
    return Sheet(layout, source, limits)


def _first_lines(file: BinaryIO, encoding: files.Encoding) -> list[str]:
    """Return the first lines of a text that are not blank, with a larger sample where many are blank."""
    size = _SAMPLE_BYTES
    while True:
        file.seek(0)
        head = file.read(size)
        lines = files.lines_of(encoding.text(head), is_whole=len(head) < size)
        if len(head) < size or len(lines) > 1 or size >= _SAMPLE_BYTES_MAX:
            return lines
        size *= 8


def _sample(source: Source, most: int = _SAMPLE_ROWS) -> list[tuple[int, list[Cell]]]:
    """Return the first lines that are not blank."""
    filled = ((line, cells) for line, cells, _ in source.records() if any(map(_holds, cells)))
    return list(islice(filled, most))


def _find_layout(
    source: Source,
    choices: ReadChoices,
    limits: ReadLimits,
    *,
    names_delimiter: bool = False,
    may_be_empty: bool = False,
) -> tuple[list[tuple[int, list[Cell]]], Layout]:
    """Return the table in the first records, with a larger sample where they are unrelated lines.

    `names_delimiter` skips the first record, which names the delimiter; a table that `may_be_empty` is read
    without rows.
    """
    for most in (_SAMPLE_ROWS, _PREAMBLE_ROWS):
        sample = _sample(source, most)
        if sample and names_delimiter:
            sample[0] = (1, [])
        layout = _table(sample, choices, limits, may_be_empty=may_be_empty)
        if len(sample) < most or not any(note.code in _HEADER_NOTES for note in layout.notes):
            break
    return sample, layout


def _note_other_table(layout: Layout, sample: list[tuple[int, list[Cell]]]) -> Layout:
    """Return the layout with a note on another table below, if the first rows contain one."""
    skip_rules = SkipRules(layout)
    other, next_line = None, layout.data_line
    for line, cells in sample:
        if line >= layout.data_line:
            if skip_rules.skip_reason(line, cells, is_below_gap=line != next_line) == "other_table":
                other = line
                break
            next_line = 0 if sum(map(_holds, cells)) <= 1 else line + 1
    return replace(layout, notes=(*layout.notes, Note("other_table", {"line": other}))) if other else layout


def _holds(cell: Cell) -> bool:
    return cell is not None and cell != ""


def _detect_groups(layout: Layout, source: Source, sample: list[tuple[int, list[Cell]]]) -> Layout:
    """Return the layout with customer groups, if customers stand on rows of their own."""
    first = next((cells for line, cells in sample if line >= layout.data_line), [])
    if len(sample) >= _SAMPLE_ROWS and tables.is_heading(first):
        sample = _sample(source, _GROUP_ROWS)
    return _note_other_table(tables.detect_groups(layout, sample), sample)


def _open_workbook(
    file: BinaryIO, name: str, limits: ReadLimits, layout: Layout | None, choices: ReadChoices
) -> Sheet:
    book = files.extract(file, limits, choices)
    try:
        if layout:
            book.twice = files.double_encoding_of(layout.encoding)
            return Sheet(layout, book, limits)
        first = _sample(book)
        book.twice = files.detect_double_encoding(
            cell for _, cells in first for cell in cells if isinstance(cell, str)
        )
        # Rows with cells only far beside the table count as rows.
        may_be_empty = book.head["far_cells"] > 0
        sample, table_layout = _find_layout(book, choices, limits, may_be_empty=may_be_empty)
        notes = (*table_layout.notes, *book.notes, *files.extension_notes(name, "xlsx"))
        table_layout = replace(
            table_layout,
            kind="xlsx",
            columns=tuple(_with_currency(column, book.currencies) for column in table_layout.columns),
            sheet=book.sheet,
            encoding=files.double_encoding_name(book.twice) if book.twice else None,
            other_sheets=book.other_sheets,
            with_hidden_rows=choices.with_hidden_rows,
            is_ragged=True,
            merged_columns=files.columns_of(book.merges, table_layout.data_line),
            hidden_columns=tuple(book.head["hidden_columns"]),
            notes=notes,
        )
        rows = [cells for line, cells in sample if line >= table_layout.data_line]
        table_layout = _detect_groups(without_tables_beside(table_layout, rows), book, sample)
        return Sheet(table_layout, book, limits)
    except BaseException:
        book.close()
        raise


def _with_currency(column: Column, currencies: dict[str, list[str]]) -> Column:
    signs = currencies.get(column.letter, [])
    return replace(column, currency=signs[0]) if len(signs) == 1 else column


def _table(
    sample: Sequence[tuple[int, list[Cell]]],
    choices: ReadChoices,
    limits: ReadLimits,
    *,
    may_be_empty: bool = False,
) -> Layout:
    """Return the table in the first records; raise `Unreadable` where there is none."""
    for line, cells in sample:
        if len(cells) > limits.columns_max:
            raise Unreadable("too_many_columns", line=line, limit=limits.columns_max)
    table = tables.find_table(sample, choices.header_line)
    if table is None:
        raise Unreadable("empty")
    below = [cells for line, cells in sample if line >= table.data_line and any(cells)]
    if not below and not may_be_empty:
        raise Unreadable("no_rows")
    short = sum(1 for cells in below if 2 < len(cells) < table.width)
    return Layout(
        kind="csv",
        columns=tuple(map(tables.mark_heading, table.columns)),
        header_line=table.header_line,
        data_line=table.data_line,
        width=table.width,
        skipped=table.skipped,
        notes=table.notes,
        # Many programs end a row at its last filled cell; where most rows do not, a short row is truncated.
        is_ragged=short > max(1, len(below) // 10),
        filled=tables.usually_filled(
            [(line, cells) for line, cells in sample if line >= table.data_line and any(cells)]
        ),
        is_padded=any(
            isinstance(cell, str) and cell and not cell.strip() for cells in below for cell in cells
        ),
    )
