"""Fast field checks: each returns the stored value of a clearly valid field, or raises NeedsFullCheck.

A check may reject what the single route's checks accept; it never accepts what they refuse, nor reads it
differently.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from getbill import channels
from getbill.debts.wire import checks
from getbill.kit.money import currencies
from getbill.kit.text import emails, ibans, languages, names
from getbill.kit.text.body_types import COUNTRIES

Check = Callable[[Any], Any]

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NeedsFullCheck(ValueError):
    """The value is not clearly valid; the single route's checks decide."""


def text(value: Any, length_max: int = 200) -> str:
    """Return a text."""
    if type(value) is not str:
        raise NeedsFullCheck
    stripped: str = value.strip()
    # Text that cannot be encoded or stored.
    if (
        not 0 < len(stripped) <= length_max
        or not stripped.isprintable()
        or not (stripped.isascii() or (stripped.encode() and names.hidden_in(stripped) is None))
    ):
        raise NeedsFullCheck
    return stripped


def line(value: Any) -> str:
    """Return a longer text."""
    return text(value, 500)


def word(*allowed: str) -> Callable[[Any], str]:
    """Return a check for one of these words."""
    words = frozenset(allowed)

    def check_word(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise NeedsFullCheck
        return str(value)

    return check_word


@lru_cache(maxsize=8192)
def _parse_day(value: str) -> date:
    if not _DAY.fullmatch(value):
        raise NeedsFullCheck
    parsed_day = date.fromisoformat(value)
    if not 1900 <= parsed_day.year <= 2200:
        raise NeedsFullCheck
    return parsed_day


def day(value: Any) -> date:
    """Return a date."""
    if type(value) is not str:
        raise NeedsFullCheck
    return _parse_day(value)


def written_day(value: Any) -> str:
    """Return a date in its written form."""
    day(value)
    return str(value)


def email(value: Any) -> str:
    """Return an e-mail address."""
    if type(value) is not str or len(value) > 254:
        raise NeedsFullCheck
    return emails.normalise(value)


def phone(value: Any) -> str:
    """Return a text that may be a phone number; its country is known only later."""
    if type(value) is not str or len(value) > 40:
        raise NeedsFullCheck
    return value


def language(value: Any) -> str:
    """Return a language code."""
    if type(value) is not str or len(value) != 2 or not (value.isascii() and value.isalpha()):
        raise NeedsFullCheck
    return languages.normalise_code(value)


@lru_cache(maxsize=1024)
def _check_country(value: str) -> str:
    code = value.upper()
    if len(value) != 2 or code not in COUNTRIES:
        raise NeedsFullCheck
    return code


def country(value: Any) -> str:
    """Return a country code."""
    if type(value) is not str:
        raise NeedsFullCheck
    return _check_country(value)


@lru_cache(maxsize=1024)
def _check_currency(value: str) -> str:
    code = value.upper()
    if len(value) != 3 or code not in currencies():
        raise NeedsFullCheck
    return code


def currency(value: Any) -> str:
    """Return a currency code."""
    if type(value) is not str:
        raise NeedsFullCheck
    return _check_currency(value)


def amount(value: Any) -> Decimal:
    """Return a finite amount."""
    if type(value) is Decimal:
        if not value.is_finite():
            raise NeedsFullCheck
    elif type(value) is not int:
        raise NeedsFullCheck
    return Decimal(value)


def link(value: Any) -> str:
    """Return a web address."""
    if type(value) is not str or len(value) > 2000 or not channels.is_web_link(value):
        raise NeedsFullCheck
    return value


# A creditor has few accounts, and checking one takes longer than the rest of a row.
@lru_cache(maxsize=64)
def _normalise_iban(value: str) -> str:
    return ibans.normalise(value)


def iban(value: Any) -> str:
    """Return an IBAN."""
    if type(value) is not str or len(value) > 60:
        raise NeedsFullCheck
    return _normalise_iban(value)


def flag(value: Any) -> bool:
    """Return a boolean."""
    if type(value) is not bool:
        raise NeedsFullCheck
    return value


def metadata(value: Any) -> dict[str, Any]:
    """Return the caller's metadata object."""
    if type(value) is not dict or len(value) > 100 or find_nul(value) is not None:
        raise NeedsFullCheck
    if not all(type(name) is str for name in value):
        raise NeedsFullCheck
    return dict(checks.check_metadata_size(value))


def find_nul(value: Any) -> tuple[str | int, ...] | None:
    """Return the path of a text with U+0000, which JSON in PostgreSQL cannot hold; None without one."""
    if isinstance(value, str):
        return () if "\x00" in value else None
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
        if any("\x00" in str(name) for name in value):
            return ()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, member in members:
        path = find_nul(member)
        if path is not None:
            return (key, *path)
    return None
