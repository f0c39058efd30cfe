"""Which headers of a creditor's own may be sent: nothing that changes what a delivery is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit.errors import Invalid
from getbill.webhooks.endpoints import extra_headers

TOKEN = st.text("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=1)
CASED = st.lists(st.booleans(), min_size=40, max_size=40)
RESERVED = st.sampled_from(
    [
        "host",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "content-type",
        "content-length",
        "content-encoding",
        "user-agent",
        "accept-encoding",
        "proxy-authorization",
        "proxy-connection",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-getbill-signature",
        "x-getbill-signature-next",
        "x-getbill-replay",
        "x-getbill-test",
    ]
)


@given(name=RESERVED, upper=CASED)
def test_ours_and_the_connections_are_reserved_in_any_case(name: str, upper: list[bool]) -> None:
    cased = "".join(item.upper() if is_upper else item for item, is_upper in zip(name, upper, strict=False))

    assert [wrong.code for wrong in extra_headers.header_errors({cased: "value"})] == ["reserved"]


@given(name=st.text(max_size=30), value=st.text(max_size=30))
def test_nothing_that_passes_can_break_out_of_its_line(name: str, value: str) -> None:
    if extra_headers.header_errors({name: value}):
        return

    line = f"{name}: {value}"
    assert line.isascii()
    assert all(character == "\t" or " " <= character <= "~" for character in line)
    assert name == name.strip() != ""
    assert value == value.strip() != ""
    assert ":" not in name


@given(before=st.dictionaries(TOKEN, st.just("1"), max_size=5), name=TOKEN)
def test_a_header_is_set_once_and_taken_away_whatever_its_case(before: dict[str, str], name: str) -> None:
    with_it = extra_headers.merge_headers(before, {name: "new"})
    without = extra_headers.merge_headers(with_it, {name.swapcase(): None})

    assert [value for other, value in with_it.items() if other.lower() == name.lower()] == ["new"]
    assert name.lower() not in {other.lower() for other in without}
    assert set(without) == {other for other in before if other.lower() != name.lower()}


def test_there_are_at_most_so_many_and_so_long_ones() -> None:
    most = {f"X-{number}": "1" for number in range(extra_headers.HEADERS_MAX)}
    longest = {"X-A": "a" * (extra_headers.BYTES_MAX - 3)}

    assert extra_headers.merge_headers(most, {}) == most
    assert extra_headers.merge_headers({}, longest) == longest
    with pytest.raises(Invalid):
        extra_headers.merge_headers(most, {"X-More": "1"})
    with pytest.raises(Invalid):
        extra_headers.merge_headers(longest, {"X-B": "b"})
    assert extra_headers.merge_headers(most, None) == {}
