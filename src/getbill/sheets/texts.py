"""Cells read as text: what a person sees in the cell, without the spaces around it."""

from datetime import date, datetime

from getbill.sheets.model import Cell


def read_text(cell: Cell) -> str:
    """Return the cell's text; empty for an empty cell, a whole number without decimals, a date in ISO form."""
    if type(cell) is str:
        return cell.strip()
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
