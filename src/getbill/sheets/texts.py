"""Cells read as text: what a person sees in the cell, without the spaces around it."""

from datetime import date, datetime

from getbill.sheets.model import Cell

# What a spreadsheet takes for the beginning of a formula; tab and return hide one from a careless look.
FORMULA_STARTS = frozenset("=+-@\t\r\n")
_SIGNS = frozenset("(\u20ac$\u00a3")


def read_text(cell: Cell) -> str:
    """Return the cell's text; empty for an empty cell, a whole number without decimals, a date in ISO form.

    An apostrophe before what would be a formula is the spreadsheet's mark for text and goes.
    """
    if type(cell) is str:
        text = cell.strip()
        if text[:1] == "'" and text[1:].lstrip(" ")[:1] in FORMULA_STARTS:
            return text[1:].strip()
        return text
    return "" if cell is None else _typed(cell)


def is_marked_text(cell: Cell) -> bool:
    """Tell whether a cell begins with the apostrophe by which a spreadsheet keeps a number or a formula as text."""
    return (
        type(cell) is str
        and cell[:1] == "'"
        and (cell[1:2].isdigit() or cell[1:2] in FORMULA_STARTS or cell[1:2] in _SIGNS)
        and cell[1:] != ""
        and not cell[1:].endswith("'")
    )


def without_apostrophe(cell: Cell) -> Cell:
    """Return the cell without the apostrophe that marks it as text."""
    return cell[1:] if type(cell) is str and is_marked_text(cell) else cell


def _typed(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
