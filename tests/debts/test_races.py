"""Two changes of one debt at once: the second decides on what the first left."""

import asyncio

import pytest

from debts.conftest import House
from getbill import companies, debts
from getbill.kit import ids
from getbill.kit.errors import NotFound


async def test_a_debt_erased_while_somebody_waits_for_it_is_not_there_any_more(house: House) -> None:
    debt_id = ids.read("debt", (await house.debt())["id"])
    database = house.app.state.database
    workspace = await companies.workspace(database, house.app.state.vault, house.workspace_id)

    async def wait_for_it() -> None:
        async with database.transaction(workspace.now()) as late:
            await debts.lock(late, workspace, debt_id)

    async with database.transaction(workspace.now()) as tx:
        await debts.erase(tx, workspace, await debts.lock(tx, workspace, debt_id))
        waiting = asyncio.create_task(wait_for_it())
        while not await database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 it waits in the database
            await asyncio.sleep(0.01)

    with pytest.raises(NotFound):
        await waiting
