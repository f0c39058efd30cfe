"""A debtor's phone number, always in E.164 (`+33612345678`).

The French national form is accepted, with or without its leading zero. A form that could mean two numbers is
refused with the right way to write it, because a call to the wrong person discloses a debt.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from getbill.kit.errors import WrongValue
from getbill.kit.messages import message
from getbill.kit.phones import ranges

_SEPARATORS = re.compile(r"[\s.\-/()\u00a0\u202f]+")
# The numbering plan keeps most of 069 for overseas departments, each with its own country code: +590
# (Guadeloupe, Saint-Martin, Saint-Barthélemy), +594 (Guyane), +596 (Martinique), +262 (Réunion, Mayotte).
# 0695, 0698 and 0699 are mobiles of metropolitan France.
_OVERSEAS_NATIONAL = re.compile(r"(?:\+33|0033|0)?69[0-467]\d{6}")
# Numbers that regulators reserve for films and tests (Arcep 2018-0881, Ofcom): they never reach a person, so
# an integrator can use them safely.
_FICTION = re.compile(r"\+3363998\d{4}|\+447700900\d{3}")
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class PhoneInvalid(WrongValue):
    """A phone number that cannot be called as it is written."""


class PhoneAmbiguous(PhoneInvalid):
    """A phone number that could be two different numbers."""


# Results are cached by range, not by number. If a plan is too vague for that, the cache is small on purpose:
# enough for the several questions of one request about one number, while numbers of erased debtors do not
# stay in memory for long. The library takes longer over one number than all the rest of a request.
_number_cache = lru_cache(maxsize=256)
_range_cache = lru_cache(maxsize=32_768)


def parse(text: str, default_country: str = "FR") -> str:
    """Return the number in E.164; raise `PhoneInvalid` with what is wrong and what would be valid.

    A number without a country code is read as one of `default_country` (ISO 3166-1 alpha-2).
    """
    return _parse_once(text, default_country)


@_number_cache
def _parse_once(text: str, default_country: str) -> str:
    compact = _SEPARATORS.sub("", text)
    if default_country == "FR" and _OVERSEAS_NATIONAL.fullmatch(compact):
        raise PhoneAmbiguous(
            message(
                "number format is not valid: a French overseas number starting with {start} does not"
                " identify its territory; write it with +262, +590, +594 or +596, such as"
                " +590690123456.",
                start=_overseas_start(compact),
            )
        )
    free = ranges.free_digits(compact, default_country)
    if free:
        e164, is_assigned = _check_range(compact[:-free] + "0" * free, default_country)
        e164 = e164[:-free] + compact[-free:]
    else:
        e164, is_assigned = _check_number(compact, default_country)
    if not is_assigned and not _FICTION.fullmatch(e164):
        raise PhoneInvalid(
            message(
                "number not registered in carrier database: {e164} is in no range assigned to an"
                " operator; check its digits, or write it with its country code, such as"
                " +33612345678.",
                e164=e164,
            )
        )
    return e164


def _check(compact: str, default_country: str) -> tuple[str, bool]:
    """Return a number in E.164, and whether its range is assigned to an operator; raise PhoneInvalid."""
    number = (
        phone_number_of(compact) if compact.startswith("+") else phone_number_of(compact, default_country)
    )
    _refuse_wrong_length(number)
    e164 = _e164(number)
    if _e164(phone_number_of(e164)) != e164:
        # One zero too many after the country code, which would be dropped when the number is parsed again.
        raise PhoneInvalid(_MALFORMED)
    return e164, kind(e164) != PhoneNumberType.UNKNOWN


def _e164(number: PhoneNumber) -> str:
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


_check_number = _number_cache(_check)
_check_range = _range_cache(_check)


def _overseas_start(compact: str) -> str:
    """Return the first four digits of an overseas number as dialled nationally, such as 0690."""
    return f"0{compact[-9:-6]}"


def is_mobile(e164: str) -> bool:
    """Return whether the number can receive text messages, as far as its range tells."""
    return bool(_FICTION.fullmatch(e164)) or kind(e164) in _MOBILE


def kind(e164: str) -> int:
    """Return the library's type of a number; `UNKNOWN` for one outside the assigned ranges."""
    number_range = range_of(e164)
    return _kind(e164) if number_range == e164 else _kind_of_range(number_range)


def range_of(e164: str) -> str:
    """Return the range of a number: the number with zeros for digits that only identify the subscriber."""
    free = ranges.free_digits(e164, "")
    return e164[:-free] + "0" * free if free else e164


def _type(e164: str) -> int:
    return phonenumbers.number_type(phone_number_of(e164))


_kind = _number_cache(_type)
_kind_of_range = _range_cache(_type)


@_number_cache
def phone_number_of(text: str, default_country: str | None = None) -> PhoneNumber:
    """Return the number as the phonenumbers library's object, its length and range not yet checked."""
    try:
        return phonenumbers.parse(text, default_country)
    except NumberParseException as error:
        raise PhoneInvalid(_REFUSALS[error.error_type]) from None


def _refuse_wrong_length(number: PhoneNumber) -> None:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        raise PhoneInvalid(_LENGTHS.get(reason, _MALFORMED))
    # A French number never keeps its zero in E.164: the library only leaves it if there are nine digits in
    # all.
    if number.country_code == 33 and number.italian_leading_zero:
        raise PhoneInvalid(_TOO_SHORT)


_TOO_SHORT = message("phone number too short: digits are missing; write it as 0612345678 or +33612345678.")
_TOO_LONG = message("phone number too long: it has too many digits; write it as 0612345678 or +33612345678.")
_MALFORMED = message(
    "number format is not valid: write it as 0612345678 or with its country code, +33612345678."
)
_NO_COUNTRY = message(
    "invalid country code: write the number with a country code in use, such as +33612345678."
)

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
