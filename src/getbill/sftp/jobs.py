"""What the worker does with dropped files: has each imported, and puts back what became of it.

A file's import has an id of its own from the moment the file is taken: whoever is killed, the next one begins or goes on
with the same import. The invariant: a file moves to `processed/` or `rejected/` once, after its report is there.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from getbill import companies, imports, quarantine
from getbill.companies import Workspace
from getbill.imports import FileEmpty, FileTooLarge, Import, ImportSuperseded
from getbill.kit import clock, ids, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound, Problem
from getbill.kit.messages import message, translated
from getbill.quarantine import Item
from getbill.sftp import actions, pickup, queries
from getbill.sftp.model import DESERTED, PREFIX, Folder
from getbill.sftp.pickup import Taken, TakenByAnother
from getbill.sftp.queries import Box
from getbill.sftp.result_files import Return
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

KEPT: Final = timedelta(days=30)
_EXPIRED = Statement(
    "sftp.expired",
    "Files that were done with, or never completed, so long ago, or whose import waited until it was dropped.",
    """
    SELECT f.workspace_id, f.id FROM sftp_files f
    LEFT JOIN imports i ON i.workspace_id = f.workspace_id AND i.id = f.import_id
    WHERE f.written_at < $1
      AND (f.state <> 'taken' OR (i.received_at IS NOT NULL AND i.task IS NULL AND i.drop_at IS NULL))
    LIMIT 100 FOR UPDATE OF f SKIP LOCKED
    """,
)
_CUT_DESERTED = Statement(
    "sftp.cut_deserted",
    "Files that were open when their process died are cut off where they are.",
    """
    UPDATE sftp_files SET state = 'cut', writer = NULL, room = size WHERE state = 'open' AND written_at < $1
    RETURNING id
    """,
)
_OF_IMPORT = Statement(
    "sftp.of_import",
    "What lies in folders of an import, and waits for nothing.",
    "SELECT id FROM sftp_files WHERE workspace_id = $1 AND import_id = $2 AND state <> 'taken'",
)
_UNWANTED = Statement(
    "sftp.unwanted",
    "The file of an import that goes on is not put back at its end.",
    "UPDATE sftp_files SET is_unwanted = true WHERE workspace_id = $1 AND import_id = $2 AND state = 'taken'",
)
_TRIES_MAX: Final = 20
# Failures of ours, each two minutes apart, after which a person looks.
_FAILURES_MAX: Final = 3


class FileGivenUp(Problem):
    """A dropped file could not be handed over, however often it was tried."""

    code = "file-given-up"
    way_out = "Look into the worker's log, then drop the file again."


class PickUp:
    """One worker's turns at the dropped files."""

    def __init__(self, database: Database, vault: Vault, minutes: int, bytes_max: int) -> None:
        self._database = database
        self._vault = vault
        self._minutes = minutes
        self._bytes_max = bytes_max

    async def turn(self) -> bool:
        """Take one step with one file; say whether there may be more to do at once."""
        now = clock.wall()
        ended = await pickup.take_ended(self._database, now)
        taken = ended or await pickup.take(self._database, now, pickup.last_due(now, self._minutes))
        if taken is None:
            return False
        try:
            async with pickup.kept(self._database, taken):
                await self._go_on(taken)
        except (TakenByAnother, ImportSuperseded):
            _log.warning("sftp_file_lost", import_id=imports.show("sftp", taken.import_id))
        except Exception as error:
            if quarantine.is_passing(error):
                raise
            await self._set_aside(taken, error)
        return True

    async def _set_aside(self, taken: Taken, error: Exception) -> None:
        """Leave a file that failed to the next worker; set it aside where it failed often enough."""
        _log.error("sftp_file_failed", file=str(taken.file_id), tries=taken.tries, exc_info=error)
        if taken.tries >= _FAILURES_MAX and await pickup.hold(self._database, taken):
            item = Item(taken.workspace_id, "file", taken.file_id)
            await quarantine.put_alone(self._database, item, error)

    async def _go_on(self, taken: Taken) -> None:
        workspace = await companies.workspace(self._database, self._vault, taken.workspace_id)
        box = await queries.by_id(self._database, workspace, taken.file_id)
        if box is None:
            return
        try:
            found = await imports.find(self._database, workspace, taken.import_id)
        except NotFound:
            found = None
        if found is not None and found.received_at is not None:
            await self._put_back(workspace, taken, box, found)
        elif taken.tries > _TRIES_MAX:
            await self._reject(
                workspace, taken, box, FileGivenUp(message("Reading it failed again and again."))
            )
        else:
            await self._hand_over(workspace, taken, box)

    async def _hand_over(self, workspace: Workspace, taken: Taken, box: Box) -> None:
        """Have a file imported: its bytes go over into an import, whose affair everything else is."""
        wanted = imports.Wanted(
            name=box.file.place.name,
            source="sftp",
            sender=ids.show(PREFIX, box.file.login_id),
            language=workspace.company.language,
            is_auto=True,
        )
        try:
            await imports.create(
                self._database,
                workspace,
                queries.stream(self._database, workspace.id, box),
                wanted,
                import_id=taken.import_id,
                bytes_max=self._bytes_max,
            )
        except (FileEmpty, FileTooLarge) as refusal:
            await self._reject(workspace, taken, box, refusal)
            return
        await pickup.hand_on(self._database, taken)
        _log.info("sftp_file_taken", import_id=imports.show("sftp", taken.import_id))

    async def _put_back(self, workspace: Workspace, taken: Taken, box: Box, found: Import) -> None:
        told = await imports.account(self._database, workspace, found)
        reports = {"report.json": _once(json.pretty(told).encode())}
        if rejected := await imports.rows_to_correct(self._database, workspace, found):
            ending, rows = rejected
            reports[f"rejected.{ending}"] = rows
        folder = Folder.PROCESSED if found.state == "completed" else Folder.REJECTED
        await Return(self._database, workspace, taken, box).end(reports, folder)

    async def _reject(self, workspace: Workspace, taken: Taken, box: Box, refusal: Problem) -> None:
        name = box.file.place.name
        detail = translated(refusal.detail, workspace.company.language)
        told = {"file": name, "state": "failed", "error": refusal.code, "message": detail}
        reports = {"report.json": _once(json.pretty(told).encode())}
        await Return(self._database, workspace, taken, box).end(reports, Folder.REJECTED)


async def cut_deserted(database: Database, now: datetime) -> int:
    """Count files as cut off that nobody wrote to for a while nor closed, and return how many."""
    return len(await database.fetch(_CUT_DESERTED, now - DESERTED))


async def expire(database: Database, now: datetime) -> int:
    """Drop what lay in the folders for thirty days, and return how many files that was."""
    dropped = 0
    while count := await _expire_some(database, now):
        dropped += count
    return dropped


async def _expire_some(database: Database, now: datetime) -> int:
    async with database.transaction(now) as tx:
        rows = await tx.fetch(_EXPIRED, now - KEPT)
        for row in rows:
            await actions.drop(tx, row["workspace_id"], row["id"])
        return len(rows)


async def erase(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Drop the file of an import in which somebody was erased, and the reports on it; one that waits, at its end."""
    await tx.execute(_UNWANTED, workspace_id, import_id)
    for row in await tx.fetch(_OF_IMPORT, workspace_id, import_id):
        await actions.drop(tx, workspace_id, row["id"])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
