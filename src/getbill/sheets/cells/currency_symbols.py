"""Currency symbols and country names, with the ISO codes they stand for.

A symbol of several currencies ($, kr) is never resolved here: the caller receives all of them.
"""

from collections.abc import Sequence
from functools import cache

from babel import Locale, localedata
from babel.core import get_global

from getbill.kit import money
from getbill.sheets.cells.text import LISTS
from getbill.sheets.model import fold

_CURRENCIES = LISTS.table("currencies", notation=str.upper)
_LANGUAGES = LISTS.words("first", "languages")
# Country names in these languages are tried after all other languages.
_FURTHER_LANGUAGES = LISTS.words("further", "languages")
_COUNTRIES = LISTS.concepts_by_word("countries")
# Codes have at most this many letters; every country name is longer.
_CODE_MAX = 3
_PLATES = LISTS.concepts_by_word("plates")


def currencies_of(text: str) -> tuple[str, ...]:
    """Return the ISO 4217 codes that a symbol or code can stand for, the likeliest first."""
    return _known_currencies().get(fold(text), ())


def country_of(text: str) -> str | None:
    """Return the ISO 3166-1 code of a country code or name, also in northern and eastern languages."""
    name = fold(text)
    return _known_countries().get(name) or (_further_countries().get(name) if len(name) > _CODE_MAX else None)


@cache
def _known_currencies() -> dict[str, tuple[str, ...]]:
    codes = {code.lower(): (code,) for code in money.currencies()}
    return {**codes, **{fold(sign): currencies for sign, currencies in _CURRENCIES.items()}}


def _countries_of(languages: Sequence[str]) -> dict[str, str]:
    """Return country codes by name in some languages; for an ambiguous name, the earlier language decides."""
    codes_by_name: dict[str, str] = {}
    for language in languages:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in {"ZZ", "EU", "EZ", "UN", "XA", "XB", "QO"}:
                codes_by_name.setdefault(fold(name), code)
    return codes_by_name


@cache
def _further_countries() -> dict[str, str]:
    codes_by_name: dict[str, str] = {}
    for language in _FURTHER_LANGUAGES:
        codes_by_name = _countries_of([language]) | codes_by_name
        # Only the country names of a language are kept: the rest of its data is a megabyte.
        getattr(localedata, "_cache", {}).pop(language, None)
    return codes_by_name


@cache
def _known_countries() -> dict[str, str]:
    codes_by_name = _countries_of(_LANGUAGES)
    codes = set(codes_by_name.values())
    for alias, replacements in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(replacements) == 1 and replacements[0] in codes:
            codes_by_name.setdefault(alias.lower(), replacements[0])
    codes_by_name.update({code.lower(): code for code in codes})
    codes_by_name.update(_COUNTRIES)
    return {**_PLATES, **codes_by_name}
