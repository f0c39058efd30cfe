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
_synced_inodes: dict[Path, int] = {}


def append(path: Path, lines: Iterable[Line]) -> None:
    """Write lines at a journal's end; the file is made, for its owner alone, when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked_file(path) as file:
        # The line end comes first, so that a line cut short never spoils the one after it.
        file.write(b"".join(b"\n" + json.write(line) for line in lines))
        _fsync(file)
        _sync_folder_once(path, file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a journal's lines, leaving out broken ones; nothing when there is no such file."""
    if path.exists():
        yield from _parse_lines(path, path.read_bytes())


def read_from(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return the lines behind a place (0 for the beginning) and the place of the end, between two appends.

    A file that is shorter than the place was put in the old one's stead and is read from its beginning.
    """
    if not path.exists():
        return [], 0
    with _locked_file(path), path.open("rb") as file:
        end_offset = file.seek(0, os.SEEK_END)
        file.seek(offset if offset <= end_offset else 0)
        return list(_parse_lines(path, file.read())), end_offset


def _parse_lines(path: Path, content: bytes) -> Iterator[dict[str, Any]]:
    for line in filter(None, content.splitlines()):
        try:
            members = json.read(line)
        except json.MalformedJson:
            # What a crash cut off was not promised to anybody yet.
            _log.warning("journal_line_broken", path=path.name)
            continue
        if isinstance(members, dict):
            yield members


def rewrite(path: Path, transform: Callable[[Iterable[dict[str, Any]]], Iterable[Line]]) -> None:
    """Put what `said` makes of a journal's lines in their place; nobody ever sees half of it."""
    with _locked_file(path):
        lines = list(transform(read(path)))
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(b"".join(b"\n" + json.write(line) for line in lines))
            _fsync(file)
        temporary.replace(path)
        durable_files.sync_folder(path.parent)


@contextmanager
def _locked_file(path: Path) -> Iterator[BinaryIO]:
    """Open a journal for appending, alone; another process may just have put a new file in its place."""
    while True:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return


def _fsync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder_once(path: Path, file: BinaryIO) -> None:
    inode = os.fstat(file.fileno()).st_ino
    if _synced_inodes.get(path) != inode:
        durable_files.sync_folder(path.parent)
        _synced_inodes[path] = inode
