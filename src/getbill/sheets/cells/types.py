"""Cell types by appearance: an address, a phone number, an amount, a date. Validity is checked elsewhere.

Cells with the same pattern (`FAC-9999`) have the same types, so a column is judged once per pattern, and
reading it costs a fraction of a microsecond per cell.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from getbill.sheets.cells import dates, numbers
from getbill.sheets.cells.currency_symbols import country_of, currencies_of
from getbill.sheets.cells.text import LISTS, clean
from getbill.sheets.model import CellKind, fold

# Masks digits and letters; other characters, and accented letters, are kept. It works on UTF-8 bytes, which
# takes a tenth of the time.
_BLOTTED = bytes.maketrans(
    b"123456780abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", b"9" * 9 + b"a" * 26 + b"A" * 26
)
# The separator between cells, which no cell contains.
_BETWEEN = "\0"
# No address, amount or date is longer.
_LOOKED_AT_MAX = 320
_EMAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")
_PHONE = re.compile(r"(?:\+|00)?[\d\s./()-]+")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?:\s?[A-Z0-9]){11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_VAT = re.compile(
    r"[A-Z]{2}\s?[A-Z0-9]{2}\s?\d{3}\s?\d{3}\s?\d{3}|(?:DE|AT|BE|ES|IT|NL|LU|PT)[A-Z]?\s?[\d.]{8,11}[A-Z]?\d{0,2}"
)
_POSTCODE = re.compile(
    r"(?:[A-Z]{1,2}-)?\d{4,5}|\d{4}\s?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|\d{2}\s\d{3}|\d{4}-\d{3}"
)
_PATTERNS = ((CellKind.IBAN, _IBAN), (CellKind.VAT_NUMBER, _VAT), (CellKind.POSTCODE, _POSTCODE))
_URL = re.compile(r"(?:https?://|www\.)\S+")

_YES_NO = frozenset(LISTS.words("yes_no"))
_CIVILITY = frozenset(LISTS.words("civility"))


def kinds_of(example: str) -> frozenset[CellKind]:
    """Return the types of cells that are written like the example."""
    text = clean(example)
    if len(text) > _LOOKED_AT_MAX:
        return frozenset({CellKind.TEXT})
    kinds: set[CellKind] = set()
    if "@" in text:
        return frozenset({CellKind.EMAIL}) if _EMAIL.fullmatch(text) else frozenset({CellKind.TEXT})
    if any(sign.isdigit() for sign in text):
        kinds |= _with_digits(text)
    elif numbers.is_formula_error(text):
        kinds.add(CellKind.FORMULA_ERROR)
    elif numbers.is_number(text):
        kinds.add(CellKind.NUMBER)
    elif _BIC.fullmatch(text):
        kinds.add(CellKind.BIC)
    if _URL.match(text):
        kinds.add(CellKind.URL)
    return frozenset(kinds or {CellKind.TEXT})


@lru_cache(maxsize=4_096)
def word_kinds(text: str) -> frozenset[CellKind]:
    """Return the word lists that contain a cell's text."""
    plain = fold(text)
    kinds: set[CellKind] = set()
    if plain in _YES_NO:
        kinds.add(CellKind.YES_NO)
    if plain in _CIVILITY:
        kinds.add(CellKind.CIVILITY)
    # Bob is a first name; BOB and bob are a currency.
    if currencies_of(plain) and (text.isupper() or text.islower() or not text.isalpha() or len(text) != 3):
        kinds.add(CellKind.CURRENCY)
    if country_of(plain):
        kinds.add(CellKind.COUNTRY)
    return frozenset(kinds)


def patterns(cells: Sequence[str]) -> list[bytes]:
    """Return the cells' patterns, with digits and letters masked."""
    return _BETWEEN.join(cells).encode("utf-8", "replace").translate(_BLOTTED).split(b"\0")


def pattern(text: str) -> str:
    """Return the pattern of one text."""
    return text.encode("utf-8", "replace").translate(_BLOTTED).decode()


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is a valid check digit, as in a SIREN or SIRET (Luhn)."""
    total = 0
    for at, sign in enumerate(reversed(digits)):
        value = int(sign) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _with_digits(text: str) -> set[CellKind]:
    kinds: set[CellKind] = set()
    digits = sum(sign.isdigit() for sign in text)
    if numbers.is_shortened(text):
        return {CellKind.DIGITS_LOST}
    if numbers.is_number(text):
        kinds.add(CellKind.NUMBER)
        if text.isdigit():
            kinds.add(CellKind.INTEGER)
    if dates.is_date(text):
        kinds.add(CellKind.DATE)
    elif 8 <= digits <= 15 and _PHONE.fullmatch(text):
        kinds.add(CellKind.PHONE)
    if _BIC.fullmatch(text):
        kinds.add(CellKind.BIC)
    capitals = text.upper()
    kinds.update(kind for kind, pattern in _PATTERNS if pattern.fullmatch(capitals))
    compact = text.replace(" ", "").replace("\u00a0", "")
    if compact.isdigit() and len(compact) in {9, 14}:
        kinds.add(CellKind.SIREN if len(compact) == 9 else CellKind.SIRET)
    return kinds
