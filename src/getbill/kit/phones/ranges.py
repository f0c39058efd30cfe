"""Numbering plans: which trailing digits of a phone number only identify the subscriber.

Every rule of a plan (country, operator's range, landline or mobile, time zone) is a pattern on the leading
digits and the number of digits. A result for one number of such a range therefore holds for all of them and
can be cached without keeping any person's number. The invariant: a range has one result.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.tzdata import TIMEZONE_DATA

# The usual forms of a number, once separators are removed. Any other is looked up in full.
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")
_NATIONAL = re.compile(r"0[1-9][0-9]{6,12}")
_PARTS = re.compile(r"\\d|\[[0-9-]+\]|[0-9]|\(\?:|\(|\)|\||\?|\{[0-9]+(?:,[0-9]+)?\}")
_QUANTIFIER = re.compile(r"\?|\{([0-9]+)(?:,([0-9]+))?\}")
_KINDS = (
    "general_desc",
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
    "no_international_dialling",
)

# Fewer digits than this may be stripped from a number before lookup; if more may be, or repeatedly, all
# digits count.
_HEAD = 2
# A plus sign, a country code and a head.
_START_LENGTH = 1 + 3 + _HEAD

# For a pattern: by first digit and length of the match, how many trailing digits are arbitrary.
_Tails = dict[tuple[str, int], int]
_DIGITS = "0123456789"
_DIGITS_MAX = 15


def free_digits(text: str, default_country: str) -> int:
    """Return how many trailing digits of a number without separators only identify the subscriber."""
    if _INTERNATIONAL.fullmatch(text):
        return _free_after(text[:_START_LENGTH], len(text))
    if _NATIONAL.fullmatch(text):
        return _free_within(text[:_HEAD], len(text), default_country)
    return 0


@lru_cache(maxsize=65_536)
def _free_after(beginning: str, length: int) -> int:
    codes = (int(beginning[1 : 1 + digits]) for digits in (1, 2, 3))
    code = next((code for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), 0)
    code_end = 1 + len(str(code))
    region = phonenumbers.region_code_for_country_code(code)
    return _count_free_digits(code, region, length - code_end, beginning[code_end : code_end + _HEAD])


@lru_cache(maxsize=4096)
def _free_within(beginning: str, length: int, country: str) -> int:
    if not _is_usual(country):
        return 0
    return _count_free_digits(phonenumbers.country_code_for_region(country), country, length, beginning)


@cache
def _is_usual(country: str) -> bool:
    """Return whether a number with one leading zero is a national one in that country."""
    plan = PhoneMetadata.metadata_for_region(country, None)
    return plan is not None and plan.international_prefix == "00" and plan.national_prefix == "0"


@cache
def _count_free_digits(code: int, region: str, digits: int, head: str) -> int:
    """Return the free trailing digits of numbers that start with `head` after the country code."""
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if plan is None or plan.national_prefix_transform_rule is not None:
        return 0
    prefix = _widest(plan.national_prefix_for_parsing, head[0])
    if prefix >= _HEAD or (prefix and _widest(plan.national_prefix_for_parsing, head[1])):
        return 0
    # The first digit that a rule matches always counts.
    tail = max(0, digits - prefix - max(1, _leading_digits(code)))
    for pattern in _patterns(code):
        tails = _tails(pattern)
        for skipped in range(prefix + 1):
            tail = min(tail, tails.get((head[skipped], digits - skipped), _DIGITS_MAX))
    return tail


@cache
def _patterns(code: int) -> tuple[str, ...]:
    """Return every pattern that a whole number under a country code is matched against."""
    patterns: set[str] = set()
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        descriptions = [getattr(plan, name) for name in _KINDS]
        patterns |= {
            description.national_number_pattern
            for description in descriptions
            if description and description.national_number_pattern
        }
    return tuple(patterns)


@cache
def _leading_digits(code: int) -> int:
    """Return how many digits after a country code determine the zone, or the country if several share it."""
    code_text = str(code)
    zones = max(
        (len(prefix) - len(code_text) for prefix in TIMEZONE_DATA if prefix.startswith(code_text)), default=0
    )
    plans = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    ]
    return max(zones, *(_widest(plan.leading_digits) for plan in plans if plan))


def _widest(pattern: str | None, first: str = _DIGITS) -> int:
    """Return the maximum number of digits a pattern matches, among matches that begin with one of `first`."""
    tails = _tails(pattern) if pattern else {}
    return max((length for digit, length in tails if digit in first), default=0)


@cache
def _tails(pattern: str) -> _Tails:
    parts = _PARTS.findall(pattern)
    if "".join(parts) != pattern:
        # Not one of the few forms in which plans are written: every digit may matter.
        return {(first, length): 0 for first in _DIGITS for length in range(_DIGITS_MAX + 1)}
    return _read_alternatives(iter([*parts, ")"]))


def _read_alternatives(parts: Iterator[str]) -> _Tails:
    """Parse alternatives up to their closing bracket."""
    alternatives: _Tails = {}
    items: list[_Tails] = []
    for part in parts:
        quantifier = _QUANTIFIER.fullmatch(part)
        if quantifier:
            items[-1] = _repeat(items[-1], quantifier)
        elif part in {"(?:", "("}:
            items.append(_read_alternatives(parts))
        elif part in {"|", ")"}:
            alternatives = _merge_alternatives(alternatives, _concatenate(items))
            items = []
            if part == ")":
                break
        else:
            items.append(_digit(part))
    return alternatives


def _digit(part: str) -> _Tails:
    if part == r"\d":
        return dict.fromkeys(((digit, 1) for digit in _DIGITS), 1)
    return dict.fromkeys(((digit, 1) for digit in _DIGITS if re.fullmatch(part, digit)), 0)


def _repeat(item: _Tails, quantifier: re.Match[str]) -> _Tails:
    least = int(quantifier[1] or 0)
    most = int(quantifier[2] or quantifier[1] or 1)
    repeated: _Tails = {}
    for count in range(least, most + 1):
        repeated = _merge_alternatives(repeated, _concatenate([item] * count))
    return repeated


def _merge_alternatives(first: _Tails, second: _Tails) -> _Tails:
    return {
        key: min(first.get(key, _DIGITS_MAX), second.get(key, _DIGITS_MAX))
        for key in first.keys() | second.keys()
    }


def _concatenate(items: list[_Tails]) -> _Tails:
    sequence: _Tails = {("", 0): 0}
    for item in items:
        # Only if all of the last part is arbitrary does the part before it add to the count.
        by_length = _by_length(item)
        longer: _Tails = {}
        for (first, before), tail in sequence.items():
            ways = by_length if first else item
            for (item_first, length), item_tail in ways.items():
                key = first or item_first, before + length
                free = tail + item_tail if item_tail == length else item_tail
                longer[key] = min(longer.get(key, _DIGITS_MAX), free)
        sequence = longer
    return sequence


def _by_length(item: _Tails) -> _Tails:
    shortest: _Tails = {}
    for (_, length), tail in item.items():
        shortest["", length] = min(shortest.get(("", length), _DIGITS_MAX), tail)
    return shortest
