"""What is plainly right in a body's fields: each check returns the value as it is kept, or doubts.

A check may doubt what the single route's checks accept; it never accepts what they refuse, or reads it otherwise.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from getbill import channels
from getbill.debts.wire import checks
from getbill.debts.wire.bodies import COUNTRIES
from getbill.kit.money import currencies
from getbill.kit.text import emails, ibans, languages, names

Check = Callable[[Any], Any]

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NeedsFullCheck(ValueError):
    """Something is not plainly right; the single route's checks decide."""


def text(value: Any, length_max: int = 200) -> str:
    """Read a text."""
    if type(value) is not str:
        raise NeedsFullCheck
    stripped: str = value.strip()
    # What cannot be encoded, or stored, is no text.
    if (
        not 0 < len(stripped) <= length_max
        or not stripped.isprintable()
        or not (stripped.isascii() or (stripped.encode() and names.hidden_in(stripped) is None))
    ):
        raise NeedsFullCheck
    return stripped


def line(value: Any) -> str:
    """Read a longer text."""
    return text(value, 500)


def word(*allowed: str) -> Callable[[Any], str]:
    """Return the check of one of these words."""
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
    """Read a date."""
    if type(value) is not str:
        raise NeedsFullCheck
    return _parse_day(value)


def written_day(value: Any) -> str:
    """Read a date that is kept as it is written."""
    day(value)
    return str(value)


def email(value: Any) -> str:
    """Read an e-mail address."""
    if type(value) is not str or len(value) > 254:
        raise NeedsFullCheck
    return emails.normalise(value)


def phone(value: Any) -> str:
    """Let a text through that may be a phone number; its country is known only later."""
    if type(value) is not str or len(value) > 40:
        raise NeedsFullCheck
    return value


def language(value: Any) -> str:
    """Read the code of a language."""
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
    """Read the code of a country."""
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
    """Read the code of a currency."""
    if type(value) is not str:
        raise NeedsFullCheck
    return _check_currency(value)


def amount(value: Any) -> Decimal:
    """Read an amount that is finite."""
    if type(value) is Decimal:
        if not value.is_finite():
            raise NeedsFullCheck
    elif type(value) is not int:
        raise NeedsFullCheck
    return Decimal(value)


def link(value: Any) -> str:
    """Read a web address."""
    if type(value) is not str or len(value) > 2000 or not channels.is_web_link(value):
        raise NeedsFullCheck
    return value


# A creditor has few accounts, and each takes longer to check than the rest of a row.
@lru_cache(maxsize=64)
def _normalise_iban(value: str) -> str:
    return ibans.normalise(value)


def iban(value: Any) -> str:
    """Read an IBAN."""
    if type(value) is not str or len(value) > 60:
        raise NeedsFullCheck
    return _normalise_iban(value)


def flag(value: Any) -> bool:
    """Read yes or no."""
    if type(value) is not bool:
        raise NeedsFullCheck
    return value


def metadata(value: Any) -> dict[str, Any]:
    """Read the caller's own object."""
    if type(value) is not dict or len(value) > 100 or find_nul(value) is not None:
        raise NeedsFullCheck
    if not all(type(name) is str for name in value):
        raise NeedsFullCheck
    return dict(checks.check_metadata_size(value))


def find_nul(value: Any) -> tuple[str | int, ...] | None:
    """Return where a text that holds U+0000 stands, which JSON may not; None where there is none."""
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
