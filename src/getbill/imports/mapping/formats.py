"""How the amounts and dates of a file are written, and what is asked where its cells leave it open.

What a file shows is kept with its mapping, so that the next file of the same sender is held against it.
"""

from getbill import sheets
from getbill.imports.mapping.contents import texts_of
from getbill.imports.mapping.model import AMOUNTS, DATES, Column, Question

# Why a shape is certain: some cell of the file shows it, here or in another column.
_SHOWN = frozenset({"decimal_seen", "day_above_12", "other_columns"})


def decide(
    columns: list[Column], profile: sheets.Profile
) -> tuple[dict[int, str], dict[int, str], list[Question]]:
    """Return the decimal marks and date orders that the cells show, and the questions where they leave it open."""
    found = {one.column.index: one for one in profile.columns}
    marks: dict[int, str] = {}
    orders: dict[int, str] = {}
    questions: list[Question] = []
    for column in columns:
        one = found[column.index]
        if column.field in AMOUNTS and one.number and one.filled:
            if not one.number.is_certain:
                questions.append(_question("number_format", column, one, (",", ".")))
            elif one.number.why in _SHOWN:
                marks[column.index] = one.number.decimal
        if column.field in DATES and one.date and one.filled:
            if not one.date.is_certain:
                questions.append(_question("date_order", column, one, ("dmy", "mdy")))
            elif one.date.why in _SHOWN:
                orders[column.index] = one.date.order
    return marks, orders, questions


def _question(code: str, column: Column, one: sheets.ColumnProfile, options: tuple[str, ...]) -> Question:
    facts = {"header": column.header or column.letter, "examples": texts_of(one)[:3]}
    return Question(code, (column.index,), column.field, options, None, facts)
