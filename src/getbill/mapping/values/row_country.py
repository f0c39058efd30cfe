"""The country of one row, and its telephone number as that country reads it.

What a row says of itself comes before what its file says. Where the two differ and the number could be either's, the
number is left out: a call to a stranger discloses a debt.
"""

from typing import NamedTuple

from getbill.kit import calendar
from getbill.kit.phones import destination_of
from getbill.mapping import vocabulary
from getbill.mapping.model import Column
from getbill.mapping.values import phone_formats
from getbill.mapping.values.cells import Draft
from getbill.mapping.values.countries import Home, read

# Countries whose postal codes have four digits, by what their numbers begin with.
_SHORT_CODES = ("+41", "+32", "+43", "+352", "+45", "+47", "+31", "+36", "+351", "+386")
_SHORT = 4
# Currencies of one country, or of one that nearly all who use it live in.
_OF_CURRENCY = {
    "CHF": "CH",
    "GBP": "GB",
    "SEK": "SE",
    "NOK": "NO",
    "DKK": "DK",
    "PLN": "PL",
    "CZK": "CZ",
    "HUF": "HU",
    "RON": "RO",
}


class Place(NamedTuple):
    """Where a row's debtor lives: the country, and whether only the row's city or e-mail address speaks for it.

    `lacks_zero` says that the postal code is a digit short.
    """

    country: str | None
    is_weak: bool = False
    lacks_zero: bool = False


def of_row(draft: Draft, home: Home) -> Place:
    """Return the country a row is of."""
    address = draft.address
    code = address.get("postal_code", "")
    own = address.get("country") or (vocabulary.of_code(code) if code else None)
    if _is_contradictory(draft):
        return Place(None)
    is_short = len(code) == _SHORT and code.isdigit()
    towns = vocabulary.of_city(address["city"]) if "city" in address else None
    if own is None and towns:
        named = [country for country in towns if _suits(code, country)]
        if len(named) == 1 and named[0] != home.country:
            return Place(named[0], is_weak=True, lacks_zero=is_short and not vocabulary.fits(code, named[0]))
    country = own or home.country
    if country is None or not code or vocabulary.fits(code, country):
        return Place(country)
    if is_short and country in vocabulary.FIVE_DIGITS:
        is_lost = (
            home.has_lost_zeros and not (towns and country not in towns) and not _is_foreign(draft, country)
        )
        return Place(country if is_lost else None, lacks_zero=True)
    # A code of no country at all says nothing.
    return Place(country if own or not vocabulary.fitting(code) else None)


def _is_contradictory(draft: Draft) -> bool:
    """Tell whether the country that a row names is none we know, or not the one of its postal code."""
    if draft.findings and any(finding.code == "country_unknown" for finding in draft.findings):
        return True
    own, code = draft.address.get("country"), draft.address.get("postal_code")
    if own is None or not code or vocabulary.fits(code, own):
        return False
    towns = vocabulary.of_city(draft.address.get("city", ""))
    return vocabulary.of_code(code) is not None or (bool(towns) and own not in towns)


def dial(draft: Draft, place: Place, home: Home, last: Column) -> None:
    """Put the first number that can be called into the body, keep the next with the debt, and warn of the others."""
    numbers = [
        number for column, text in draft.phones if (number := _number(draft, column, text, place, home))
    ]
    if numbers:
        draft.debtor["phone"] = numbers[0]
    if len(draft.phones) > 1:
        draft.metadata[last.header or "phone"] = draft.phones[1][1]


def is_dialled_in(draft: Draft, country: str | None) -> bool:
    """Tell whether the row's number was read as one of a country because it names none."""
    return country is not None and "phone" in draft.debtor and phone_formats.is_national(draft.phones[0][1])


def _number(draft: Draft, column: Column, text: str, place: Place, home: Home) -> str | None:
    country = place.country
    number = read(text, country or "")
    is_national = phone_formats.is_national(text)
    if number is None:
        return _unread(draft, column, text, country if is_national else "")
    if is_national and (other := _other(draft, place, home)) and read(text, other):
        draft.warn(column, text, "phone_contradicted", {"value": text, "country": country, "other": other})
        return None
    if destination_of(number) is not None:
        draft.warn(column, text, "phone_expensive", {"value": text})
        return None
    return number


def _unread(draft: Draft, column: Column, text: str, country: str | None) -> str | None:
    """Warn of a number that was not read, where not even the territory of an overseas one is known."""
    if country == calendar.DEFAULT_COUNTRY and phone_formats.is_overseas(text):
        return _overseas(draft, column, text)
    code = "phone_invalid" if country else "phone_country_unknown" if country is None else "phone_wrong"
    draft.warn(column, text, code, {"value": text, "country": country})
    return None


def _overseas(draft: Draft, column: Column, text: str) -> str | None:
    territory = calendar.territory_of(calendar.DEFAULT_COUNTRY, draft.address.get("postal_code"))
    number = read(text, territory) if territory != calendar.DEFAULT_COUNTRY else None
    if number is None:
        draft.warn(column, text, "phone_overseas", {"value": text})
    return number


def _other(draft: Draft, place: Place, home: Home) -> str | None:
    """Return the other country that a row speaks of, where what speaks for its own is not sure."""
    if place.is_weak:
        return home.country
    if "postal_code" in draft.address or "country" in draft.address:
        return None
    ending = vocabulary.of_domain(draft.debtor.get("email", ""))
    spoken_of = ending or _OF_CURRENCY.get(draft.body.get("currency", ""))
    return spoken_of if spoken_of != place.country else None


def _suits(code: str, country: str) -> bool:
    if not code or vocabulary.fits(code, country):
        return True
    return len(code) == _SHORT and country in vocabulary.FIVE_DIGITS and code.isdigit()


def _is_foreign(draft: Draft, country: str) -> bool:
    """Tell whether a row's telephone or e-mail address is of a country whose postal codes have four digits."""
    if any(
        text.replace("00", "+", 1).startswith(_SHORT_CODES) for _, text in draft.phones if text[:1] in "+0"
    ):
        return True
    ending = vocabulary.of_domain(draft.debtor.get("email", ""))
    return ending is not None and ending != country and vocabulary.fits(draft.address["postal_code"], ending)
