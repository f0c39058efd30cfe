"""Child process program that reads a workbook for its parent, under resource limits that it sets first.

It imports nothing from GetBill and receives only the open file: hostile bytes reach a process that can only
write rows to its output, and that dies with its parent.
"""

import ctypes
import io
import os
import re
import resource
import signal
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import orjson

if TYPE_CHECKING or __package__:
    from getbill.sheets.files import hidden_parts
    from getbill.sheets.files import workbook_parts as parts
else:
    # The child receives this file alone, without GetBill; the modules it imports are beside it.
    sys.path.append(str(Path(__file__).parent))
    import hidden_parts
    import workbook_parts as parts
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
# Fifteen digits are exact in a spreadsheet; a larger number has lost some.
_WHOLE_MAX = 1e15
_PR_SET_PDEATHSIG = 1
_MERGES_MAX = 500_000


def main() -> None:
    """Read the workbook on standard input and write its rows, or the error, to standard output."""
    request = orjson.loads(sys.argv[1])
    _limit(request)
    with os.fdopen(os.dup(1), "wb") as out:
        try:
            _extract(request, out)
            out.flush()
        except parts.WorkbookRefused as refused:
            _refuse(refused.report)
        except PasswordError:
            _refuse({"error": "password", "facts": {}})
        except MemoryError:
            _refuse({"error": "too_much_memory", "facts": {}})
        except ZipError:
            _refuse({"error": "truncated", "facts": {}})
        except (CalamineError, ValueError, ET.ParseError, zipfile.BadZipFile, NotImplementedError) as error:
            _refuse({"error": "damaged", "facts": {"detail": str(error)[:200]}})
        except OSError:
            # The output size is limited.
            _refuse({"error": "unpacks_too_large", "facts": {"limit": request["unpacked_max"]}})


def _limit(request: dict[str, Any]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # A parent that died before that sends no signal any more.
        if os.getppid() != request["parent"]:
            sys.exit("the parent ended before its child started")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (request["memory_max"], request["memory_max"]))
    resource.setrlimit(resource.RLIMIT_CPU, (request["cpu_seconds"], request["cpu_seconds"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (request["unpacked_max"], request["unpacked_max"]))


def _refuse(report: dict[str, Any]) -> None:
    os.ftruncate(1, 0)
    os.pwrite(1, orjson.dumps(report), 0)
    os._exit(REFUSED)


def _extract(request: dict[str, Any], out: io.BufferedWriter) -> None:
    markups: Callable[[str], parts.Markup] = lambda _: parts.Markup()  # noqa: E731 - what a workbook without parts has
    archive, path = None, FILE
    with Path(FILE).open("rb") as file:
        if file.read(2) == b"PK":
            archive = parts.WorkbookArchive(zipfile.ZipFile(FILE), request["unpacked_max"])
            archive.refuse_hostile()
            markups = archive.markup
    compacted = archive.compacted() if archive else None
    if compacted:
        path = f"/dev/fd/{compacted.fileno()}"
    book = CalamineWorkbook.from_path(path)
    names = [meta.name for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    with ThreadPoolExecutor(1) as beside:
        # The library releases the interpreter lock: for the usual single sheet, the markup is read meanwhile.
        early = beside.submit(markups, names[0]) if len(names) == 1 else None
        chosen, sheet, other_sheets = _choose_sheet(book, request)
    if sheet.total_width > request["columns_max"]:
        raise parts.WorkbookRefused("too_many_columns", line=1, limit=request["columns_max"])
    if sheet.total_height > request["rows_max"] + _ROWS_PER_FRAME:
        raise parts.WorkbookRefused("too_many_rows", limit=request["rows_max"])
    rows, left_out = archive.rows_of(chosen) if archive else (None, 0)
    markup = early.result() if early else markups(chosen)
    hidden = _hidden(archive, chosen)
    head = {
        "sheet": chosen,
        "others": other_sheets,
        "hidden_rows": sorted({*markup.hidden_rows, *(hidden.rows if hidden else ())}),
        "hidden_columns": sorted({*markup.hidden_columns, *(hidden.columns if hidden else ())}),
        "is_hiding_known": hidden is not None,
        "unsaved": markup.unsaved,
        "far_cells": left_out,
        "merges": [*_merges(sheet), *(hidden.merges[:_MERGES_MAX] if hidden else ())],
        "is_1904": markup.is_1904,
        "currencies": {letters: sorted(signs) for letters, signs in markup.currencies.items()},
    }
    out.write(orjson.dumps(head) + b"\n")
    out.writelines(orjson.dumps(frame, default=str) + b"\n" for frame in _frames(sheet, rows))


def _hidden(archive: parts.WorkbookArchive | None, sheet: str) -> hidden_parts.HiddenParts | None:
    """Return the hidden parts of a sheet other than XLSX; None where they cannot be determined."""
    try:
        if archive is None:
            return hidden_parts.of_xls(Path(FILE).read_bytes(), sheet)
        if archive.has("content.xml"):
            return hidden_parts.of_open_document(archive.parts, sheet)
        return (
            hidden_parts.of_xlsb(archive.parts, sheet)
            if archive.has("xl/workbook.bin")
            else hidden_parts.HiddenParts()
        )
    except (struct.error, ValueError, KeyError, IndexError, ET.ParseError, zipfile.BadZipFile):
        return None


def _merges(sheet: CalamineSheet) -> list[tuple[int, int, int]]:
    """Return the vertically merged cells: column from 0, first and last row from 1."""
    ranges = (
        (left, top + 1, bottom + 1)
        for (top, left), (bottom, _) in sheet.merged_cell_ranges or ()
        if bottom > top
    )
    return list(islice(ranges, _MERGES_MAX))


def _choose_sheet(
    book: CalamineWorkbook, request: dict[str, Any]
) -> tuple[str, CalamineSheet, list[dict[str, Any]]]:
    """Return the chosen sheet, or the visible one most like a list of debts."""
    metas = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    names = [meta.name for meta in metas]
    visible = [meta.name for meta in metas if meta.visible == SheetVisibleEnum.Visible] or names
    if request["sheet"] is not None and request["sheet"] not in names:
        raise parts.WorkbookRefused("no_such_sheet", sheet=request["sheet"], sheets=", ".join(names))
    if not names:
        raise parts.WorkbookRefused("empty")
    words = re.compile(request["words"], re.IGNORECASE)
    best, best_sheet, best_score = names[0], None, (-1, -1)
    heads: dict[str, list[str]] = {}
    heights: dict[str, int] = {}
    for name in dict.fromkeys([*visible, *([request["sheet"]] if request["sheet"] else [])]):
        sheet = book.get_sheet_by_name(name)
        word_count, heads[name] = _head(sheet, words)
        heights[name] = sheet.height
        score = (word_count if word_count > 1 else 0, sheet.height * min(sheet.width, 50))
        if name == request["sheet"]:
            score = (10_000, 0)
        if score > best_score:
            best, best_sheet, best_score = name, sheet, score
    assert best_sheet is not None  # noqa: S101 - at least one name was looked at
    other_sheets = [
        {
            "name": name,
            "rows": heights.get(name, 0),
            "is_hidden": name not in visible,
            "has_same_header": bool(heads.get(name)) and heads.get(name) == heads[best],
        }
        for name in names
        if name != best and (heights.get(name, 0) or name not in visible)
    ]
    return best, best_sheet, other_sheets


def _head(sheet: CalamineSheet, words: re.Pattern[str]) -> tuple[int, list[str]]:
    """Return the number of known words in the best row at the top, and that row."""
    best, texts = 0, []
    for _, row in zip(range(sheet.start[0] + 40 if sheet.start else 0), sheet.iter_rows(), strict=False):
        labels = [cell for cell in row if isinstance(cell, str) and cell]
        word_count = sum(1 for label in labels if words.search(label))
        if word_count > best:
            best, texts = word_count, labels
    return best, texts


def _frames(sheet: CalamineSheet, numbers: Sequence[int] | None) -> Iterator[dict[str, Any]]:
    """Yield rows in frames of a thousand; blank rows are skipped."""
    leading_blanks: list[Any] = [None] * (sheet.start[1] if sheet.start else 0)
    lines: list[int] = []
    rows: list[list[Any]] = []
    dates: list[tuple[int, int]] = []
    every: Iterator[list[Any]] = iter(sheet.iter_rows())
    for line, row in enumerate(every, 1):
        if not any(cell != "" for cell in row):
            continue
        cells = leading_blanks.copy()
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
        lines.append(numbers[line - 1] if numbers else line)
        rows.append(cells)
        if len(rows) == _ROWS_PER_FRAME:
            yield {"lines": lines, "rows": rows, "dates": dates}
            lines, rows, dates = [], [], []
    if rows:
        yield {"lines": lines, "rows": rows, "dates": dates}


if __name__ == "__main__":
    main()
