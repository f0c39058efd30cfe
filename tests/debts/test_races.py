"""Two changes of one debt at once: the second decides on what the first left."""

import asyncio

import pytest

from debts.conftest import WorkspaceApi
from getbill import companies, debts
from getbill.kit import ids
from getbill.kit.errors import NotFound


async def test_a_debt_erased_while_somebody_waits_for_it_is_not_there_any_more(
    workspace: WorkspaceApi,
) -> None:
    debt_id = ids.read("debt", (await workspace.debt())["id"])
    database = workspace.app.state.database
    snapshot = await companies.workspace(database, workspace.app.state.vault, workspace.workspace_id)

    async def wait_for_it() -> None:
        async with database.transaction(snapshot.now()) as late:
            await debts.lock(late, snapshot, debt_id)

    async with database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, debt_id))
        waiting = asyncio.create_task(wait_for_it())
        while not await database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 it waits in the database
            await asyncio.sleep(0.01)

    with pytest.raises(NotFound):
        await waiting
