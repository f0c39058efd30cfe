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


class Doubt(ValueError):
    """Something is not plainly right; the single route's checks decide."""


def text(value: Any, most: int = 200) -> str:
    """Read a text."""
    if type(value) is not str:
        raise Doubt
    stripped: str = value.strip()
    # What cannot be encoded, or stored, is no text.
    if (
        not 0 < len(stripped) <= most
        or not stripped.isprintable()
        or not (stripped.isascii() or (stripped.encode() and names.hidden_in(stripped) is None))
    ):
        raise Doubt
    return stripped


def line(value: Any) -> str:
    """Read a longer text."""
    return text(value, 500)


def word(*allowed: str) -> Callable[[Any], str]:
    """Return the check of one of these words."""
    words = frozenset(allowed)

    def read(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise Doubt
        return str(value)

    return read


@lru_cache(maxsize=8192)
def _plain_day(value: str) -> date:
    if not _DAY.fullmatch(value):
        raise Doubt
    found = date.fromisoformat(value)
    if not 1900 <= found.year <= 2200:
        raise Doubt
    return found


def day(value: Any) -> date:
    """Read a date."""
    if type(value) is not str:
        raise Doubt
    return _plain_day(value)


def written_day(value: Any) -> str:
    """Read a date that is kept as it is written."""
    day(value)
    return str(value)


def email(value: Any) -> str:
    """Read an e-mail address."""
    if type(value) is not str or len(value) > 254:
        raise Doubt
    return emails.normalise(value)


def phone(value: Any) -> str:
    """Let a text through that may be a phone number; its country is known only later."""
    if type(value) is not str or len(value) > 40:
        raise Doubt
    return value


def language(value: Any) -> str:
    """Read the code of a language."""
    if type(value) is not str or len(value) != 2 or not (value.isascii() and value.isalpha()):
        raise Doubt
    return languages.known(value)


@lru_cache(maxsize=1024)
def _known_country(value: str) -> str:
    code = value.upper()
    if len(value) != 2 or code not in COUNTRIES:
        raise Doubt
    return code


def country(value: Any) -> str:
    """Read the code of a country."""
    if type(value) is not str:
        raise Doubt
    return _known_country(value)


@lru_cache(maxsize=1024)
def _known_currency(value: str) -> str:
    code = value.upper()
    if len(value) != 3 or code not in currencies():
        raise Doubt
    return code


def currency(value: Any) -> str:
    """Read the code of a currency."""
    if type(value) is not str:
        raise Doubt
    return _known_currency(value)


def amount(value: Any) -> Decimal:
    """Read an amount that is finite."""
    if type(value) is Decimal:
        if not value.is_finite():
            raise Doubt
    elif type(value) is not int:
        raise Doubt
    return Decimal(value)


def link(value: Any) -> str:
    """Read a web address."""
    if type(value) is not str or len(value) > 2000 or not channels.is_web_link(value):
        raise Doubt
    return value


# A creditor has few accounts, and each takes longer to check than the rest of a row.
@lru_cache(maxsize=64)
def _account(value: str) -> str:
    return ibans.normalise(value)


def iban(value: Any) -> str:
    """Read an IBAN."""
    if type(value) is not str or len(value) > 60:
        raise Doubt
    return _account(value)


def flag(value: Any) -> bool:
    """Read yes or no."""
    if type(value) is not bool:
        raise Doubt
    return value


def metadata(value: Any) -> dict[str, Any]:
    """Read the caller's own object."""
    if type(value) is not dict or len(value) > 100 or nul_in(value) is not None:
        raise Doubt
    if not all(type(name) is str for name in value):
        raise Doubt
    return dict(checks.small(value))


def nul_in(value: Any) -> tuple[str | int, ...] | None:
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
    for place, member in members:
        found = nul_in(member)
        if found is not None:
            return (place, *found)
    return None
