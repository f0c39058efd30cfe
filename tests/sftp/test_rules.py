"""What a path may name, and what counts as finished: pure rules."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from getbill.sftp.model import (
    Folder,
    FolderPath,
    NoSuchPath,
    format_path,
    is_finished,
    parse_path,
    timestamped_name,
)
from getbill.sftp.pickup import last_due


@given(st.binary(max_size=300) | st.text("/.abñ\\\0", max_size=60).map(str.encode))
@example(b"../../../etc/passwd")
@example(b"incoming/../../processed/x")
@example(b"/incoming/a/../../../b")
def test_whatever_is_asked_for_is_a_folder_a_file_in_one_or_nothing(path: bytes) -> None:
    try:
        place = parse_path(path)
    except NoSuchPath:
        return

    assert isinstance(place.folder, Folder)
    assert "/" not in place.name
    assert place.name not in {".", ".."}
    assert "\0" not in place.name
    assert parse_path(format_path(place).encode()) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (b"/", FolderPath(Folder.ROOT)),
        (b"", FolderPath(Folder.ROOT)),
        (b".", FolderPath(Folder.ROOT)),
        (b"..", FolderPath(Folder.ROOT)),
        (b"debts.csv", FolderPath(Folder.ROOT, "debts.csv")),
        (b"/incoming", FolderPath(Folder.INCOMING)),
        (b"incoming/./d\xc3\xa9bits.csv", FolderPath(Folder.INCOMING, "débits.csv")),
        ("incoming/de\u0301bits.csv".encode(), FolderPath(Folder.INCOMING, "débits.csv")),
        (b"processed/../reports/x", FolderPath(Folder.REPORTS, "x")),
    ],
)
def test_a_path_comes_to_one_place(path: bytes, place: FolderPath) -> None:
    assert parse_path(path) == place


@pytest.mark.parametrize(
    "path", [b"other/x", b"incoming/a/b", b"a\nb", b"\xff", b"a" * 256, b"/" + b"x/" * 3_000]
)
def test_there_are_no_other_places(path: bytes) -> None:
    with pytest.raises(NoSuchPath):
        parse_path(path)


@pytest.mark.parametrize("name", ["a.part", "a.csv.FILEPART", ".a.csv", "a.tmp"])
def test_what_is_half_done_is_known_by_its_name(name: str) -> None:
    assert not is_finished(name)
    assert is_finished("a.csv")


def test_the_hour_is_the_last_full_one() -> None:
    now = datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC)

    assert last_due(now, 60) == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    assert last_due(now, 15) == datetime(2026, 11, 22, 14, 45, tzinfo=UTC)
    assert last_due(now, 1_440) == datetime(2026, 11, 22, 0, 0, tzinfo=UTC)


def test_a_second_file_of_a_name_gets_the_instant_into_it() -> None:
    moment = datetime(2026, 11, 22, 14, 0, 1, 5, tzinfo=UTC)

    assert timestamped_name("debts.csv", moment) == "debts-20261122T140001000005Z.csv"
    assert timestamped_name("debts", moment) == "debts-20261122T140001000005Z"
    assert timestamped_name(".csv", moment) == ".csv-20261122T140001000005Z"
    # What is appended to it later fits into what any system takes.
    assert len(timestamped_name("é" * 98 + ".csv", moment).encode()) <= 200
