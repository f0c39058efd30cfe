"""Detection of European single-byte code pages, by their languages' letters, letter neighbours and words.

The languages are in `languages.txt`. A file has one main language and may contain names in others. A code
page about as likely as the best one is its rival: then the file is doubtful.
"""

import math
import operator
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from getbill.sheets.files.encodings.languages import (
    Letter,
    Triple,
    any_letters,
    count_known_words,
    plain_words,
)
from getbill.sheets.files.encodings.pages import NO_LETTERS, PAGES, STRANGE, CodePage, of_sign, page_of

_SELDOM = frozenset(("mac_latin2", "cp857", "cp775", "cp737", "iso8859-5", "mac_cyrillic"))
_WRONG_CASE = -7.0
_TWO_SCRIPTS = -9.0
# A name that is not in the main language.
_FOREIGN = -4.5
_LATIN = frozenset(string.ascii_lowercase)
# The bonus of western pages, which are the most frequent, and the lead that makes a result certain.
_WESTERN, _DOUBT, _UNUSUAL = 4.0, 5.0, -3.0
# Below this average the letters fit no known language, given enough letters.
_POOR, _ENOUGH = -9.8, 6.0
# With fewer letters, western pages are not rivals of each other: other evidence was weighed before.
_FEW = 2.5
# Maximum number of ambiguous letters shown.
_SHOWN_MAX = 8
# A known word in plain letters, one in other letters, and how many of them count per language.
_PLAIN_WORD, _OTHER_WORD, _WORDS_MAX = 1.5, 4.0, 4
_WORDS_SIZE = 16 * 1024
_CONTEXTS_MAX = 200
# How many languages are scored in full as the main one.
_MAIN_MAX, _MISSING = 4, -6.0


@dataclass(frozen=True, slots=True)
class CodePageReading:
    """The code page of a file, and a rival that reads it differently with a similar score."""

    page: str
    rival: str = ""
    # Whether its letters fit no known language; None for too few letters.
    is_poor: bool | None = None
    # The letters on which the two differ, the most frequent first.
    letters: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The evidence in a file: weighted bytes above 127 with their neighbours, and words."""

    contexts: Sequence[tuple[bytes, float]]
    weights: dict[int, float]
    plain: Counter[str]
    non_ascii: bytes

    @classmethod
    def from_contexts(cls, contexts: Counter[bytes], sample: bytes) -> "_Evidence":
        """Gather the evidence; a repeated context adds little."""
        weighted = [(_whole(context), 1 + math.log2(count) / 2) for context, count in _most_common(contexts)]
        words = set(_WORD.findall(sample[:_WORDS_SIZE].lower()))
        plain = (word.decode("ascii") for word in words if word.isascii())
        non_ascii = b"\n".join(word for word in words if not word.isascii())
        weights: dict[int, float] = {}
        for context, weight in weighted:
            weights[context[1]] = weights.get(context[1], 0.0) + weight
        return cls(weighted, weights, count_known_words(plain_words(plain)), non_ascii)


def _most_common(contexts: Counter[bytes]) -> Iterable[tuple[bytes, int]]:
    """Return the most frequent contexts, and one of each byte."""
    bytes_seen: set[int] = set()
    for place, (context, count) in enumerate(contexts.most_common()):
        byte = _whole(context)[1]
        if place < _CONTEXTS_MAX or byte not in bytes_seen:
            bytes_seen.add(byte)
            yield context, count


_WORD = re.compile(rb"[a-z\x80-\xff][a-z.\x80-\xff]*(?<!\.)")


def decide_code_page(western: str, contexts: Counter[bytes], sample: bytes) -> CodePageReading:
    """Return the code page of a file whose likeliest western page is known."""
    evidence = _Evidence.from_contexts(contexts, sample)
    scores = _scores(western, evidence)
    weight = sum(evidence.weights.values())
    (best, page), *rivals = sorted(scores.values(), key=lambda scored: -scored[0])
    if page == western and weight < _FEW:
        rivals = [(score, rival) for score, rival in rivals if PAGES[rival] != "west"]
    is_poor = best < _POOR * weight if weight >= _ENOUGH else None
    if rivals and best - rivals[0][0] < _DOUBT:
        rival = rivals[0][1]
        return CodePageReading(page, rival, is_poor, _differences(page, rival, evidence))
    return CodePageReading(page, is_poor=is_poor)


def _scores(western: str, evidence: _Evidence) -> dict[str, tuple[float, str]]:
    """Return each reading of the bytes above 127 with its likelihood and its page."""
    high = bytes(sorted({byte for context, _ in evidence.contexts for byte in context if byte > 127}))
    best = _score(western, evidence, -math.inf) + _WESTERN
    scores = {_reading(western, high): (best, western)}
    for page in PAGES:
        reading = _reading(page, high)
        if reading not in scores:
            against = _UNUSUAL if page in _SELDOM else 0.0
            scores[reading] = (_score(page, evidence, best - _DOUBT - against) + against, page)
            best = max(best, scores[reading][0])
    return scores


def _differences(page: str, rival: str, evidence: _Evidence) -> tuple[str, str]:
    weights = evidence.weights
    signs, rival_signs = page_of(page).signs, page_of(rival).signs
    differing = [
        byte for byte in sorted(weights, key=lambda byte: -weights[byte]) if signs[byte] != rival_signs[byte]
    ]
    return _letters_of(signs, differing), _letters_of(rival_signs, differing)


def _letters_of(signs: str, differing: Sequence[int]) -> str:
    letters = (signs[byte] if signs[byte].isprintable() else "\ufffd" for byte in differing[:_SHOWN_MAX])
    return " ".join(letters)


def _reading(page: str, high: bytes) -> str:
    signs = page_of(page).signs
    return "".join(signs[byte] for byte in high)


def _score(name: str, evidence: _Evidence, least: float) -> float:
    """Return the likelihood of the evidence in a code page; less than `least` as soon as that is certain."""
    page = page_of(name)
    non_ascii_words = evidence.non_ascii.decode(name, "replace").lower().split("\n")
    words = _Words(evidence.plain, count_known_words(non_ascii_words))
    bound = words.most + sum(page.best[byte] * weight for byte, weight in evidence.weights.items())
    if bound < least:
        return bound
    total, letters = _split(page, evidence)
    anyone = _likelihoods(any_letters(), letters.triples)
    bound = words.most + total + _weighted(anyone, letters.weights)
    if bound < least or not letters.triples:
        return bound
    return total + _of_main(page, letters, anyone, words)


@dataclass(frozen=True, slots=True)
class _Letters:
    """Weighted letters with their neighbours."""

    triples: Sequence[Triple]
    weights: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Words:
    """Number of known words of each language, in plain letters and others."""

    plain: Counter[str]
    non_ascii: Counter[str]

    @property
    def bonuses(self) -> dict[str, float]:
        """Return their bonus for each language that has any."""
        languages = self.plain.keys() | self.non_ascii.keys()
        return {name: _bonus(self.plain[name], self.non_ascii[name]) for name in languages}

    @property
    def most(self) -> float:
        """Return their highest bonus for any language."""
        return _bonus(max(self.plain.values(), default=0), max(self.non_ascii.values(), default=0))


def _bonus(plain: int, non_ascii: int) -> float:
    return _PLAIN_WORD * min(plain, _WORDS_MAX) + _OTHER_WORD * min(non_ascii, _WORDS_MAX)


def _split(page: CodePage, evidence: _Evidence) -> tuple[float, _Letters]:
    """Return the likelihood of the symbols and the letter case, and the letters."""
    small, upper = page.letters, page.upper
    total = 0.0
    triples: list[Triple] = []
    weights: list[float] = []
    for (before, byte, after), weight in evidence.contexts:
        around = (small[before], small[byte], small[after])
        if around[1] in NO_LETTERS:
            total += weight * of_sign(page.signs[byte], around)
            continue
        if byte in upper or before in upper:
            total += weight * _of_case(page.signs[before], page.signs[byte], page.signs[after])
        if page.is_other_script and (around[0] in _LATIN or around[2] in _LATIN):
            total += weight * _TWO_SCRIPTS
        triples.append(around)
        weights.append(weight)
    return total, _Letters(triples, weights)


def _of_main(page: CodePage, letters: _Letters, anyone: Sequence[float], words: _Words) -> float:
    """Return the likelihood of the letters in the likeliest main language."""
    floor = [likelihood + _FOREIGN for likelihood in anyone]
    signs = Counter(sign for _, sign, _ in letters.triples)
    bonus = words.bonuses
    languages = [
        (
            bonus.get(language.name, 0.0) + against,
            sum(signs[sign] for sign in signs if sign not in language.letters),
            language.letters,
        )
        for language, against in page.main
    ]
    return max(
        added + _weighted(map(max, _likelihoods(language_letters, letters.triples), floor), letters.weights)
        for added, _, language_letters in nlargest(
            _MAIN_MAX, languages, key=lambda rank: rank[0] + _MISSING * rank[1]
        )
    )


def _weighted(likelihoods: Iterable[float], weights: Iterable[float]) -> float:
    return sum(map(operator.mul, likelihoods, weights), 0.0)


def _likelihoods(letters: dict[str, Letter], triples: Sequence[Triple]) -> list[float]:
    result = []
    for before, sign, after in triples:
        letter = letters.get(sign)
        if letter is None:
            result.append(STRANGE)
        else:
            share, (left, rare_left), (right, rare_right) = letter
            result.append(share + left.get(before, rare_left) + right.get(after, rare_right))
    return result


def _of_case(before: str, sign: str, after: str) -> float:
    if sign.isupper():
        is_wrong = before.islower() or (after.islower() and before.isalpha())
    else:
        is_wrong = before.isupper() and after.isupper()
    return _WRONG_CASE if is_wrong else 0.0


def _whole(context: bytes) -> bytes:
    """Return a context at either end of the file, padded with a blank."""
    if len(context) == 3:
        return context
    if len(context) == 1:
        return b" " + context + b" "
    return context + b" " if context[1] > 127 else b" " + context
