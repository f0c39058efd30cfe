"""Putting back: the reports on a file whose import is over, then the file itself into `processed/` or `rejected/`.

Whoever has the file writes; a worker that lost it meanwhile takes back the reports it wrote. The invariant: a file moves
once, in the same change in which the lease of whoever moves it is found to hold.
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
from getbill.sftp.model import Folder, Limits, Place, State, TakenOver
from getbill.sftp.pickup import Taken, TakenByAnother
from getbill.sftp.queries import Box

_log = structlog.get_logger(__name__)

# What we put back is put back however full the folders are.
_NO_LIMITS: Final = Limits(quota_bytes=2**62, file_bytes_max=2**62)

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

# What is written about a file, by what is appended to the file's name.
Reports = Mapping[str, AsyncIterator[bytes]]


class Return:
    """The way back of one file, for the worker that took it."""

    def __init__(self, database: Database, workspace: Workspace, taken: Taken, box: Box) -> None:
        self._database = database
        self._folders = Folders(database, workspace, box.file.login_id, _NO_LIMITS)
        self._taken = taken
        self._box = box
        self._written: list[UUID] = []

    async def end(self, reports: Reports, folder: Folder) -> None:
        """Write the reports and move the file; raise TakenByAnother, leaving nothing, when another worker has it."""
        try:
            await self._forget_reports()
            name = await self._name(reports, folder)
            for ending, content in reports.items():
                await self._write(f"{name}.{ending}", content)
            await self._move(Place(folder, name))
        except (TakenByAnother, TakenOver):
            await self._drop(self._written)
            raise TakenByAnother from None
        _log.info("sftp_file_done", folder=folder.value)

    async def _forget_reports(self) -> None:
        place = self._taken.workspace_id, self._taken.import_id
        await pickup.keep(self._database, self._taken, clock.wall())
        await self._drop([row["id"] for row in await self._database.fetch(_OLD_REPORTS, *place)])

    async def _name(self, reports: Reports, folder: Folder) -> str:
        """Return the name under which the file and its reports lie from now on, the same for all of them."""
        wanted = [(folder, ""), *((Folder.REPORTS, f".{ending}") for ending in reports)]

        async def work(tx: Transaction) -> str:
            return await self._folders.free_name(tx, self._box.file.place.name, wanted)

        return await self._folders.change(work)

    async def _write(self, name: str, content: AsyncIterator[bytes]) -> None:
        await pickup.keep(self._database, self._taken, clock.wall())
        upload = await self._folders.put(Place(Folder.REPORTS, name), self._taken.import_id)
        self._written.append(upload.file_id)
        async for part in content:
            await upload.write(upload.size, part)
        await upload.close(state=State.KEPT)

    async def _move(self, place: Place) -> None:
        async def work(tx: Transaction) -> None:
            await pickup.keep(tx, self._taken, clock.wall())
            if await tx.fetchval(_IS_UNWANTED, self._taken.workspace_id, self._taken.file_id):
                await actions.drop(tx, self._taken.workspace_id, self._taken.file_id)
                return
            free = await self._folders.free(tx, place)
            await self._folders.move(tx, self._box, free, State.KEPT)

        await self._folders.change(work)

    async def _drop(self, file_ids: list[UUID]) -> None:
        async with self._database.transaction(clock.wall()) as tx:
            for file_id in file_ids:
                await actions.drop(tx, self._taken.workspace_id, file_id)
