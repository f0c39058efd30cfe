"""Telephone numbers as files keep them: without the zero a spreadsheet took, without the plus, in national form.

A number is written in international form only where its digits fit the country's own lengths in one way; whether
it exists is checked with the rest of the row.
"""

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers

_NO_DIGITS = re.compile(r"[^\d+]")
_SEVERAL = re.compile(r"\s*(?:[;|\n]|,\s|\s/\s|\s(?:ou|or|oder|o)\s)\s*")
_EXTENSION = re.compile(
    r"[\s,;(]*(?:ext(?:ension)?|poste|x|#|int(?:erno)?|toestel|durchwahl)[.:]?\s*\d+\)?\s*$", re.IGNORECASE
)
_NUMBER = re.compile(r"\+?\d(?:.*\d)?", re.DOTALL)
# What stands behind such a sign is another number, or a room.
_PARTED = re.compile(r"[^\W\d_]|[#;,+*]")
# A French number beginning 069 does not say its territory: it stays as it is and is refused with the way out.
_OVERSEAS = re.compile(r"0?69\d{7}")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a country writes its numbers at home."""

    code: str
    trunk: str
    lengths: frozenset[int]


def international(text: str, country: str) -> str:
    """Return a number with its country's code where its digits can mean only that, else the text as it is."""
    found = _NUMBER.search(_EXTENSION.sub("", text))
    if found is None or _PARTED.search(found[0], 1):
        return text
    # Italians keep their zero abroad, in brackets or not.
    digits = _NO_DIGITS.sub("", re.sub(r"^(\+|00)39\s*\(0\)", r"\g<1>390", found[0]).replace("(0)", ""))
    if digits.startswith("+"):
        return digits
    if digits.startswith("00"):
        return "+" + digits[2:]
    plan = _plan(country)
    if plan is None or (country == "FR" and _OVERSEAS.fullmatch(digits)):
        return text
    return _read(digits, plan) or text


def several(text: str) -> list[str]:
    """Return the numbers of one cell, the first of them first."""
    return [one for one in _SEVERAL.split(_EXTENSION.sub("", text)) if sum(map(str.isdigit, one)) >= 6]


def _read(digits: str, plan: Plan) -> str | None:
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
    """Italian numbers keep their zero; what begins neither with it nor with a mobile's 3 has lost it."""
    if digits.startswith("39") and len(digits) >= 11:
        return f"+{digits}"
    if digits[:1] in {"0", "3"}:
        return f"+39{digits}"
    return f"+390{digits}" if 5 <= len(digits) <= 10 else None


@cache
def _plan(country: str) -> Plan | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.general_desc is None:
        return None
    return Plan(
        str(phonenumbers.country_code_for_region(country)),
        metadata.national_prefix or "",
        frozenset(metadata.general_desc.possible_length),
    )
