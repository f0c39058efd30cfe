"""Amount notation: the digits of a cell with the signs, brackets, marks, currency and magnitude around them.

`$(75.00)`, `83.00-$`, `5,000.00 Cr` and `10,5 k€` are parsed here. A cell with unknown text beside the digits
is not an amount; two signs in one cell are never multiplied.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from getbill.sheets.cells.currency_symbols import currencies_of
from getbill.sheets.cells.text import LISTS, clean

# Every space used as a thousands separator: plain, no-break, fixed-width, thin and narrow.
SPACES = " \u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
APOSTROPHES = "'\u2019\u2018"
WRITTEN_MAX = 60
# Hyphens and dashes used as a minus sign. An em dash is excluded: it separates texts.
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
_TO_HYPHEN = str.maketrans(dict.fromkeys(DASHES, "-"))
_BODY = rf"(?:(?<![^\W\d_])[.,])?\d(?:[\d.,{SPACES}{APOSTROPHES}]*\d)?"
# `12,-`, `12.--`, `5,000/-`: no cents.
_ROUND = r"[.,](?:--?|\u2014)|/?=|/-|:-"
_AROUND = re.compile(rf"(?P<before>\D*?)(?P<body>{_BODY})(?:{_ROUND})?(?P<after>\D*)")
# D-00013 is a code, not a negative debit.
_CODE = re.compile(r"([^\W\d_]+)-\d+")
_SIGN = "sign"
_TOKEN = re.compile(r"[-+()\[\]<>]|[^-+()\[\]<>\s]+")
# The point in `EUR.50` may or may not be a decimal mark; abbreviations such as `Fr.50` have a point.
_CODE_AND_POINT = re.compile(r"[A-Z]{3}\.$")
_PAIRS = {"(": ")", "<": ">"}

_CREDIT = frozenset(LISTS.words("credit"))
_DEBIT = frozenset(LISTS.words("debit"))
# A single letter is a mark only in a column that contains the opposite mark as well.
PARTNERS = {"c": "d", "h": "sd", "a": "d", "d": "cha", "s": "h"}

_MAGNITUDES = {word: int(power) for word, power in LISTS.concepts_by_word("magnitudes").items()}
_UNCLEAR = frozenset(LISTS.words("unclear"))
# With euros and francs, T is the German thousand and M a million; with dollars they are ambiguous.
_OF_EUROS = {"T": 3, "M": 6}
_EUROPEAN = frozenset({"EUR", "CHF"})
# Hundreds with two decimals.
_CRORE_DIGITS = 5
_RUPEES = frozenset({"INR", "PKR", "LKR", "NPR"})

_HARMLESS = frozenset(LISTS.words("harmless"))


class Notation(NamedTuple):
    """An amount as written: `body` is its digits and separators, `currency` the symbol or code beside them.

    `mark` is the word for a credit or debit, `power` the number of zeros that a magnitude adds; `problem` is
    an error code where the text beside the digits is ambiguous.
    """

    body: str
    is_negative: bool = False
    currency: str = ""
    mark: str = ""
    power: int = 0
    problem: str = ""
    # Whether the magnitude is a K without a currency.
    is_k: bool = False


class _Surroundings(NamedTuple):
    """The parts beside the digits, in any order."""

    minuses: int = 0
    pluses: int = 0
    brackets: str = ""
    currency: str = ""
    mark: str = ""
    magnitude: str = ""


@lru_cache(maxsize=4096)
def parse_notation(text: str) -> Notation | None:
    """Return the notation of an amount; None where the text beside the digits is unknown."""
    plain = clean(text).translate(_TO_HYPHEN).replace("F CFA", "FCFA")
    if (code := _CODE.fullmatch(plain)) and not currencies_of(code[1]):
        return None
    match = _AROUND.fullmatch(plain) if len(plain) <= WRITTEN_MAX else None
    if match is None or _CODE_AND_POINT.search(match["before"]):
        return None
    before, after = _tokens(match["before"]), _tokens(match["after"])
    if before is None or after is None:
        return None
    surroundings = _join_sides(before, after)
    return _notation(match["body"], surroundings) if surroundings else None


def currency_and_mark(affix: str) -> tuple[str, str]:
    """Return the currency and the mark in a cell without its outer digits; each empty where absent."""
    notation = _without_digits(affix)
    return (notation.currency, notation.mark) if notation else ("", "")


def is_amount_affix(affix: str) -> bool:
    """Return whether a cell without its outer digits is text that occurs beside amounts."""
    return _without_digits(affix) is not None


def _without_digits(affix: str) -> Notation | None:
    return parse_notation(affix if any(map(str.isdigit, affix)) else f"{affix} 1")


def is_zero(text: str) -> bool:
    """Return whether the text is a zero in a spreadsheet's accounting format: `- €`."""
    parts = _tokens(clean(text).translate(_TO_HYPHEN)) or []
    return sorted(kind for kind, _ in parts) == ["currency", _SIGN] and (_SIGN, "-") in parts


def without_words(text: str) -> str | None:
    """Return the text without words that do not change an amount; None where it has none of them."""
    words = clean(text).split()
    remaining = [word for word in words if word.casefold() not in _HARMLESS]
    return " ".join(remaining) if remaining and len(remaining) < len(words) else None


def is_negative(mark: str) -> bool:
    """Return whether a mark stands for a credit."""
    return mark in _CREDIT


def mark_letter(mark: str) -> str:
    """Return the letter of a mark: `c` for credits, `d` for debits, a single letter for itself."""
    return mark if len(mark) < 2 else "c" if mark in _CREDIT else "d"


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """Return kind and text of each token on one side of the digits; None where one is unknown."""
    parts: list[tuple[str, str]] = []
    for part in _TOKEN.findall(text):
        kinds = ((_SIGN, part),) if part in "+-()[]<>" else _word_parts(part)
        if not kinds:
            return None
        parts += kinds
    return _without_brackets(parts)


@lru_cache(maxsize=4096)
def _word_parts(token: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of a word beside digits: currency, mark, magnitude, or magnitude and currency."""
    bare = token.rstrip(".")
    if currency_text := next((way for way in (token, bare) if currencies_of(way)), None):
        return (("currency", currency_text),)
    word = bare.casefold()
    for kind, words in (("magnitude", _MAGNITUDES), ("magnitude", _UNCLEAR), ("mark", _CREDIT | _DEBIT)):
        if word in words:
            return ((kind, bare if kind == "magnitude" else word),)
    for cut in range(1, len(token)):
        magnitude, currency = token[:cut].rstrip("."), token[cut:]
        if (magnitude.casefold() in _MAGNITUDES or magnitude.casefold() in _UNCLEAR) and currencies_of(
            currency
        ):
            return (("magnitude", magnitude), ("currency", currency))
    return ()


def _without_brackets(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Remove brackets around a currency alone, as in `75 (EUR)`."""
    for at in range(len(tokens) - 2):
        opening, inside, closing = tokens[at : at + 3]
        if inside[0] == "currency" and opening[1] + closing[1] in {"()", "[]"}:
            return [*tokens[:at], inside, *tokens[at + 3 :]]
    return tokens


def _join_sides(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> _Surroundings | None:
    """Return the parts on both sides; None where they contradict each other."""
    texts_by_kind: dict[str, list[str]] = {_SIGN: [], "currency": [], "mark": [], "magnitude": []}
    for kind, text in [*before, *after]:
        texts_by_kind[kind].append(text)
    opening = "".join(text for kind, text in before if kind == _SIGN and text not in "+-")
    closing = "".join(text for kind, text in after if kind == _SIGN and text not in "+-")
    if (opening or closing) and _PAIRS.get(opening) != closing:
        return None
    currency = _one_currency(texts_by_kind["currency"])
    if currency is None or len(texts_by_kind["mark"]) > 1 or len(texts_by_kind["magnitude"]) > 1:
        return None
    signs = texts_by_kind[_SIGN]
    return _Surroundings(
        signs.count("-"),
        signs.count("+"),
        opening,
        currency,
        *texts_by_kind["mark"] or [""],
        *texts_by_kind["magnitude"],
    )


def _one_currency(texts: list[str]) -> str | None:
    """Return the one currency that all symbols and codes agree on, in its most specific form."""
    if not texts:
        return ""
    clearest = min(texts, key=lambda text: len(currencies_of(text)))
    codes = set(currencies_of(clearest))
    return clearest if all(codes <= set(currencies_of(text)) for text in texts) else None


def _notation(body: str, surroundings: _Surroundings) -> Notation:
    power, problem = _power(body, surroundings)
    is_credit = surroundings.mark in _CREDIT
    negatives = surroundings.minuses + bool(surroundings.brackets)
    # Two signs are ambiguous, such as a credit below zero.
    if (
        negatives + surroundings.pluses > 1
        or (surroundings.mark and negatives)
        or (is_credit and surroundings.pluses)
    ):
        problem = "sign_unclear"
    is_k = surroundings.magnitude == "K" and not surroundings.currency
    return Notation(
        body, bool(negatives or is_credit), surroundings.currency, surroundings.mark, power, problem, is_k
    )


def _power(body: str, surroundings: _Surroundings) -> tuple[int, str]:
    word = surroundings.magnitude
    codes = set(currencies_of(surroundings.currency)) if surroundings.currency else set()
    # In rupees Cr is a crore as well as a credit; bills of only a few crores are rare.
    if surroundings.mark == "cr" and codes & _RUPEES and sum(map(str.isdigit, body)) <= _CRORE_DIGITS:
        return 0, "crore_or_credit"
    if word in _OF_EUROS and codes and codes <= _EUROPEAN:
        return _OF_EUROS[word], ""
    if word.casefold() in _UNCLEAR:
        return 0, "magnitude_unclear"
    return _MAGNITUDES.get(word.casefold(), 0), ""
