"""Dates as people write them, the day or the month first as the whole column says."""

import re
from collections.abc import Callable
from datetime import date, datetime

from getbill.sheets.model import Cell, DateShape
from getbill.sheets.words import CellWrong

_DIGITS = re.compile(r"\d+")


def read_date(cell: Cell, shape: DateShape) -> date:
    """Return the date a cell holds, or raise `CellWrong`."""
    return date_reader(shape)(cell)


def date_reader(shape: DateShape) -> Callable[[Cell], date]:
    """Return the fast reader of a column's dates, made once for the column."""

    def read(cell: Cell) -> date:
        if isinstance(cell, datetime):
            return cell.date()
        if isinstance(cell, date):
            return cell
        parts = [int(part) for part in _DIGITS.findall(str(cell))[:3]]
        if len(parts) != 3:
            raise CellWrong("date_invalid", value=cell)
        by = dict(zip(shape.order, parts, strict=False))
        try:
            return date(by["y"], by["m"], by["d"])
        except (ValueError, KeyError):
            raise CellWrong("date_impossible", value=cell) from None

    return read
