"""An amount in a message is written as its language writes it, whatever its digits."""

from hypothesis import given
from hypothesis import strategies as st

from getbill.channels import messages
from getbill.kit.money import Money

AMOUNTS = st.integers(-(10**15), 10**15)


@given(
    AMOUNTS, st.sampled_from(["EUR", "JPY", "TND", "CHF", "USD"]), st.sampled_from(["fr", "en", "de", "es"])
)
def test_an_amount_is_written_as_babel_writes_it(minor: int, currency: str, language: str) -> None:
    money, locale = Money(minor, currency), messages._LOCALES[language]

    assert messages._amount_text(money, locale) == messages._format_money(money, locale)
