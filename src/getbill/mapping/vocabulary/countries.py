"""Tables that distinguish countries: header and street languages, postal codes, cities, tax ids, domains.

A country is excluded only by something that it never writes, so every table keeps a country in doubt.
"""

import re
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from babel.core import get_global

from getbill import sheets
from getbill.kit.text.word_lists import WordLists

_LISTS = WordLists(Path(__file__).with_name("countries.toml"))
COUNTRIES = _LISTS.words("likely", "countries", str.upper)
EVERYWHERE = frozenset(COUNTRIES)
# Countries with five-digit postal codes, whose leading zero a spreadsheet drops.
FIVE_DIGITS = frozenset(_LISTS.words("five_digits", "countries", str.upper))
_NO_DOMAINS = frozenset(_LISTS.words("no_domains", "countries", str.upper))
# Countries where companies keep their books in a language.
COUNTRIES_BY_LANGUAGE = {
    language: frozenset(countries)
    for language, countries in _LISTS.table("languages", notation=str.upper).items()
}
# Value added tax rates in use in Europe, in per cent.
VAT_RATES = tuple(map(Decimal, _LISTS.words("europe", "tax_rates")))
_STREETS = _LISTS.patterns("streets", re.IGNORECASE)
_POSTAL_CODES = _LISTS.patterns("postal_codes")
_TAX_NUMBERS = _LISTS.patterns("tax_numbers")
_PREFIXED = re.compile(r"([A-Z]{1,2})[- ](\d{4,5})")
_ONE_SHAPE = re.compile(
    r"\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{2}-\d{3}|\d{4}-\d{3}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{5}-\d{4}"
)
# Text after a city's name: its district, its delivery office, its province.
_DISTRICT = _LISTS.pattern("district")
_WORD = re.compile(r"[^\W_]+")
# Header words up to this length match as a whole; longer ones are prefixes.
_WHOLE = 5


def languages(headers: list[str]) -> tuple[frozenset[str], int]:
    """Return the languages that most headers may be written in, and the number of such headers."""
    counts: dict[str, int] = {}
    for header in headers:
        for language in _languages(header):
            counts[language] = counts.get(language, 0) + 1
    most = max(counts.values(), default=0)
    return frozenset(language for language, count in counts.items() if count * 3 >= most * 2), most


@lru_cache(maxsize=4096)
def _languages(header: str) -> frozenset[str]:
    words = _WORD.findall(sheets.fold(header).replace("_", " "))
    return frozenset(
        language
        for language, (whole, starts) in _header_words_by_language().items()
        if any(word in whole or word.startswith(starts) for word in words)
    )


@cache
def _header_words_by_language() -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
    return {
        language: (frozenset(words), tuple(word for word in words if len(word) > _WHOLE))
        for language, words in _LISTS.table("headers", notation=sheets.fold).items()
    }


def countries_of_headers(headers: list[str]) -> frozenset[str] | None:
    """Return the countries whose tax numbers and the like headers name; None where they name none."""
    possible: frozenset[str] | None = None
    for header in headers:
        words = f" {' '.join(_WORD.findall(sheets.fold(header).replace('.', '')))} "
        for name, countries in _tax_headers().items():
            if f" {name} " in words:
                possible = countries if possible is None else possible & countries
    return possible


@cache
def _tax_headers() -> dict[str, frozenset[str]]:
    return _LISTS.all_concepts_by_word("tax_headers", notation=sheets.fold)


def street_languages(texts: list[str]) -> frozenset[str]:
    """Return the languages that at least half of the street lines are written in."""
    return frozenset(
        language
        for language, pattern in _STREETS.items()
        if sum(1 for text in texts if pattern.search(text)) * 2 >= max(1, len(texts))
    )


@lru_cache(maxsize=8192)
def countries_of_postal_code(code: str) -> frozenset[str]:
    """Return the countries with postal codes of this format."""
    text = code.strip().upper()
    if prefixed := _PREFIXED.fullmatch(text):
        country = sheets.country_of(prefixed[1])
        return (
            frozenset({country})
            if country in _POSTAL_CODES and _POSTAL_CODES[country].fullmatch(prefixed[2])
            else frozenset()
        )
    return frozenset(country for country, pattern in _POSTAL_CODES.items() if pattern.fullmatch(text))


def is_postal_code_of(code: str, country: str) -> bool:
    """Return whether a postal code may be valid in a country; one without a known format accepts any."""
    pattern = _POSTAL_CODES.get(country)
    return (
        pattern is None
        or pattern.fullmatch(code.upper()) is not None
        or country in countries_of_postal_code(code)
    )


def country_of_postal_code(code: str) -> str | None:
    """Return the only country with postal codes of this format, as 1015 CJ is Dutch."""
    return None if len(code) < 6 else _country_of_shape(code)


@lru_cache(maxsize=8192)
def _country_of_shape(code: str) -> str | None:
    text = code.strip().upper()
    if not (_ONE_SHAPE.fullmatch(text) or _PREFIXED.fullmatch(text)):
        return None
    countries = countries_of_postal_code(text)
    return next(iter(countries)) if len(countries) == 1 else None


@lru_cache(maxsize=8192)
def countries_of_city(city: str) -> frozenset[str]:
    """Return the countries that have a large city of this name."""
    plain = _DISTRICT.sub("", sheets.fold(city)).strip()
    return _cities().get(plain) or _cities().get(plain.replace(" ", "-")) or frozenset()


@cache
def _cities() -> dict[str, frozenset[str]]:
    return _LISTS.all_concepts_by_word("cities", notation=sheets.fold)


def country_of_domain(email: str) -> str | None:
    """Return the country of an e-mail address' domain; None for .com and the like."""
    ending = email.rstrip(" >").rpartition(".")[2].upper()
    country = "GB" if ending == "UK" else ending
    return country if country in EVERYWHERE and country not in _NO_DOMAINS else None


def country_of_tax_number(text: str) -> str | None:
    """Return the country of a tax or VAT number."""
    plain = text.strip().upper()
    return next((country for country, pattern in _TAX_NUMBERS.items() if pattern.fullmatch(plain)), None)


@cache
def countries_of_currency(code: str) -> frozenset[str]:
    """Return the countries in which a currency is in use."""
    rows = get_global("territory_currencies")
    return frozenset(
        country
        for country in COUNTRIES
        if any(
            currency == code and until is None and is_tender
            for currency, _, until, is_tender in rows.get(country, [])
        )
    )
