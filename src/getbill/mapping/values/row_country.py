"""Country of one row, and its phone number as dialled in that country.

A row's own evidence has precedence over its file's. Where they differ and the number is valid in both
countries, the number is left out: a call to a stranger discloses a debt.
"""

from typing import NamedTuple

from getbill.kit import calendar
from getbill.kit.phones import destination_of
from getbill.mapping import vocabulary
from getbill.mapping.model import ColumnMapping
from getbill.mapping.values import phone_formats
from getbill.mapping.values.cells import LISTS, BodyDraft
from getbill.mapping.values.countries import HomeCountry, read_e164

# Countries with four-digit postal codes, by their dialling codes.
_SHORT_CODES = LISTS.words("short_postal_codes", "dialling_codes")
_SHORT = 4
# Currencies of a single country, or of one where nearly all of their users live.
_OF_CURRENCY = LISTS.concepts_by_word("currencies", notation=str.upper)


class RowCountry(NamedTuple):
    """The country of a row's debtor; `is_weak` where only the city or the e-mail address is evidence.

    With `lacks_zero`, the postal code is a digit short.
    """

    country: str | None
    is_weak: bool = False
    lacks_zero: bool = False


def country_of_row(draft: BodyDraft, home: HomeCountry) -> RowCountry:
    """Return the country of a row."""
    address = draft.address
    code = address.get("postal_code", "")
    named_country = address.get("country") or (vocabulary.country_of_postal_code(code) if code else None)
    if _is_contradictory(draft):
        return RowCountry(None)
    is_short = len(code) == _SHORT and code.isdigit()
    towns = vocabulary.countries_of_city(address["city"]) if "city" in address else None
    if named_country is None and towns:
        possible = [country for country in towns if _suits(code, country)]
        if len(possible) == 1 and possible[0] != home.country:
            return RowCountry(
                possible[0],
                is_weak=True,
                lacks_zero=is_short and not vocabulary.is_postal_code_of(code, possible[0]),
            )
    country = named_country or home.country
    if country is None or not code or vocabulary.is_postal_code_of(code, country):
        return RowCountry(country)
    if is_short and country in vocabulary.FIVE_DIGITS:
        is_lost = (
            home.has_lost_zeros and not (towns and country not in towns) and not _is_foreign(draft, country)
        )
        return RowCountry(country if is_lost else None, lacks_zero=True)
    # A code that is invalid in every country is not evidence.
    return RowCountry(country if named_country or not vocabulary.countries_of_postal_code(code) else None)


def _is_contradictory(draft: BodyDraft) -> bool:
    """Return whether the country of a row is unknown, or contradicts its postal code."""
    if draft.findings and any(finding.code == "country_unknown" for finding in draft.findings):
        return True
    named_country, code = draft.address.get("country"), draft.address.get("postal_code")
    if named_country is None or not code or vocabulary.is_postal_code_of(code, named_country):
        return False
    towns = vocabulary.countries_of_city(draft.address.get("city", ""))
    return vocabulary.country_of_postal_code(code) is not None or (bool(towns) and named_country not in towns)


def put_phones(draft: BodyDraft, row_country: RowCountry, home: HomeCountry, last: ColumnMapping) -> None:
    """Add the first callable number to the body and the next to the metadata, and warn about the others."""
    numbers = [
        number
        for column, text in draft.phones
        if (number := _callable_number(draft, column, text, row_country, home))
    ]
    if numbers:
        draft.debtor["phone"] = numbers[0]
    if len(draft.phones) > 1:
        draft.metadata[last.header or "phone"] = draft.phones[1][1]


def is_dialled_in(draft: BodyDraft, country: str | None) -> bool:
    """Return whether the row's number was read as one of a country because it has no country code."""
    return country is not None and "phone" in draft.debtor and phone_formats.is_national(draft.phones[0][1])


def _callable_number(
    draft: BodyDraft, column: ColumnMapping, text: str, row_country: RowCountry, home: HomeCountry
) -> str | None:
    country = row_country.country
    number = read_e164(text, country or "")
    is_national = phone_formats.is_national(text)
    if number is None:
        return _unread(draft, column, text, country if is_national else "")
    if is_national and (other := _contradicting_country(draft, row_country, home)) and read_e164(text, other):
        draft.warn(column, text, "phone_contradicted", {"value": text, "country": country, "other": other})
        return None
    if destination_of(number) is not None:
        draft.warn(column, text, "phone_expensive", {"value": text})
        return None
    return number


def _unread(draft: BodyDraft, column: ColumnMapping, text: str, country: str | None) -> str | None:
    """Warn about an unreadable number, after trying the territory of a French overseas number."""
    if country == calendar.DEFAULT_COUNTRY and phone_formats.is_overseas(text):
        return _overseas(draft, column, text)
    code = "phone_invalid" if country else "phone_country_unknown" if country is None else "phone_wrong"
    draft.warn(column, text, code, {"value": text, "country": country})
    return None


def _overseas(draft: BodyDraft, column: ColumnMapping, text: str) -> str | None:
    territory = calendar.territory_of(calendar.DEFAULT_COUNTRY, draft.address.get("postal_code"))
    number = read_e164(text, territory) if territory != calendar.DEFAULT_COUNTRY else None
    if number is None:
        draft.warn(column, text, "phone_overseas", {"value": text})
    return number


def _contradicting_country(draft: BodyDraft, row_country: RowCountry, home: HomeCountry) -> str | None:
    """Return another country that a row indicates, where the evidence for its own is weak."""
    if row_country.is_weak:
        return home.country
    if "postal_code" in draft.address or "country" in draft.address:
        return None
    ending = vocabulary.country_of_domain(draft.debtor.get("email", ""))
    other_country = ending or _OF_CURRENCY.get(draft.body.get("currency", ""))
    return other_country if other_country != row_country.country else None


def _suits(code: str, country: str) -> bool:
    if not code or vocabulary.is_postal_code_of(code, country):
        return True
    return len(code) == _SHORT and country in vocabulary.FIVE_DIGITS and code.isdigit()


def _is_foreign(draft: BodyDraft, country: str) -> bool:
    """Return whether a row's phone or e-mail address is from a country with four-digit postal codes."""
    if any(
        text.replace("00", "+", 1).startswith(_SHORT_CODES) for _, text in draft.phones if text[:1] in "+0"
    ):
        return True
    ending = vocabulary.country_of_domain(draft.debtor.get("email", ""))
    return (
        ending is not None
        and ending != country
        and vocabulary.is_postal_code_of(draft.address["postal_code"], ending)
    )
