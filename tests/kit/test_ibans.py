import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit.text import ibans


def test_an_iban_is_kept_without_spaces_and_shown_in_groups() -> None:
    iban = ibans.normalise("fr76 3000 6000 0112 3456 7890 189")

    assert iban == "FR7630006000011234567890189"
    assert ibans.grouped(iban) == "FR76 3000 6000 0112 3456 7890 189"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FR7630006000011234567890188", "check digits do not match"),
        ("FR76300060000112345678901", "wrong length"),
        ("XX7630006000011234567890189", "country is not known"),
        ("", "format is not valid"),
        ("FR76 3000 6000 0112 3456 7890 1é9", "format is not valid"),
    ],
)
def test_an_iban_of_no_account_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ibans.IbanInvalid, match=reason):
        ibans.normalise(text)


@given(text=st.text() | st.from_regex(r"[+0-9A-Z@. ]{0,40}", fullmatch=True))
def test_whatever_is_written_is_accepted_for_good_or_refused_in_words(text: str) -> None:
    try:
        accepted = ibans.normalise(text)
    except ibans.IbanInvalid:
        return
    assert ibans.normalise(accepted) == accepted
