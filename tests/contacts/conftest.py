"""One pool for the tests of the ledger, and a sandbox of its own for each."""

from collections.abc import AsyncIterator

import pytest

import collecting
from collecting import WorkspaceEngine
from getbill import reactions
from getbill.kit.database.transactions import Database, open_database


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    database = await open_database(dsn, reactions.before_commit, size=8)
    yield database
    await database.close()


@pytest.fixture
async def workspace(database: Database) -> WorkspaceEngine:
    return await collecting.new_engine(database)
