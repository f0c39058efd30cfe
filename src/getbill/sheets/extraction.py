"""The program of the child process that reads a workbook for its parent, under limits it sets for itself first.

It knows nothing of GetBill and is given nothing but the open file: hostile bytes meet a process that can
only write rows to its output, and dies with its parent.
"""

import ctypes
import io
import os
import re
import resource
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

FILE = "/dev/fd/0"
REFUSED = 3
_ROWS_PER_FRAME = 1_000
_BLOCK = 1024 * 1024
_PARTS_MAX = 10_000
# Fifteen digits are exact in a spreadsheet; a larger number has lost some.
_WHOLE_MAX = 1e15
_PR_SET_PDEATHSIG = 1

_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_ROW_NUMBER = re.compile(rb'\br="(\d+)"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_SPAN = re.compile(rb'\b(min|max)="(\d+)"')
_NO_VALUE = re.compile(rb"</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>|</(?:\w+:)?c>)")
_STYLED = re.compile(rb'<(?:\w+:)?c r="([A-Z]+)\d+" s="(\d+)"')
_FROM_1904 = re.compile(rb'\bdate1904="(?:1|true)"')
_CURRENCY = re.compile(r'\[\$([^\]-]+)(?:-[0-9A-Fa-f]+)?\]|"?([\u20ac\u00a3\u00a5]|CHF|EUR|USD|GBP)"?')


class Refused(Exception):
    """What the parent is told instead of rows."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.told = {"error": code, "facts": facts}
        super().__init__(code)


class Markup:
    """What a sheet's XML says that its values do not: what is hidden, and how amounts are shown."""

    def __init__(self) -> None:
        self.hidden_rows: list[int] = []
        self.hidden_columns: list[int] = []
        self.unsaved = 0
        self.is_1904 = False
        self.currencies: dict[str, set[str]] = {}

    def look(self, block: bytes, currency_of: dict[bytes, str]) -> None:
        """Look at a block of the sheet's XML that ends between two elements."""
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


def main() -> None:
    """Read the workbook on the standard input and write its rows to the standard output, or why not."""
    asked = orjson.loads(sys.argv[1])
    _limit(asked)
    with os.fdopen(os.dup(1), "wb") as out:
        try:
            _extract(asked, out)
            out.flush()
        except Refused as refused:
            _refuse(refused.told)
        except PasswordError:
            _refuse({"error": "password", "facts": {}})
        except MemoryError:
            _refuse({"error": "too_much_memory", "facts": {}})
        except ZipError:
            _refuse({"error": "truncated", "facts": {}})
        except (CalamineError, ValueError, ET.ParseError, zipfile.BadZipFile, NotImplementedError) as error:
            _refuse({"error": "damaged", "facts": {"detail": str(error)[:200]}})
        except OSError:
            # Its output may not grow without end.
            _refuse({"error": "unpacks_too_large", "facts": {"limit": asked["unpacked_max"]}})


def _limit(asked: dict[str, Any]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # A parent that died before that sends no signal any more.
        if os.getppid() != asked["parent"]:
            sys.exit("the parent ended before its child started")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory_max"], asked["memory_max"]))
    resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu_seconds"], asked["cpu_seconds"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked["unpacked_max"], asked["unpacked_max"]))


def _refuse(told: dict[str, Any]) -> None:
    os.ftruncate(1, 0)
    os.pwrite(1, orjson.dumps(told), 0)
    os._exit(REFUSED)


def _extract(asked: dict[str, Any], out: io.BufferedWriter) -> None:
    markups: Callable[[str], Markup] = lambda _: Markup()  # noqa: E731 - what a workbook without parts has
    with Path(FILE).open("rb") as file:
        if file.read(2) == b"PK":
            archive = Archive(zipfile.ZipFile(FILE), asked["unpacked_max"])
            archive.refuse_hostile()
            markups = archive.markup
    book = CalamineWorkbook.from_path(FILE)
    names = [meta.name for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    with ThreadPoolExecutor(1) as beside:
        # The library reads without the interpreter: of the one sheet there mostly is, the markup is read meanwhile.
        early = beside.submit(markups, names[0]) if len(names) == 1 else None
        chosen, sheet, others = _chosen(book, asked)
    if sheet.total_width > asked["columns_max"]:
        raise Refused("too_many_columns", line=1, limit=asked["columns_max"])
    if sheet.total_height > asked["rows_max"] + _ROWS_PER_FRAME:
        raise Refused("too_many_rows", limit=asked["rows_max"])
    markup = early.result() if early else markups(chosen)
    head = {
        "sheet": chosen,
        "others": others,
        "hidden_rows": markup.hidden_rows,
        "hidden_columns": markup.hidden_columns,
        "unsaved": markup.unsaved,
        "is_1904": markup.is_1904,
        "currencies": {letters: sorted(signs) for letters, signs in markup.currencies.items()},
    }
    out.write(orjson.dumps(head) + b"\n")
    out.writelines(orjson.dumps(frame, default=str) + b"\n" for frame in _frames(sheet))


def _chosen(book: CalamineWorkbook, asked: dict[str, Any]) -> tuple[str, CalamineSheet, list[dict[str, Any]]]:
    """Return the sheet asked for, or the visible one that looks most like a list of debts."""
    metas = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    names = [meta.name for meta in metas]
    visible = [meta.name for meta in metas if meta.visible == SheetVisibleEnum.Visible] or names
    if asked["sheet"] is not None and asked["sheet"] not in names:
        raise Refused("no_such_sheet", sheet=asked["sheet"], sheets=", ".join(names))
    if not names:
        raise Refused("empty")
    words = re.compile(asked["words"], re.IGNORECASE)
    best, best_sheet, best_score = names[0], None, (-1, -1)
    heads: dict[str, list[str]] = {}
    heights: dict[str, int] = {}
    for name in dict.fromkeys([*visible, *([asked["sheet"]] if asked["sheet"] else [])]):
        sheet = book.get_sheet_by_name(name)
        known, heads[name] = _head(sheet, words)
        heights[name] = sheet.height
        score = (known if known > 1 else 0, sheet.height * min(sheet.width, 50))
        if name == asked["sheet"]:
            score = (10_000, 0)
        if score > best_score:
            best, best_sheet, best_score = name, sheet, score
    assert best_sheet is not None  # noqa: S101 - at least one name was looked at
    others = [
        {
            "name": name,
            "rows": heights.get(name, 0),
            "is_hidden": name not in visible,
            "has_same_header": bool(heads.get(name)) and heads.get(name) == heads[best],
        }
        for name in names
        if name != best and (heights.get(name, 0) or name not in visible)
    ]
    return best, best_sheet, others


def _head(sheet: CalamineSheet, words: re.Pattern[str]) -> tuple[int, list[str]]:
    """Return how many known words the best row at the top has, and that row."""
    best, texts = 0, []
    for _, row in zip(range(sheet.start[0] + 40 if sheet.start else 0), sheet.iter_rows(), strict=False):
        labels = [cell for cell in row if isinstance(cell, str) and cell]
        known = sum(1 for label in labels if words.search(label))
        if known > best:
            best, texts = known, labels
    return best, texts


def _frames(sheet: CalamineSheet) -> Iterator[dict[str, Any]]:
    """Yield rows by the thousand; blank ones are not worth telling."""
    left: list[Any] = [None] * (sheet.start[1] if sheet.start else 0)
    lines: list[int] = []
    rows: list[list[Any]] = []
    dates: list[tuple[int, int]] = []
    every: Iterator[list[Any]] = iter(sheet.iter_rows())
    for line, row in enumerate(every, 1):
        if not any(cell != "" for cell in row):
            continue
        cells = left.copy()
        for cell in row:
            kind = type(cell)
            if kind is str:
                cells.append(cell or None)
            elif kind is float:
                cells.append(int(cell) if cell.is_integer() and abs(cell) < _WHOLE_MAX else cell)
            else:
                if isinstance(cell, date):
                    dates.append((len(rows), len(cells)))
                cells.append(cell)
        lines.append(line)
        rows.append(cells)
        if len(rows) == _ROWS_PER_FRAME:
            yield {"lines": lines, "rows": rows, "dates": dates}
            lines, rows, dates = [], [], []
    if rows:
        yield {"lines": lines, "rows": rows, "dates": dates}


class Archive:
    """The parts of an XLSX as a ZIP, before anything reads them as a workbook."""

    def __init__(self, parts: zipfile.ZipFile, unpacked_max: int) -> None:
        self._zip = parts
        self._unpacked_max = unpacked_max

    def refuse_hostile(self) -> None:
        """Raise for what unpacks without end, is locked, is no workbook, or declares entities."""
        infos = self._zip.infolist()
        names = {info.filename for info in infos}
        if len(infos) > _PARTS_MAX or sum(info.file_size for info in infos) > self._unpacked_max:
            raise Refused("unpacks_too_large", limit=self._unpacked_max)
        if any(info.flag_bits & 1 for info in infos):
            raise Refused("password")
        if any(name.startswith(("word/", "ppt/")) for name in names):
            raise Refused(
                "not_a_table",
                what={"en": "a text document or slides", "fr": "un document texte ou des diapositives"},
            )
        if not names & {"[Content_Types].xml", "content.xml"}:
            raise Refused("not_a_table", what={"en": "a compressed archive", "fr": "une archive compressée"})
        for name in names:
            if name.endswith((".xml", ".rels")):
                for block in self._blocks(name):
                    if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                        raise Refused("external_entities")

    def markup(self, sheet: str) -> Markup:
        """Return what the XML of the sheet with this name says beside its values."""
        found = Markup()
        part = self._part_of(sheet)
        if part is None:
            return found
        found.is_1904 = bool(_FROM_1904.search(self._zip.read("xl/workbook.xml")))
        currencies = self._currency_styles()
        for block in self._blocks(part):
            found.look(block, currencies)
        return found

    def _blocks(self, name: str) -> Iterator[bytes]:
        """Yield a part in blocks that end between two elements."""
        rest = b""
        with self._zip.open(name) as part:
            while block := part.read(_BLOCK):
                block = rest + block
                cut = block.rfind(b"<")
                # An element without end is kept whole as long as a block, then let go.
                cut = len(block) if cut <= 0 or len(block) - cut > _BLOCK else cut
                rest = block[cut:]
                yield block[:cut]
        if rest:
            yield rest

    def _part_of(self, sheet: str) -> str | None:
        try:
            book = ET.fromstring(self._zip.read("xl/workbook.xml"))  # noqa: S314 - declares no entity
            links = ET.fromstring(self._zip.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - declares no entity
        except KeyError:
            return None
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for element in book.iter():
            if element.tag.endswith("}sheet") and element.get("name") == sheet:
                link = next((value for key, value in element.attrib.items() if key.endswith("}id")), None)
                target = targets.get(link, "")
                part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                return part if part in self._zip.namelist() else None
        return None

    def _currency_styles(self) -> dict[bytes, str]:
        """Return the styles that show a currency beside a number, by the number cells know them by."""
        try:
            styles = ET.fromstring(self._zip.read("xl/styles.xml"))  # noqa: S314 - declares no entity
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


if __name__ == "__main__":
    main()
