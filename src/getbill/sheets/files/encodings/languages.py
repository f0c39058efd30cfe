"""Languages in a code page, from `languages.txt`: their words, letters and the neighbours of each letter."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

# Log likelihoods. A letter's neighbour: frequent, usual, seen; else rare, and unknown for letters without a
# list.
_NEIGHBOUR, _RARE, _UNKNOWN = (-1.3, -2.5, -3.9), -4.8, -3.3
_Neighbours = tuple[dict[str, float], float]
Letter = tuple[float, _Neighbours, _Neighbours]
Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class WrittenLanguage:
    """A language as it looks in a code page."""

    name: str
    # The regions where it is written.
    regions: frozenset[str]
    words: frozenset[str]
    letters: dict[str, Letter]


def plain_words(words: Iterable[str]) -> Iterable[str]:
    """Return words, and the top-level domain of each domain name."""
    for word in words:
        yield word
        if "." in word:
            yield word[word.rfind(".") :]


def count_known_words(words: Iterable[str]) -> Counter[str]:
    """Count the known words of each language."""
    table = _word_table()
    known_words = table.keys() & set(words)
    return Counter(chain.from_iterable(table[word] for word in known_words)) if known_words else Counter()


@cache
def any_letters() -> dict[str, Letter]:
    """Return the letters of all languages, each with its best likelihood."""
    letters: dict[str, Letter] = {}
    for language in languages():
        for sign, letter in language.letters.items():
            letters[sign] = _likelier(letters.get(sign, letter), letter)
    return letters


def _likelier(letter: Letter, other: Letter) -> Letter:
    (share, left, right), (share_2, left_2, right_2) = letter, other
    return max(share, share_2), _likelier_neighbours(left, left_2), _likelier_neighbours(right, right_2)


def _likelier_neighbours(neighbours: _Neighbours, other: _Neighbours) -> _Neighbours:
    (listed, rare), (listed_2, rare_2) = neighbours, other
    keys = listed.keys() | listed_2.keys()
    return {key: max(listed.get(key, rare), listed_2.get(key, rare_2)) for key in keys}, max(rare, rare_2)


@cache
def _word_table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for language in languages():
        for word in language.words:
            table.setdefault(word, []).append(language.name)
    return table


@cache
def languages() -> tuple[WrittenLanguage, ...]:
    """Return all languages."""
    text = Path(__file__).with_name("languages.txt").read_text("utf-8")
    return tuple(_parse_language(part.splitlines()) for part in text.split("\n= ")[1:])


def _parse_language(lines: Sequence[str]) -> WrittenLanguage:
    name, *regions = lines[0].split()
    return WrittenLanguage(
        name,
        frozenset(regions),
        frozenset(lines[1].removeprefix(":").split()),
        dict(_letter(*line.split()) for line in lines[2:]),
    )


def _letter(sign: str, share: str, before: str, after: str) -> tuple[str, Letter]:
    return sign, (math.log(int(share) / 1000), _neighbours(before), _neighbours(after))


def _neighbours(classes: str) -> _Neighbours:
    """Return the listed neighbours with their likelihoods, and the likelihood of any other."""
    weights = zip(classes.split("/"), _NEIGHBOUR, strict=True)
    listed = {letter: weight for letters, weight in weights for letter in letters}
    return listed, _RARE if len(listed) > 6 else _RARE + 1 if listed else _UNKNOWN
