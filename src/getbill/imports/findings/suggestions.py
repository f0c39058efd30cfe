"""Suggested corrections for refused values of a body, where only one value is possible.

No value is guessed: an amount or a date with two readings has no suggestion.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from getbill import sheets
from getbill.imports.findings import domain_suggestions
from getbill.kit.errors import FieldError
from getbill.kit.money import currencies, decimals

_NUMBERS: Final[tuple[sheets.NumberShape, ...]] = (
    sheets.NumberShape(",", ".", is_certain=True, why=""),
    sheets.NumberShape(".", ",", is_certain=True, why=""),
)
_DAYS: Final = (
    sheets.DateShape("dmy", is_certain=True, why=""),
    sheets.DateShape("mdy", is_certain=True, why=""),
    sheets.DateShape("ymd", is_certain=True, why=""),
)
_YEAR: Final = re.compile(r"(?<!\d)\d{4}(?!\d)|^\d{8}$")
_DIGITS: Final = re.compile(r"[\d.,'\s]+")
_LOCALE: Final = re.compile(r"([A-Za-z]{2})[-_][A-Za-z]{2}")
_NUMBER_CHARACTERS_MAX: Final = 30
# Without a currency, the number of decimals that nearly all currencies have.
_DECIMALS: Final = 2


def suggest_value(error: FieldError, value: Any, body: Mapping[str, Any] | None) -> Any:
    """Return a valid value for a field of a body; None where none is certain, or it was just refused."""
    suggestion = _meant(error, value, body)
    return None if suggestion == value else suggestion


def _meant(error: FieldError, value: Any, body: Mapping[str, Any] | None) -> Any:
    if error.code == "not-a-text" and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        return None
    if error.pointer == "/amount":
        return _suggest_amount(value.strip(), (body or {}).get("currency"))
    read = _READERS.get(error.pointer.rsplit("/", 1)[-1])
    return read(value.strip()) if read else None


def _suggest_amount(text: str, currency: Any) -> Decimal | None:
    currency_sign = sheets.currency_beside(text)
    code = currency.upper() if isinstance(currency, str) and currency.upper() in currencies() else None
    # A currency other than the body's is not a typing error.
    if currency_sign and (
        code is None or code not in {currency_sign.upper(), _suggest_currency(currency_sign)}
    ):
        return None
    digits = text.replace(currency_sign, "").strip() if currency_sign else text
    if len(digits) > _NUMBER_CHARACTERS_MAX or not _DIGITS.fullmatch(digits):
        return None
    amounts = set()
    for shape in _NUMBERS:
        try:
            amounts.add(sheets.read_number(digits, shape))
        except sheets.CellWrong:
            continue
    amount = amounts.pop() if len(amounts) == 1 else None
    decimals_max = decimals(code) if code else _DECIMALS
    if amount is None or amount <= 0 or -int(amount.as_tuple().exponent) > decimals_max:
        return None
    return amount


# The rows of one sender share a few due dates.
@lru_cache(maxsize=4096)
def _suggest_date(text: str) -> str | None:
    if not _YEAR.search(text):
        return None
    days = set()
    for shape in _DAYS:
        try:
            days.add(sheets.read_date(text, shape))
        except sheets.CellWrong:
            continue
    return days.pop().isoformat() if len(days) == 1 else None


def _suggest_currency(sign: str) -> str | None:
    codes = sheets.currencies_of(sign)
    return next(iter(codes)) if len(codes) == 1 else None


def _suggest_language(text: str) -> str | None:
    locale = _LOCALE.fullmatch(text)
    return locale[1].lower() if locale else None


_READERS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "email": domain_suggestions.suggest_address,
    "due_date": _suggest_date,
    "invoice_date": _suggest_date,
    "birthdate": _suggest_date,
    "currency": _suggest_currency,
    "country": sheets.country_of,
    "language": _suggest_language,
}
