"""Ranges of phone numbers: what is remembered of one number of a range holds for all of them."""

import phonenumbers
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType
from phonenumbers import timezone as zones

from getbill.kit import phones
from getbill.kit.phones import ranges

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE, PhoneNumberType.UAN]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A number that begins like a real one of some country, written in either form, and that country."""
    region = draw(
        st.sampled_from(REGIONS) | st.sampled_from(["FR", "GB", "DE", "ES", "IT", "BE", "NL", "US"])
    )
    example = phonenumbers.example_number_for_type(region, draw(st.sampled_from(KINDS)))
    example = example or phonenumbers.example_number(region)
    assert example is not None
    digits = phonenumbers.national_significant_number(example)
    kept = draw(st.integers(0, len(digits)))
    rest = draw(st.text("0123456789", min_size=len(digits) - kept, max_size=len(digits) - kept + 1))
    zero = draw(st.sampled_from(["", "", "0"]))
    written = f"+{example.country_code}{zero}{digits[:kept]}{rest}"
    return draw(st.sampled_from([written, f"0{digits[:kept]}{rest}"])), region


def description_of(text: str, country: str, free: int) -> object:
    """Return all that the library tells of a number, without the digits that are free."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        return error.error_type
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    again = phonenumbers.parse(e164)
    return (
        e164[:-free],
        phonenumbers.is_possible_number_with_reason(number),
        phonenumbers.number_type(again),
        zones.time_zones_for_number(again),
        zones.time_zones_for_geographical_number(again),
    )


@given(numbers(), st.text("0123456789", min_size=15, max_size=15))
def test_free_digits_change_nothing_that_is_told_of_a_number(written: tuple[str, str], others: str) -> None:
    text, country = written
    free = ranges.free_digits(text, country)
    assume(free > 0)

    other = text[:-free] + others[:free]

    assert description_of(text, country, free) == description_of(other, country, free)


@given(numbers())
def test_a_number_is_read_as_it_would_be_without_ranges(written: tuple[str, str]) -> None:
    text, country = written

    assert outcome(phones.parse, text, country) == outcome(whole, text, country)


def whole(text: str, country: str) -> str:
    number = phonenumbers.parse(text, country)
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    if not phonenumbers.is_possible_number(number) or (
        number.country_code == 33 and number.italian_leading_zero
    ):
        raise ValueError("length")
    again = phonenumbers.parse(e164)
    if e164 != f"+{again.country_code}{phonenumbers.national_significant_number(again)}":
        raise ValueError("zeros")
    if phonenumbers.number_type(phonenumbers.parse(e164)) == PhoneNumberType.UNKNOWN and not is_of_a_film(
        e164
    ):
        raise ValueError("range")
    if (
        country == "FR"
        and text.startswith(("069", "+3369"))
        and len(digits := text.removeprefix("+33").lstrip("0")) == 9
        and digits[2] not in "589"
    ):
        raise ValueError("overseas")
    return e164


def is_of_a_film(e164: str) -> bool:
    return e164.startswith(("+3363998", "+447700900"))


def outcome(read: object, text: str, country: str) -> str:
    try:
        return read(text, country)  # type: ignore[operator,no-any-return]
    except (ValueError, phonenumbers.NumberParseException):
        return "refused"


def test_ranges_of_the_countries_most_debtors_live_in_are_wide() -> None:
    request = [
        "+33612345678",
        "+33142345678",
        "+32470123456",
        "+34612345678",
        "+393331234567",
        "+4915112345678",
    ]

    assert min(ranges.free_digits(text, "FR") for text in request) >= 5
    assert ranges.free_digits("0612345678", "FR") == 6


def test_a_number_that_is_not_written_plainly_has_no_range() -> None:
    for text in (
        "+33 6 12 34 56 78",
        "0033612345678",
        "612345678",
        "+33612345678;ext=12",
        "\uff0b33612345678",
        "",
    ):
        assert ranges.free_digits(text, "FR") == 0
