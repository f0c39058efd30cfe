"""Residue of destroyed keys in the server's own files, and how much of it can still be opened.

A deleted row stays in its page until that is vacuumed and overwritten, and in the write-ahead log until its
segment is recycled. The files are read byte by byte, as by an attacker with a copy of the disk: wherever the
id of a master key occurs, the following bytes are treated as a wrapped key and tried with it. A key that
opens although its subject has none any more is residue. Once the master key that wrapped it is destroyed, no
id in the files leads to a key that could open it.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

import asyncpg

from getbill.kit.database import Database, Statement
from getbill.kit.exit_errors import CannotRun
from getbill.vault.model import Key, SealBroken

CHUNK_BYTES: Final = 8 * 1024 * 1024
TRIES_MAX: Final = 2_000_000
_TOGETHER: Final = 50_000

_FORMAT: Final = b"\x01"
_ID_BYTES: Final = 8
_SEALED_BYTES: Final = 1 + _ID_BYTES + 12 + 32 + 16
# In a row it is preceded by workspace and subject, and the one byte of its length.
_LENGTH: Final = bytes([(_SEALED_BYTES + 1) << 1 | 1])
_PLACE_BYTES: Final = 32
_OVERLAP: Final = _PLACE_BYTES + 1 + _SEALED_BYTES
# Header of a page of the write-ahead log (xlog_internal.h): the first page of a segment has the longer one.
_WAL_HEAD_LONG: Final = 40
_WAL_HEAD: Final = 24

_CHECKPOINT: Final = Statement("vault.run_checkpoint", "Write every dirty page to its file.", "CHECKPOINT")
_HEAP: Final = Statement(
    "vault.list_heap_files",
    "Files of the table of keys, dead rows included.",
    """
    SELECT pg_relation_filepath(c.oid) AS path, pg_relation_size(c.oid) AS size FROM pg_class c
    WHERE c.relkind = 'r' AND (c.oid = 'vault_keys'::regclass
        OR c.oid IN (SELECT relid FROM pg_partition_tree('vault_keys')))
    """,
)
_WAL: Final = Statement(
    "vault.list_wal_files",
    "Segments of the write-ahead log, recycled ones included.",
    "SELECT 'pg_wal/' || name AS path, size FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' ORDER BY name",
)
_READ: Final = Statement(
    "vault.read_file",
    "Bytes of a file of the database server.",
    "SELECT pg_read_binary_file($1, $2, $3, true)",
)
_WAL_PAGE: Final = Statement(
    "vault.find_wal_page_size",
    "Page size of the write-ahead log.",
    "SELECT current_setting('wal_block_size')::int",
)
_SUBJECTS: Final = Statement(
    "vault.find_subjects",
    "Those of some subjects of a workspace that have a key.",
    "SELECT subject_id FROM vault_keys WHERE workspace_id = $1 AND subject_id = ANY($2)",
)
_LIVING: Final = Statement(
    "vault.find_living",
    "Those of some wrapped keys that are in use.",
    "SELECT wrapped FROM vault_keys WHERE wrapped = ANY($1)",
)
_WORKSPACES: Final = Statement(
    "vault.list_workspaces", "Workspaces of the database.", "SELECT workspace_id FROM workspaces"
)
_ERASED: Final = Statement(
    "vault.list_erased", "Erased subjects.", "SELECT workspace_id, subject_id FROM erasures"
)

SubjectId = tuple[UUID, UUID]


class ServerFilesClosed(CannotRun):
    """The database role may not read the server's files."""


@dataclass(slots=True)
class Residue:
    """Residue of destroyed keys: the subjects whose key could be opened, in rows and in the log.

    `unmatched` wrapped keys occur without their subject and were not tried with every erased one, as there
    are too many.
    """

    bytes_read: int = 0
    masters: int = 0
    in_rows: set[SubjectId] = field(default_factory=set)
    in_log: set[SubjectId] = field(default_factory=set)
    unmatched: int = 0

    @property
    def openable(self) -> set[SubjectId]:
        """The subjects whose destroyed key could be opened."""
        return self.in_rows | self.in_log


async def find_residue(database: Database, masters: Sequence[Key]) -> Residue:
    """Search the server's files for destroyed keys that one of these master keys opens.

    Raises ServerFilesClosed if the role may not read them.
    """
    try:
        rows, log = _Search(masters), _Search(masters)
        await _checkpoint(database)
        for row in await database.fetch(_HEAP):
            for path, size in _segments(row["path"], row["size"]):
                async for chunk in _file(database, path, size):
                    rows.read(chunk)
        async for chunk in _log(database):
            log.read(chunk)
    except asyncpg.InsufficientPrivilegeError as error:
        raise ServerFilesClosed(
            "The database role cannot read the server's files: connect as a superuser, or grant it"
            " pg_read_server_files, pg_monitor and EXECUTE on pg_read_binary_file."
        ) from error
    residue = Residue(rows.bytes_read + log.bytes_read, len({key.id for key in masters}))
    erased = await _erased(database)
    for search in (rows, log):
        await _leave_out_living(database, search)
        residue.unmatched += search.try_subjects(erased)
    dead = (rows.opened_subjects | log.opened_subjects) - await _alive(
        database, rows.opened_subjects | log.opened_subjects
    )
    own_workspaces = await _workspaces(database)
    dead = {subject for subject in dead if subject[0] in own_workspaces}
    residue.in_rows, residue.in_log = rows.opened_subjects & dead, log.opened_subjects & dead
    return residue


class _Search:
    """Wrapped keys in raw bytes: those that open in place, and those without their subject beside them."""

    def __init__(self, masters: Sequence[Key]) -> None:
        self.opened_subjects: set[SubjectId] = set()
        self.unmatched: dict[bytes, Key] = {}
        self.bytes_read = 0
        self._masters = {key.id: key for key in masters}

    def read(self, content: bytes) -> None:
        """Search a chunk of bytes."""
        self.bytes_read += len(content)
        for key in self._masters.values():
            for at in _places(content, key.id):
                self._try(content, at, key)

    def _try(self, content: bytes, at: int, key: Key) -> None:
        sealed = _FORMAT + key.id + content[at + _ID_BYTES : at - 1 + _SEALED_BYTES]
        if len(sealed) < _SEALED_BYTES:
            return
        start = at - 1 - len(_LENGTH) - _PLACE_BYTES
        if start >= 0 and content[at - 2 : at - 1] == _LENGTH:
            subject = UUID(bytes=content[start : start + 16]), UUID(bytes=content[start + 16 : start + 32])
            if _opens(key, sealed, subject):
                self.opened_subjects.add(subject)
                return
        # The log of an update omits the leading bytes that equal the old row's.
        self.unmatched[sealed] = key

    def try_subjects(self, erased: Sequence[SubjectId]) -> int:
        """Try the keys without a subject with every erased subject; return how many were left untried."""
        tries = TRIES_MAX // max(1, len(erased))
        for sealed, key in list(self.unmatched.items())[:tries]:
            self.opened_subjects.update(subject for subject in erased if _opens(key, sealed, subject))
        return max(0, len(self.unmatched) - tries) if erased else 0


def _opens(key: Key, sealed: bytes, subject: SubjectId) -> bool:
    try:
        key.open(sealed, subject[0].bytes + subject[1].bytes)
    except SealBroken:
        return False
    return True


def _places(content: bytes, key_id: bytes) -> Iterator[int]:
    # Its first byte may be missing from an update's log, if it equals the old key's.
    tail = key_id[1:]
    at = content.find(tail)
    while at >= 0:
        yield at - 1
        at = content.find(tail, at + 1)


async def _checkpoint(database: Database) -> None:
    try:
        await database.execute(_CHECKPOINT)
    except asyncpg.InsufficientPrivilegeError:
        # Changes that are not in the page yet are in the log.
        return


async def _file(database: Database, path: str, size: int) -> AsyncIterator[bytes]:
    """Yield a file's bytes in chunks, each beginning with the end of the last."""
    for start in range(0, size, CHUNK_BYTES):
        before = min(start, _OVERLAP)
        yield await database.fetchval(_READ, path, start - before, CHUNK_BYTES + before) or b""


async def _log(database: Database) -> AsyncIterator[bytes]:
    """Yield the log's segments without their page headers, each beginning with the end of the last."""
    page = await database.fetchval(_WAL_PAGE)
    before = b""
    for row in await database.fetch(_WAL):
        content = await database.fetchval(_READ, row["path"], 0, row["size"]) or b""
        pages = [content[at : at + page] for at in range(0, len(content), page)]
        plain = b"".join(
            content_page[_WAL_HEAD if number else _WAL_HEAD_LONG :]
            for number, content_page in enumerate(pages)
        )
        yield before + plain
        before = plain[-_OVERLAP:]


def _segments(path: str, size: int) -> Iterator[tuple[str, int]]:
    """Yield the files of a table: one per gigabyte."""
    gigabyte = 1024**3
    for number in range(max(1, -(-size // gigabyte))):
        yield (f"{path}.{number}" if number else path), min(gigabyte, size - number * gigabyte)


async def _erased(database: Database) -> list[SubjectId]:
    return [(row["workspace_id"], row["subject_id"]) for row in await database.fetch(_ERASED)]


async def _workspaces(database: Database) -> set[UUID]:
    return {row["workspace_id"] for row in await database.fetch(_WORKSPACES)}


async def _leave_out_living(database: Database, search: _Search) -> None:
    candidates = list(search.unmatched)
    for start in range(0, len(candidates), _TOGETHER):
        for row in await database.fetch(_LIVING, candidates[start : start + _TOGETHER]):
            search.unmatched.pop(row["wrapped"], None)


async def _alive(database: Database, subjects: set[SubjectId]) -> set[SubjectId]:
    alive: set[SubjectId] = set()
    for workspace_id, of_workspace in groupby(sorted(subjects), itemgetter(0)):
        rows = await database.fetch(_SUBJECTS, workspace_id, [subject_id for _, subject_id in of_workspace])
        alive |= {(workspace_id, row["subject_id"]) for row in rows}
    return alive
