"""The corpus sent to an installation of its own: an API and one worker, as in production.

Or, to be quick, an API whose imports are done in this process: the same tasks, without a child for each.
"""

import asyncio
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from getbill import reactions, vault
from getbill.imports.runs import tasks
from getbill.kit import clock
from getbill.kit.database.transactions import Database, Statement, open_database
from getbill.settings import Settings
from getbill.vault import Vault
from testbed.corpus.exports import upload
from testbed.corpus.exports.judge import Verdict, judged
from testbed.corpus.exports.layout import Layout
from testbed.installation import PreparedInstallation, api, prepared_installation, process, settings

_LEASE = timedelta(hours=1)
_IDLE_SECONDS = 0.02
_CLAIM = Statement(
    "bench.claim_import",
    "Take an import that waits, as a worker does.",
    """
    UPDATE imports i SET lease_until = $2, fence = i.fence + 1, begun_at = coalesce(i.begun_at, $1)
    FROM (SELECT workspace_id, id FROM imports WHERE task IS NOT NULL AND (lease_until IS NULL OR lease_until < $1)
          ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
    WHERE i.workspace_id = next.workspace_id AND i.id = next.id
    RETURNING i.workspace_id, i.id, i.fence
    """,
)
_RELEASE = Statement(
    "bench.release_import",
    "Give an import back.",
    "UPDATE imports SET lease_until = NULL WHERE workspace_id = $1 AND id = $2 AND fence = $3",
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A running installation to which layouts are sent."""

    home: PreparedInstallation
    url: str

    def verdict(self, layouts: Sequence[Layout]) -> Verdict:
        """Send layouts and return how they came out."""
        keys = asyncio.run(self._keys(layouts))
        return judged(upload.exchange(self.url, layouts, keys))

    async def _keys(self, layouts: Sequence[Layout]) -> dict[str, str]:
        async with _opened(self.home) as (database, unlocked):
            return await upload.keys(database, unlocked, layouts)


@contextmanager
def recipient(*, is_quick: bool = False) -> Iterator[Recipient]:
    """Yield a running installation; a quick one does its imports in this process."""
    with (
        prepared_installation() as base,
        api(base) as ours,
        _worker_here(base) if is_quick else _worker(base),
    ):
        yield Recipient(base, f"http://127.0.0.1:{ours.port}")


@contextmanager
def _worker(base: PreparedInstallation) -> Iterator[None]:
    environment = settings(base.folder, 0) | {"DATABASE_URL": base.dsn, "GETBILL_LOG_LEVEL": "warning"}
    environment.pop("GETBILL_PORT")
    with process([sys.executable, "-m", "getbill", "worker"], environment):
        yield


@contextmanager
def _worker_here(base: PreparedInstallation) -> Iterator[None]:
    stopped = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_work(base, stopped)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


async def _work(base: PreparedInstallation, stopped: threading.Event) -> None:
    async with _opened(base) as (database, unlocked):
        while not stopped.is_set():
            if not await work_once(database, unlocked):
                await asyncio.sleep(_IDLE_SECONDS)


async def work_once(database: Database, unlocked: Vault) -> bool:
    """Do what waits to be done with an import; say whether there was one."""
    now = clock.wall()
    row = await database.fetchrow(_CLAIM, now, now + _LEASE)
    if row is None:
        return False
    place = row["workspace_id"], row["id"], row["fence"]
    try:
        await tasks.run(database, unlocked, *place)
        await database.execute(_RELEASE, *place)
    except Exception:  # noqa: BLE001 - the other files go on; this one is reported as never over
        traceback.print_exc()
    return True


@asynccontextmanager
async def _opened(base: PreparedInstallation) -> AsyncIterator[tuple[Database, Vault]]:
    of_home = Settings(data_dir=base.folder, database_url=SecretStr(base.dsn))
    database = await open_database(of_home.dsn, reactions.before_commit, size=4)
    try:
        yield database, await vault.unlock(database, of_home.master_key_text, of_home.key_file)
    finally:
        await database.close()
