"""Header parser, word by word: `Rechnungs-Nr.` has the concepts invoice and number.

Compound words are split, unambiguous abbreviations are completed, and a typo is read as the most similar
known word, with less certainty.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from getbill.kit.money import currencies
from getbill.kit.text.word_lists import LETTERS, as_written
from getbill.mapping.vocabulary.header_words import (
    ALL_JOINING,
    HOMONYMS,
    LISTS,
    OWN_WORDS,
    SIGNS,
    WHOLE,
    WORDS,
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}|\b[a-z](?:\.[a-z])+\b")
_TOKEN = re.compile(r"[^\W\d_]+|\d+|#|%")
# Names of lists of unpaid items.
OPEN_ITEMS = LISTS.pattern("open_items")
_BUCKET = LISTS.pattern("bucket", "(?:{})+")
_LINKS = ("", "s", "n", "es", "en", "e")
# Shorter words of a phrase are not matched approximately.
_TYPED_MIN = 3
# Minimum number of letters of an abbreviation.
_SHORTEST = 3
_SHORT = frozenset(LISTS.words("words", "short"))
_LONG = [word for word in OWN_WORDS if len(word) >= 5 and "_" not in word]
_PHRASES = [word for word in OWN_WORDS if len(word) >= 9 and "_" in word]
_MULTIPLIED = frozenset(LISTS.words("multiplied", "codes", as_written))
_NO_CODES = frozenset(LISTS.words("like_words", "codes", as_written))


@dataclass(frozen=True, slots=True)
class HeaderTokens:
    """The concepts of a header; `doubt` grows with typos, abbreviations and unknown words."""

    concepts: frozenset[str]
    unknown: tuple[str, ...] = ()
    doubt: float = 0.0
    # The ISO 4217 code in a header: `Montant (USD)`.
    currency: str | None = None
    # `Adresse 2`: the second of its kind.
    ordinal: int = 0
    # The field for which the whole header is a known name.
    whole: str | None = None
    typos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    concepts: frozenset[str]
    doubt: float = 0.0
    typo: str | None = None


@lru_cache(maxsize=4096)
def parse_header(header: str, group: str = "") -> HeaderTokens:
    """Return the concepts of a header, with the merged header above it for context."""
    text = normalize(header)
    if _is_bucket(text):
        return HeaderTokens(frozenset({"bucket"}))
    words = _split_words(text)
    whole = WHOLE.get("_".join(words))
    if whole:
        return HeaderTokens(_interpret_words(words)[0], whole=whole)
    concepts, unknown, doubt, typos = _interpret_words(words)
    if header.casefold().startswith("dû"):
        # Only this header word is distinguished from another by its accent.
        concepts |= {"open"}
    if group and group != header:
        concepts |= _interpret_words(_split_words(normalize(group)))[0]
    codes = {word.upper() for word in words} & currencies() - _NO_CODES
    codes |= {word[1:].upper() for word in words if word[0] in "ktm"} & _MULTIPLIED
    unexplained = tuple(word for word in unknown if word.upper() not in codes and not word.isdigit())
    ordinals = [int(word) for word in words if word.isdigit() and 1 < int(word) < 10]
    return HeaderTokens(
        concepts,
        unexplained,
        doubt + min(0.06 * len(unexplained), 0.15 if concepts else 0.5),
        codes.pop() if len(codes) == 1 else None,
        ordinals[0] if ordinals else 0,
        typos=typos,
    )


def header_homonyms(header: str) -> dict[str, frozenset[str]]:
    """Return the concepts of a header by language, where its word has another meaning in another language."""
    return HOMONYMS.get("_".join(_split_words(normalize(header))), {})


def normalize(header: str) -> str:
    """Return a text in the vocabulary's notation: lower case without accents, words separated."""
    spaced = _CAMEL.sub(" ", header.replace("_", " "))
    text = spaced.casefold().replace("dû", "dufr").replace("due à", "dufr à").translate(LETTERS)
    for sign in "°º":
        text = text.replace(f"n{sign}", "no ").replace(f"n {sign}", "no ").replace(sign, " ")
    for sign, code in SIGNS.items():
        text = text.replace(sign, f" {code} ")
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return _INITIALS.sub(lambda match: match[0].replace(".", ""), text).strip()


def _split_words(text: str) -> tuple[str, ...]:
    words = _TOKEN.findall(text.replace("'", " ").replace("\u2019", " "))
    words = ["number" if word == "#" else "percent" if word == "%" else word for word in words]
    # A French heading in capitals ends in DU for « dû ».
    if len(words) > 1 and words[-1] == "du":
        words[-1] = "dufr"
    return tuple(words)


def _is_bucket(text: str) -> bool:
    """Return whether the header is an ageing bucket: 0-30, > 90 jours, 31 à 60."""
    return any(sign.isdigit() for sign in text) and len(text) > 1 and bool(_BUCKET.fullmatch(text))


def _interpret_words(
    words: tuple[str, ...],
) -> tuple[frozenset[str], tuple[str, ...], float, tuple[str, ...]]:
    concepts: set[str] = set()
    unknown: list[str] = []
    typos: list[str] = []
    doubt, at = 0.0, 0
    while at < len(words):
        size, match = _longest(words, at)
        if match:
            concepts |= match.concepts
            doubt = max(doubt, match.doubt)
            typos += [match.typo] if match.typo else []
        elif words[at] not in ALL_JOINING:
            unknown.append(words[at])
        at += size
    return frozenset(concepts), tuple(unknown), doubt, tuple(typos)


def _longest(words: tuple[str, ...], at: int) -> tuple[int, _Word | None]:
    for size in (4, 3, 2):
        if at + size <= len(words) and (concepts := WORDS.get("_".join(words[at : at + size]))):
            return size, _Word(concepts)
    for size in (3, 2):
        part = words[at : at + size]
        if (
            len(part) == size
            and not all(word in WORDS for word in part)
            and (near := _near_phrase("_".join(part)))
        ):
            return size, near
    return 1, _word(words[at])


@lru_cache(maxsize=4096)
def _near_phrase(text: str) -> _Word | None:
    """Return the known phrase most similar to a text of several words: `raison socale`."""
    if len(text) < 9:
        return None
    near = process.extractOne(text, _PHRASES, scorer=OSA.distance, score_cutoff=1 if len(text) < 13 else 2)
    if near is None or near[0].count("_") != text.count("_"):
        return None
    if any(
        len(word) < _TYPED_MIN and word != other
        for word, other in zip(near[0].split("_"), text.split("_"), strict=True)
    ):
        # `de referência` is not `su referencia`: a short word is another one, not a typo.
        return None
    return _Word(WORDS[near[0]], 0.06 * near[1], near[0].replace("_", " "))


@lru_cache(maxsize=8192)
def _word(word: str) -> _Word | None:
    if word in WORDS:
        return _Word(WORDS[word])
    if word in ALL_JOINING or word.isdigit():
        return None
    if parts := _compound(word):
        return _Word(parts)
    if abbreviated := _abbreviation(word):
        return _Word(abbreviated, 0.05)
    return _typo(word) or _typo_in_compound(word)


@cache
def _compound(word: str) -> frozenset[str] | None:
    """Return the concepts of a compound whose parts are all known: `kundennummer`, `InvoiceNo`."""
    if len(word) < 5:
        return None
    for cut in range(len(word) - 2, 1, -1):
        head, tail = word[:cut], word[cut:]
        if (first := _part_concepts(head)) is None:
            continue
        tail_concepts = _part_concepts(tail, is_last=True) or (_compound(tail) if len(tail) > 5 else None)
        if tail_concepts is not None:
            return first | tail_concepts
    return None


def _part_concepts(text: str, *, is_last: bool = False) -> frozenset[str] | None:
    for link in _LINKS[:1] if is_last else _LINKS:
        stem = text.removesuffix(link) if link else text
        if (link and stem == text) or (len(stem) < 3 and stem not in _SHORT):
            continue
        if concepts := WORDS.get(stem):
            return concepts
    return None


def _abbreviation(word: str) -> frozenset[str] | None:
    """Return the concepts of an abbreviation, where all words with that prefix have the same."""
    if len(word) < _SHORTEST:
        return None
    meanings = {
        concepts
        for lexicon_word, concepts in OWN_WORDS.items()
        if lexicon_word.startswith(word) and "_" not in lexicon_word
    }
    return meanings.pop() if len(meanings) == 1 else None


def _typo(word: str) -> _Word | None:
    if len(word) == 4:
        return _letter_left_out(word)
    if len(word) < 5:
        return None
    allowed = 1 if len(word) < 8 else 2
    near = process.extractOne(word, _LONG, scorer=OSA.distance, score_cutoff=allowed)
    if near is None or (near[0][0] != word[0] and near[1] > 1):
        return None
    return _Word(WORDS[near[0]], 0.06 * near[1], near[0])


def _letter_left_out(word: str) -> _Word | None:
    """Return the five-letter word that lacks one inner letter: `vile`."""
    near = process.extractOne(word, _LONG, scorer=OSA.distance, score_cutoff=1)
    if near is None or len(near[0]) != 5 or near[0][0] + near[0][-1] != word[0] + word[-1]:
        return None
    return _Word(WORDS[near[0]], 0.1, near[0])


def _typo_in_compound(word: str) -> _Word | None:
    for cut in range(4, len(word) - 3):
        for good, wrong in ((word[cut:], word[:cut]), (word[:cut], word[cut:])):
            concepts = _part_concepts(good, is_last=good is not word[:cut])
            if concepts and len(good) >= 4 and (near := _typo(wrong)):
                return _Word(concepts | near.concepts, near.doubt + 0.02, near.typo)
    return None
