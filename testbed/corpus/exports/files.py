"""The bytes of a layout's file: text in its encoding, or a workbook with typed cells."""

import io
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name

from testbed.corpus.exports.layout import Layout

_FOREIGN = "cp1252"
_DATE_FORMAT = "yyyy-mm-dd"


def file_of(layout: Layout) -> bytes:
    """Return a layout's file."""
    return _workbook(layout.form) if layout.is_workbook else _text(layout.form)


def _text(form: Mapping[str, Any]) -> bytes:
    newline, encoding = form.get("newline", "\r\n"), form.get("encoding", "utf-8")
    foreign = set(form.get("foreign_lines", ()))
    if not foreign:
        return str(form["content"]).replace("\n", newline).encode(encoding)
    lines = str(form["content"]).split("\n")
    mark = b"\xef\xbb\xbf" if encoding == "utf-8-sig" else b""
    written = [
        line.encode(_FOREIGN if number in foreign else encoding.removesuffix("-sig"))
        for number, line in enumerate(lines, 1)
    ]
    return mark + newline.encode().join(written)


def _workbook(form: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    answer: Mapping[str, str] = form.get("number_formats", {})
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        formats = {text: book.add_format({"num_format": text}) for text in {*answer.values(), _DATE_FORMAT}}
        for area in form.get("merges", ()):
            sheet.merge_range(area, "", book.add_format())
        inner = {cell for area in form.get("merges", ()) for cell in _inner(area)}
        for row, line in enumerate(str(form["sheet"]).removesuffix("\n").split("\n")):
            for column, text in enumerate(line.split("\t")):
                if text and (row, column) not in inner:
                    own = answer.get(xl_col_to_name(column))
                    _write(sheet, (row, column), text, formats.get(own or ""), formats[_DATE_FORMAT])
        for number in form.get("hidden_rows", ()):
            sheet.set_row(number - 1, None, None, {"hidden": True})
    return file.getvalue()


def _inner(area: str) -> set[tuple[int, int]]:
    """Return the cells of a merged area that have no content of their own."""
    first, last = (xl_cell_to_rowcol(corner) for corner in area.split(":"))
    cells = {(row, column) for row in range(first[0], last[0] + 1) for column in range(first[1], last[1] + 1)}
    return cells - {first}


def _write(sheet: Any, place: tuple[int, int], text: str, own: Any, for_dates: Any) -> None:
    kind, _, value = text.partition(":")
    if kind == "d":
        day = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        sheet.write_datetime(*place, day, own or for_dates)
    elif kind == "n":
        sheet.write_number(*place, float(value), own)
    elif kind == "b" and re.fullmatch("true|false", value):
        sheet.write_boolean(*place, value == "true", own)
    else:
        sheet.write_string(*place, text)
