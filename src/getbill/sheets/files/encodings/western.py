"""Western code pages, compared by the letters, words and symbols that each makes of a file."""

import re
from collections import Counter
from pathlib import Path

from getbill.kit.text.word_lists import WordLists

# In order of frequency; the first wins a tie, and decodes iso8859-1 the same way.
SINGLE_BYTE = ("cp1252", "mac_roman", "cp850", "iso8859-15")
# Encodings that current software no longer writes have less weight.
SELDOM = {"cp850": 0.8}
# Frequencies of western letters in the languages of the exports; capitals are rarer.
_LETTERS = {
    **dict.fromkeys("é", 12),
    **dict.fromkeys("èàüöä", 8),
    **dict.fromkeys("çêñßôîóíá", 6),
    **dict.fromkeys("ïëâûúùœå", 4),
    **dict.fromkeys("æøìòãõÿěščřžýłąęśżźćńőű", 3),
    **dict.fromkeys("ÉÈÀÇÖÜÄÊÔÎÑÓÍÁÚŠŽŁÒÌÙÃÕ", 3),
    **dict.fromkeys("ÂÏËÛÙŒÅÆØ", 2),
}
_BESIDE_DIGITS = "€£\u00a0°"
# A file may have accents in its header only.
KNOWN_WEIGHT = 20
_WORD = re.compile(r"\w*[^\W\d_a-z]\w*")
HIGH_WORD = re.compile(rb"\w*[\x80-\xff][\w\x80-\xff]*")
_NUMBER_SIGN = re.compile(r"\bn[\u00b0\u00ba]")
_LISTS = WordLists(Path(__file__).with_name("encodings.toml"))
_KNOWN = frozenset(_LISTS.words("known", "words", str.casefold))
_QUOTES = "\u2019\u2018"
_OPENING, _CLOSING = "\u201c«", "\u201d»"
_PUNCTUATION = f"{_QUOTES}\u201c\u201d\u2013\u2014«»…°€£\u00a0§²"


def plausibility(codec: str, contexts: Counter[bytes]) -> int:
    """Return how well a western code page fits the bytes above 127 between their neighbours."""
    texts, at, total = b"".join(contexts).decode(codec, "replace"), 0, 0
    for context, count in contexts.items():
        text = texts[at : at + len(context)]
        at += len(context)
        total += (-30 if "\ufffd" in text else _fit(text, context)) * count
    return total


def known_words(codec: str, words: Counter[bytes]) -> int:
    """Count the words of column headers that are legible only in the right encoding."""
    text = b"\n".join(words).decode(codec, "replace").casefold()
    if _KNOWN.isdisjoint(_WORD.findall(text)) and not _NUMBER_SIGN.search(text):
        return 0
    return sum(count * _known_in(word) for word, count in zip(text.split("\n"), words.values(), strict=True))


def _known_in(text: str) -> int:
    return sum(word in _KNOWN for word in _WORD.findall(text)) + len(_NUMBER_SIGN.findall(text))


def _fit(text: str, context: bytes) -> int:
    """Return a score for one decoded character above 127 between its neighbours."""
    at = 1 if len(text) > 1 and (len(text) == 3 or context[-1] > 127) else 0
    sign, before, after = text[at], text[at - 1] if at else " ", text[at + 1] if at + 1 < len(text) else " "
    if sign in _LETTERS:
        weight = _LETTERS[sign]
        # A capital inside a lower-case word, or a letter in a number, shows a wrong decoding.
        if sign.isupper() and (
            before.islower() or (before.isupper() and after.islower() and after.isascii())
        ):
            return -8
        if before.isdigit() and after.isdigit():
            return -8
        return -4 if _is_misspelt(sign, after) else weight
    if sign in _PUNCTUATION:
        return _fit_of_sign(sign, before, after)
    return -15 if not sign.isprintable() or ord(sign) < 0xA0 else -5


def _fit_of_sign(sign: str, before: str, after: str) -> int:
    if sign in _BESIDE_DIGITS and (before.isdigit() or after.isdigit()):
        return 8
    if (sign in _OPENING and before.isalpha()) or (sign in _CLOSING and after.isalpha()):
        return -4
    return -4 if before.isalpha() and after.isalpha() and sign not in f"{_QUOTES}\u00a0" else 3


def _is_misspelt(sign: str, after: str) -> bool:
    """Return whether no word of the western languages continues like this."""
    if sign in "çÇñÑ":
        return after.isascii() and after.isalpha() and after.lower() not in "aeiouy"
    return (sign in "ìòù" and after.isalpha()) or (sign in "êö" and not after.isalpha())
