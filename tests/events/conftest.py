"""Facts without debts: a subject that has a key and counts its history, and nothing else."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from getbill import companies, events, vault
from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database.transactions import Database, Transaction, open_database


@dataclass
class Subject:
    """What an event is about, where the debt itself does not matter."""

    workspace_id: UUID
    key: vault.Key | None
    id: UUID = field(default_factory=ids.new)
    sequence: int = 0

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def event_data(self) -> dict[str, Any]:
        return {"debt_id": ids.show("debt", self.id)}

    def store(self, tx: Transaction) -> None:
        """Keep no row."""


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    async def before_commit(tx: Transaction) -> None:
        events.store(tx)

    database = await open_database(dsn, before_commit, size=6)
    yield database
    await database.close()


@pytest.fixture
async def workspace(database: Database) -> Workspace:
    keys = vault.Vault([vault.Key.new()])
    founded = await companies.create(database, keys, "Acme")
    return await companies.workspace(database, keys, founded.sandbox_id)


@pytest.fixture
async def new_subject(database: Database, workspace: Workspace) -> Callable[[], Any]:
    async def make() -> Subject:
        async with database.transaction(workspace.now()) as tx:
            debt_id = ids.new()
            return Subject(workspace.id, vault.make_key(tx, workspace.vault, workspace.id, debt_id), debt_id)

    return make
