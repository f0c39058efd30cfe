import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit.text import emails


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jean.dupont@email.com", "jean.dupont@email.com"),
        ("  Jean.Dupont@Example.COM ", "Jean.Dupont@example.com"),
        ("a@shop.test", "a@shop.test"),
        ("a@shop.example", "a@shop.example"),
        ("josé@exämple.fr", "josé@exämple.fr"),
    ],
)
def test_an_address_is_kept_in_its_canonical_form(text: str, expected: str) -> None:
    assert emails.normalise(text) == expected


@pytest.mark.parametrize(
    "text", ["", "jean", "jean@", "@email.com", "a b@email.com", "a@b..com", "a@localhost"]
)
def test_an_impossible_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(emails.EmailInvalid, match=r"Write it as name@example\.com\.$"):
        emails.normalise(text)


@given(text=st.text() | st.from_regex(r"[+0-9A-Z@. ]{0,40}", fullmatch=True))
def test_whatever_is_written_is_accepted_for_good_or_refused_in_words(text: str) -> None:
    try:
        accepted = emails.normalise(text)
    except emails.EmailInvalid:
        return
    assert emails.normalise(accepted) == accepted


@given(
    local=st.from_regex(r"[a-zA-Z0-9_+.!-]{1,70}", fullmatch=True)
    | st.sampled_from(["postmaster", "Postmaster"]),
    domain=st.from_regex(r"[a-z0-9-]{1,9}(\.[a-zA-Z0-9-]{1,9}){0,3}", fullmatch=True)
    | st.sampled_from(
        ["example.com", "xn--exmple-cua.fr", "a.invalid", "a" * 60 + ".com", ("a" * 60 + ".") * 4 + "fr"]
    ),
)
def test_an_ordinary_address_gets_the_answer_that_the_library_gives(local: str, domain: str) -> None:
    address = f"{local}@{domain}"

    try:
        expected = validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        with pytest.raises(emails.EmailInvalid):
            emails.normalise(address)
    else:
        assert emails.normalise(address) == expected
