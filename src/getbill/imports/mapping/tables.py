"""What words in cells stand for: countries, currencies, languages and forms of address, in six languages.

A sign that several currencies share stands for none of them until a human or the company says which.
"""

from functools import cache

from babel import Locale
from babel.core import get_global

from getbill.kit.money import currencies

_LANGUAGES = ("fr", "en", "de", "es", "it", "nl")

# Mr and Ms are what the contract knows; what is neither (a family, a company) is said without.
_MEN = """m, mr, mister, monsieur, mons, herr, herrn, hr, h, señor, senor, sr, don, signor, signore, sig, dhr, heer,
de heer, meneer, male, homme, mann, hombre, uomo, man, mnr, masculin, m/mr"""
_WOMEN = """mme, madame, mlle, mademoiselle, ms, mrs, miss, frau, fr, f, señora, senora, sra, srta, dña, dna, doña,
signora, sigra, sig.ra, sig.na, signorina, mevr, mevrouw, mw, mej, female, femme, woman, vrouw, mujer, donna, w, v, feminin"""
_NEITHER = """société, societe, ste, firma, company, ets, entreprise, sarl, sas, sci, asso, association, familie, famille,
eheleute, m. et mme, m et mme, m ou mme, mme et m, mr and mrs, mr & mrs, herr und frau, mrs & mr, empresa, ditta, bedrijf"""


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", " ").split(",")]


CIVILITIES: dict[str, str | None] = {
    **dict.fromkeys(_listed(_MEN), "Mr"),
    **dict.fromkeys(_listed(_WOMEN), "Ms"),
    **dict.fromkeys(_listed(_NEITHER)),
}

LANGUAGES: dict[str, str] = {
    **{code: code for code in ("fr", "en", "de", "es", "it", "nl", "pt", "pl", "da", "sv", "fi", "cs", "ro")},
    **{code: code[:2] for code in ("fr-fr", "en-gb", "en-us", "de-de", "es-es", "it-it", "nl-nl", "fr-be")},
    **{code: code[:2] for code in ("fr_fr", "en_gb", "en_us", "de_de", "es_es", "it_it", "nl_nl", "fr_be")},
    **{name.casefold(): code for code in _LANGUAGES for name in
       (Locale(other).languages[code] for other in _LANGUAGES)},
    "fra": "fr", "fre": "fr", "eng": "en", "deu": "de", "ger": "de", "spa": "es", "ita": "it", "nld": "nl",
    "f": "fr", "e": "en", "d": "de", "s": "es", "i": "it", "n": "nl",
}  # fmt: skip

# Beside an amount or in a column of its own. More than one: nobody knows without being told.
SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",), "£": ("GBP",), "us$": ("USD",), "$us": ("USD",), "ca$": ("CAD",), "c$": ("CAD",), "$ca": ("CAD",),
    "a$": ("AUD",), "au$": ("AUD",), "hk$": ("HKD",), "nz$": ("NZD",), "s$": ("SGD",), "r$": ("BRL",),
    "zł": ("PLN",), "kč": ("CZK",), "ft": ("HUF",), "lei": ("RON",), "₺": ("TRY",), "₹": ("INR",), "₽": ("RUB",),
    "fr.": ("CHF",), "sfr": ("CHF",), "sfr.": ("CHF",), "dh": ("MAD",), "dhs": ("MAD",),
    "$": ("USD", "CAD", "AUD", "MXN", "NZD"), "¥": ("JPY", "CNY"), "kr": ("SEK", "NOK", "DKK"),
    "kr.": ("DKK", "SEK", "NOK"), "fcfa": ("XOF", "XAF"), "cfa": ("XOF", "XAF"), "f cfa": ("XOF", "XAF"),
    "f": ("XOF", "XAF", "XPF"), "fr": ("CHF", "XOF"), "dt": ("TND",), "rs": ("INR",), "₣": ("CHF",),
}  # fmt: skip
_WORDS = {
    "euro": "EUR", "euros": "EUR", "dollar us": "USD", "dollars us": "USD", "us dollar": "USD", "us dollars": "USD",
    "livre sterling": "GBP", "livres sterling": "GBP", "pound sterling": "GBP", "pounds": "GBP", "sterling": "GBP",
    "franc suisse": "CHF", "francs suisses": "CHF", "schweizer franken": "CHF", "swiss franc": "CHF",
    "franken": "CHF", "british pound": "GBP", "zloty": "PLN", "dirham": "MAD", "dinar tunisien": "TND",
}  # fmt: skip


def currency_of(text: str) -> tuple[str, ...]:
    """Return the currencies a text can stand for: one for a code or a plain sign, none when it is neither."""
    word = text.strip().casefold()
    code = word.upper()
    if len(code) == 3 and code in currencies():
        return (code,)
    if word in SIGNS:
        return SIGNS[word]
    return (_WORDS[word],) if word in _WORDS else ()


def country_of(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country written as a code or by its name in six languages."""
    word = text.strip()
    if len(word) == 2:
        code = "GB" if word.upper() == "UK" else word.upper()
        return code if code in _territories().values() else None
    return _territories().get(word.casefold().rstrip("."))


def currency_of_country(country: str) -> str | None:
    """Return the currency in use in a country."""
    rows = get_global("territory_currencies").get(country, [])
    return next((code for code, _, until, is_tender in rows if until is None and is_tender), None)


@cache
def _territories() -> dict[str, str]:
    found = {
        "uk": "GB", "u.k": "GB", "great britain": "GB", "england": "GB", "angleterre": "GB", "grande bretagne": "GB",
        "scotland": "GB", "usa": "US", "u.s.a": "US", "u.s": "US", "etats-unis": "US", "etats unis": "US",
        "united states of america": "US", "holland": "NL", "pays bas": "NL", "pays-bas": "NL", "the netherlands": "NL",
        "hollande": "NL", "f": "FR", "d": "DE", "b": "BE", "i": "IT", "e": "ES", "a": "AT", "l": "LU",
        "fra": "FR", "deu": "DE", "ger": "DE", "esp": "ES", "ita": "IT", "nld": "NL", "gbr": "GB", "bel": "BE",
        "che": "CH", "lux": "LU", "aut": "AT", "prt": "PT", "irl": "IE", "can": "CA", "pol": "PL", "france métropolitaine": "FR",
        "deutschland (de)": "DE", "belgie": "BE", "espana": "ES",
    }  # fmt: skip
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}:
                found[name.casefold()] = code
    return found
