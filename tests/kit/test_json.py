"""JSON in and out: exact numbers, and a clear refusal of everything that means two things."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit import json
from getbill.kit.errors import Invalid

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_scalars = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _texts
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_values)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert json.read(json.write(value)) == value


@given(st.decimals(-(10**12), 10**12, places=2))
def test_an_amount_keeps_its_digits_both_ways(amount: Decimal) -> None:
    assert json.write(amount) == format(amount, "f").encode()
    assert json.read(json.write([amount])) == [amount]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": NaN}', "NaN"),
        (b"[Infinity]", "Infinity"),
        (b'{"a": 1, "a": 2}', '"a" occurs twice'),
        (b'{"b": {"c": 1, "c": 1}}', '"c" occurs twice'),
        (b"[1", "line 1, column 3"),
        (b"", "line 1, column 1"),
        (b"\xff", "not UTF-8"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b"[1e999]", "exponent"),
        (b"[" + b"9" * 41 + b"]", "more than 40 digits"),
    ],
)
def test_a_body_that_means_two_things_is_refused_in_words(body: bytes, says: str) -> None:
    with pytest.raises(json.MalformedJson) as refused:
        json.read(body)

    assert says in refused.value.detail


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'"\\ud800"', [""]),
        (b'{"a": {"b/c": ["x", "\\u0000"]}, "d": "\\udfff", "e": "\\ud83d\\ude00"}', ["/a/b~1c/1", "/d"]),
        (b'{"a": {"\\u0000": "\\u0000"}}', ["/a", "/a/\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_a_text_that_nothing_stores_is_refused_by_its_place(body: bytes, pointers: list[str]) -> None:
    with pytest.raises(Invalid, match=r"U\+0000") as refused:
        json.read(body)

    assert [error.pointer for error in refused.value.errors] == pointers


def test_brackets_in_a_text_are_not_depth() -> None:
    assert json.read(b'["' + b"[" * 1000 + b'"]') == ["[" * 1000]


def test_an_instant_is_written_in_whole_seconds_with_z() -> None:
    moment = datetime(2024, 3, 15, 14, 32, 7, 999999, UTC)

    assert json.instant(moment) == "2024-03-15T14:32:07Z"
    assert json.write([moment, moment.date(), None]) == b'["2024-03-15T14:32:07Z","2024-03-15",null]'


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 65 + b'"' + b'\\"' * 200_000,
        b"{" + b",".join(b'"k%d":1' % number for number in range(80_000)) + b',"k79999":1}',
    ],
)
def test_no_body_takes_longer_to_refuse_than_its_length_says(body: bytes) -> None:
    began = time.process_time()

    with pytest.raises(json.MalformedJson):
        json.read(body)

    # Looked at from each of its places anew, either would take minutes.
    assert time.process_time() - began < 5


def test_integers_of_any_size_keep_their_digits() -> None:
    body = b'{"a":%d,"b":[%d,%d,7],"c":1.50}' % (10**30, -(2**80), 2**64 - 1)

    assert json.read(body) == {"a": 10**30, "b": [-(2**80), 2**64 - 1, 7], "c": Decimal("1.50")}
    assert json.write(json.read(body)) == body
