"""Parts of a workbook besides its values: hidden rows and columns, merges, number formats, hostile content.

It runs in the child process that reads workbooks, and imports nothing from GetBill.
"""

import re
import tempfile
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterator, MutableSequence, Sequence
from itertools import pairwise
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

_BLOCK = 1024 * 1024
_PARTS_MAX = 10_000

_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_ROW_NUMBER = re.compile(rb'\br="(\d+)"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_SPAN = re.compile(rb'\b(min|max)="(\d+)"')
_NO_VALUE = re.compile(rb"</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>|</(?:\w+:)?c>)")
_FROM_1904 = re.compile(rb'\bdate1904="(?:1|true)"')
_STYLED = re.compile(rb'<(?:\w+:)?c r="([A-Z]+)\d+" s="(\d+)"')
_CURRENCY = re.compile(r'\[\$([^\]-]+)(?:-[0-9A-Fa-f]+)?\]|"?([\u20ac\u00a3\u00a5]|CHF|EUR|USD|GBP)"?')


class WorkbookRefused(Exception):
    """The error that the parent receives instead of rows."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.report = {"error": code, "facts": facts}
        super().__init__(code)


class Markup:
    """Properties from a sheet's XML that its values lack: hidden parts, and currency formats."""

    def __init__(self) -> None:
        self.hidden_rows: list[int] = []
        self.hidden_columns: list[int] = []
        self.unsaved = 0
        self.is_1904 = False
        self.currencies: dict[str, set[str]] = {}

    def scan(self, block: bytes, currency_of: dict[bytes, str]) -> None:
        """Scan a block of the sheet's XML that ends between two elements."""
        if b"hidden=" in block:
            for row in _ROW.finditer(block):
                if _HIDDEN.search(row[1]) and (number := _ROW_NUMBER.search(row[1])):
                    self.hidden_rows.append(int(number[1]))
            for column in _COLUMN.finditer(block):
                if _HIDDEN.search(column[1]):
                    span = {name: int(value) for name, value in _SPAN.findall(column[1])}
                    last = min(span.get(b"max", 0), 1_000)
                    self.hidden_columns.extend(range(span.get(b"min", 1) - 1, last))
        if b"</f>" in block or b":f>" in block:
            self.unsaved += sum(1 for _ in _NO_VALUE.finditer(block))
        if currency_of:
            for letters, style in set(_STYLED.findall(block)):
                if style in currency_of:
                    self.currencies.setdefault(letters.decode(), set()).add(currency_of[style])


# A sheet with this many missing rows, or with a cell beyond column ZZ, is examined closely.
_MISSING_MAX = 20_000
_FAR_COLUMN = re.compile(rb'\br="[A-Z]{3}')
# Empty columns between a table and cells outside it, and the maximum share of such cells.
_GAP_COLUMNS = 100
_FAR_SHARE, _FAR_FEW = 0.01, 10
_ROWS_IN_A_SHEET = 1_048_576
_ROW_BYTES_MAX = 16 * _BLOCK
_REFERENCE = re.compile(rb'<c\b[^>]*?\br="([A-Z]+)\d+"')
_CELL = re.compile(rb"<c\b[^>]*/>|<c\b[^>]*>.*?</c>", re.DOTALL)
_NUMBERED = re.compile(rb'(<row\b[^>]*?\br="|<c\b[^>]*?\br="[A-Z]+)(\d+)"')


class Extent:
    """A quick estimate of the area that a sheet's cells span."""

    def __init__(self) -> None:
        self._rows = self._last = 0
        self._is_wide = False

    def scan(self, block: bytes) -> None:
        """Scan a block of the sheet's XML."""
        self._rows += block.count(b"<row ")
        at = block.rfind(b"<row ")
        if at >= 0 and (number := _ROW_NUMBER.search(block, at)):
            self._last = max(self._last, int(number[1]))
        self._is_wide = self._is_wide or bool(_FAR_COLUMN.search(block))

    @property
    def is_sparse(self) -> bool:
        """Whether the rectangle around all cells may be far larger than their contents."""
        return self._is_wide or self._last - self._rows > _MISSING_MAX


class SparseTable:
    """The table of a sparse sheet: rows renumbered without gaps, distant cells left out."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        counts: Counter[bytes] = Counter()
        for chunk in _whole_rows(blocks):
            counts.update(_REFERENCE.findall(chunk))
        columns = Counter({_column_index(letters): count for letters, count in counts.items()})
        self._end = _end_of_table(columns)
        self.left_out = sum(count for column, count in columns.items() if column >= self._end)
        self.rows: MutableSequence[int] = array("I")
        self._row = b""

    def compact(self, chunk: bytes) -> bytes:
        """Return complete XML rows, renumbered as if no row were blank."""
        if self.left_out:
            chunk = _CELL.sub(self._keep_near, chunk)
        return _NUMBERED.sub(self._renumber, chunk)

    def _keep_near(self, cell: re.Match[bytes]) -> bytes:
        reference = _REFERENCE.match(cell[0])
        return b"" if reference and _column_index(reference[1]) >= self._end else cell[0]

    def _renumber(self, match: re.Match[bytes]) -> bytes:
        if match[1].startswith(b"<row"):
            number = int(match[2])
            if not 0 < number <= _ROWS_IN_A_SHEET:
                raise WorkbookRefused("damaged", row=number)
            self.rows.append(number)
            self._row = str(len(self.rows)).encode()
        return match[1] + (self._row or match[2]) + b'"'


def _whole_rows(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks that end before a row."""
    remainder = b""
    for block in blocks:
        remainder += block
        cut = remainder.rfind(b"<row ")
        if cut > 0:
            yield remainder[:cut]
            remainder = remainder[cut:]
        if len(remainder) > _ROW_BYTES_MAX:
            raise WorkbookRefused("too_much_memory")
    yield remainder


def _end_of_table(columns: Counter[int]) -> int:
    """Return the first column whose cells are not part of the table."""
    used = sorted(columns)
    beyond = 0
    for before, column in reversed(list(pairwise(used))):
        beyond += columns[column]
        if column - before > _GAP_COLUMNS and beyond <= max(_FAR_SHARE * columns.total(), _FAR_FEW):
            return column
    return used[-1] + 1 if used else 0


def _column_index(letters: bytes) -> int:
    number = 0
    for sign in letters:
        number = number * 26 + sign - 64
    return number - 1


class WorkbookArchive:
    """The parts of an XLSX as a ZIP, checked before a library reads them as a workbook."""

    def __init__(self, parts: zipfile.ZipFile, unpacked_max: int) -> None:
        self.parts = parts
        self._unpacked_max = unpacked_max
        # The sparse sheets; once compacted, their original row numbers and the number of cells left out.
        self._sparse: list[str] = []
        self._compacted: dict[str, tuple[MutableSequence[int], int]] = {}

    def refuse_hostile(self) -> None:
        """Raise for a zip bomb, a locked file, a file that is not a workbook, or declared entities."""
        infos = self.parts.infolist()
        names = {info.filename for info in infos}
        if len(infos) > _PARTS_MAX or sum(info.file_size for info in infos) > self._unpacked_max:
            raise WorkbookRefused("unpacks_too_large", limit=self._unpacked_max)
        if any(info.flag_bits & 1 for info in infos):
            raise WorkbookRefused("password")
        if any(name.startswith(("word/", "ppt/")) for name in names):
            raise WorkbookRefused("not_a_table", what="document")
        if not names & {"[Content_Types].xml", "content.xml"}:
            raise WorkbookRefused("not_a_table", what="archive")
        for name in names:
            if name.endswith((".xml", ".rels")):
                self._check_part(name)

    def _check_part(self, name: str) -> None:
        """Refuse declared entities, and note a sparse sheet."""
        extent = Extent()
        for block in self._part_blocks(name):
            if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                raise WorkbookRefused("external_entities")
            extent.scan(block)
        if extent.is_sparse and name.startswith("xl/worksheets/"):
            self._sparse.append(name)

    def has(self, name: str) -> bool:
        """Return whether there is a part with this name."""
        return name in self.parts.NameToInfo

    def compacted(self) -> BinaryIO | None:
        """Return the workbook without blank rows and distant cells in its sparse sheets.

        None where no sheet is sparse. A reader that allocates the rectangle of a sheet then needs no memory
        for empty cells.
        """
        if not self._sparse:
            return None
        file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - ends with the process
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
            for info in self.parts.infolist():
                with copy.open(info.filename, "w", force_zip64=True) as part:
                    for block in self._part(info.filename):
                        part.write(block)
        file.flush()
        return file

    def rows_of(self, sheet: str) -> tuple[Sequence[int] | None, int]:
        """Return the original row numbers of a compacted sheet, and the number of cells left out."""
        return self._compacted.get(self._part_of(sheet) or "", (None, 0))

    def _part(self, name: str) -> Iterator[bytes]:
        if name not in self._sparse:
            yield from self._part_blocks(name)
            return
        table = SparseTable(self._part_blocks(name))
        for chunk in _whole_rows(self._part_blocks(name)):
            yield table.compact(chunk)
        self._compacted[name] = table.rows, table.left_out

    def markup(self, sheet: str) -> Markup:
        """Return the markup of the sheet with this name."""
        markup = Markup()
        part = self._part_of(sheet)
        if part is None:
            return markup
        markup.is_1904 = bool(_FROM_1904.search(self.parts.read("xl/workbook.xml")))
        currencies = self._currency_styles()
        for block in self._part_blocks(part):
            markup.scan(block, currencies)
        return markup

    def _part_blocks(self, name: str) -> Iterator[bytes]:
        """Yield a part in blocks that end between two elements."""
        remainder = b""
        with self.parts.open(name) as part:
            while block := part.read(_BLOCK):
                block = remainder + block
                cut = block.rfind(b"<")
                # An element without an end is kept whole up to one block, then released.
                cut = len(block) if cut <= 0 or len(block) - cut > _BLOCK else cut
                remainder = block[cut:]
                yield block[:cut]
        if remainder:
            yield remainder

    def _part_of(self, sheet: str) -> str | None:
        try:
            book = ET.fromstring(self.parts.read("xl/workbook.xml"))  # noqa: S314 - declares no entity
            links = ET.fromstring(self.parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - declares no entity
        except KeyError:
            return None
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for element in book.iter():
            if element.tag.endswith("}sheet") and element.get("name") == sheet:
                link = next((value for key, value in element.attrib.items() if key.endswith("}id")), None)
                target = targets.get(link, "")
                part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                return part if part in self.parts.namelist() else None
        return None

    def _currency_styles(self) -> dict[bytes, str]:
        """Return the cell styles that show a currency beside a number, by their index."""
        try:
            styles = ET.fromstring(self.parts.read("xl/styles.xml"))  # noqa: S314 - declares no entity
        except KeyError:
            return {}
        formats: dict[str | None, str] = {}
        for element in styles.iter():
            if element.tag.endswith("}numFmt") and (sign := _CURRENCY.search(element.get("formatCode", ""))):
                formats[element.get("numFmtId")] = (sign[1] or sign[2]).strip()
        cells = next((element for element in styles if element.tag.endswith("}cellXfs")), None)
        return {
            str(at).encode(): formats[style.get("numFmtId")]
            for at, style in enumerate(cells if cells is not None else ())
            if formats.get(style.get("numFmtId"))
        }
