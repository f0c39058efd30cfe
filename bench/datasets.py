"""Debts of one workspace for the figures on contacts: written in bulk, at a clock of their own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill import companies, debts, reactions, vault
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt
from getbill.kit.database.transactions import Database, open_database
from getbill.kit.money import Money
from getbill.settings import Settings
from getbill.vault import Vault
from testbed import clocks
from testbed.installation import PreparedInstallation

_BATCH = 200
_WORKSPACE = "SELECT workspace_id FROM workspaces WHERE kind = $1"
_IBAN = "UPDATE companies SET iban = 'FR7630006000011234567890189'"


@dataclass(slots=True)
class Dataset:
    """The database of an installation and one of its workspaces."""

    database: Database
    vault: Vault
    workspace_id: UUID

    async def workspace(self) -> Workspace:
        """Return the workspace as it stands now."""
        return await companies.workspace(self.database, self.vault, self.workspace_id)

    async def stand_still(self, at: datetime) -> None:
        """Have the workspace's clock stand still at an instant."""
        await clocks.stand_still(self.database.pool, self.workspace_id, at)

    async def fill(self, people: list[Identity], first: int) -> None:
        """Open a debt for each of some people; the numbers in their references begin at `first`."""
        workspace = await self.workspace()
        news = [
            NewDebt(item, Money(20_00 + number, "EUR"), f"F-{first + number}", "standard_3_waves", Details())
            for number, item in enumerate(people)
        ]
        for start in range(0, len(news), _BATCH):
            async with self.database.transaction(workspace.now()) as tx:
                await debts.create_many(tx, workspace, news[start : start + _BATCH])


@asynccontextmanager
async def open_dataset(
    base: PreparedInstallation, kind: str, dsn: str | None = None
) -> AsyncIterator[Dataset]:
    """Yield the dataset of a prepared installation's live workspace, or of its sandbox."""
    chosen = Settings(data_dir=base.folder).with_dsn(dsn or base.dsn)
    database = await open_database(chosen.dsn, reactions.before_commit, size=8)
    try:
        unlocked = await vault.unlock(database, chosen.master_key_text, chosen.key_file)
        await database.pool.execute(_IBAN)
        yield Dataset(database, unlocked, await database.pool.fetchval(_WORKSPACE, kind))
    finally:
        await database.close()


def people(first: int, many: int, *, only_mail: bool = False) -> Iterator[Identity]:
    """Return so many people who live in Lyon, each with addresses of their own; or with an e-mail address alone."""
    for number in range(first, first + many):
        name, email = f"Jean Dupont {number}", f"jean.dupont.{number}@example.com"
        if only_mail:
            yield Identity(name=name, email=email, country="FR")
            continue
        yield Identity(
            name=name,
            email=email,
            phone=f"+336{number:08d}",
            street_address="rue des Lilas",
            street_number=str(1 + number % 90),
            postal_code="69003",
            city="Lyon",
            country="FR",
        )
