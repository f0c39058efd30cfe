"""Identifiers and money: round trips, and refusals."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit import clock, ids, money
from getbill.kit.errors import BadRequest, NotFound
from getbill.kit.http import paging
from getbill.kit.money import Money


@given(st.uuids())
def test_an_identifier_is_read_as_it_was_shown(identifier: UUID) -> None:
    answer = ids.show("debt", identifier)

    assert ids.read("debt", answer) == identifier
    assert len(answer) == len("debt_") + 26


def test_an_identifier_is_written_as_the_typeid_specification_says() -> None:
    assert (
        ids.show("prefix", UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
        == "prefix_01h455vb4pex5vsknk084sn02q"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "debt_",
        "debtor_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "debt_81h455vb4pex5vsknk084sn02q",
        "debt_01h455vb4pex5vsknk084sn02u",
        "debt_01H455VB4PEX5VSKNK084SN02Q",
        "debt_" + "é" * 26,
    ],
)
def test_what_is_no_identifier_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        ids.read("debt", text)


def test_identifiers_follow_the_time_of_their_making() -> None:
    result = [ids.new() for _ in range(100)]

    assert sorted(result) == result


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 given with a zone
def test_a_range_of_time_is_a_range_of_identifiers(moment: datetime) -> None:
    least = ids.first_at(moment)

    assert timedelta(0) <= moment - ids.time_of(least) < timedelta(milliseconds=1)
    assert ids.first_at(moment + timedelta(milliseconds=1)) > UUID(int=least.int | (1 << 80) - 1)


def test_an_identifier_tells_when_it_was_made() -> None:
    before = clock.wall()

    result = ids.new()

    assert before - timedelta(milliseconds=1) <= ids.time_of(result) <= clock.wall()
    assert ids.first_at(before) <= result < ids.first_at(clock.wall() + timedelta(milliseconds=1))
    assert ids.first_at(datetime(1900, 1, 1, tzinfo=UTC)) == UUID(int=0)


@given(st.integers(-(10**14), 10**14), st.sampled_from(["EUR", "JPY", "TND"]))
def test_an_amount_goes_to_the_wire_and_back(minor: int, currency: str) -> None:
    amount = Money(minor, currency)

    assert Money.from_decimal(amount.decimal, currency) == amount
    assert -amount.decimal.as_tuple().exponent == money.decimals(currency)


@pytest.mark.parametrize(("amount", "currency"), [("1.001", "EUR"), ("1.5", "JPY"), ("0.0001", "TND")])
def test_an_amount_finer_than_its_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(money.AmountHasTooManyDecimals):
        Money.from_decimal(Decimal(amount), currency)


def test_two_currencies_are_not_added() -> None:
    with pytest.raises(ValueError, match="cannot be added"):
        _ = Money(1, "EUR") + Money(1, "USD")


def test_a_cursor_is_read_as_it_was_written_and_only_for_its_order() -> None:
    cursor = paging.write_cursor("-date", [17, "abc"])

    assert paging.read_cursor(cursor, "-date", 2) == [17, "abc"]
    with pytest.raises(BadRequest):
        paging.read_cursor(cursor, "date", 2)


@given(st.text(max_size=40))
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        paging.read_cursor(text, "-date", 2)


def test_a_total_is_exact_to_ten_thousand_and_says_so_above() -> None:
    assert paging.pagination(41, 1, 20, None) == {
        "total": 41,
        "page": 1,
        "limit": 20,
        "pages": 3,
        "next_cursor": None,
    }
    assert paging.pagination(10_001, 1, 20, "c")["total_is_exact"] is False
