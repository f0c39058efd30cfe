"""Expensive destinations, and our verdict beside the phonenumbers library's over every range of every country."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata, PhoneNumberType, ValidationResult
from phonenumbers.carrierdata import CARRIER_DATA

from getbill.kit import phones
from getbill.kit.phones.destinations import (
    Destination,
    Zone,
    destination_of,
    expensive_destination,
    refusal,
    zone_of,
)

EXPENSIVE = [
    ("+33899123456", "premium"),
    ("+33892123456", "premium"),
    ("+33826123456", "shared_cost"),
    ("+33806123456", "company"),
    ("+19005551234", "premium"),
    ("+15005551234", "personal"),
    ("+16005551234", "satellite"),
    ("+808 1234 5678", "shared_cost"),
    ("+870773111632", "satellite"),
    ("+878101234567890", "personal"),
    ("+881612345678", "satellite"),
    ("+88216123456", "international_network"),
    ("+883510012345678", "international_network"),
    ("+979123456789", "premium"),
    ("+447012345678", "personal"),
    ("+449012345678", "premium"),
    ("+448712345678", "premium"),
    ("+4918012345", "shared_cost"),
    ("+491641234567", "pager"),
    ("+41740123456", "pager"),
    ("+41878123456", "personal"),
    ("+39899123456", "premium"),
    ("+34803123456", "premium"),
    ("+34901234567", "shared_cost"),
    ("+34701234567", "personal"),
    ("+212891234567", "premium"),
    ("+61147123456", "satellite"),
    ("+79541234567", "satellite"),
    ("+8613491234567", "satellite"),
    ("+33638001234", "satellite"),
    ("+33640041234", "satellite"),
    ("+33750771234", "satellite"),
    ("+258891234567", "satellite"),
]
ORDINARY = [
    "+33612345678",
    "+33123456789",
    "+33912345678",
    "+33639980001",
    "+33638011234",
    "+33640051234",
    "+33750781234",
    "+33695123456",
    "+33698123456",
    "+33699123456",
    "+33800123456",
    "+12125550123",
    "+447400123456",
    "+442079460123",
    "+4915112345678",
    "+590690123456",
    "+262692123456",
    "+212612345678",
    "+213661234567",
    "+21620123456",
    "+8613912345678",
]


@pytest.mark.parametrize(("number", "destination"), EXPENSIVE)
def test_a_number_that_costs_more_is_known(number: str, destination: str) -> None:
    assert destination_of(phones.parse(number)) == destination


@pytest.mark.parametrize("number", ORDINARY)
def test_the_number_of_a_person_or_a_firm_costs_nothing_more(number: str) -> None:
    assert expensive_destination(phones.parse(number)) is None


@pytest.mark.parametrize("destination", [*Destination, *Zone])
def test_every_destination_is_named_in_both_languages(destination: str) -> None:
    output = refusal("+33899123456", destination)

    assert output.startswith("+33899123456 is a")
    assert output.translated("fr").startswith("+33899123456 est un")


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+590690123456", Zone.FRENCH_OVERSEAS),
        ("+687751234", Zone.FRENCH_OVERSEAS),
        ("+212612345678", Zone.MAGHREB),
        ("+33612345678", None),
        ("+12125550123", None),
    ],
)
def test_a_zone_counts_only_for_a_company_that_rules_it_out(number: str, zone: Zone | None) -> None:
    assert zone_of(number) == zone
    assert expensive_destination(number, frozenset()) is None
    assert expensive_destination(number, frozenset(Zone)) == zone


# Companies with satellite in their name whose numbers are ordinary ones (decisions/0027).
GROUND = {
    "Gtd Telesat S.A.",
    "Linksat Comunicaciones Spa.",
    "Indosat Ooredoo Hutchison",
    "Satel",
    "Satsol",
    "Nursat",
}
MIXED = {"Pivotel Satellite", "GC Sat"}
SATELLITES = re.compile(r"globalstar|iridium|thuraya|inmarsat|gmpcs|ellipso|\bsat|sat\b", re.IGNORECASE)


def test_what_the_librarys_carriers_call_a_satellite_is_one() -> None:
    named = {
        prefix: names["en"]
        for prefix, names in CARRIER_DATA.items()
        if SATELLITES.search(names.get("en", ""))
    }
    listed = {prefix for prefix, name in named.items() if name not in GROUND | MIXED}

    assert {"3363800", "8816"} <= listed
    for prefix in listed:
        assert destination_of(f"+{prefix}".ljust(12, "1")) == Destination.SATELLITE, (prefix, named[prefix])


def test_every_line_of_our_own_data_names_its_source_and_says_what_the_library_does_not() -> None:
    text = files("getbill.kit.phones").joinpath("destinations.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))

    assert len({row["prefix"] for row in rows}) == len(rows) > 10
    for row in rows:
        assert row["source"].strip(), row
        assert row["destination"] in set(Destination), row


# Of each first digit group of a plan, so many numbers are tried.
KINDS = {
    name: value
    for name, value in vars(PhoneNumberType).items()
    if isinstance(value, int) and name not in {"UNKNOWN", "FIXED_LINE_OR_MOBILE"}
}
REGIONS = [*sorted(phonenumbers.SUPPORTED_REGIONS), *phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS]
# A number of every range of so many digits below a country code, in each length that the plan has; of the countries most
# debtors live in a hundred times as many. With four digits everywhere it is six million numbers and says the same.
PREFIX_DIGITS = 2
CLOSELY = {33: 4, 32: 4, 34: 4, 41: 4, 44: 3, 49: 2, 212: 3, 262: 3, 590: 3, 1: 3}


def plans() -> Iterator[tuple[int, set[int]]]:
    """Every country code, with the lengths of its national numbers."""
    lengths: dict[int, set[int]] = {}
    for region in REGIONS:
        plan = (
            PhoneMetadata.metadata_for_region(region)
            if isinstance(region, str)
            else PhoneMetadata.metadata_for_nongeo_region(region)
        )
        assert plan is not None
        possible = {length for length in plan.general_desc.possible_length if length > 0}
        lengths.setdefault(plan.country_code, set()).update(possible)
    yield from sorted(lengths.items())


def numbers() -> Iterator[str]:
    """The first number of every range of every country, written in E.164, and every example of the library."""
    for code, lengths in plans():
        for length in sorted(lengths):
            digits = min(CLOSELY.get(code, PREFIX_DIGITS), length)
            for prefix in range(10**digits):
                yield f"+{code}{prefix:0{digits}}{'1234567890123'[: length - digits]}"
    for region in REGIONS:
        for value in KINDS.values():
            example = (
                phonenumbers.example_number_for_type(region, value)
                if isinstance(region, str)
                else phonenumbers.example_number_for_non_geo_entity(region)
            )
            if example is not None:
                national = phonenumbers.national_significant_number(example)
                yield f"+{example.country_code}{national}"


# Where our verdict is not the library's, and why (decisions/0027).
EXPLAINED = {
    "fiction": "Numbers that regulators keep for films and tests are accepted: nobody is disturbed.",
    "overseas": "A French 069X names no territory, so it is refused in words of its own; the library knows no such number.",
    "zeros": "Behind the country code stand zeros: the library takes one off and overlooks others, we refuse the number.",
    "local": "Canada's 310-XXXX has seven digits and is reached from within Canada only.",
    "listed": "Our own data, each line with its source, knows a destination that the library does not.",
}


def _refused_by_us(known: phonenumbers.PhoneNumber, number: str) -> str:
    if phonenumbers.is_possible_number_with_reason(known) == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return "local"
    return "zeros" if number.startswith(f"+{known.country_code}0") else "unexplained"


def difference(number: str) -> str | None:
    """Return which explanation covers the difference on a number; None where there is none, `unexplained` where none does."""
    try:
        base = phonenumbers.parse(number)
        is_valid, kind = phonenumbers.is_valid_number(base), phonenumbers.number_type(base)
        whole = f"+{base.country_code}{phonenumbers.national_significant_number(base)}"
    except phonenumbers.NumberParseException:
        is_valid, kind, whole = False, PhoneNumberType.UNKNOWN, number
    try:
        ours: str | None = phones.parse(number)
    except phones.PhoneAmbiguous:
        return "overseas" if not is_valid else "unexplained"
    except phones.PhoneInvalid:
        ours = None
    if ours is None:
        return _refused_by_us(base, number) if is_valid else None
    if not is_valid:
        return "fiction" if ours.startswith(("+3363998", "+447700900")) else "unexplained"
    if ours != whole:
        return "unexplained"
    theirs = {
        PhoneNumberType.PREMIUM_RATE: "premium",
        PhoneNumberType.SHARED_COST: "shared_cost",
        PhoneNumberType.PERSONAL_NUMBER: "personal",
        PhoneNumberType.PAGER: "pager",
        PhoneNumberType.UAN: "company",
        PhoneNumberType.VOICEMAIL: "voicemail",
    }.get(kind)
    return None if destination_of(ours) == theirs else "listed"


def test_our_verdict_differs_from_the_librarys_only_where_a_decision_says_so() -> None:
    result: Counter[str | None] = Counter()
    examples: dict[str | None, str] = {}
    for number in numbers():
        verdict = difference(number)
        result[verdict] += 1
        examples.setdefault(verdict, number)

    assert result.keys() - {None} <= EXPLAINED.keys(), examples
    assert result.total() > 100_000
    assert result[None] > 0.98 * result.total()
