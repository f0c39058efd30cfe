"""Words in cells for currencies, languages and forms of address, in six languages.

A symbol of several currencies stands for none of them until a person or the company's settings decide.
"""

from pathlib import Path

from babel import Locale
from babel.core import get_global

from getbill import sheets
from getbill.kit.text.word_lists import WordLists

_LANGUAGES = ("fr", "en", "de", "es", "it", "nl")

_LISTS = WordLists(Path(__file__).with_name("cell_words.toml"))
# The API accepts Mr and Ms; any other form of address (a family, a company) is left out.
CIVILITIES: dict[str, str | None] = {
    word: None if civility == "other" else civility
    for word, civility in _LISTS.concepts_by_word("civilities", notation=str.casefold).items()
}
LANGUAGES: dict[str, str] = _LISTS.concepts_by_word("languages") | {
    Locale(other).languages[code].casefold(): code for code in _LANGUAGES for other in _LANGUAGES
}
_CURRENCIES = _LISTS.concepts_by_word("currencies", notation=str.casefold)


def currency_of(text: str) -> tuple[str, ...]:
    """Return the currencies that a text can stand for: one for a code or unique symbol, else none."""
    if codes := sheets.currencies_of(text):
        return codes
    word = text.strip().casefold()
    return (_CURRENCIES[word],) if word in _CURRENCIES else ()


def currency_of_country(country: str) -> str | None:
    """Return the currency in use in a country."""
    rows = get_global("territory_currencies").get(country, [])
    return next((code for code, _, until, is_tender in rows if until is None and is_tender), None)
