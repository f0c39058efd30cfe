"""Result files: the reports of a finished import, then the move to `processed/` or `rejected/`.

The worker with the lease writes; one that lost it deletes the reports it wrote. The invariant: a file moves
once, in the transaction that verifies the lease of the worker that moves it.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final
from uuid import UUID

import structlog

from getbill.companies import Workspace
from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.sftp import actions, pickup
from getbill.sftp.actions import Folders
from getbill.sftp.model import Folder, FolderPath, SftpLimits, State, TakenOver
from getbill.sftp.pickup import ClaimedFile, FileLeaseLost
from getbill.sftp.queries import KeyedFile

_log = structlog.get_logger(__name__)

# Our own files are written however full the folders are.
_NO_LIMITS: Final = SftpLimits(quota_bytes=2**62, file_bytes_max=2**62)

_OLD_REPORTS = Statement(
    "sftp.old_reports",
    "Reports on an import that somebody began to write before.",
    "SELECT id FROM sftp_files WHERE workspace_id = $1 AND import_id = $2 AND folder = 'reports'",
)

_IS_UNWANTED = Statement(
    "sftp.is_unwanted",
    "Was somebody erased who stands in a file?",
    "SELECT is_unwanted FROM sftp_files WHERE workspace_id = $1 AND id = $2",
)

# The reports of a file by the suffix of their name.
Reports = Mapping[str, AsyncIterator[bytes]]


class ResultWriter:
    """The writer of one file's results, for the worker that claimed it."""

    def __init__(
        self, database: Database, workspace: Workspace, claimed_file: ClaimedFile, keyed_file: KeyedFile
    ) -> None:
        self._database = database
        self._folders = Folders(database, workspace, keyed_file.file.login_id, _NO_LIMITS)
        self._claimed_file = claimed_file
        self._keyed_file = keyed_file
        self._report_ids: list[UUID] = []

    async def write(self, reports: Reports, folder: Folder) -> None:
        """Write the reports and move the file; raise FileLeaseLost, leaving none, if the lease was lost."""
        try:
            await self._drop_old_reports()
            name = await self._choose_name(reports, folder)
            for ending, content in reports.items():
                await self._write_report(f"{name}.{ending}", content)
            await self._move(FolderPath(folder, name))
        except (FileLeaseLost, TakenOver):
            await self._drop(self._report_ids)
            raise FileLeaseLost from None
        _log.info("sftp_file_done", folder=folder.value)

    async def _drop_old_reports(self) -> None:
        import_key = self._claimed_file.workspace_id, self._claimed_file.import_id
        await pickup.renew_lease(self._database, self._claimed_file, clock.wall())
        await self._drop([row["id"] for row in await self._database.fetch(_OLD_REPORTS, *import_key)])

    async def _choose_name(self, reports: Reports, folder: Folder) -> str:
        """Return the common name of the file and its reports from now on."""
        placements = [(folder, ""), *((Folder.REPORTS, f".{ending}") for ending in reports)]

        async def choose_name(tx: Transaction) -> str:
            return await self._folders.free_name(tx, self._keyed_file.file.path.name, placements)

        return await self._folders.transact(choose_name)

    async def _write_report(self, name: str, content: AsyncIterator[bytes]) -> None:
        await pickup.renew_lease(self._database, self._claimed_file, clock.wall())
        upload = await self._folders.create_report(
            FolderPath(Folder.REPORTS, name), self._claimed_file.import_id
        )
        self._report_ids.append(upload.file_id)
        async for part in content:
            await upload.write(upload.size, part)
        await upload.close(state=State.KEPT)

    async def _move(self, path: FolderPath) -> None:
        async def move(tx: Transaction) -> None:
            await pickup.renew_lease(tx, self._claimed_file, clock.wall())
            if await tx.fetchval(_IS_UNWANTED, self._claimed_file.workspace_id, self._claimed_file.file_id):
                await actions.drop(tx, self._claimed_file.workspace_id, self._claimed_file.file_id)
                return
            free_path = await self._folders.free_path(tx, path)
            await self._folders.move(tx, self._keyed_file, free_path, State.KEPT)

        await self._folders.transact(move)

    async def _drop(self, file_ids: list[UUID]) -> None:
        async with self._database.transaction(clock.wall()) as tx:
            for file_id in file_ids:
                await actions.drop(tx, self._claimed_file.workspace_id, file_id)
