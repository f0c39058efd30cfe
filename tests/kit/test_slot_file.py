"""Records of a process that may be killed: read whole or not at all, and never in an older version."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from getbill.kit.files import slot_file
from getbill.kit.files.slot_file import (
    SLOT_BYTES,
    RecordTooLong,
    SlotFile,
    list_paths,
    parse_records,
    read_files,
)

OURS = {"installation": "a1"}


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow, nor be written behind its first byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        # pytest has the log written to a file.
        with capture_logs():
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def records(folder: Path, identity: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [
        record for content in read_files(list_paths(folder), identity or OURS) for record in content.records
    ]


def written(folder: Path, *values: int) -> Path:
    """Return the path of a file of a dead writer with a record for each value."""
    file = SlotFile(folder, OURS)
    for slot, value in enumerate(values):
        file.write(slot, {"value": value})
    file.close()
    return file.path


def test_a_dead_writers_records_are_read_and_a_live_ones_say_that_it_lives(tmp_path: Path) -> None:
    file = SlotFile(tmp_path, OURS)
    file.write(0, {"value": 1})
    file.write(1, {"value": 2})
    file.write(0, {"value": 3})

    (live,) = read_files(list_paths(tmp_path), OURS)
    file.close()
    (dead,) = read_files(list_paths(tmp_path), OURS)

    assert (live.is_live, dead.is_live) == (True, False)
    assert live.records == dead.records == ({"value": 3}, {"value": 2})


def test_live_files_are_left_out_on_request(tmp_path: Path) -> None:
    file = SlotFile(tmp_path, OURS)

    assert list(read_files(list_paths(tmp_path), OURS, is_live_wanted=False)) == []

    file.close()


def test_two_readers_do_not_take_each_other_for_a_writer(tmp_path: Path) -> None:
    written(tmp_path, 1)
    first = read_files(list_paths(tmp_path), OURS)
    next(first)

    assert [content.is_live for content in read_files(list_paths(tmp_path), OURS)] == [False]


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"

    path = written(folder, 1)

    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("identity", [{"installation": "b2"}, {}, {"installation": "a1", "more": 1}])
def test_a_foreign_file_is_not_read(tmp_path: Path, identity: dict[str, Any]) -> None:
    written(tmp_path, 1)

    assert records(tmp_path, identity or {"other": 1}) == []


def test_a_copy_is_not_read_and_a_renamed_file_is(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    shutil.copy2(path, path.with_name(f"copy{slot_file.SUFFIX}"))
    path.rename(path.with_name(f"renamed{slot_file.SUFFIX}"))

    assert records(tmp_path) == [{"value": 1}]


def test_a_file_of_another_boot_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    content = bytearray(path.read_bytes())
    header = slot_file._parse(bytes(content[:SLOT_BYTES]))
    assert header is not None
    line = slot_file._line(header | {"boot": "00000000-0000-0000-0000-000000000000"})
    content[: len(line)] = line
    with path.open("r+b") as file:
        file.write(content)

    assert records(tmp_path) == []


def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    assert records(tmp_path / "nowhere") == []


def test_a_record_that_does_not_fit_leaves_the_previous_one(tmp_path: Path) -> None:
    file = SlotFile(tmp_path, OURS)
    file.write(0, {"value": 1})

    with pytest.raises(RecordTooLong):
        file.write(0, {"value": "x" * SLOT_BYTES})

    file.close()
    assert records(tmp_path) == [{"value": 1}]


def test_a_full_disk_refuses_the_record_and_lets_the_file_be_discarded(tmp_path: Path) -> None:
    file = SlotFile(tmp_path, OURS)
    file.write(0, {"value": 1})

    with full_disk():
        with pytest.raises(OSError, match="large"):
            file.write(0, {"value": 2})
        file.discard()

    assert records(tmp_path) == []


def test_a_full_disk_refuses_a_new_file(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match="in part"):
        SlotFile(tmp_path, OURS)

    assert records(tmp_path) == []


def test_every_prefix_of_a_file_has_whole_records_only(tmp_path: Path) -> None:
    content = written(tmp_path, *range(4)).read_bytes()
    whole = list(parse_records(content))

    for length in range(len(content)):
        kept = list(parse_records(content[:length]))
        assert kept == whole[: len(kept)]
    assert whole == [{"value": value} for value in range(4)]


def test_a_write_that_is_torn_leaves_no_other_record(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    old = path.read_bytes()[SLOT_BYTES:]
    new = slot_file._line({"value": 2, "outcome": "accepted"})

    for length in range(len(new) + 1):
        torn = new[:length] + old[length:]
        record = slot_file._parse(torn)
        # A write of which nothing has arrived is none.
        is_begun = torn[: len(old)] != old
        assert record == ({"value": 2, "outcome": "accepted"} if torn.startswith(new) else None) or (
            not is_begun and record == {"value": 1}
        )


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), min_size=1, max_size=20),
    st.integers(0, 7 * SLOT_BYTES),
    st.binary(max_size=40),
)
def test_whatever_is_overwritten_no_older_record_comes_back(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int]], place: int, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("slots")
    file = SlotFile(folder, OURS)
    latest = {}
    for number, (slot, value) in enumerate(writes):
        latest[slot] = {"number": number, "slot": slot, "value": value}
        file.write(slot, latest[slot])
    file.close()
    with file.path.open("r+b") as spoiled:
        spoiled.seek(place)
        spoiled.write(noise)

    assert all(latest[record["slot"]] == record for record in records(folder))


def test_a_killed_process_leaves_its_records_and_frees_its_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from getbill.kit.files.slot_file import SlotFile;"
        f"file = SlotFile(Path(sys.argv[1]), {OURS!r}); file.write(0, {{'value': 7}});"
        "print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    (live,) = read_files(list_paths(tmp_path), OURS)
    process.kill()
    process.wait()
    process.stdout.close()
    (dead,) = read_files(list_paths(tmp_path), OURS)

    assert (live.is_live, dead.is_live) == (True, False)
    assert dead.records == ({"value": 7},)


def test_old_files_that_nobody_reads_are_removed(tmp_path: Path) -> None:
    ours, foreign, recent = written(tmp_path, 1), written(tmp_path, 2), written(tmp_path, 3)
    yesterday = datetime.now(UTC) - timedelta(days=2)
    for path in (foreign, recent):
        path.write_bytes(b"\0" * 2 * SLOT_BYTES)
    for path in (ours, foreign):
        os.utime(path, (yesterday.timestamp(), yesterday.timestamp()))

    slot_file.remove_unreadable(tmp_path, OURS, datetime.now(UTC) - timedelta(days=1))

    assert (ours.exists(), foreign.exists(), recent.exists()) == (True, False, True)
