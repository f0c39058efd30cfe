"""Cells read as text: what a person sees in the cell, without the spaces around it."""

from datetime import date, datetime

from getbill.sheets.model import Cell

# What a spreadsheet takes for the beginning of a formula; tab and return hide one from a careless look.
FORMULA_STARTS = frozenset("=+-@\t\r\n")


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


def _typed(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
