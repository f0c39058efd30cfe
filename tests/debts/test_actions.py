"""Debts through their actions, on a real database."""

from dataclasses import replace
from decimal import Decimal

import pytest

from getbill import companies, debts, events, vault
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt
from getbill.kit.db import Database, open_database
from getbill.kit.money import Money


@pytest.fixture(scope="module")
async def database(dsn):
    async def edge(tx):
        events.store(tx)

    database = await open_database(dsn, edge)
    yield database
    await database.close()


@pytest.fixture
async def workspace(database):
    v = vault.Vault([vault.Key.new()])
    founded = await companies.create(database, v, "Acme")
    return await companies.workspace(database, v, founded.sandbox_id)


NEW = NewDebt(
    Identity(name="Jean Dupont", email="jean@example.com", phone="+33612345678"),
    Money.of(Decimal("2340.00"), "EUR"),
    "F-1",
    "standard_3_waves",
    Details(),
)


async def test_smoke(database: Database, workspace: Workspace) -> None:
    async with database.transaction(workspace.now()) as tx:
        made = await debts.create(tx, workspace, NEW)
    assert made.is_new
    print(made.debt)
    async with database.transaction(workspace.now()) as tx:
        again = await debts.create(tx, workspace, NEW)
    assert not again.is_new and again.debt.id == made.debt.id
    async with database.transaction(workspace.now()) as tx:
        second = await debts.create(tx, workspace, replace(NEW, reference="F-2"))
    assert second.debt.debtor.id == made.debt.debtor.id
    async with database.transaction(workspace.now()) as tx:
        debt = await debts.lock(tx, workspace, made.debt.id)
        debts.enter_money(tx, debt, "payment", -234000)
    found = await debts.find(database, workspace, made.debt.id)
    assert found.status == "resolved"
    async with database.transaction(workspace.now()) as tx:
        debt = await debts.lock(tx, workspace, made.debt.id)
        e = await debts.erase(tx, workspace, debt)
    assert not e.is_debtor_erased
    rows = await database.pool.fetch(
        "select kind, sequence, data is null as gone from events where debt_id=$1 order by sequence",
        made.debt.id,
    )
    print(rows)
    import time

    for k in range(3):
        t = time.perf_counter()
        n = 300
        for i in range(n):
            async with database.transaction(workspace.now()) as tx:
                await debts.create(
                    tx,
                    workspace,
                    replace(
                        NEW,
                        identity=Identity(name=f"Jean {k} {i}", email=f"j{k}{i}@example.com"),
                        reference=f"G-{k}-{i}",
                    ),
                )
        print((time.perf_counter() - t) / n * 1e3, "ms per create")
