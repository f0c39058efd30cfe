"""Vocabulary of status and document type values, from `row_status.toml`, with the row status of each."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

from getbill.mapping.vocabulary import JOINING, normalize

Status = Literal["open", "paid", "credit", "partly_paid", "excluded"]
STATUSES: Final[tuple[str, ...]] = get_args(Status)

# Endings of states by gender and number: an invoice is paid in the feminine, a total in the masculine,
# several in the plural.
_ENDINGS: Final = {
    "fr": (
        (re.compile(r"ees?\b"), "e"),
        (re.compile(r"ees?\b"), "ees"),
        (re.compile(r"(?<=[aeiu])e\b"), "es"),
    ),
    "es": (
        (re.compile(r"(?<=[dt])a\b"), "o"),
        (re.compile(r"(?<=[dt])a\b"), "as"),
        (re.compile(r"(?<=[dt])a\b"), "os"),
    ),
    "it": (
        (re.compile(r"(?<=[tso])a\b"), "o"),
        (re.compile(r"(?<=[ts])a\b"), "e"),
        (re.compile(r"(?<=[ts])a\b"), "i"),
    ),
    "pt": (
        (re.compile(r"(?<=[dt])a\b"), "o"),
        (re.compile(r"(?<=[dtg])a\b"), "as"),
        (re.compile(r"(?<=[dtg])a\b"), "os"),
    ),
    "pl": ((re.compile(r"a\b"), "e"), (re.compile(r"a\b"), "o")),
    "czech": ((re.compile(r"a\b"), "e"), (re.compile(r"a\b"), "o")),
    "polish": ((re.compile(r"a\b"), "e"), (re.compile(r"a\b"), "o"), (re.compile(r"(?<=[nt])a\b"), "y")),
    "bohemian": ((re.compile(r"a\b"), "e"), (re.compile(r"a\b"), "o"), (re.compile(r"(?<=n)a\b"), "")),
    "slovak": ((re.compile(r"a\b"), "e"), (re.compile(r"a\b"), "o"), (re.compile(r"(?<=n)a\b"), "y")),
    "croatian": (
        (re.compile(r"(?<=[nlt])a\b"), "o"),
        (re.compile(r"(?<=[nlt])a\b"), "e"),
        (re.compile(r"(?<=[nlt])a\b"), "i"),
        (re.compile(r"(?<=[nt])a\b"), ""),
    ),
    "serbian": ((re.compile(r"(?<=[нлт])а\b"), "о"), (re.compile(r"(?<=[нт])а\b"), "")),
    "bulgarian": (
        (re.compile(r"(?<=[нлт])а\b"), "о"),
        (re.compile(r"(?<=[нлт])а\b"), "и"),
        (re.compile(r"(?<=[нт])а\b"), ""),
    ),
    "romanian": ((re.compile(r"(?<=[tsd])a\b"), ""), (re.compile(r"(?<=[tsd])a\b"), "e")),
}
_SEVERITY: Final = ("open", "partly_paid", "paid", "credit", "excluded")
_SINCE: Final = re.compile(
    r"\b(?:by|for|de|since|depuis|seit|sinds|da|desde|um|hace|in|dans)?\s*\d+\s*(?:days?|jours?|tage?n?|dias?|giorni|dagen|fois|times|mal|d|j)\b"
)
_AT_A_DATE: Final = re.compile(r"\s+(?:le|on|am|el|il|op|em|du|vom|del)?\s*\d[\d\s./-]*$")
_ORDINAL: Final = re.compile(r"\b\d+(?:re|er|e|eme|st|nd|rd|th|o|a)?\b\.?")
_IN_BRACKETS: Final = re.compile(r"\s*[(\[].*?[)\]]")
_PARTS: Final = re.compile(r"\s*[,;|/+&]\s*|\s[-\u2013\u2014:>\u2192]\s")
_NOT_WORDS: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Row status of words, marks of two sides (debit to credit), and document types that charge or settle."""

    words: Mapping[str, str]
    word_sides: Mapping[str, frozenset[str]]
    mark_sides: Mapping[str, frozenset[str]]
    charges: frozenset[str]
    settling: frozenset[str]
    # Header words whose values describe something else of the customer or the sale.
    explained: frozenset[str]
    # Types of customers, as a column of types may name them.
    customers: frozenset[str]
    # Header words for the state of something else: goods, customers.
    elsewhere: frozenset[str]
    journals: Mapping[str, str]
    # Payment methods, which do not show whether it was paid.
    ways_to_pay: frozenset[str]
    # Document type codes, valid only below a header of types.
    types: Mapping[str, str]


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of `row_status.toml`; raise `ValueError` where a word has two meanings."""
    stored = tomllib.loads(Path(__file__).with_name("row_status.toml").read_text("utf-8"))
    words: dict[str, str] = {}
    for status in STATUSES:
        for listed in stored[status].values():
            for word in _listed(listed):
                if words.setdefault(word, status) != status:
                    raise ValueError(f"{word!r} is both {words[word]} and {status}")
    for status in STATUSES:
        for language, listed in stored[status].items():
            for word in _listed(listed):
                for ending, other in _ENDINGS.get(language.split("_")[0], ()):
                    words.setdefault(ending.sub(other, word), status)
    sides = stored["sides"]
    return Vocabulary(
        words,
        _sides(sides["words"]),
        _sides(sides["marks"]),
        frozenset(_listed(sides["charges"])),
        frozenset(_listed(stored["settling"]["marks"])),
        frozenset(stored["explained"]["headers"].split()),
        frozenset(stored["customers"]["values"].split()),
        frozenset(stored["elsewhere"]["headers"].split()),
        {
            mark: status
            for name, status in (("sales", "open"), ("credits", "credit"), ("settling", "paid"))
            for mark in _listed(stored["journals"][name])
        },
        frozenset(_listed(stored["ways_to_pay"]["values"])),
        {code: status for status in ("open", "credit") for code in _listed(stored["types"][status])},
    )


def _listed(text: str) -> list[str]:
    words = (" ".join(word.split()) for word in text.split(",") if word.strip())
    return [word if word.isascii() else ":".join(map(normalize_words, word.split(":"))) for word in words]


def normalize_words(text: str) -> str:
    """Return a text normalized for comparison: lower case, no accents, one space between words."""
    return _NOT_WORDS.sub(" ", normalize(text)).strip()


def _sides(text: str) -> dict[str, frozenset[str]]:
    sides: dict[str, frozenset[str]] = {}
    for debit, credit in ([mark_of(mark) for mark in pair.split(":")] for pair in _listed(text)):
        sides[debit] = sides.get(debit, frozenset()) | {credit}
    return sides


def status_of(value: str) -> str | None:
    """Return the row status of a value in a status column; None where unknown."""
    return _status_of(value.strip())


@lru_cache(maxsize=4096)
def _status_of(value: str) -> str | None:
    words = vocabulary().words
    text = normalize(value)
    for reading in (
        text,
        *(pattern.sub("", text) for pattern in (_IN_BRACKETS, _AT_A_DATE, _SINCE, _ORDINAL)),
    ):
        key = _NOT_WORDS.sub(" ", reading).strip()
        if status := words.get(key) or words.get(key.removesuffix("s")):
            return status
    parts = [_NOT_WORDS.sub(" ", part).strip() for part in _PARTS.split(_SINCE.sub("", text))]
    statuses = [words.get(part) for part in parts if part]
    if len(statuses) > 1 and all(statuses):
        return max((status for status in statuses if status), key=_SEVERITY.index)
    # Words that each mean due mean it together: facture impayée, overdue invoice.
    each = [word for word in _NOT_WORDS.sub(" ", text).split() if word not in JOINING and not word.isdigit()]
    statuses = [words.get(word) for word in each]
    if len(each) > 1 and "partly_paid" in statuses and all(statuses):
        return "partly_paid"
    return "open" if len(each) > 1 and set(statuses) == {"open"} else None


def mark_of(text: str) -> str:
    """Return a mark normalized for comparison."""
    return " ".join(normalize(text.strip()).split())
