"""Vocabulary: the words of headers and cells in every supported language."""

from getbill.mapping.vocabulary.cell_words import CIVILITIES, LANGUAGES, currency_of, currency_of_country
from getbill.mapping.vocabulary.countries import (
    COUNTRIES,
    EVERYWHERE,
    FIVE_DIGITS,
    SPOKEN,
    fits,
    fitting,
    languages,
    of_city,
    of_code,
    of_currency,
    of_domain,
    of_headers,
    of_tax_number,
    street_languages,
)
from getbill.mapping.vocabulary.header_rules import Claim, claims
from getbill.mapping.vocabulary.header_words import JOINING
from getbill.mapping.vocabulary.headers import Spoken, homonym, listen, plain
from getbill.mapping.vocabulary.legal_forms import is_company, is_form

__all__ = [
    "CIVILITIES",
    "COUNTRIES",
    "EVERYWHERE",
    "FIVE_DIGITS",
    "JOINING",
    "LANGUAGES",
    "SPOKEN",
    "Claim",
    "Spoken",
    "claims",
    "currency_of",
    "currency_of_country",
    "fits",
    "fitting",
    "homonym",
    "is_company",
    "is_form",
    "languages",
    "listen",
    "of_city",
    "of_code",
    "of_currency",
    "of_domain",
    "of_headers",
    "of_tax_number",
    "plain",
    "street_languages",
]
