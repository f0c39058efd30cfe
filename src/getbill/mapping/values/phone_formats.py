"""Phone number formats in files: without the zero dropped by a spreadsheet, without the plus, national.

A number becomes international only where its digits fit the country's lengths in one way; whether it exists
is checked with the rest of the row.
"""

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers

from getbill.mapping.values.cells import LISTS

_NO_DIGITS = re.compile(r"[^\d+]")
_SEVERAL = LISTS.pattern(
    "between_numbers", r"\s*(?:[;|\n]|,\s|\s/\s|(?<=\d)/(?=\+|00)|\s(?:{})\s)\s*", re.IGNORECASE
)
# A slash also separates a German area code from its number: it separates two numbers only where both are
# long.
_LONG = 9
_EXTENSION = LISTS.pattern("extension", r"[\s,;(]*(?:{})[.:]?\s*\d+\)?\s*$", re.IGNORECASE)
_FRACTION = re.compile(r"[^.]*\d[.,]\d{1,3}\D*")
# The format of nearly all numbers.
_SIMPLE = re.compile(r"\+?\d[\d .\-]{5,18}\d")
_SPACES = str.maketrans("", "", " .-")
_ITALIAN = re.compile(r"^(\+|00)39\s*\(0\)")
_NUMBER = re.compile(r"\+?\d(?:.*\d)?", re.DOTALL)
# Another number or an extension follows such a character.
_PARTED = re.compile(r"[^\W\d_]|[#;,+*]")
# French overseas numbers, which have the country code of their territory: without it they stay unchanged.
_OVERSEAS = re.compile(r"0?(?:69[0-467]|639(?!98)|26[23]|59[046])\d{6}")
# A number that software stored with decimals.
_DECIMAL = re.compile(r"(\+?\d{6,15})[.,]0+")
_LABEL = LISTS.pattern("phone_label", r"^\s*(?:{})\b[.:\s]*", re.IGNORECASE)
_REMARK = re.compile(r"\([^\d()]*\)")


@dataclass(frozen=True, slots=True)
class DiallingPlan:
    """A country's national number format."""

    code: str
    trunk: str
    lengths: frozenset[int]


def international(text: str, country: str) -> str:
    """Return a number with its country code where its digits allow only that, else the text unchanged."""
    digits = text.translate(_SPACES) if _SIMPLE.fullmatch(text) else _digits(text)
    if digits is None:
        return text
    if digits.startswith("+"):
        return digits
    if digits.startswith("00"):
        return "+" + digits[2:]
    plan = _dialling_plan(country)
    if plan is None or (country == "FR" and _OVERSEAS.fullmatch(digits)):
        return text
    return _with_country_code(digits, plan) or text


def _digits(text: str) -> str | None:
    match = _NUMBER.search(_EXTENSION.sub("", text))
    if match is None or _PARTED.search(match[0], 1):
        return None
    # Italians keep their zero abroad, in brackets or not.
    return _NO_DIGITS.sub("", _ITALIAN.sub(r"\g<1>390", match[0]).replace("(0)", ""))


def is_national(text: str) -> bool:
    """Return whether a number has no country code, neither after a plus nor after 00."""
    if _SIMPLE.fullmatch(text):
        return not text.startswith(("+", "00", "0 0"))
    number = _NUMBER.search(text)
    return number is not None and not _NO_DIGITS.sub("", number[0]).startswith(("+", "00"))


def trunk_prefix(country: str) -> str:
    """Return a country's trunk prefix for national calls: 0 in France, none in Spain."""
    plan = _dialling_plan(country)
    return plan.trunk if plan else ""


def is_overseas(text: str) -> bool:
    """Return whether a number is a national one of a French overseas territory."""
    return bool(_OVERSEAS.fullmatch(_NO_DIGITS.sub("", text)))


def bare_number(text: str) -> str:
    """Return a number without decimals added by software, and without a label."""
    if text[:1].isalpha():
        text = _LABEL.sub("", text)
    decimal = _DECIMAL.fullmatch(text)
    return decimal[1] if decimal else text


def looks_like_numbers(text: str) -> bool:
    """Return whether a cell looks like one or several numbers with surrounding text."""
    return any(_is_number(part) for part in split_numbers(text) or [_EXTENSION.sub("", text)])


def _is_number(text: str) -> bool:
    bare = _REMARK.sub("", bare_number(text.strip()))
    digits = sum(map(str.isdigit, bare))
    return 6 <= digits <= 18 and not any(map(str.isalpha, bare)) and not _FRACTION.fullmatch(bare)


def split_numbers(text: str) -> list[str]:
    """Return the numbers of one cell in order."""
    parts = [half for part in _SEVERAL.split(_EXTENSION.sub("", text)) for half in _halves(part)]
    return [part for part in parts if sum(map(str.isdigit, part)) >= 6]


def _halves(text: str) -> list[str]:
    halves = text.split("/")
    if len(halves) > 1 and all(sum(map(str.isdigit, half)) >= _LONG for half in halves):
        return halves
    return [text]


def _with_country_code(digits: str, plan: DiallingPlan) -> str | None:
    if plan.trunk and digits.startswith(plan.trunk) and len(digits) - len(plan.trunk) in plan.lengths:
        return f"+{plan.code}{digits[len(plan.trunk) :]}"
    if plan.code == "39":
        return _italian(digits)
    bare = len(digits) in plan.lengths
    coded = digits.startswith(plan.code) and len(digits) - len(plan.code) in plan.lengths
    if bare == coded:
        return None
    return f"+{plan.code}{digits}" if bare else f"+{digits}"


def _italian(digits: str) -> str | None:
    """Return an Italian number, which keeps its zero; one without zero or a mobile's 3 has lost it."""
    if digits.startswith("39") and len(digits) >= 11:
        return f"+{digits}"
    if digits[:1] in {"0", "3"}:
        return f"+39{digits}"
    return f"+390{digits}" if 5 <= len(digits) <= 10 else None


@cache
def _dialling_plan(country: str) -> DiallingPlan | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.general_desc is None:
        return None
    return DiallingPlan(
        str(phonenumbers.country_code_for_region(country)),
        metadata.national_prefix or "",
        frozenset(metadata.general_desc.possible_length),
    )
