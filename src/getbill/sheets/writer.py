"""Table writer: reports, and rejected rows in their original layout, row by row.

A debtor's data must not run in the spreadsheet of a report's reader: a text that would be a formula is
written as text, and read back unchanged.
"""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO, Protocol

import xlsxwriter

from getbill.sheets import files
from getbill.sheets.cells import is_formula, read_text
from getbill.sheets.model import Cell, Layout

_ROWS_PER_BLOCK = 1_000
# A signed amount or an international phone number starts like a formula and is harmless.
_HARMLESS = re.compile(r"[+-][\d\s.,()/\u00a0\u202f\u20ac$]*")
_XLSX_TEXT_MAX = 32_767
# Control characters that XML 1.0 cannot contain.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def write_csv(out: BinaryIO, rows: Iterable[Sequence[Cell]], layout: Layout | None = None) -> int:
    """Write the rows as CSV, in the encoding and dialect of `layout` if given, and return their number."""
    count = 0

    def counted() -> Iterator[Sequence[Cell]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    out.writelines(csv_blocks(counted(), layout))
    return count


def csv_blocks(rows: Iterable[Sequence[Cell]], layout: Layout | None = None) -> Iterator[bytes]:
    """Yield the rows as blocks of CSV, for streaming."""
    text = io.StringIO(newline="")
    writer = _writer(text, layout)
    encoder = files.encoder_for(layout.encoding if layout else None)
    for number, row in enumerate(rows, 1):
        writer.writerow([_safe(read_text(cell) if type(cell) is not str else cell) for cell in row])
        if number % _ROWS_PER_BLOCK == 0:
            yield encoder.encode(text.getvalue())
            text.seek(0)
            text.truncate()
    yield encoder.encode(text.getvalue(), final=True)


def write_xlsx(out: BinaryIO, rows: Iterable[Sequence[Cell]], sheet: str = "GetBill") -> int:
    """Write the rows as a workbook of one sheet, its first row as the header, and return their number."""
    count = 0
    # Rows are buffered in a file before they are packed; a temporary directory removes it in any case.
    with tempfile.TemporaryDirectory() as room:
        book = xlsxwriter.Workbook(out, {"constant_memory": True, "tmpdir": room})
        try:
            page = book.add_worksheet(sheet)
            page.freeze_panes(1, 0)
            bold = book.add_format({"bold": True})
            formats: dict[type, Any] = {
                date: book.add_format({"num_format": "yyyy-mm-dd"}),
                datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            }
            for count, row in enumerate(rows, 1):
                for column, cell in enumerate(row):
                    _write_cell(
                        page, (count - 1, column), cell, bold if count == 1 else formats.get(type(cell))
                    )
        finally:
            book.close()
    return count


def _write_cell(page: Any, at: tuple[int, int], cell: Cell, cell_format: Any) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        page.write_boolean(*at, cell, cell_format)
    elif isinstance(cell, int | float):
        page.write_number(*at, cell, cell_format)
    elif isinstance(cell, date):
        page.write_datetime(*at, cell, cell_format)
    else:
        # Written as text, never as a formula or a link, whatever its first character.
        page.write_string(*at, _UNWRITABLE.sub("", cell)[:_XLSX_TEXT_MAX], cell_format)


class CsvWriter(Protocol):
    """The csv module's writer."""

    def writerow(self, row: Iterable[str], /) -> Any:
        """Write one row."""


def _writer(text: io.StringIO, layout: Layout | None) -> CsvWriter:
    if layout is None or layout.kind != "csv":
        return csv.writer(text, delimiter=";")
    return csv.writer(
        text,
        delimiter=layout.delimiter or ";",
        quotechar=layout.quote or '"',
        escapechar=layout.escape,
        doublequote=layout.escape is None,
    )


def _safe(text: str) -> str:
    """Return the text so that a spreadsheet shows it and does not run it (OWASP, CSV injection)."""
    if is_formula(text) and text.strip() and not _HARMLESS.fullmatch(text):
        text = f"'{text}"
    return text.replace("\0", "")
