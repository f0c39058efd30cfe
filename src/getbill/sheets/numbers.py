"""Amounts as people write them: 1 234,56 € and CHF 1'234.50, read exactly or not at all."""

import re
from collections.abc import Callable
from decimal import Decimal

from getbill.sheets.model import Cell, NumberShape
from getbill.sheets.words import CellWrong

_SPACES = re.compile(r"[\s'’]")
_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")


def read_number(cell: Cell, shape: NumberShape) -> Decimal:
    """Return the number a cell holds, or raise `CellWrong`."""
    return number_reader(shape)(cell)


def number_reader(shape: NumberShape) -> Callable[[Cell], Decimal]:
    """Return the fast reader of a column's numbers, made once for the column."""
    other = "," if shape.decimal == "." else "."

    def read(cell: Cell) -> Decimal:
        if isinstance(cell, bool) or cell is None:
            raise CellWrong("number_invalid", value=cell)
        if isinstance(cell, int):
            return Decimal(cell)
        if isinstance(cell, float):
            return Decimal(f"{cell:.15g}")
        text = _SPACES.sub("", str(cell)).replace(other, "").replace(shape.decimal, ".").strip("€$£")
        if not _PLAIN.fullmatch(text):
            raise CellWrong("number_invalid", value=cell)
        return Decimal(text)

    return read
