"""Vocabulary of states and document types, from `row_status.toml` and `words/`, with the row status of each."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

from getbill.kit.text.word_lists import WordListRefused, WordLists
from getbill.mapping.vocabulary import JOINING, normalize

Status = Literal["open", "paid", "credit", "partly_paid", "excluded"]
STATUSES: Final[tuple[str, ...]] = get_args(Status)

LISTS: Final = WordLists(Path(__file__).with_name("row_status.toml"))
_LANGUAGES: Final = [WordLists(path) for path in sorted(Path(__file__).with_name("words").glob("*.toml"))]
_SEVERITY: Final = ("open", "partly_paid", "paid", "credit", "excluded")
_SINCE: Final = LISTS.pattern("ages", r"\b(?:{since})?\s*\d+\s*(?:{})\b")
_AT_A_DATE: Final = LISTS.pattern("at_a_date", r"\s+(?:{})?\s*\d[\d\s./-]*$")
_ORDINAL: Final = re.compile(r"\b\d+(?:re|er|e|eme|st|nd|rd|th|o|a)?\b\.?")
_IN_BRACKETS: Final = re.compile(r"\s*[(\[].*?[)\]]")
_PARTS: Final = re.compile(r"\s*[,;|/+&]\s*|\s[-\u2013\u2014:>\u2192]\s")
_NOT_WORDS: Final = re.compile(r"[\W_]+")


@cache
def states() -> dict[str, str]:
    """Return the row status of each word of a state or a document type, in all languages."""
    words: dict[str, str] = {}
    tables = [(lists, table) for lists in _LANGUAGES for table in ("words", "neuter") if table in lists]
    for lists, table in tables:
        for word, status in lists.concepts_by_word(table, STATUSES).items():
            if (other := words.setdefault(word, status)) != status:
                raise WordListRefused(
                    lists.file, f"{table}.{status}", f"{word!r} is a word of {other!r} already"
                )
    for status in STATUSES:
        for lists, table in tables:
            for word in lists.table(table).get(status, ()):
                for ending, replacement in lists.endings(table):
                    words.setdefault(ending.sub(replacement, word), status)
    return words


def normalize_words(text: str) -> str:
    """Return a text normalized for comparison: lower case, no accents, one space between words."""
    return _NOT_WORDS.sub(" ", normalize(text)).strip()


def status_of(value: str) -> str | None:
    """Return the row status of a value in a status column; None where unknown."""
    return _status_of(value.strip())


@lru_cache(maxsize=4096)
def _status_of(value: str) -> str | None:
    words = states()
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
