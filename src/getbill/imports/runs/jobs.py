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
from getbill.imports import actions, due, queries, rows
from getbill.imports.model import LeaseLost
from getbill.imports.runs import transitions
from getbill.kit import clock, json, work
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
_CRASHES_MAX: Final = 12
_WAIT_MAX: Final = timedelta(seconds=20)

_CLAIM = due.LEASE.claim_statement(
    "imports.claim_task",
    "Claim an import of a workspace whose task waits or whose lease expired.",
    order="t.lease_until NULLS FIRST, t.created_at",
)
_RENEW = due.LEASE.renewal_statement(
    "imports.renew_lease", "Renew an import's lease, or end it at an instant, if its fence still holds."
)
_RELEASE = due.LEASE.release_statement(
    "imports.release_import", "Release an import's lease, if its fence still holds."
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

    async def tick(self, keep_going: Callable[[], bool] = lambda: True) -> bool:
        """Claim an import, if one is pending and there is capacity; return whether there may be more."""
        if len(self._tasks) >= self.at_once:
            return False
        async for workspace_id in work.due_workspaces(self.database, due.KIND, clock.wall()):
            if not keep_going():
                return False
            if await self._claim_in(workspace_id):
                return True
        return False

    async def _claim_in(self, workspace_id: UUID) -> bool:
        """Claim an import of a workspace; postpone the workspace where none waits."""
        now = clock.wall()
        row = await self.database.fetchrow(_CLAIM, workspace_id, now, now + LEASE, 1)
        if row is None:
            async with self.database.transaction(now) as tx:
                await due.postpone_imports(tx, workspace_id, now)
            return False
        if row["crashes"] >= _CRASHES_MAX:
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
        # At once, not with the next turn of the loop: whoever closes it may go on with it.
        self._tasks.clear()

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
        if status == 0:
            await self._release(lease_key)
            return
        _log.warning("import_child_ended", status=status, crashes=row["crashes"], import_id=str(row["id"]))
        await self._end_lease(lease_key, min(timedelta(seconds=0.2 * 2 ** row["crashes"]), _WAIT_MAX))

    async def _release(self, lease_key: tuple[UUID, UUID, int]) -> None:
        workspace_id, *claimed = lease_key
        async with self.database.transaction(clock.wall()) as tx:
            released = await tx.fetchrow(_RELEASE, workspace_id, *work.claim_arrays([claimed]))
            if released is not None and released["task"] is not None:
                due.note_imports(tx, workspace_id, clock.wall())

    async def _end_lease(self, lease_key: tuple[UUID, UUID, int], wait: timedelta) -> None:
        """Let the lease of a child that died end after a wait, which counts as a crash."""
        workspace_id, *claimed = lease_key
        until = clock.wall() + wait
        async with self.database.transaction(clock.wall()) as tx:
            await tx.execute(_RENEW, workspace_id, until, *work.claim_arrays([claimed]))
            due.note_imports(tx, workspace_id, until)

    async def _is_renewed(self, lease_key: tuple[UUID, UUID, int]) -> bool:
        workspace_id, *claimed = lease_key
        until = clock.wall() + LEASE
        return bool(await self.database.fetch(_RENEW, workspace_id, until, *work.claim_arrays([claimed])))

    async def _watch(self, process: Process, lease_key: tuple[UUID, UUID, int]) -> int:
        while True:
            with suppress(TimeoutError):
                return await asyncio.wait_for(process.wait(), _RENEW_SECONDS)
            if not await self._is_renewed(lease_key):
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
                    tries=_CRASHES_MAX,
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
