"""Units of amounts: whether a header or a title states cents, thousands or millions.

`k€`, `TEUR`, `Tsd. €`, `en milliers`, `$000s`: a debt of ten thousand that is read as ten is worse than a
question.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, get_args

from getbill import sheets
from getbill.mapping.columns import texts_of
from getbill.mapping.model import AMOUNTS, ColumnMapping, Field, Question

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

# Currencies whose codes are written with a k, T or M prefix.
MULTIPLIED: Final = frozenset(
    [
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "CAD",
        "AUD",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "INR",
        "JPY",
        "MAD",
        "TND",
    ]
)
_MARKS = (
    r"(?:€|\$|£|¥|kr|" + "|".join(code.lower() for code in sorted(MULTIPLIED - {"AUD", "MAD", "RON"})) + r")"
)
# Maud and Tron are names: these codes count only as written, in brackets, after a blank or a lower-case
# letter.
_LIKE_NAMES: Final = re.compile(
    r"\((?P<a>[kKtTmM]) ?(?:AUD|MAD|RON)\)|(?<![A-Za-z])(?P<b>[kKtTmM]) (?:AUD|MAD|RON)\b|(?<![A-Za-z])(?P<c>[kt])(?:AUD|MAD|RON)\b"
)
_THOUSANDS: Final = re.compile(
    rf"(?<![a-z])[kt]\s?{_MARKS}(?![a-z])|{_MARKS}\s?k(?![a-z])|\((?:in )?k\)|\btsd\b|tausend|\bmilliers?\b|\bthousands?\b"
    r"|\b(?:en|in) miles\b|\bmiles de\b|\bmigliaia\b|\bduizend\w*|\bmilhares\b|\btys\b|\btis\b|\btkr\b|\btusen\b|\btusind\w*"
    r"|['\u2019\u2032]000s?\b|\([€$£]?\s?000s?\)|[€$£]\s?000s?\b|\b000s\b|\bmiles [€$]|\b(?:en )?miles\)|[x\u00d7*]\s?1[.,' ]?000\b|\bmil (?:euros?|€)|\bteur\b|\bkeur\b|\bkilo-?euros?\b|\be\s?ft\b|\bezer (?:ft|forint)|\bmii (?:de )?lei\b|\btis\. ?kc\b|\bhil\.|\bbin tl\b|\bхил\.? ?лв|\bχιλ(?:ιαδεσ|\.)"
)
_MILLIONS: Final = re.compile(
    rf"(?<![a-z])m\s?{_MARKS}(?![a-z])|[€$£]\s?m(?![a-z])|\bmio\b|\bmln\b|\bmillions?\b|\bmillionen\b|\bmillones\b|\bmilioni\b"
    r"|\bmiljoen\b|\bmilhoes\b|\bmeur\b|\bmilj\b|\bmilj?oner\b"
)
# Beginnings of a line that states the unit of all amounts.
_OF_AMOUNTS: Final = re.compile(
    r"(?:all[es]? |tous les |les |tutti gli |todos los |alle )?(?:montants?|valeurs?|chiffres|sommes|betr\w+|angaben|amounts?|figures|values"
    r"|importes?|cifras|importi|valori|bedrag\w*|kwoty|castky|sumy|osszegek|valorile|sumele|iznosi|zneski|tutarlar|ποσα|суми|износи|belopp|valores)\b"
)
_OF_INDIA: Final = {"lakhs": re.compile(r"\bla(?:kh|c)s?\b"), "crores": re.compile(r"\bcrores?\b")}
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
