"""Cursors: what is written is read, and nothing else is one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.events import Stream
from getbill.kit.errors import BadRequest
from getbill.kit.http import paging
from getbill.streams.model import NOT_IN_STREAM, StreamPosition, StreamStart, read_position, write_position

PLACES = st.builds(StreamPosition, st.integers(1, 2**31 - 1), st.integers(0, 2**63 - 1))


@given(PLACES)
def test_a_cursor_names_the_place_it_was_written_for(place: StreamPosition) -> None:
    assert read_position(write_position(place)) == place


@pytest.mark.parametrize(
    "parts",
    [[1], [1, 2, 3], ["1", 2], [1, "2"], [True, 2], [1, True], [1, -1], [1, 2**63], [1, None], [1, 1.5]],
)
def test_what_is_no_place_is_no_cursor(parts: list) -> None:
    with pytest.raises(BadRequest):
        read_position(paging.write_cursor("events", parts))


@given(PLACES, st.integers(0, 40), st.text(max_size=60))
def test_a_text_is_a_place_or_is_refused(place: StreamPosition, cut: int, text: str) -> None:
    with suppress(BadRequest):
        position = read_position(write_position(place)[:cut] + text)

        assert position.epoch >= 1 or position == NOT_IN_STREAM
        assert 0 <= position.position < 2**63


@given(PLACES, PLACES)
def test_reading_goes_on_only_in_the_stream_that_the_place_is_of(
    place: StreamPosition, end: StreamPosition
) -> None:
    stream = Stream(end.epoch, end.position)

    start = place.start_in(stream)

    is_in_it = place.epoch == end.epoch and place.position <= end.position
    assert start == (StreamStart(place.position) if is_in_it else StreamStart(0, is_new_epoch=True))


@given(PLACES)
def test_what_is_lost_is_in_no_stream(end: StreamPosition) -> None:
    assert NOT_IN_STREAM.start_in(Stream(end.epoch, end.position)).is_new_epoch
