"""`create`: POST /debts with everything on, beside a bare handler that inserts the same rows and bytes.

The API process does all it does in production: token, scope, the limit counted, validation, sealing, events, the
first step of the timeline, the access log. The worker is off: what it does comes after the answer, and the bare
handler has none. Both databases have the same tables, indexes and constraints, in one durable cluster.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg

from bench.bare_api import command
from bench.figures import Figure, alternate
from bench.rounds import Side, play
from testbed.installation import Api, api, free_port, prepared_installation, process, settings, wait

_SIZES = """
SELECT (SELECT avg(octet_length(identity)) FROM debtors WHERE workspace_id = $1)::int AS identity,
       (SELECT avg(octet_length(wrapped)) FROM vault_keys WHERE workspace_id = $1)::int AS wrapped,
       (SELECT avg(octet_length(data)) FROM events WHERE workspace_id = $1)::int AS data
"""
_LIVE = "SELECT workspace_id FROM workspaces WHERE kind = 'live'"
_TABLES = """
SELECT table_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE table_schema = 'public' AND column_name = 'workspace_id' AND table_type = 'BASE TABLE'
  AND table_name NOT LIKE 'access_log%'
"""
_ROWS = 'SELECT count(*) AS rows, coalesce(sum(pg_column_size(t)), 0) AS bytes FROM "{}" t WHERE workspace_id = $1'


class LimitOutgrown(RuntimeError):
    """The bare handler does not insert what GetBill does any more: bench/bare_api.py has to follow."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    with prepared_installation() as base:
        second = asyncio.run(base.second("limit"))
        with api(base) as ours:
            ours_side = Side("ours", ours.port, ours.process_id, ours.token)
            play(ours_side, "201", {"kind": "create", "first": 1})
            job: dict[str, Any] = {
                "dsn": second,
                "port": free_port(),
                "sizes": asyncio.run(_sizes(base.dsn, ours)),
            }
            environment = settings(base.folder, job["port"])
            with process(command(job), environment) as started:
                wait(f"http://127.0.0.1:{job['port']}/healthz", started)
                limit_side = Side("limit", job["port"], started.pid, ours.token)
                play(limit_side, "201", {"kind": "create", "first": 1})
                pairs = alternate(_round(ours_side), _round(limit_side), say)
                asyncio.run(_compare(base.dsn, second))
    return [pairs.figure("create", "requests a second", 0.3, is_more_better=True)]


def _round(side: Side) -> Callable[[int], float]:
    return lambda number: play(side, "201", {"kind": "create", "first": 1_000_000 * (number + 1)})


async def _sizes(dsn: str, ours: Api) -> dict[str, int]:
    connection = await asyncpg.connect(dsn)
    row = await connection.fetchrow(_SIZES, await connection.fetchval(_LIVE))
    await connection.close()
    assert row is not None
    debt = ours.call("/debts?limit=1")["data"][0]
    # Both answers are compact JSON with the same text in them.
    return {**row, "answer": len(json.dumps(debt, separators=(",", ":")).encode())}


async def _compare(ours: str, limit: str) -> None:
    """Refuse a limit that inserts other rows, or rows of other sizes, than GetBill for each debt."""
    ours_rows, limit_rows = await _per_debt(ours), await _per_debt(limit)
    for table in ours_rows.keys() | limit_rows.keys():
        mine, theirs = ours_rows.get(table, (0.0, 0.0)), limit_rows.get(table, (0.0, 0.0))
        if abs(mine[0] - theirs[0]) > 0.01 or abs(mine[1] - theirs[1]) > max(4.0, 0.03 * mine[1]):
            raise LimitOutgrown(f"{table}, rows and bytes per debt: {mine} ours, {theirs} the limit's")


async def _per_debt(dsn: str) -> dict[str, tuple[float, float]]:
    connection = await asyncpg.connect(dsn)
    live = await connection.fetchval(_LIVE)
    result: dict[str, Any] = {}
    for (table,) in await connection.fetch(_TABLES):
        row = await connection.fetchrow(_ROWS.format(table), live)
        assert row is not None
        if row["rows"] > 1:  # one row is the workspace's own
            result[table] = row
    await connection.close()
    debts = result["debts"]["rows"]
    return {table: (row["rows"] / debts, float(row["bytes"]) / debts) for table, row in result.items()}
