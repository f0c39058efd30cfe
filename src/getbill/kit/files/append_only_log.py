"""Files beside the database that outlive it: one JSON object a line, appended, safely on disk when `append` returns.

A restored backup has forgotten what happened after it was made; such a file has not. Any number of processes may
write one, and a line cut short by a crash spoils no other.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from getbill.kit import json
from getbill.kit.files import durable_files

_log = structlog.get_logger(__name__)

Line = Mapping[str, Any]

# The file that stood under a path when its folder was last synced: a new file gets its entry on disk at the first append.
_entered: dict[Path, int] = {}


def append(path: Path, lines: Iterable[Line]) -> None:
    """Write lines at a journal's end; the file is made, for its owner alone, when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _held(path) as file:
        # The line end comes first, so that a line cut short never spoils the one after it.
        file.write(b"".join(b"\n" + json.write(line) for line in lines))
        _to_disk(file)
        _enter(path, file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a journal's lines, leaving out broken ones; nothing when there is no such file."""
    if path.exists():
        yield from _parsed(path, path.read_bytes())


def read_on(path: Path, place: int) -> tuple[list[dict[str, Any]], int]:
    """Return the lines behind a place (0 for the beginning) and the place of the end, between two appends.

    A file that is shorter than the place was put in the old one's stead and is read from its beginning.
    """
    if not path.exists():
        return [], 0
    with _held(path), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(place if place <= end else 0)
        return list(_parsed(path, file.read())), end


def _parsed(path: Path, content: bytes) -> Iterator[dict[str, Any]]:
    for line in filter(None, content.splitlines()):
        try:
            members = json.read(line)
        except json.MalformedJson:
            # What a crash cut off was not promised to anybody yet.
            _log.warning("journal_line_broken", path=path.name)
            continue
        if isinstance(members, dict):
            yield members


def shorten(path: Path, said: Callable[[Iterable[dict[str, Any]]], Iterable[Line]]) -> None:
    """Put what `said` makes of a journal's lines in their place; nobody ever sees half of it."""
    with _held(path):
        lines = list(said(read(path)))
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(b"".join(b"\n" + json.write(line) for line in lines))
            _to_disk(file)
        beside.replace(path)
        durable_files.sync_folder(path.parent)


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """Open a journal for appending, alone; another process may just have put a new file in its place."""
    while True:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _enter(path: Path, file: BinaryIO) -> None:
    number = os.fstat(file.fileno()).st_ino
    if _entered.get(path) != number:
        durable_files.sync_folder(path.parent)
        _entered[path] = number
