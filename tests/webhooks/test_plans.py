"""A burst leaves a backlog before PostgreSQL has any statistics of it: claims and settling must not read all of it."""

import inspect
from typing import Any

import pytest

from getbill.companies import Workspace
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database, Statement
from getbill.webhooks.deliveries import claims, ledger

_BACKLOG = """
INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
    next_try_at, created_at)
SELECT $1, gen_random_uuid(), $2, gen_random_uuid(), gen_random_uuid(), 'debt.created', n, 1, now(), now()
FROM generate_series(1, 60000) AS n
"""


@pytest.fixture
async def backlog(database: Database, snapshot: Workspace, receive: Any, subscribe: Any) -> Any:
    endpoint_id = await subscribe(await receive())
    await database.pool.execute("TRUNCATE webhook_deliveries")
    # Statistics outlive the rows of other tests, and would be gathered of these.
    await database.pool.execute("ALTER TABLE webhook_deliveries SET (autovacuum_enabled = false)")
    await database.pool.execute("DELETE FROM pg_statistic WHERE starelid = 'webhook_deliveries'::regclass")
    await database.pool.execute(_BACKLOG, snapshot.id, endpoint_id)
    yield endpoint_id
    await database.pool.execute("ALTER TABLE webhook_deliveries RESET (autovacuum_enabled)")
    await database.pool.execute("TRUNCATE webhook_deliveries")


def arguments(statement: Statement, workspace_id: Any, endpoint_id: Any) -> list[Any]:
    """As a courier hands them over, for two hundred deliveries."""
    now, many = clock.wall(), 200
    if statement is claims._CLAIM:
        return [workspace_id, [endpoint_id], [256], now, now, now, 4096]
    held = [[ids.new() for _ in range(many)], [1] * many]
    if statement is claims._RENEW:
        return [workspace_id, now, *held]
    if statement is claims._RELEASE:
        return [workspace_id, *held]
    report = [[1] * many, [endpoint_id] * many, ["debt.created"] * many, ["https://example.com"] * many]
    came = [[now] * many, [1] * many, [204] * many, [None] * many, [None] * many]
    return [workspace_id, *held, *report, *came, ["delivered"] * many, [now] * many, [False] * many, now]


@pytest.mark.parametrize("statement", [claims._CLAIM, claims._RENEW, claims._RELEASE, ledger._SETTLE])
async def test_a_backlog_without_statistics_is_not_read_as_a_whole(
    database: Database, snapshot: Workspace, backlog: Any, statement: Statement
) -> None:
    rows = await database.pool.fetch(f"EXPLAIN {statement.text}", *arguments(statement, snapshot.id, backlog))

    plan = inspect.cleandoc("\n".join(row[0] for row in rows))
    assert "Seq Scan on webhook_deliveries" not in plan, plan
