"""Hidden rows and columns and merged cells of workbooks other than XLSX: ODS, XLSB and XLS.

It runs in the child process that reads workbooks, and imports nothing from GetBill.
"""

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_SHEET_ROWS = 1_048_576
_HIDDEN_MAX = 1_048_576
_COLUMNS_MAX = 1_000
# Records of XLSB (MS-XLSB 2.4) and of XLS (MS-XLS 2.4).
_XLSB_ROW, _XLSB_COLUMN, _XLSB_SHEET, _XLSB_MERGE = 0, 60, 156, 176
_XLS_END, _XLS_COLUMN, _XLS_SHEET, _XLS_ROW, _XLS_BEGIN = 0x000A, 0x007D, 0x0085, 0x0208, 0x0809
_FREE = 0xFFFFFFFA


@dataclass(slots=True)
class HiddenParts:
    """Hidden rows (from 1) and columns (from 0) of a sheet, and its vertically merged cells."""

    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    merges: list[tuple[int, int, int]] = field(default_factory=list)

    def add_rows(self, first: int, count: int) -> None:
        """Add hidden rows: `count` of them from the first on."""
        if len(self.rows) < _HIDDEN_MAX:
            self.rows.extend(range(first, first + min(count, _SHEET_ROWS)))

    def add_columns(self, first: int, last: int) -> None:
        """Add hidden columns from the first to the last."""
        self.columns.extend(range(first, min(last + 1, _COLUMNS_MAX)))


class _OpenTable:
    """Parser state of the ODS sheet that is read, element by element."""

    def __init__(self, sheet: str) -> None:
        self.hidden = HiddenParts()
        self._sheet = sheet
        self._is_open = False
        self._row, self._column = 1, 0

    def read_element(self, event: str, element: ET.Element) -> None:
        """Process the start or end of the next element."""
        if element.tag == f"{_TABLE}table":
            self._is_open = event == "start" and element.get(f"{_TABLE}name") == self._sheet
        elif event == "end" and element.tag == f"{_TABLE}table-column" and self._is_open:
            self._add_column(element)
        elif event == "end" and element.tag == f"{_TABLE}table-row":
            if self._is_open:
                self._add_row(element)
            element.clear()

    def _add_column(self, element: ET.Element) -> None:
        count = _repeat_count(element, "columns")
        if _is_hidden(element):
            self.hidden.add_columns(self._column, self._column + count - 1)
        self._column += count

    def _add_row(self, element: ET.Element) -> None:
        count = _repeat_count(element, "rows")
        if _is_hidden(element):
            self.hidden.add_rows(self._row, count)
        column = 0
        for cell in element:
            spanned = int(cell.get(f"{_TABLE}number-rows-spanned", "1"))
            if spanned > 1:
                self.hidden.merges.append((column, self._row, self._row + spanned - 1))
            column += _repeat_count(cell, "columns")
        self._row += count


def of_open_document(archive: zipfile.ZipFile, sheet: str) -> HiddenParts:
    """Return the hidden parts and merged cells of an ODS sheet."""
    table = _OpenTable(sheet)
    with archive.open("content.xml") as content:
        for event, element in ET.iterparse(content, ("start", "end")):  # noqa: S314 - declares no entity
            table.read_element(event, element)
    return table.hidden


def _is_hidden(element: ET.Element) -> bool:
    return element.get(f"{_TABLE}visibility") in {"collapse", "filter"}


def _repeat_count(element: ET.Element, what: str) -> int:
    return int(element.get(f"{_TABLE}number-{what}-repeated", "1"))


def of_xlsb(archive: zipfile.ZipFile, sheet: str) -> HiddenParts:
    """Return the hidden parts and merged cells of an XLSB sheet."""
    hidden = HiddenParts()
    part = _xlsb_part(archive, sheet)
    for kind, data in _xlsb_records(archive.read(part)) if part else ():
        if kind == _XLSB_ROW and len(data) > 11 and data[11] & 0x10:
            hidden.add_rows(struct.unpack_from("<I", data)[0] + 1, 1)
        elif kind == _XLSB_COLUMN and len(data) > 16 and data[16] & 1:
            hidden.add_columns(*struct.unpack_from("<II", data))
        elif kind == _XLSB_MERGE:
            first, last, column = struct.unpack_from("<III", data)
            if last > first:
                hidden.merges.append((column, first + 1, last + 1))
    return hidden


def _xlsb_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    links = ET.fromstring(archive.read("xl/_rels/workbook.bin.rels"))  # noqa: S314 - declares no entity
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for kind, data in _xlsb_records(archive.read("xl/workbook.bin")):
        if kind == _XLSB_SHEET:
            link, at = _wide(data, 8)
            name, _ = _wide(data, at)
            if name == sheet:
                return "xl/" + targets.get(link, "").removeprefix("/xl/")
    return None


def _wide(data: bytes, at: int) -> tuple[str, int]:
    size = struct.unpack_from("<I", data, at)[0]
    end = at + 4 + 2 * size
    return data[at + 4 : end].decode("utf-16-le", "replace"), end


def _xlsb_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at, end = 0, len(data)
    while at < end:
        kind, at = _varint(data, at, 2)
        size, at = _varint(data, at, 4)
        yield kind, data[at : at + size]
        at += size


def _varint(data: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        byte = data[at] if at < len(data) else 0
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            break
    return value, at


def of_xls(content: bytes, sheet: str) -> HiddenParts:
    """Return the hidden parts of an XLS sheet; the workbook library itself reports its merged cells."""
    hidden = HiddenParts()
    stream = _stream(content)
    at = next((at for name, at in _xls_sheets(stream) if name == sheet), None)
    if at is None:
        return hidden
    depth = 0
    for kind, data in _xls_records(stream, at):
        # A chart in the sheet is a substream with its own end record.
        depth += (kind == _XLS_BEGIN) - (kind == _XLS_END)
        if not depth:
            break
        if kind == _XLS_ROW and depth == 1 and len(data) > 12 and data[12] & 0x20:
            hidden.add_rows(struct.unpack_from("<H", data)[0] + 1, 1)
        elif kind == _XLS_COLUMN and depth == 1 and len(data) > 8 and data[8] & 1:
            hidden.add_columns(*struct.unpack_from("<HH", data))
    return hidden


def _xls_sheets(stream: bytes) -> Iterator[tuple[str, int]]:
    for kind, data in _xls_records(stream, 0):
        if kind == _XLS_SHEET and len(data) > 8:
            wide = data[7] & 1
            text = data[8 : 8 + data[6] * (2 if wide else 1)]
            yield (
                text.decode("utf-16-le" if wide else "latin-1", "replace"),
                struct.unpack_from("<I", data)[0],
            )
        elif kind == _XLS_END:
            return


def _xls_records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _stream(content: bytes) -> bytes:
    """Return the workbook stream of a compound file (MS-CFB); empty where it is too small to have sectors."""
    shift = struct.unpack_from("<H", content, 30)[0]
    (directory,) = struct.unpack_from("<I", content, 48)
    (small_below,) = struct.unpack_from("<I", content, 56)
    size = 1 << shift if shift in {9, 12} else 512
    table = _allocation(content, size)
    entries = b"".join(_chain(content, table, directory, size))
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(0, length - 2)].decode("utf-16-le", "replace")
        if name in {"Workbook", "Book"}:
            first, total = struct.unpack_from("<II", entries, at + 116)
            return b"".join(_chain(content, table, first, size))[:total] if total >= small_below else b""
    return b""


def _allocation(content: bytes, size: int) -> list[int]:
    sectors = list(struct.unpack_from("<109I", content, 76))
    (following,) = struct.unpack_from("<I", content, 68)
    per_sector = size // 4
    for _ in range(len(content) // size):
        if following >= _FREE:
            break
        more = struct.unpack_from(f"<{per_sector}I", content, (following + 1) * size)
        sectors += more[:-1]
        following = more[-1]
    table: list[int] = []
    for sector in sectors:
        if sector < _FREE:
            table += struct.unpack_from(f"<{per_sector}I", content, (sector + 1) * size)
    return table


def _chain(content: bytes, table: list[int], first: int, size: int) -> Iterator[bytes]:
    sector = first
    for _ in range(len(table)):
        if sector >= len(table):
            return
        yield content[(sector + 1) * size : (sector + 2) * size]
        sector = table[sector]
