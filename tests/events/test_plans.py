"""A burst leaves events without a position before PostgreSQL has any statistics of them: each is looked at once."""

import json
from typing import Any

from asyncpg import Record

from getbill.companies import Workspace
from getbill.events import jobs
from getbill.kit.database.transactions import Database

MANY = 2000
PLACED = """
INSERT INTO events (workspace_id, id, debt_id, sequence, kind, occurred_at, recorded_at, position)
SELECT $1, gen_random_uuid(), gen_random_uuid(), 1, 'debt.created', now(), now(), 1000000 + n
FROM generate_series(1, $2) AS n
"""
WAITING = """
INSERT INTO events (workspace_id, id, debt_id, sequence, kind, occurred_at, recorded_at)
SELECT $1, gen_random_uuid(), gen_random_uuid(), 1, 'debt.created', now(), now() FROM generate_series(1, $2)
"""


def passed_over(node: dict[str, Any]) -> int:
    """Return how many rows a plan read and did not want."""
    own = node.get("Rows Removed by Filter", 0) * node.get("Actual Loops", 1)
    return int(own) + sum(passed_over(item) for item in node.get("Plans", []))


async def explained(database: Database, workspace: Workspace) -> Record | None:
    """Give a backlog its positions without keeping them, and return how that was done."""
    async with database.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(PLACED, workspace.id, MANY)
            await connection.execute("ANALYZE events")
            await connection.execute(WAITING, workspace.id, MANY)
            return await connection.fetchrow(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {jobs._SEQUENCE.text}", workspace.id, MANY
            )
        finally:
            await transaction.rollback()


async def test_a_backlog_without_statistics_is_not_walked_for_each_debt(
    database: Database, workspace: Workspace
) -> None:
    # Events that other tests left may be read once: the table is small.
    others = await database.pool.fetchval(
        "SELECT count(*) FROM events WHERE workspace_id <> $1", workspace.id
    )
    row = await explained(database, workspace)

    assert row is not None
    (report,) = json.loads(row[0])
    assert passed_over(report["Plan"]) < MANY + others
