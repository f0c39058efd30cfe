import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit import phones


@pytest.mark.parametrize(
    "text",
    [
        "+33612345678",
        "0612345678",
        "612345678",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "06-12-34-56-78",
        "+33 (0)6 12 34 56 78",
        "0033612345678",
        "+33\u00a06\u202f12 34 56 78",
    ],
)
def test_french_national_forms_become_e164(text: str) -> None:
    assert phones.parse(text) == "+33612345678"


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+14155550123", "FR", "+14155550123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("+590690123456", "FR", "+590690123456"),
        ("+262 692 12 34 56", "FR", "+262692123456"),
        ("0692123456", "RE", "+262692123456"),
        ("+39 06 1234 5678", "FR", "+390612345678"),
        ("0690123456", "GP", "+590690123456"),
        ("+33 6 98 76 54 32", "FR", "+33698765432"),
        ("06 95 12 34 56", "FR", "+33695123456"),
        ("0033 6 99 12 34 56", "FR", "+33699123456"),
    ],
)
def test_a_number_is_read_in_its_own_country(text: str, country: str, expected: str) -> None:
    assert phones.parse(text, country) == expected


@pytest.mark.parametrize("digit", "589")
@pytest.mark.parametrize("start", ["0", "+33", "0033", "", "+33 (0)"])
def test_0695_0698_and_0699_are_metropolitan_mobiles(start: str, digit: str) -> None:
    number = phones.parse(f"{start}69{digit}123456")

    assert number == f"+3369{digit}123456"
    assert phones.is_mobile(number)


@pytest.mark.parametrize("text", ["0639123456", "+33639123456"])
def test_0639_is_in_no_range_but_the_one_for_films(text: str) -> None:
    with pytest.raises(phones.PhoneInvalid, match="number not registered"):
        phones.parse(text)


@pytest.mark.parametrize("text", ["+33639980012", "06 39 98 00 12", "+447700900123"])
def test_numbers_kept_for_fiction_are_accepted_because_they_disturb_nobody(text: str) -> None:
    assert phones.is_mobile(phones.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        *(f"069{digit}123456" for digit in "0123467"),
        *(f"+3369{digit}123456" for digit in "0123467"),
        "690123456",
        "06 94 12 34 56",
        "0033 6 97 12 34 56",
    ],
)
def test_an_overseas_number_without_its_territory_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(
        phones.PhoneAmbiguous, match=r"number format is not valid.*\+262, \+590, \+594 or \+596"
    ):
        phones.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("06123", "phone number too short"),
        ("061234567", "phone number too short"),
        ("", "number format is not valid"),
        ("061234567890", "phone number too long"),
        ("+336123456789012345", "phone number too long"),
        ("+999612345678", "invalid country code"),
        ("call me", "number format is not valid"),
        ("+33700000000", "number not registered in carrier database"),
        ("+43 00 1 234567", "number format is not valid"),
        ("+353 00 1 234 5678", "number format is not valid"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(phones.PhoneInvalid, match=reason):
        phones.parse(text)


def test_only_a_mobile_takes_text_messages() -> None:
    assert phones.is_mobile("+33612345678")
    assert phones.is_mobile("+12125550123")
    assert not phones.is_mobile("+33123456789")


@given(text=st.text() | st.from_regex(r"[+0-9A-Z@. ]{0,40}", fullmatch=True))
def test_whatever_is_written_is_accepted_for_good_or_refused_in_words(text: str) -> None:
    try:
        accepted = phones.parse(text)
    except phones.PhoneInvalid:
        return
    assert phones.parse(accepted) == accepted
