"""Units of amounts: whether a header or a title states cents, thousands or millions.

`k€`, `TEUR`, `Tsd. €`, `en milliers`, `$000s`: a debt of ten thousand that is read as ten is worse than a
question.
"""

import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

from getbill import sheets
from getbill.kit.text.word_lists import WordLists
from getbill.mapping.columns import texts_of
from getbill.mapping.fields import AMOUNTS, Field
from getbill.mapping.model import ColumnMapping, Question

Unit = Literal["cents", "thousands", "lakhs", "millions", "crores", "negated"]
UNITS: Final[tuple[str, ...]] = get_args(Unit)
# The factor from each unit to the currency's own unit.
FACTORS: Final = {
    "cents": Decimal("0.01"),
    "thousands": Decimal(1_000),
    "lakhs": Decimal(100_000),
    "millions": Decimal(1_000_000),
    "crores": Decimal(10_000_000),
    "negated": Decimal(-1),
}

LISTS = WordLists(Path(__file__).with_name("amounts.toml"))
_MARKS = r"(?:€|\$|£|¥|kr|" + "|".join(map(str.lower, LISTS.words("multiplied", "codes", str.upper))) + r")"
_LIKE_NAMES: Final = LISTS.pattern(
    "like_names",
    r"\((?P<a>[kKtTmM]) ?(?:{})\)|(?<![A-Za-z])(?P<b>[kKtTmM]) (?:{})\b|(?<![A-Za-z])(?P<c>[kt])(?:{})\b",
)
_THOUSANDS: Final = LISTS.pattern(
    "thousands", rf"(?<![a-z])[kt]\s?{_MARKS}(?![a-z])|{_MARKS}\s?k(?![a-z])|{{}}"
)
_MILLIONS: Final = LISTS.pattern("millions", rf"(?<![a-z])m\s?{_MARKS}(?![a-z])|{{}}")
_OF_AMOUNTS: Final = LISTS.pattern("amounts", r"(?:{all_of})?(?:{})\b")
_OF_INDIA: Final = {unit: LISTS.pattern(unit) for unit in ("lakhs", "crores")}
_LETTER: Final = re.compile(r"[^\W\d_]")
_EXAMPLES_MAX: Final = 3


@lru_cache(maxsize=4096)
def unit_of(text: str) -> Unit | None:
    """Return the unit of amounts in a header or a title; None for the currency's own."""
    plain = sheets.fold(text)
    if _THOUSANDS.search(plain):
        return "thousands"
    if odd := _LIKE_NAMES.search(text):
        return "millions" if (odd["a"] or odd["b"] or odd["c"]) in "mM" else "thousands"
    for unit, pattern in _OF_INDIA.items():
        if pattern.search(plain):
            return unit  # type: ignore[return-value]
    return "millions" if _MILLIONS.search(plain) else None


def scale(amount: Decimal, unit: str | None) -> Decimal:
    """Return an amount converted from a unit to the currency's own."""
    return amount * FACTORS[unit] if unit else amount


def ask_unit(columns: list[ColumnMapping], profile: sheets.Profile, layout: sheets.Layout) -> list[Question]:
    """Ask whether a line above or below the table, or a column of units, states the unit of its amounts."""
    title = next((line.text for line in layout.skipped if unit_of(line.text)), None) or _unit_text(profile)
    plain = [column for column in columns if column.field in AMOUNTS and column.unit is None]
    if title is None or not plain:
        return []
    unit = unit_of(title)
    facts = {
        "title": title,
        "headers": [column.header or column.letter for column in plain],
        "examples": texts_of(profile.column(plain[0].index))[:_EXAMPLES_MAX],
    }
    indexes = tuple(column.index for column in plain)
    return [Question("amount_unit", indexes, Field.AMOUNT, (str(unit), ""), None, facts)]


def _unit_text(profile: sheets.Profile) -> str | None:
    """Return the unit among the cells: a line about all amounts, or a column that contains only units."""
    for column_profile in profile.columns:
        texts = list(column_profile.values) or texts_of(column_profile)
        unit_texts = [text for text in texts if _LETTER.search(text) and unit_of(text)]
        if unit_texts and len(unit_texts) == len(texts) and column_profile.number is None:
            return f"{column_profile.column.header or column_profile.column.letter}: {unit_texts[0]}"
        if line := next((text for text in unit_texts if _OF_AMOUNTS.match(sheets.fold(text))), None):
            return line
    return None
