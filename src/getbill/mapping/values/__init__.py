"""Values of single cells: addresses, names, phone numbers, and the country of a row."""

from getbill.mapping.values.addresses import postal_city, split_address
from getbill.mapping.values.cells import (
    NO_NUMBER,
    NOTHING,
    BodyDraft,
    CellFinding,
    Step,
    are_digits_lost,
    birthdate_into_debtor,
    cached_date_reader,
    cell_into_metadata,
    code_into_body,
    code_into_debtor,
    codes_into_body,
    date_into_body,
    digits_of,
    iban_into_body,
    is_nothing,
    is_unknown,
    name_of,
    text_into_body,
    text_of,
)
from getbill.mapping.values.countries import (
    PLACES,
    HomeCountry,
    decide_countries,
    home_country,
    recheck_country,
    redecide_country,
)
from getbill.mapping.values.country_evidence import PHONES
from getbill.mapping.values.names import Style, name_with_place, split_name, style_of
from getbill.mapping.values.phone_formats import bare_number, looks_like_numbers, split_numbers
from getbill.mapping.values.row_country import country_of_row, is_dialled_in, put_phones
