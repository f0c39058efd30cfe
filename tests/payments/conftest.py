"""A sandbox with debts in it, whose events are stored before the commit."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from itertools import count

import pytest

from debts.conftest import other_workspace, site, workspace  # noqa: F401 - fixtures of the whole API
from getbill import companies, debts, events, vault
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Debt, Details, NewDebt
from getbill.kit.database.transactions import Database, Transaction, open_database
from getbill.kit.money import Money

NewDebtOf = Callable[[str], Awaitable[Debt]]


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    async def before_commit(tx: Transaction) -> None:
        events.store(tx)

    database = await open_database(dsn, before_commit, size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def keys() -> vault.Vault:
    return vault.Vault([vault.Key.new()])


@pytest.fixture(scope="session")
async def founded(database: Database, keys: vault.Vault) -> companies.actions.CreatedCompany:
    return await companies.create(database, keys, "Acme")


@pytest.fixture(scope="session")
async def snapshot(
    database: Database, keys: vault.Vault, founded: companies.actions.CreatedCompany
) -> Workspace:
    return await companies.workspace(database, keys, founded.sandbox_id)


@pytest.fixture(scope="session")
async def live(database: Database, keys: vault.Vault, founded: companies.actions.CreatedCompany) -> Workspace:
    return await companies.workspace(database, keys, founded.live_id)


@pytest.fixture(scope="session")
def open_debt(database: Database, snapshot: Workspace) -> Callable[..., Awaitable[Debt]]:
    numbers = count(1)

    async def open_one(amount: str = "100.00", where: Workspace = snapshot) -> Debt:
        number = next(numbers)
        person = Identity(name=f"Jean Dupont {number}", email=f"jean{number}@example.com")
        new = NewDebt(
            person, Money.from_decimal(Decimal(amount), "EUR"), f"PAY-{number}", "standard_3_waves", Details()
        )
        async with database.transaction(where.now()) as tx:
            return (await debts.create(tx, where, new)).debt

    return open_one
