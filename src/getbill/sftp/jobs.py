"""The pick-up worker: imports dropped files and returns their results.

A file's import has its id from the first claim on: after a crash, the next worker starts or continues the
same import. The invariant: a file moves to `processed/` or `rejected/` once, after its report is written.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from getbill import companies, imports, quarantine
from getbill.companies import Workspace
from getbill.imports import FileEmpty, FileTooLarge, Import, ImportSuperseded
from getbill.kit import clock, ids, json, work
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound, Problem
from getbill.kit.messages import message, translated
from getbill.quarantine import Item
from getbill.sftp import actions, pickup, queries
from getbill.sftp.model import ABANDONED_AFTER, PREFIX, Folder
from getbill.sftp.pickup import ClaimedFile, FileLeaseLost
from getbill.sftp.queries import KeyedFile
from getbill.sftp.result_files import ResultWriter
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

KEPT: Final = timedelta(days=30)
_EXPIRED = Statement(
    "sftp.list_expired",
    "Files of a workspace whose retention is over.",
    """
    SELECT f.id FROM sftp_files f
    LEFT JOIN imports i ON i.workspace_id = f.workspace_id AND i.id = f.import_id
    WHERE f.workspace_id = $1 AND f.written_at < $2
      AND (f.state <> 'taken' OR (i.received_at IS NOT NULL AND i.task IS NULL AND i.drop_at IS NULL))
    LIMIT 100 FOR UPDATE OF f SKIP LOCKED
    """,
)
_CUT_ABANDONED = Statement(
    "sftp.cut_abandoned",
    "Cut off the files of a workspace that a dead process left open.",
    """
    UPDATE sftp_files SET state = 'cut', writer = NULL, room = size
    WHERE workspace_id = $1 AND state = 'open' AND written_at < $2
    RETURNING id
    """,
)
_OF_IMPORT = Statement(
    "sftp.list_by_import",
    "Settled files of an import.",
    "SELECT id FROM sftp_files WHERE workspace_id = $1 AND import_id = $2 AND state <> 'taken'",
)
_MARK_UNWANTED = Statement(
    "sftp.mark_unwanted",
    "Mark the file of a running import for deletion at its end.",
    "UPDATE sftp_files SET is_unwanted = true WHERE workspace_id = $1 AND import_id = $2 AND state = 'taken'",
)
_CRASHES_MAX: Final = 20
# Unexpected failures, two minutes apart each, before a file is quarantined.
_FAILURES_MAX: Final = 3


class FileGivenUp(Problem):
    """A dropped file could not be read after many attempts."""

    code = "file-given-up"
    way_out = "Check the worker's log, then upload the file again."


class PickupWorker:
    """The pick-up loop of one worker."""

    def __init__(self, database: Database, vault: Vault, minutes: int, bytes_max: int) -> None:
        self._database = database
        self._vault = vault
        self._minutes = minutes
        self._bytes_max = bytes_max

    async def tick(self, keep_going: Callable[[], bool] = lambda: True) -> bool:
        """Process one step of one file; return whether more work may be waiting."""
        claimed_file = await self._claim_file(keep_going)
        if claimed_file is None:
            return False
        try:
            async with pickup.renewing_lease(self._database, claimed_file):
                await self._process(claimed_file)
        except (FileLeaseLost, ImportSuperseded):
            _log.warning("sftp_file_lease_lost", import_id=imports.public_id("sftp", claimed_file.import_id))
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            await self._quarantine(claimed_file, error)
        return True

    async def _claim_file(self, keep_going: Callable[[], bool]) -> ClaimedFile | None:
        now = clock.wall()
        async for workspace_id in work.due_workspaces(self._database, pickup.KIND, now):
            if not keep_going():
                return None
            ended_file = await pickup.claim_ended(self._database, workspace_id, now)
            claimed_file = ended_file or await pickup.claim_due(
                self._database, workspace_id, now, pickup.last_due(now, self._minutes)
            )
            if claimed_file is not None:
                return claimed_file
            await pickup.postpone_files(self._database, workspace_id, now, self._minutes)
        return None

    async def _quarantine(self, claimed_file: ClaimedFile, error: Exception) -> None:
        """Leave a failed file to the next worker; quarantine it after repeated failures."""
        _log.error(
            "sftp_file_failed", file=str(claimed_file.file_id), crashes=claimed_file.crashes, exc_info=error
        )
        if claimed_file.crashes + 1 >= _FAILURES_MAX and await pickup.hold_file(self._database, claimed_file):
            item = Item(claimed_file.workspace_id, "file", claimed_file.file_id)
            await quarantine.add_separately(self._database, item, error)

    async def _process(self, claimed_file: ClaimedFile) -> None:
        workspace = await companies.workspace(self._database, self._vault, claimed_file.workspace_id)
        keyed_file = await queries.find_by_id(self._database, workspace, claimed_file.file_id)
        if keyed_file is None:
            return
        try:
            import_ = await imports.find(self._database, workspace, claimed_file.import_id)
        except NotFound:
            import_ = None
        if import_ is not None and import_.received_at is not None:
            await self._return_results(workspace, claimed_file, keyed_file, import_)
        elif claimed_file.crashes >= _CRASHES_MAX:
            await self._reject(
                workspace,
                claimed_file,
                keyed_file,
                FileGivenUp(message("Reading the file failed repeatedly.")),
            )
        else:
            await self._import_file(workspace, claimed_file, keyed_file)

    async def _import_file(
        self, workspace: Workspace, claimed_file: ClaimedFile, keyed_file: KeyedFile
    ) -> None:
        """Copy a file's bytes into an import, which does the rest."""
        options = imports.ImportOptions(
            name=keyed_file.file.path.name,
            source="sftp",
            sender=ids.show(PREFIX, keyed_file.file.login_id),
            language=workspace.company.language,
            is_auto=True,
        )
        try:
            await imports.create(
                self._database,
                workspace,
                queries.read_file(self._database, workspace.id, keyed_file),
                options,
                import_id=claimed_file.import_id,
                bytes_max=self._bytes_max,
            )
        except (FileEmpty, FileTooLarge) as refusal:
            await self._reject(workspace, claimed_file, keyed_file, refusal)
            return
        await pickup.release_file(self._database, claimed_file)
        _log.info("sftp_file_imported", import_id=imports.public_id("sftp", claimed_file.import_id))

    async def _return_results(
        self, workspace: Workspace, claimed_file: ClaimedFile, keyed_file: KeyedFile, import_: Import
    ) -> None:
        report = await imports.build_report(self._database, workspace, import_)
        reports = {"report.json": _single_chunk(json.pretty(report).encode())}
        if rejected_rows := await imports.rows_to_correct(self._database, workspace, import_):
            ending, rows = rejected_rows
            reports[f"rejected.{ending}"] = rows
        folder = Folder.PROCESSED if import_.state is imports.State.COMPLETED else Folder.REJECTED
        await ResultWriter(self._database, workspace, claimed_file, keyed_file).write(reports, folder)

    async def _reject(
        self, workspace: Workspace, claimed_file: ClaimedFile, keyed_file: KeyedFile, refusal: Problem
    ) -> None:
        name = keyed_file.file.path.name
        detail = translated(refusal.detail, workspace.company.language)
        report = {"file": name, "state": "failed", "error": refusal.code, "message": detail}
        reports = {"report.json": _single_chunk(json.pretty(report).encode())}
        await ResultWriter(self._database, workspace, claimed_file, keyed_file).write(
            reports, Folder.REJECTED
        )


async def cut_abandoned(database: Database, now: datetime) -> int:
    """Mark abandoned open files as cut off, and return how many."""

    async def cut(workspace_id: UUID) -> int:
        return len(await database.fetch(_CUT_ABANDONED, workspace_id, now - ABANDONED_AFTER))

    return await companies.visit_workspaces(database, "cut_files", cut)


async def expire(database: Database, now: datetime) -> int:
    """Delete files older than thirty days, and return how many."""

    async def expire_workspace(workspace_id: UUID) -> int:
        dropped = 0
        while count := await _expire_some(database, now, workspace_id):
            dropped += count
        return dropped

    return await companies.visit_workspaces(database, "old_files", expire_workspace)


async def _expire_some(database: Database, now: datetime, workspace_id: UUID) -> int:
    async with database.transaction(now) as tx:
        rows = await tx.fetch(_EXPIRED, workspace_id, now - KEPT)
        for row in rows:
            await actions.drop(tx, workspace_id, row["id"])
        return len(rows)


async def erase(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Delete the file of an import with an erased debtor, and its reports; a pending file once it is done."""
    await tx.execute(_MARK_UNWANTED, workspace_id, import_id)
    for row in await tx.fetch(_OF_IMPORT, workspace_id, import_id):
        await actions.drop(tx, workspace_id, row["id"])


async def _single_chunk(content: bytes) -> AsyncIterator[bytes]:
    yield content
