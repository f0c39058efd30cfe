"""Words in cells for currencies, languages and forms of address, in six languages.

A symbol of several currencies stands for none of them until a person or the company's settings decide.
"""

from babel import Locale
from babel.core import get_global

from getbill import sheets

_LANGUAGES = ("fr", "en", "de", "es", "it", "nl")

# The API accepts Mr and Ms; any other form of address (a family, a company) is left out.
_MEN = """pan, pán, gospodin, gospod, úr, domnul, dl, dl., bay, κος, κ., κύριος, господин, г-н, gosp., m, mr, mister, monsieur, mons, herr, herrn, hr, h, señor, senor, sr, don, herra, härra, kungs, ponas, signor, signore, sig, dhr, heer,
de heer, meneer, male, homme, mann, hombre, uomo, man, mnr, masculin, m/mr, senhor, exmo, exmo sr, dott, señor don, sr. d, sr. don,
herr dr, herr prof, herr prof. dr, herr mag, herr ing, masculino, maschile, männlich"""
_WOMEN = """pani, paní, gospođa, gđa, gđa., gospa, úrhölgy, doamna, dna., bayan, κα, κα., κυρία, госпожа, г-жа, mme, madame, mlle, mademoiselle, ms, mrs, miss, frau, fr, f, señora, senora, sra, srta, dña, dna, doña,
signora, sigra, sig.ra, sig.na, signorina, mevr, mevrouw, mw, mej, female, femme, woman, vrouw, fru, fru., frk, frøken, fröken, rouva, neiti, proua, preili, kundze, ponia, mujer, donna, w, v, feminin, senhora,
señorita, srta., exma, exma sra, menina, dott.ssa, dottssa, dra, frau dr, frau prof, frau prof. dr, frau mag, frau ing, femenino, femminile, weiblich"""
_NEITHER = """société, societe, ste, firma, company, ets, entreprise, sarl, sas, sci, asso, association, familie, famille,
eheleute, m. et mme, m et mme, m ou mme, mme et m, mr and mrs, mr & mrs, herr und frau, mrs & mr, empresa, ditta, bedrijf, dr, ing, lic,
arq, avv, geom, rag, mag, fa, spett, spett.le, egr, signori, sig.ri, divers, herrn und frau, frau und herr, herr u. frau, sres, srs, señores, senhores"""


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", " ").split(",")]


CIVILITIES: dict[str, str | None] = {
    **dict.fromkeys(_listed(_MEN), "Mr"),
    **dict.fromkeys(_listed(_WOMEN), "Ms"),
    **dict.fromkeys(_listed(_NEITHER)),
}

LANGUAGES: dict[str, str] = {
    **{code: code for code in ("fr", "en", "de", "es", "it", "nl", "pt", "pl", "da", "sv", "fi", "cs", "ro", "sk", "hu", "bg", "hr", "sr", "el", "tr")},
    **{code: code[:2] for code in ("fr-fr", "en-gb", "en-us", "de-de", "es-es", "it-it", "nl-nl", "fr-be")},
    **{code: code[:2] for code in ("fr_fr", "en_gb", "en_us", "de_de", "es_es", "it_it", "nl_nl", "fr_be")},
    **{name.casefold(): code for code in _LANGUAGES for name in
       (Locale(other).languages[code] for other in _LANGUAGES)},
    "fra": "fr", "fre": "fr", "eng": "en", "deu": "de", "ger": "de", "spa": "es", "ita": "it", "nld": "nl",
    "f": "fr", "e": "en", "d": "de", "s": "es", "i": "it", "n": "nl",
}  # fmt: skip

_WORDS = {
    "dollar us": "USD", "dollars us": "USD", "us dollar": "USD", "us dollars": "USD",
    "livre sterling": "GBP", "livres sterling": "GBP", "pound sterling": "GBP", "pounds": "GBP", "sterling": "GBP",
    "franc suisse": "CHF", "francs suisses": "CHF", "schweizer franken": "CHF", "swiss franc": "CHF",
    "franken": "CHF", "british pound": "GBP", "zloty": "PLN", "dirham": "MAD", "dinar tunisien": "TND",
}  # fmt: skip


def currency_of(text: str) -> tuple[str, ...]:
    """Return the currencies that a text can stand for: one for a code or unique symbol, else none."""
    if codes := sheets.currencies_of(text):
        return codes
    word = text.strip().casefold()
    return (_WORDS[word],) if word in _WORDS else ()


def currency_of_country(country: str) -> str | None:
    """Return the currency in use in a country."""
    rows = get_global("territory_currencies").get(country, [])
    return next((code for code, _, until, is_tender in rows if until is None and is_tender), None)
