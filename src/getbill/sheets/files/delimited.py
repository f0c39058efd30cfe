"""CSV reader: records of text with the line each begins on, read in a few microseconds and constant memory.

A quotation mark that is never closed swallows the rows below it; such a row is detected by its number of
cells and read again without quoting, so that one stray mark costs one row and not a thousand.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from getbill.sheets.files.encodings import Encoding
from getbill.sheets.files.merges import Merge
from getbill.sheets.messages import CellWrong, Unreadable
from getbill.sheets.model import Cell, ReadLimits

# An end marker that no line of a file may contain, so a record that contains it was never closed.
_END = "\0"
# Maximum number of characters read twice because of stray quotation marks.
_REPAIRED_MAX = 64 * 1024 * 1024
# The csv module's own limit on one cell.
CELL_MAX = 131_072


class CsvReader(Protocol):
    """The csv module's reader: the cells of each record, and the number of lines read."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


Record = tuple[int, list[Cell], CellWrong | None]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The delimiter and quoting of a CSV; `quote` is None where quotation marks have no meaning."""

    delimiter: str
    quote: str | None = '"'
    escape: str | None = None

    def reader(self, lines: Iterator[str]) -> CsvReader:
        """Return the csv module's reader of these lines."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=self.escape is None,
            # A quotation mark after a space opens a cell as well: a, "b, c".
            skipinitialspace=True,
        )

    def unquoted(self, line: str) -> list[str]:
        """Return the cells of one line, treating quotation marks as text."""
        return next(Dialect(self.delimiter, None).reader(iter([line])), [])

    def is_well_quoted(self, lines: list[str]) -> bool:
        """Return whether every closing quotation mark of these lines ends its cell."""
        reader = csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, skipinitialspace=True, strict=True
        )
        try:
            return self.escape is not None or len(list(reader)) == 1
        except csv.Error:
            return False


@dataclass(slots=True)
class Delimited:
    """The records of a CSV, read from its beginning each time."""

    file: BinaryIO
    encoding: Encoding
    dialect: Dialect
    limits: ReadLimits
    # Number of cells in a row, once the header is known; rows are repaired from then on.
    width: int = 0
    # Only workbooks hide rows and merge cells.
    hidden: frozenset[int] = frozenset()
    merges: tuple[Merge, ...] = ()
    _pending: list[str] = field(default_factory=list)
    _returned: list[str] = field(default_factory=list)
    _read: int = 0

    def records(self) -> Iterator[Record]:
        """Yield every record of the file with its first line; a blank line is a record without cells."""
        self.file.seek(0)
        text = io.TextIOWrapper(self.file, self.encoding.codec, self.encoding.errors, newline="")
        try:
            yield from self._records(text)
        finally:
            # The caller closes the file.
            text.detach()

    def close(self) -> None:
        """Do nothing: the caller closes the file."""

    def _records(self, text: io.TextIOWrapper) -> Iterator[Record]:
        pending, self._returned, self._read = self._pending, [], 0
        pending.clear()
        reader = self.dialect.reader(self._source_lines(text))
        line, counted_before, repaired = 0, 0, 0
        while True:
            start = line + 1
            try:
                cells = next(reader)
            except csv.Error:
                cells, closed = [], False
            else:
                if cells == [_END]:
                    return
                closed = not cells or _END not in cells[-1]
            line = counted_before + reader.line_num
            if line == start and closed:
                pending.clear()
                yield start, cells, None  # type: ignore[misc] # texts are cells
                continue
            first = self._repaired(cells, closed=closed, start=start)
            if first is None:
                pending.clear()
                yield start, *_unended_record(cells, closed=closed)
                if not closed:
                    return
                continue
            repaired += sum(map(len, self._returned))
            if repaired > _REPAIRED_MAX:
                raise Unreadable("quotes_broken", line=start)
            line, counted_before, reader = start, start, self.dialect.reader(self._source_lines(text))
            yield start, first, None

    def _source_lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        """Yield the lines pushed back and the unread ones, then the end marker."""
        readline, limit, pending, pushed = text.readline, self.limits.line_max, self._pending, self._returned
        while pushed:
            line = pushed.pop()
            pending.append(line)
            yield line
        while line := readline(limit):
            self._read += 1
            if len(line) >= limit:
                raise Unreadable("line_too_long", line=self._read, limit=limit)
            if _END in line:
                raise Unreadable("nul_bytes", line=self._read)
            pending.append(line)
            yield line
        pending.append(_END)
        yield _END

    def _repaired(self, cells: list[str], *, closed: bool, start: int) -> list[Cell] | None:
        """Return the cells of the record's first line and push the others back, if the quote was stray."""
        pending = self._pending
        first = self.dialect.unquoted(pending[0])
        is_stray = self.dialect.quote and (
            len(first) == self.width
            and (not closed or len(cells) != self.width or not self.dialect.is_well_quoted(pending))
        )
        if not is_stray:
            if not closed and not cells:
                raise Unreadable("cell_too_long", line=start, limit=CELL_MAX)
            return None
        self._returned.extend(line for line in reversed(pending[1:]) if line != _END)
        pending.clear()
        return list(first)


def _unended_record(cells: list[str], *, closed: bool) -> tuple[list[Cell], CellWrong | None]:
    if closed:
        return list(cells), None
    return [*cells[:-1], cells[-1].replace(_END, "")], CellWrong("quote_open")
