"""Currency symbols and country names, with the ISO codes they stand for.

A symbol of several currencies ($, kr) is never resolved here: the caller receives all of them.
"""

from collections.abc import Sequence
from functools import cache

from babel import Locale, localedata
from babel.core import get_global

from getbill.kit import money
from getbill.sheets.model import fold

# As written beside amounts, folded; the likeliest first.
_CURRENCIES: dict[str, tuple[str, ...]] = {
    "\u20ac": ("EUR",),
    "euro": ("EUR",),
    "euros": ("EUR",),
    "\u00a3": ("GBP",),
    "gbp": ("GBP",),
    "$": (
        "USD",
        "CAD",
        "AUD",
        "NZD",
        "SGD",
        "HKD",
        "MXN",
        "ARS",
        "CLP",
        "COP",
        "UYU",
        "DOP",
        "TWD",
        "BBD",
        "BMD",
        "BSD",
        "BZD",
        "FJD",
        "JMD",
        "TTD",
        "XCD",
    ),
    "us$": ("USD",),
    "$us": ("USD",),
    "usd": ("USD",),
    "ca$": ("CAD",),
    "c$": ("CAD",),
    "can$": ("CAD",),
    "$ca": ("CAD",),
    "a$": ("AUD",),
    "au$": ("AUD",),
    "fr.": ("CHF",),
    "sfr": ("CHF",),
    "sfr.": ("CHF",),
    "\u00a5": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK", "SEK", "NOK", "ISK"),
    "r": ("ZAR", "BRL"),
    "rm": ("MYR",),
    "rp": ("IDR",),
    "ksh": ("KES",),
    "kn": ("HRK",),
    "z\u0142.": ("PLN",),
    "k\u010d": ("CZK",),
    "lv": ("BGN",),
    "lv.": ("BGN",),
    "\u043b\u0432": ("BGN",),
    "\u043b\u0432.": ("BGN",),
    "din": ("RSD", "DZD", "TND"),
    "rd$": ("DOP",),
    "u$s": ("USD",),
    "bs": ("BOB", "VES"),
    "bs.": ("BOB", "VES"),
    "kz": ("AOA",),
    "gh\u20b5": ("GHS",),
    "zl": ("PLN",),
    "z\u0142": ("PLN",),
    "kc": ("CZK",),
    "ft": ("HUF",),
    "lei": ("RON",),
    "dh": ("MAD", "AED"),
    "dt": ("TND",),
    "da": ("DZD",),
    "fcfa": ("XOF", "XAF"),
    "\u20b9": ("INR",),
    "\u20ba": ("TRY",),
    "\u20bd": ("RUB",),
    "\u20aa": ("ILS",),
    "r$": ("BRL",),
    "peso": ("MXN", "COP", "CLP", "ARS", "UYU", "DOP", "PHP"),
    "pesos": ("MXN", "COP", "CLP", "ARS", "UYU", "DOP", "PHP"),
    "dolar": ("USD",),
    "dolares": ("USD",),
    "soles": ("PEN",),
    "sol": ("PEN",),
    "reais": ("BRL",),
    "real": ("BRL",),
    "colones": ("CRC",),
    "quetzales": ("GTQ",),
    "guaranies": ("PYG",),
    "kronor": ("SEK",),
    "forint": ("HUF",),
    "hk$": ("HKD",),
    "s$": ("SGD",),
    "nz$": ("NZD",),
    "mx$": ("MXN",),
    "nt$": ("TWD",),
    "s/": ("PEN",),
    "s/.": ("PEN",),
    "cfa": ("XOF", "XAF"),
    "f.cfa": ("XOF", "XAF"),
    "rs": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "rs.": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "tl": ("TRY",),
    "\uffe5": ("JPY", "CNY"),
    "\u5186": ("JPY",),
    "\u5143": ("CNY",),
    "\uc6d0": ("KRW",),
    "\u20a9": ("KRW",),
    "\u20ab": ("VND",),
    "\u0e3f": ("THB",),
    "\u20b4": ("UAH",),
    "\u20a6": ("NGN",),
    "\u20b1": ("PHP",),
    "\u20a1": ("CRC",),
    "\u20b2": ("PYG",),
    "\u20b8": ("KZT",),
}
_LANGUAGES = ("fr", "en", "de", "es", "it", "nl")
# Country names in these languages are tried after all other languages.
_FURTHER_LANGUAGES = (
    "sv",
    "nb",
    "da",
    "fi",
    "et",
    "lv",
    "lt",
    "pl",
    "cs",
    "sk",
    "hu",
    "ro",
    "bg",
    "hr",
    "sr",
    "sl",
    "el",
    "tr",
)
_COUNTRIES = {
    "uk": "GB",
    "usa": "US",
    "u.s.a.": "US",
    "u.s.a": "US",
    "u.s.": "US",
    "u.k.": "GB",
    "etats unis": "US",
    "hollande": "NL",
    "holland": "NL",
    "angleterre": "GB",
    "england": "GB",
    "scotland": "GB",
    "great britain": "GB",
    "grande bretagne": "GB",
    "grande-bretagne": "GB",
    "france metropolitaine": "FR",
    "brd": "DE",
}
# Codes have at most this many letters; every country name is longer.
_CODE_MAX = 3
# Prefixes of postcodes on vehicles and in old address books: F-75001, D-10115.
_PLATES = {"f": "FR", "d": "DE", "a": "AT", "b": "BE", "e": "ES", "i": "IT", "l": "LU", "p": "PT"}


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
