"""Vocabulary: the words of headers and cells in every supported language."""

from getbill.mapping.vocabulary.cell_words import CIVILITIES, LANGUAGES, currency_of, currency_of_country
from getbill.mapping.vocabulary.countries import (
    COUNTRIES,
    COUNTRIES_BY_LANGUAGE,
    EVERYWHERE,
    FIVE_DIGITS,
    VAT_RATES,
    countries_of_city,
    countries_of_currency,
    countries_of_headers,
    countries_of_postal_code,
    country_of_domain,
    country_of_postal_code,
    country_of_tax_number,
    is_postal_code_of,
    languages,
    street_languages,
)
from getbill.mapping.vocabulary.header_rules import Claim, claims
from getbill.mapping.vocabulary.header_words import CONCEPTS, JOINING
from getbill.mapping.vocabulary.headers import (
    OPEN_ITEMS,
    HeaderTokens,
    header_homonyms,
    normalize,
    parse_header,
)
from getbill.mapping.vocabulary.legal_forms import is_company, is_form
