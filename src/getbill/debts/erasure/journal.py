"""The erasure journal: a file beside the database, so that a restored backup cannot undo an erasure.

An erasure is committed, then written to the file and synced, then answered: a debt reported as erased stays
erased after any restore. A crash between commit and write loses nothing either, unless the database is
restored before any process starts on it again: each start and the worker's maintenance append the lines that
the file lacks. The file never names a debt whose erasure was not committed.

Processes on several machines have a file each, with the erasures they answered; the files of workers and of
each starting process are complete.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from getbill import access, companies, quarantine
from getbill.debts.erasure.actions import erase
from getbill.debts.queries import lock
from getbill.kit import failpoints, json
from getbill.kit.database import Database, Statement
from getbill.kit.errors import NotFound, Unavailable
from getbill.kit.files import append_only_log
from getbill.kit.messages import message
from getbill.quarantine import Item
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

_ERASED = Statement(
    "debts.list_erasures",
    "Erasures of debts since an instant, over all workspaces.",
    """
    SELECT workspace_id, subject_id, erased_at FROM erasures
    WHERE kind = 'debt' AND erased_at >= $1 ORDER BY erased_at, subject_id
    """,
)
_ERASED_AT = Statement(
    "debts.find_erasure",
    "Time of a debt's erasure.",
    "SELECT erased_at FROM erasures WHERE workspace_id = $1 AND subject_id = $2 AND kind = 'debt'",
)
_EXISTING_DEBTS = Statement(
    "debts.find_existing",
    "Those of some debts of a workspace that exist and are not erased.",
    "SELECT id FROM debts WHERE workspace_id = $1 AND id = ANY($2) AND erased_at IS NULL ORDER BY id",
)
_VOID = Statement(
    "debts.raise_contact_epoch",
    "Raise the contact epoch of a debt without opening its sealed data.",
    "UPDATE debts SET contact_epoch = contact_epoch + 1 WHERE workspace_id = $1 AND id = $2",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A transaction may commit after a later one did: each pass looks back this far.
_OVERLAP = timedelta(hours=1)

Subject = tuple[UUID, UUID]
Erasure = tuple[UUID, UUID, datetime]


class ErasureNotJournaled(Unavailable):
    """The debt is erased, but the file that keeps it erased after a restore could not be written."""

    code = "erasure-not-journaled"
    way_out = (
        "Free space on the disk of the erasure journal (GETBILL_ERASURE_JOURNAL), or make its folder"
        " writable, and repeat the request. A 404 response then confirms that the debt is erased and"
        " the journal written."
    )


@dataclass(slots=True)
class _Batch:
    """Erasures that share one sync."""

    erasures: list[Erasure] = field(default_factory=list)
    is_written: bool = False
    error: OSError | None = None


class ErasureJournal:
    """The erasure file of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journaled_subjects: set[Subject] = set()
        self._read_offset = 0
        self._since = _EPOCH
        self._batch = _Batch()
        self._write_lock = asyncio.Lock()
        self._read_new_lines()

    async def record(self, workspace_id: UUID, debt_id: UUID, erased_at: datetime) -> None:
        """Record a committed erasure; it is safely on disk when this returns.

        Erasures that arrive during a sync share the next one. Raises ErasureNotJournaled.
        """
        failpoints.at("debts.erased")
        batch = self._batch
        batch.erasures.append((workspace_id, debt_id, erased_at))
        async with self._write_lock:
            if not batch.is_written:
                self._batch = _Batch()
                await self._write_batch(batch)
        if batch.error is not None:
            raise ErasureNotJournaled(
                message(
                    "The debt is erased, but the erasure journal could not be written ({why}).",
                    why=batch.error.strerror,
                )
            )
        failpoints.at("debts.journaled")

    async def record_if_missing(self, workspace_id: UUID, debt_id: UUID, erased_at: datetime) -> None:
        """Record an earlier committed erasure unless the file has it. Raises ErasureNotJournaled."""
        if (workspace_id, debt_id) not in self._journaled_subjects:
            await self.record(workspace_id, debt_id, erased_at)

    async def write(self, database: Database) -> int:
        """Append the erasures that the file lacks, safely on disk; return how many."""
        rows = await database.fetch(_ERASED, self._since)
        async with self._write_lock:
            self._read_new_lines()
            missing_erasures = [
                _erasure(row) for row in rows if _subject(row) not in self._journaled_subjects
            ]
            if missing_erasures:
                await asyncio.to_thread(self._append, missing_erasures)
        if rows:
            self._since = max(_EPOCH, rows[-1]["erased_at"] - _OVERLAP)
        return len(missing_erasures)

    async def erase_again(self, database: Database, vault: Vault) -> int:
        """Erase again what the file lists and a restored database still has; return how many."""
        erased_subjects = {_subject(row) for row in await database.fetch(_ERASED, _EPOCH)}
        missing_subjects = sorted(self._journaled_subjects - erased_subjects)
        erased_count = 0
        for workspace_id, subjects in groupby(missing_subjects, itemgetter(0)):
            # The others are newer than the restored backup: there is nothing to erase.
            rows = await database.fetch(_EXISTING_DEBTS, workspace_id, [debt_id for _, debt_id in subjects])
            for row in rows:
                erased_count += await _reapply_erasure(database, vault, workspace_id, row["id"])
        return erased_count

    async def _write_batch(self, batch: _Batch) -> None:
        try:
            await asyncio.to_thread(self._append, batch.erasures)
        except OSError as error:
            _log.error("erasure_not_journaled", error=type(error).__name__)
            batch.error = error
        batch.is_written = True

    def _append(self, erasures: list[Erasure]) -> None:
        append_only_log.append(self._path, map(_journal_line, erasures))
        self._journaled_subjects.update(erasure[:2] for erasure in erasures)

    def _read_new_lines(self) -> None:
        """Read lines that other processes have appended."""
        lines, self._read_offset = append_only_log.read_from(self._path, self._read_offset)
        self._journaled_subjects |= _subjects(self._path, lines)


async def find_erased_at(database: Database, workspace_id: UUID, debt_id: UUID) -> datetime | None:
    """Return when a debt was erased; None if it was not."""
    moment: datetime | None = await database.fetchval(_ERASED_AT, workspace_id, debt_id)
    return moment


async def _reapply_erasure(database: Database, vault: Vault, workspace_id: UUID, debt_id: UUID) -> bool:
    try:
        workspace = await companies.workspace(database, vault, workspace_id)
        async with database.transaction(workspace.now()) as tx:
            await erase(tx, workspace, await lock(tx, workspace, debt_id))
            await access.delete_answers(tx, workspace_id, debt_id)
    except NotFound:
        # Another process that is starting erased it first.
        return False
    except Exception as error:
        if quarantine.is_transient(error):
            raise
        # One failure does not stop the others, and this debtor is not contacted: the debt's planned contacts
        # are void.
        await database.execute(_VOID, workspace_id, debt_id)
        await quarantine.add_separately(database, Item(workspace_id, "erasure", debt_id), error)
        return False
    return True


def _subject(row: Any) -> Subject:
    return row["workspace_id"], row["subject_id"]


def _erasure(row: Any) -> Erasure:
    return row["workspace_id"], row["subject_id"], row["erased_at"]


def _journal_line(erasure: Erasure) -> append_only_log.Line:
    workspace_id, debt_id, erased_at = erasure
    return {
        "workspace_id": str(workspace_id),
        "debt_id": str(debt_id),
        "erased_at": json.instant(erased_at),
    }


def _subjects(path: Path, lines: Iterable[dict[str, Any]]) -> set[Subject]:
    subjects = set()
    for members in lines:
        try:
            subjects.add((UUID(members["workspace_id"]), UUID(members["debt_id"])))
        except (KeyError, ValueError):
            # Not a line of this format; a line cut off by a crash is in the database and is written again.
            _log.warning("erasure_journal_line_broken", path=path.name)
    return subjects
