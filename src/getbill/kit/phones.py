"""A phone number a debtor can be reached on, always written in E.164 (`+33612345678`).

The French national form is understood, with or without its leading zero. A form that could mean two
numbers is refused with the way to write it, because a call to the wrong person discloses a debt.
"""

import os
import re
from functools import lru_cache
from hashlib import blake2b

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

_SEPARATORS = re.compile(r"[\s.\-/()\u00a0\u202f]+")
# The numbering plan keeps 069 for overseas departments, each with its own country code: +590 (Guadeloupe,
# Saint-Martin, Saint-Barthélemy), +594 (Guyane), +596 (Martinique), +262 (Réunion, Mayotte).
_OVERSEAS_NATIONAL = re.compile(r"(?:\+33|0033|0)?69\d{7}")
# Numbers that regulators keep for films and tests (Arcep 2018-0881, Ofcom): nobody is ever reached on them,
# so an integrator can use them without disturbing a person.
_FICTION = re.compile(r"\+3363998\d{4}|\+447700900\d{3}")
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class PhoneInvalid(ValueError):
    """A phone number that cannot be called as it is written."""


class PhoneAmbiguous(PhoneInvalid):
    """A phone number that could be two different numbers."""


# Few entries on purpose: enough for the several questions one request asks about one number, while numbers
# of erased debtors do not stay in memory for long. The library takes longer over one than all the rest of a request.
_remembered = lru_cache(maxsize=256)


@_remembered
def parse(text: str, default_country: str = "FR") -> str:
    """Return the number in E.164, or raise `PhoneInvalid` with what is wrong and what would be right.

    A number without a country code is read as one of `default_country` (ISO 3166-1 alpha-2).
    """
    compact = _SEPARATORS.sub("", text)
    if default_country == "FR" and _OVERSEAS_NATIONAL.fullmatch(compact):
        raise PhoneAmbiguous(
            "number format is not valid: a French overseas number starting with 069 does not say its "
            "territory; write it with +262, +590, +594 or +596, such as +590690123456."
        )
    number = parsed(compact) if compact.startswith("+") else parsed(compact, default_country)
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    _refuse_wrong_length(number)
    if kind(e164) == PhoneNumberType.UNKNOWN and not _FICTION.fullmatch(e164):
        raise PhoneInvalid(
            f"number not registered in carrier database: {e164} is in no range given to an operator; "
            "check its digits, or write it with its country code, such as +33612345678."
        )
    return e164


def is_mobile(e164: str) -> bool:
    """Tell whether the number can receive text messages, as far as its range says."""
    return bool(_FICTION.fullmatch(e164)) or kind(e164) in _MOBILE


# What numbers are, by what only this process can tell from them: a worker asks about thousands in turn.
_KINDS: dict[bytes, int] = {}
_KINDS_MAX = 100_000
_KINDS_KEY = os.urandom(16)


def kind(e164: str) -> int:
    """Return the library's word for what a number is; `UNKNOWN` for one in no range given to an operator."""
    place = blake2b(e164.encode(), digest_size=16, key=_KINDS_KEY).digest()
    found = _KINDS.get(place)
    if found is None:
        found = phonenumbers.number_type(parsed(e164))
        if len(_KINDS) >= _KINDS_MAX:
            _KINDS.clear()
        _KINDS[place] = found
    return found


@_remembered
def parsed(text: str, default_country: str | None = None) -> PhoneNumber:
    """Return the number as the phonenumbers library knows it, its length and range still unchecked."""
    try:
        return phonenumbers.parse(text, default_country)
    except NumberParseException as error:
        raise PhoneInvalid(_REFUSALS[error.error_type]) from None


def _refuse_wrong_length(number: PhoneNumber) -> None:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        raise PhoneInvalid(_LENGTHS.get(reason, _MALFORMED))
    # A French number never keeps its zero in E.164: the library only leaves it where nine digits are all of it.
    if number.country_code == 33 and number.italian_leading_zero:
        raise PhoneInvalid(_TOO_SHORT)


_TOO_SHORT = "phone number too short: digits are missing; write it as 0612345678 or +33612345678."
_TOO_LONG = "phone number too long: it has digits to spare; write it as 0612345678 or +33612345678."
_MALFORMED = "number format is not valid: write it as 0612345678 or with its country code, +33612345678."
_NO_COUNTRY = "invalid country code: write the number with a country code in use, such as +33612345678."

_REFUSALS = {
    NumberParseException.INVALID_COUNTRY_CODE: _NO_COUNTRY,
    NumberParseException.NOT_A_NUMBER: _MALFORMED,
    NumberParseException.TOO_SHORT_AFTER_IDD: _TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: _TOO_SHORT,
    NumberParseException.TOO_LONG: _TOO_LONG,
}
_LENGTHS = {
    ValidationResult.TOO_SHORT: _TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _TOO_SHORT,
    ValidationResult.TOO_LONG: _TOO_LONG,
    ValidationResult.INVALID_COUNTRY_CODE: _NO_COUNTRY,
}
