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
from functools import cache, lru_cache
from heapq import nlargest
from itertools import chain
from pathlib import Path

_REGIONS = {
    "west": ("cp1252", "mac_roman", "cp850", "iso8859-15"),
    "central": ("cp1250", "iso8859-2", "cp852", "mac_latin2"),
    "turkish": ("cp1254", "cp857"),
    "baltic": ("cp1257", "cp775"),
    "greek": ("cp1253", "iso8859-7", "cp737"),
    "cyrillic": ("cp1251", "koi8-u", "cp866", "iso8859-5", "mac_cyrillic"),
}
# Of pages that read a file alike, the first is returned.
_PAGES = {page: region for region, pages in _REGIONS.items() for page in pages}
_SELDOM = frozenset(("mac_latin2", "cp857", "cp775", "cp737", "iso8859-5", "mac_cyrillic"))
_LATIN_REGIONS = frozenset(("west", "central", "turkish", "baltic"))

# Log likelihoods. A letter's neighbour: frequent, usual, seen; else rare, and unknown for letters without a
# list.
_NEIGHBOUR, _RARE, _UNKNOWN = (-1.3, -2.5, -3.9), -4.8, -3.3
# A letter of another language, a symbol between letters, a symbol beside them, a control character, a wrong
# case.
_STRANGE, _INSIDE, _BESIDE, _UNDEFINED, _WRONG_CASE = -16.0, -17.0, -9.0, -18.0, -7.0
_SIGN, _TOUCHING = -5.0, -12.0
_TWO_SCRIPTS = -9.0
# A name that is not in the main language.
_FOREIGN = -4.5
_COMMON_SIGNS = frozenset("\u00a0«»€°\u2019\u2018\u201c\u201d\u201e\u2013\u2014…§²№ºª£®©")
_APOSTROPHES = frozenset("\u2019\u00a0\u00b4`")
_OPENING, _CLOSING = "«\u201e\u201c\u2018", "»\u201d"
# Placeholders for symbols: one that may stand beside a word, and one that may not.
_MARK = "\u00a4"
_NO_LETTERS = frozenset(("_", _MARK))
_LATIN = frozenset(string.ascii_lowercase)
_QUOTES = frozenset("\u00a0«»\u2019\u2018\u201c\u201d\u201e°ºª")

# The bonus of western pages, which are the most frequent, and the lead that makes a result certain.
_WESTERN, _DOUBT, _UNUSUAL = 4.0, 5.0, -3.0
# Below this average the letters fit no known language, given enough letters.
_POOR, _ENOUGH = -9.8, 6.0
# With fewer letters, western pages are not rivals of each other: other evidence was weighed before.
_FEW = 2.5
# Maximum number of ambiguous letters shown.
_SHOWN_MAX = 8
# A file in a language for which other pages exist.
_ELSEWHERE = -6.0
# A known word in plain letters, one in other letters, and how many of them count per language.
_PLAIN_WORD, _OTHER_WORD, _WORDS_MAX = 1.5, 4.0, 4
_WORDS_SIZE = 16 * 1024
_CONTEXTS_MAX = 200
# How many languages are scored in full as the main one.
_MAIN_MAX, _MISSING = 4, -6.0

_Neighbours = tuple[dict[str, float], float]
_Letter = tuple[float, _Neighbours, _Neighbours]
_Triple = tuple[str, str, str]


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
class _Language:
    name: str
    # The regions where it is written.
    regions: frozenset[str]
    words: frozenset[str]
    letters: dict[str, _Letter]


@dataclass(frozen=True, slots=True)
class _Page:
    name: str
    signs: str
    # In lower case, with placeholders for symbols.
    letters: str
    upper: frozenset[int]
    is_other_script: bool
    # The possible main languages, with a penalty for each.
    main: tuple[tuple[_Language, float], ...]
    # The best likelihood of each byte.
    best: tuple[float, ...]


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
        return cls(weighted, weights, _count_known_words(_plain_words(plain)), non_ascii)


def _most_common(contexts: Counter[bytes]) -> Iterable[tuple[bytes, int]]:
    """Return the most frequent contexts, and one of each byte."""
    bytes_seen: set[int] = set()
    for place, (context, count) in enumerate(contexts.most_common()):
        byte = _whole(context)[1]
        if place < _CONTEXTS_MAX or byte not in bytes_seen:
            bytes_seen.add(byte)
            yield context, count


_WORD = re.compile(rb"[a-z\x80-\xff][a-z.\x80-\xff]*(?<!\.)")


def _plain_words(words: Iterable[str]) -> Iterable[str]:
    """Return words, and the top-level domain of each domain name."""
    for word in words:
        yield word
        if "." in word:
            yield word[word.rfind(".") :]


def _count_known_words(words: Iterable[str]) -> Counter[str]:
    """Count the known words of each language."""
    table = _word_table()
    known_words = table.keys() & set(words)
    return Counter(chain.from_iterable(table[word] for word in known_words)) if known_words else Counter()


def decide_code_page(western: str, contexts: Counter[bytes], sample: bytes) -> CodePageReading:
    """Return the code page of a file whose likeliest western page is known."""
    evidence = _Evidence.from_contexts(contexts, sample)
    scores = _scores(western, evidence)
    weight = sum(evidence.weights.values())
    (best, page), *rivals = sorted(scores.values(), key=lambda scored: -scored[0])
    if page == western and weight < _FEW:
        rivals = [(score, rival) for score, rival in rivals if _PAGES[rival] != "west"]
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
    for page in _PAGES:
        reading = _reading(page, high)
        if reading not in scores:
            against = _UNUSUAL if page in _SELDOM else 0.0
            scores[reading] = (_score(page, evidence, best - _DOUBT - against) + against, page)
            best = max(best, scores[reading][0])
    return scores


def _differences(page: str, rival: str, evidence: _Evidence) -> tuple[str, str]:
    weights = evidence.weights
    signs, rival_signs = _page(page).signs, _page(rival).signs
    differing = [
        byte for byte in sorted(weights, key=lambda byte: -weights[byte]) if signs[byte] != rival_signs[byte]
    ]
    return _letters_of(signs, differing), _letters_of(rival_signs, differing)


def _letters_of(signs: str, differing: Sequence[int]) -> str:
    letters = (signs[byte] if signs[byte].isprintable() else "\ufffd" for byte in differing[:_SHOWN_MAX])
    return " ".join(letters)


def _reading(page: str, high: bytes) -> str:
    signs = _page(page).signs
    return "".join(signs[byte] for byte in high)


def _score(name: str, evidence: _Evidence, least: float) -> float:
    """Return the likelihood of the evidence in a code page; less than `least` as soon as that is certain."""
    page = _page(name)
    non_ascii_words = evidence.non_ascii.decode(name, "replace").lower().split("\n")
    words = _Words(evidence.plain, _count_known_words(non_ascii_words))
    bound = words.most + sum(page.best[byte] * weight for byte, weight in evidence.weights.items())
    if bound < least:
        return bound
    total, letters = _split(page, evidence)
    anyone = _likelihoods(_any_letters(), letters.triples)
    bound = words.most + total + _weighted(anyone, letters.weights)
    if bound < least or not letters.triples:
        return bound
    return total + _of_main(page, letters, anyone, words)


@dataclass(frozen=True, slots=True)
class _Letters:
    """Weighted letters with their neighbours."""

    triples: Sequence[_Triple]
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


def _split(page: _Page, evidence: _Evidence) -> tuple[float, _Letters]:
    """Return the likelihood of the symbols and the letter case, and the letters."""
    small, upper = page.letters, page.upper
    total = 0.0
    triples: list[_Triple] = []
    weights: list[float] = []
    for (before, byte, after), weight in evidence.contexts:
        around = (small[before], small[byte], small[after])
        if around[1] in _NO_LETTERS:
            total += weight * _of_sign(page.signs[byte], around)
            continue
        if byte in upper or before in upper:
            total += weight * _of_case(page.signs[before], page.signs[byte], page.signs[after])
        if page.is_other_script and (around[0] in _LATIN or around[2] in _LATIN):
            total += weight * _TWO_SCRIPTS
        triples.append(around)
        weights.append(weight)
    return total, _Letters(triples, weights)


def _of_main(page: _Page, letters: _Letters, anyone: Sequence[float], words: _Words) -> float:
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


def _likelihoods(letters: dict[str, _Letter], triples: Sequence[_Triple]) -> list[float]:
    result = []
    for before, sign, after in triples:
        letter = letters.get(sign)
        if letter is None:
            result.append(_STRANGE)
        else:
            share, (left, rare_left), (right, rare_right) = letter
            result.append(share + left.get(before, rare_left) + right.get(after, rare_right))
    return result


def _of_sign(sign: str, around: _Triple) -> float:
    if sign == "\ufffd" or not (sign.isprintable() or sign == "\u00a0"):
        return _UNDEFINED
    if around[0] != "_" and around[2] != "_" and sign not in _APOSTROPHES:
        return _INSIDE
    if sign in _OPENING or sign in _CLOSING:
        return _TOUCHING if around[0 if sign in _OPENING else 2] != "_" else _SIGN
    if sign in "ºª":
        return _SIGN if around[0] in "_nmd" else _TOUCHING
    if sign not in _QUOTES and (around[0] != "_" or around[2] != "_"):
        return _TOUCHING
    return _SIGN if sign in _COMMON_SIGNS else _BESIDE


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


@lru_cache
def _page(name: str) -> _Page:
    signs = "".join(bytes([byte]).decode(name, "replace") for byte in range(256))
    region = _PAGES[name]
    scripts = _LATIN_REGIONS if region in _LATIN_REGIONS else frozenset((region,))
    letters = "".join(_small(sign) for sign in signs)
    return _Page(
        name,
        signs,
        letters,
        frozenset(byte for byte, sign in enumerate(signs) if sign.isupper()),
        region not in _LATIN_REGIONS,
        tuple(
            (language, 0 if region in language.regions else _ELSEWHERE)
            for language in _languages()
            if language.regions & scripts
        ),
        tuple(map(_best, letters, signs)),
    )


def _best(letter: str, sign: str) -> float:
    """Return the likelihood of a byte between its best neighbours."""
    if letter in _NO_LETTERS:
        return max(_of_sign(sign, ("_", letter, neighbour)) for neighbour in "_a")
    share, *neighbours = _any_letters().get(letter, (_STRANGE, ({}, 0.0), ({}, 0.0)))
    return share + sum(max(listed.values(), default=rare) for listed, rare in neighbours)


def _small(sign: str) -> str:
    if not sign.isalpha() or sign in "ºª":
        return "_" if sign.isascii() or sign in _QUOTES else _MARK
    return sign if sign == "İ" else sign.lower()


@cache
def _any_letters() -> dict[str, _Letter]:
    """Return the letters of all languages, each with its best likelihood."""
    letters: dict[str, _Letter] = {}
    for language in _languages():
        for sign, letter in language.letters.items():
            letters[sign] = _likelier(letters.get(sign, letter), letter)
    return letters


def _likelier(letter: _Letter, other: _Letter) -> _Letter:
    (share, left, right), (share_2, left_2, right_2) = letter, other
    return max(share, share_2), _likelier_neighbours(left, left_2), _likelier_neighbours(right, right_2)


def _likelier_neighbours(neighbours: _Neighbours, other: _Neighbours) -> _Neighbours:
    (listed, rare), (listed_2, rare_2) = neighbours, other
    keys = listed.keys() | listed_2.keys()
    return {key: max(listed.get(key, rare), listed_2.get(key, rare_2)) for key in keys}, max(rare, rare_2)


@cache
def _word_table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for language in _languages():
        for word in language.words:
            table.setdefault(word, []).append(language.name)
    return table


@cache
def _languages() -> tuple[_Language, ...]:
    text = Path(__file__).with_name("languages.txt").read_text("utf-8")
    return tuple(_parse_language(part.splitlines()) for part in text.split("\n= ")[1:])


def _parse_language(lines: Sequence[str]) -> _Language:
    name, *regions = lines[0].split()
    return _Language(
        name,
        frozenset(regions),
        frozenset(lines[1].removeprefix(":").split()),
        dict(_letter(*line.split()) for line in lines[2:]),
    )


def _letter(sign: str, share: str, before: str, after: str) -> tuple[str, _Letter]:
    return sign, (math.log(int(share) / 1000), _neighbours(before), _neighbours(after))


def _neighbours(classes: str) -> _Neighbours:
    """Return the listed neighbours with their likelihoods, and the likelihood of any other."""
    weights = zip(classes.split("/"), _NEIGHBOUR, strict=True)
    listed = {letter: weight for letters, weight in weights for letter in letters}
    return listed, _RARE if len(listed) > 6 else _RARE + 1 if listed else _UNKNOWN
