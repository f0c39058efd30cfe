"""Comparison of a whole name with its parts.

Order, case, accents, forms of address, particles, initials and word division do not matter, and either side
may omit a name that the other has. Names in two scripts cannot be compared and do not contradict each other.
"""

import unicodedata
from functools import lru_cache
from typing import Final

from getbill.debtors.comparison import LISTS, name_words

_PARTICLES: Final = frozenset(LISTS.words("particles"))
# Letters that do not decompose into letter and accent, and two spellings of the umlauts.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
)
_UMLAUTS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))


def names_agree(name: str, first_name: str | None, last_name: str | None) -> bool:
    """Return whether a whole name and its parts may be the same person's."""
    parts = " ".join(part for part in (first_name, last_name) if part)
    return not parts or name in {parts, f"{last_name} {first_name}"} or _is_same(name, parts)


@lru_cache(maxsize=1024)
def _is_same(name: str, parts: str) -> bool:
    whole, split = _folded_words(name), _folded_words(parts)
    if not whole or not split or _script(whole) != _script(split):
        return True
    shorter, longer = sorted((_without_particles(whole), _without_particles(split)), key=len)
    return _is_within(shorter, longer) or not _joined_forms(whole).isdisjoint(_joined_forms(split))


def _folded_words(text: str) -> list[str]:
    return [_fold_letters(word) for word in name_words(text)]


def _without_particles(words: list[str]) -> list[str]:
    return [word for word in words if word not in _PARTICLES] or words


def _fold_letters(word: str) -> str:
    plain = word.translate(_LETTERS)
    for long, short in _UMLAUTS:
        plain = plain.replace(long, short)
    return plain


def _is_within(shorter: list[str], longer: list[str]) -> bool:
    unmatched = list(longer)
    # Whole words first, so that an initial does not match a word that is also there.
    for word in sorted(shorter, key=len, reverse=True):
        matching_word = next((other for other in unmatched if word == other), None) or next(
            (other for other in unmatched if min(len(word), len(other)) == 1 and word[0] == other[0]), None
        )
        if matching_word is None:
            return False
        unmatched.remove(matching_word)
    return True


def _joined_forms(words: list[str]) -> set[str]:
    """Return the words joined without gaps, wherever the last name begins."""
    return {"".join(words[at:] + words[:at]) for at in range(len(words))}


def _script(words: list[str]) -> str:
    letter = next((letter for word in words for letter in word if letter.isalpha()), "a")
    return unicodedata.name(letter, "LATIN").split(" ")[0]
