"""Columns whose every value must be known: states, document types, unexplained marks."""

import re
from collections.abc import Mapping
from typing import Final

from getbill import sheets
from getbill.mapping.columns import Candidate
from getbill.mapping.model import CERTAIN
from getbill.mapping.row_status.flags import NO, YES
from getbill.mapping.row_status.model import CUSTOMERS, MARK_CHARS_MAX, SIGN_CONCEPTS, TYPES_MAX
from getbill.mapping.row_status.sides import are_sides
from getbill.mapping.row_status.words import LISTS, mark_of, normalize_words, states, status_of
from getbill.mapping.vocabulary import JOINING, parse_header

# Header words whose values describe something else of the customer or the sale.
_EXPLAINED: Final = frozenset(LISTS.words("explained", "headers"))
_PAYMENT_METHODS: Final = frozenset(LISTS.words("payment_methods", "values"))
# Greater numbers are not signs but codes of known lists.
_SIGN_MAX: Final = 12
_TITLES: Final = frozenset(LISTS.words("titles", "values"))


def is_state(candidate: Candidate, readings: Mapping[str, str | None]) -> bool:
    """Return whether a column has states or document types, whose every value must be known."""
    concepts = candidate.concepts
    is_constant = len(readings) == 1 and candidate.profile.filled == candidate.profile.rows
    if concepts & {"status", "disputed"} or (_is_plain_type(candidate, readings) and not is_constant):
        return True
    if "kind" in concepts and concepts & {"document", "invoice"} and not is_constant:
        return True
    # Words below a payment header that only some rows have, or some of which are states.
    is_of_payment = bool(concepts & {"payment", "paid"}) and not concepts & {"date", "number", "reference"}
    if is_of_payment and (any(readings.values()) or 0 < candidate.profile.filled < candidate.profile.rows):
        return True
    understood = sum(1 for status in readings.values() if status)
    return understood * 2 >= len(readings) and any(status != "open" for status in readings.values() if status)


def _is_plain_type(candidate: Candidate, readings: Mapping[str, str | None]) -> bool:
    """Return whether a header only means type, and its few values are not types of customers."""
    tokens = candidate.tokens
    if tokens.concepts != {"kind"} or tokens.unknown or len(readings) > TYPES_MAX:
        return False
    return not any(normalize_words(value) in CUSTOMERS for value in readings)


def may_be_sign(candidate: Candidate) -> bool:
    """Return whether a column has two unexplained values, or one beside blanks."""
    profile = candidate.profile
    values = {value.strip().casefold() for value in profile.values if value.strip()}
    if len(values) > 2 or (len(values) == 1 and profile.filled == profile.rows):
        return False
    if _is_explained(candidate, values):
        return False
    if len(values) == 1 and not candidate.concepts & SIGN_CONCEPTS and not _is_mark(next(iter(values))):
        return False
    # In a file of few rows, texts without repetition are not marks.
    is_repeated = profile.filled > len(values) or profile.filled < profile.rows
    return is_repeated or all(len(value) <= MARK_CHARS_MAX for value in values)


def _is_mark(value: str) -> bool:
    """Return whether a value beside blanks may be a mark: short, a cross, or a word of states."""
    return len(value) <= MARK_CHARS_MAX or value in YES or status_of(value) is not None


def _is_explained(candidate: Candidate, values: set[str]) -> bool:
    """Return whether the header explains the values, or they do themselves: ages, codes, known flags."""
    concepts = candidate.concepts
    if are_sides(values):
        return False
    is_amount = (
        bool(concepts & {"debit", "credit"}) and candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN
    )
    if is_amount or (candidate.is_known and not concepts & SIGN_CONCEPTS):
        return True
    if "flag" in concepts and not concepts & {"credit", "debit"} and values <= YES | NO:
        return True
    words = normalize_words(candidate.column.header).split()
    return _are_of_others(candidate, values) or not _EXPLAINED.isdisjoint(words)


def _are_of_others(candidate: Candidate, values: set[str]) -> bool:
    """Return whether values explain themselves: ages, long codes, people, places, payment methods."""
    marks = {mark_of(value) for value in values}
    return (
        all(value.isdigit() and (len(value) > MARK_CHARS_MAX or int(value) > _SIGN_MAX) for value in values)
        or all("bucket" in parse_header(value).concepts and not value.isdigit() for value in values)
        or all(_is_person(value) for value in candidate.profile.values if value.strip())
        or all(_is_place(value) for value in candidate.profile.values if value.strip())
        or marks <= _PAYMENT_METHODS
    )


def _is_place(value: str) -> bool:
    """Return whether a text looks like a street and number, or a building, without billing words."""
    words = normalize_words(value).split()
    texts = [word for word in words if not word.isdigit()]
    is_known = any(word in states() for word in texts if word not in JOINING)
    return len(words) > 2 and len(texts) < len(words) and len(texts) > 1 and not is_known


def _is_person(value: str) -> bool:
    """Return whether a text looks like a person's name, without billing words."""
    parts = [part for part in re.split(r"[\s,.]+", value.strip()) if len(part) > 1]
    words = [normalize_words(part).replace(" ", "") for part in parts]
    if parts and words[0] in _TITLES and value.strip() != parts[0] and value.strip()[len(parts[0])] in " .":
        return True
    is_known = any(word in states() or parse_header(word).concepts for word in words)
    return (
        len(parts) > 1
        and all(part[0].isupper() and part.replace("-", "").isalpha() for part in parts)
        and not is_known
    )
