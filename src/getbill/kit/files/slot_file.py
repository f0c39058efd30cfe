"""Slot files: small records that one process overwrites in place and others read once it is dead.

A record is in the page cache when `write` returns: it survives a killed process, not a lost machine. It is read whole
or not at all: one that is cut, torn or replaced is not read, so that no older version of a record ever stands for it.
The writer locks its file for life, which tells a live writer from a dead one whatever its process id. The header
names the kernel's boot and the file's inode: a file is not read after a restart of the machine, nor a copy of one.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from getbill.kit import ids, json
from getbill.kit.errors import Problem

SLOT_BYTES: Final = 1024
SUFFIX: Final = ".slots"
_FORMAT: Final = 1
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

Fields = Mapping[str, Any]


class RecordTooLong(ValueError):
    """The record does not fit into its slot; the slot still has the previous one."""


@dataclass(frozen=True, slots=True)
class SlotFileContent:
    """The records of a slot file, and whether its writer still lives."""

    path: Path
    records: tuple[dict[str, Any], ...]
    is_live: bool


class SlotFile:
    """The slot file of this process, locked until it ends."""

    def __init__(self, folder: Path, identity: Fields) -> None:
        """Create a file in a folder, for its owner alone; raise OSError if that is impossible."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{ids.new()}{SUFFIX}"
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._put(0, _header(self._descriptor, identity))
        except BaseException:
            # Without a header nobody reads it.
            self.close()
            raise

    def write(self, slot: int, record: Fields) -> None:
        """Replace the record of a slot; raise OSError or RecordTooLong, and then its previous one may stand."""
        self._put(slot + 1, record)

    def discard(self) -> None:
        """Make every record unreadable for good; raise OSError if the disk allows neither way."""
        try:
            os.ftruncate(self._descriptor, 0)
        except OSError:
            # Who opened it before must still find its writer alive: it stays locked until the process ends.
            if not os.path.samestat(os.fstat(self._descriptor), self.path.stat()):
                raise
            self.path.unlink()
        else:
            self.close()

    def close(self) -> None:
        """Close the file, which tells readers that its writer is done."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put(self, place: int, fields: Fields) -> None:
        line = _line(fields)
        if len(line) > SLOT_BYTES:
            raise RecordTooLong(f"{len(line)} bytes")
        if os.pwrite(self._descriptor, line, place * SLOT_BYTES) != len(line):
            raise OSError("the record was written in part")


def list_paths(folder: Path) -> list[Path]:
    """Return the slot files of a folder; none if it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except OSError:
        return []


def read_files(
    paths: Iterable[Path], identity: Fields, *, is_live_wanted: bool = True
) -> Iterator[SlotFileContent]:
    """Yield the content of those slot files that have this identity and were written in this boot of the machine."""
    for path in paths:
        content = _read(path, identity, is_live_wanted=is_live_wanted)
        if content is not None:
            yield content


def remove_unreadable(folder: Path, identity: Fields, unchanged_since: datetime) -> None:
    """Delete the files that `read_files` does not yield and that nobody has written since an instant."""
    paths = list_paths(folder)
    readable_paths = {content.path for content in read_files(paths, identity)}
    for path in set(paths) - readable_paths:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < unchanged_since.timestamp():
                path.unlink()


def _read(path: Path, identity: Fields, *, is_live_wanted: bool) -> SlotFileContent | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Shared: readers do not take each other for a writer.
        is_live = not _lock_shared(descriptor)
        if is_live and not is_live_wanted:
            return None
        if _parse(os.pread(descriptor, SLOT_BYTES, 0)) != _header(descriptor, identity):
            return None
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return SlotFileContent(path, tuple(parse_records(content)), is_live)


def _lock_shared(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def parse_records(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the whole records of a file's content."""
    for start in range(SLOT_BYTES, len(content), SLOT_BYTES):
        record = _parse(content[start : start + SLOT_BYTES])
        if record is not None:
            yield record


def _header(descriptor: int, identity: Fields) -> dict[str, Any]:
    status = os.fstat(descriptor)
    # Without a boot id no file can be trusted, and OSError says so.
    boot_id = _BOOT_ID.read_text("ascii").strip()
    return {
        "format": _FORMAT,
        "boot": boot_id,
        "device": status.st_dev,
        "inode": status.st_ino,
        **identity,
    }


def _line(fields: Fields) -> bytes:
    text = json.write(fields)
    return b"%b %08x\n" % (text, crc32(text))


def _parse(slot: bytes) -> dict[str, Any] | None:
    line, end, _ = slot.partition(b"\n")
    text, _, digest = line.rpartition(b" ")
    if not end or digest != b"%08x" % crc32(text):
        return None
    try:
        fields = json.read(text)
    except Problem:
        return None
    return fields if isinstance(fields, dict) else None
