"""Legal forms: words that identify a company's name, `SARL`, `GmbH & Co. KG`, `Lda.`, `Sp. z o.o.`."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from getbill.kit.text.word_lists import WordLists

_FORM_CHARS_MAX: Final = 10
# With the points, commas and brackets around its letters.
_WORD_CHARS_MAX: Final = 2 * _FORM_CHARS_MAX
# Number of last words of a name that are read as one: sp. z o.o.
_JOINED_MAX: Final = 3


def is_company(text: str) -> bool:
    """Return whether a name contains the legal form of a company."""
    words = text.replace(",", " ").split()
    if any(_is_form(word, text) for word in words):
        return True
    return any(
        _is_form("".join(words[-size:]), text) for size in range(2, _JOINED_MAX + 1) if len(words) > size
    )


def is_form(text: str) -> bool:
    """Return whether a text is exactly a legal form."""
    plain = text.replace(" ", "").replace(".", "").casefold()
    certain, short = _forms()
    return plain in certain or (plain in short and (text.isupper() or "." in text))


def _is_form(word: str, text: str) -> bool:
    if len(word) > _WORD_CHARS_MAX and "&" not in word:
        return False
    is_certain, is_short = _form_kinds(word)
    return is_certain or (is_short and text != word)


@lru_cache(maxsize=16_384)
def _form_kinds(word: str) -> tuple[bool, bool]:
    """Return whether a word is only a legal form, and whether it is one that is also a word or initials."""
    plain = word.strip("(),&").replace(".", "")
    if len(plain) > _FORM_CHARS_MAX and "&" not in plain:
        return False, False
    certain, short = _forms()
    folded = plain.casefold()
    return folded in certain, folded in short and (plain.isupper() or "." in word)


@cache
def _forms() -> tuple[frozenset[str], frozenset[str]]:
    """Return the forms without another meaning, and those that are also words or initials."""
    lists = WordLists(Path(__file__).with_name("legal_forms.toml"))
    short = lists.all_words("initials", str.casefold)
    return lists.all_words("forms", str.casefold) - short, short
