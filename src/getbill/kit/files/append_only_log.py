"""Append-only log files of JSON lines that outlive the database; a line is on disk when `append` returns.

A restored backup has lost what happened after it was made; such a file has not. Any number of processes may
write to one, and a line truncated by a crash does not damage the others.
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

# Inode of the file under a path when its folder was last synced: a new file gets its directory entry on disk
# at the first append.
_synced_inodes: dict[Path, int] = {}


def append(path: Path, lines: Iterable[Line]) -> None:
    """Append lines to a log; a missing file is created, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked_file(path) as file:
        # The line end comes first, so that a truncated line never damages the next one.
        file.write(b"".join(b"\n" + json.write(line) for line in lines))
        _fsync(file)
        _sync_folder_once(path, file)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a log, without broken ones; nothing if the file does not exist."""
    if path.exists():
        yield from _parse_lines(path, path.read_bytes())


def read_from(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return the lines after an offset (0 for the start) and the offset of the end, between two appends.

    A file shorter than the offset has been replaced and is read from its start.
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
            # A line truncated by a crash was never acknowledged.
            _log.warning("journal_line_broken", path=path.name)
            continue
        if isinstance(members, dict):
            yield members


def rewrite(path: Path, transform: Callable[[Iterable[dict[str, Any]]], Iterable[Line]]) -> None:
    """Replace a log's lines atomically with what `transform` returns for them."""
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
    """Open a log for appending, under an exclusive lock; another process may just have replaced the file."""
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
