"""Import jobs: the worker claims an import under a lease and runs it in a niced child process.

The API and contacts never wait for an import, and a file that exhausts memory kills only that child. The
worker renews the lease while the child lives; if both die, the lease expires, and another worker continues at
the cursor.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from signal import SIGKILL
from typing import Final
from uuid import UUID

import structlog
from asyncpg import Record

from getbill import companies, quarantine
from getbill.embedded import current_account
from getbill.imports import actions, queries, rows
from getbill.imports.model import LeaseLost
from getbill.imports.runs import transitions
from getbill.kit import clock, json
from getbill.kit.database import Database, Statement
from getbill.kit.messages import message
from getbill.quarantine import Item
from getbill.settings import Settings
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=30)
_RENEW_SECONDS: Final = 8.0
# Files per worker at a time: a large file does not block all others.
_AT_ONCE: Final = 2
# A child that dies this often without settling a single row is not retried.
_TRIES_MAX: Final = 12
_WAIT_MAX: Final = timedelta(seconds=20)

_CLAIM = Statement(
    "imports.claim_task",
    "Claim an import whose task waits or whose lease expired.",
    """
    UPDATE imports i SET leased_until = $2, fence = i.fence + 1, tries = i.tries + 1,
        begun_at = coalesce(i.begun_at, $1)
    FROM (SELECT workspace_id, id FROM imports WHERE task IS NOT NULL AND (leased_until IS NULL OR leased_until < $1)
          ORDER BY leased_until NULLS FIRST, created_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
    WHERE i.workspace_id = next.workspace_id AND i.id = next.id
    RETURNING i.workspace_id, i.id, i.fence, i.tries
    """,
)
_RENEW = Statement(
    "imports.renew_lease",
    "Renew an import's lease, or end it at an instant, if its fence still holds.",
    "UPDATE imports SET leased_until = $4 WHERE workspace_id = $1 AND id = $2 AND fence = $3 RETURNING id",
)
_IS_EXPIRED = "(drop_at < $2 AND task IS NULL OR received_at IS NULL AND drop_at < $3)"
_EXPIRED = Statement(
    "imports.list_expired",
    "Imports of a workspace whose retention is over, and unfinished uploads.",
    f"SELECT id FROM imports WHERE workspace_id = $1 AND {_IS_EXPIRED} LIMIT 200",
)
_STILL_EXPIRED = Statement(
    "imports.lock_expired",
    "Lock an import whose retention is over, unless another transaction holds it.",
    f"""
    SELECT file_id, received_at IS NULL AS is_draft FROM imports
    WHERE workspace_id = $1 AND {_IS_EXPIRED} AND id = $4 FOR UPDATE SKIP LOCKED
    """,
)
_DRAFT_DAYS_LEFT: Final = timedelta(days=29)

_GAVE_UP: Final = (
    message("Reading this file failed repeatedly, most probably for lack of memory."),
    message("Split it into smaller files, or send it as CSV."),
)

# Starts the child process of one import under one fence.
StartChild = Callable[[UUID, UUID, int], Awaitable[Process]]


def child_starter(settings: Settings) -> StartChild:
    """Return a function that starts the child process of an import."""

    async def start(workspace_id: UUID, import_id: UUID, fence: int) -> Process:
        command = current_account().command(sys.executable, "-m", "getbill", "import-child", ended_by=SIGKILL)
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, start_new_session=True)
        orders = {
            "dsn": settings.dsn,
            "master_key": settings.master_key_text,
            "key_file": str(settings.key_file.absolute()),
            "log_level": settings.log_level.value,
            "import": [str(workspace_id), str(import_id), fence],
        }
        assert process.stdin is not None  # noqa: S101 - asked for two lines above
        process.stdin.write(json.write(orders))
        process.stdin.close()
        return process

    return start


@dataclass(slots=True)
class ImportSupervisor:
    """The child processes of one worker, each running one import."""

    database: Database
    vault: Vault
    start: StartChild
    at_once: int = _AT_ONCE
    children: dict[UUID, Process] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def tick(self) -> bool:
        """Claim an import, if one is pending and there is capacity; return whether there may be more."""
        if len(self._tasks) >= self.at_once:
            return False
        now = clock.wall()
        row = await self.database.fetchrow(_CLAIM, now, now + LEASE)
        if row is None:
            return False
        if row["tries"] > _TRIES_MAX:
            try:
                await self._fail_import(row)
            except Exception as error:
                if quarantine.is_transient(error):
                    raise
                await rows.hold_import(self.database, (row["workspace_id"], row["id"]), error)
            return True
        task = asyncio.create_task(self._supervise(row))
        self._tasks.add(task)
        task.add_done_callback(self._finish_task)
        return True

    def _finish_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # The lease expires, and the import is retried.
            _log.error("import_task_failed", error=type(error).__name__, exc_info=error)

    async def close(self) -> None:
        """End the children: their settled rows are committed, and another worker continues."""
        for process in self.children.values():
            with suppress(ProcessLookupError):
                process.terminate()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _supervise(self, row: Record) -> None:
        """Renew an import's lease while its child runs."""
        lease_key = row["workspace_id"], row["id"], row["fence"]
        process = await self.start(*lease_key)
        self.children[row["id"]] = process
        try:
            status = await self._watch(process, lease_key)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            del self.children[row["id"]]
        again_at = None
        if status != 0:
            _log.warning("import_child_ended", status=status, tries=row["tries"], import_id=str(row["id"]))
            again_at = clock.wall() + min(timedelta(seconds=0.1 * 2 ** row["tries"]), _WAIT_MAX)
        await self.database.execute(_RENEW, *lease_key, again_at)

    async def _watch(self, process: Process, lease_key: tuple[UUID, UUID, int]) -> int:
        while True:
            with suppress(TimeoutError):
                return await asyncio.wait_for(process.wait(), _RENEW_SECONDS)
            if await self.database.fetchval(_RENEW, *lease_key, clock.wall() + LEASE) is None:
                # Another worker holds the lease; the child would notice with its next chunk.
                with suppress(ProcessLookupError):
                    process.kill()

    async def _fail_import(self, row: Record) -> None:
        workspace = await companies.workspace(self.database, self.vault, row["workspace_id"])
        import_ = await queries.find(self.database, workspace, row["id"])
        with suppress(LeaseLost):
            async with self.database.transaction(workspace.now()) as tx:
                await transitions.fail(tx, workspace, import_, "gave-up", _GAVE_UP)
                reason = message(
                    "Processing was interrupted {tries} times before completion, probably for lack of memory.",
                    tries=_TRIES_MAX,
                )
                await quarantine.add(tx, Item(workspace.id, "import", import_.id), reason)


async def drop_expired(database: Database, vault: Vault) -> int:
    """Drop expired files with the findings of their rows; return the number of files."""
    now = clock.wall()
    before = now, now + _DRAFT_DAYS_LEFT

    async def drop(workspace_id: UUID) -> int:
        return await _drop_of_workspace(database, vault, before, workspace_id)

    return await companies.visit_workspaces(database, "imports", drop)


async def _drop_of_workspace(
    database: Database, vault: Vault, before: tuple[datetime, datetime], workspace_id: UUID
) -> int:
    dropped = 0
    for row in await database.fetch(_EXPIRED, workspace_id, *before):
        primary_key = workspace_id, row["id"]
        try:
            dropped += await _drop_import(database, vault, before, primary_key)
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            await quarantine.add_separately(database, Item(primary_key[0], "import", primary_key[1]), error)
    return dropped


async def _drop_import(
    database: Database, vault: Vault, before: tuple[datetime, datetime], primary_key: tuple[UUID, UUID]
) -> bool:
    workspace = await companies.workspace(database, vault, primary_key[0])
    async with database.transaction(workspace.now()) as tx:
        record = await tx.fetchrow(_STILL_EXPIRED, workspace.id, *before, primary_key[1])
        if record is None:
            return False
        await transitions.drop_all(tx, *primary_key, record["file_id"])
        if record["is_draft"]:
            await tx.execute(actions.DELETE_DRAFT, *primary_key)
    return True
