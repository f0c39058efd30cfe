"""The least that could leave the rows of a sandbox's months behind: they are known, and copied batch by batch.

Nothing is claimed, rendered, sealed, planned, counted or asked; each batch has the contacts, followups and events of
some debts and the last state of the debts themselves, and is one transaction. All are written by one connection, one
after the other, where GetBill's worker has several. Run as a process of its own, with the job as JSON on standard
input; the result is how many seconds it took.
"""

import json
import pickle
import sys
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import uvloop

_BATCH = 200  # debts; some 1,400 contacts
_OF_DEBTS = "debt_id IN (SELECT id FROM debts WHERE created_at >= $1)"
# Whom the rows refer to, and is there before the clock moves.
_BEFORE = {
    "companies": "$1::timestamptz IS NOT NULL",
    "workspaces": "$1::timestamptz IS NOT NULL",
    "debtors": "created_at >= $1",
    "debts": "created_at >= $1",
}
_AFTER = {
    "contacts": _OF_DEBTS,
    "followups": _OF_DEBTS,
    "events": f"{_OF_DEBTS} AND kind <> 'debt.created'",
}
_ONCE = ("companies", "workspaces")
_NEW_DEBTS = """
UPDATE debts SET status = 'pending', updated_at = created_at, next_action_at = created_at, contacted_at = NULL,
    event_sequence = 1, version = 1, contacts_count = 0, answers_count = 0
WHERE created_at >= $1
"""
_LAST_OF_DEBTS = """
UPDATE debts d SET status = l.status, updated_at = l.updated_at, next_action_at = l.next_action_at,
    contacted_at = l.contacted_at, event_sequence = l.event_sequence, version = l.version,
    contacts_count = l.contacts_count, answers_count = l.answers_count
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::bigint[],
    $8::bigint[], $9::int[], $10::int[])
    AS l (workspace_id, id, status, updated_at, next_action_at, contacted_at, event_sequence, version, contacts_count,
          answers_count)
WHERE d.workspace_id = l.workspace_id AND d.id = l.id
"""
_CHANGED = (
    "workspace_id",
    "id",
    "status",
    "updated_at",
    "next_action_at",
    "contacted_at",
    "event_sequence",
    "version",
    "contacts_count",
    "answers_count",
)


async def export(ours: str, limit: str, since: datetime) -> bytes:
    """Copy into the limit's database what the rows refer to, and return the rows themselves."""
    source, target = await asyncpg.connect(ours), await asyncpg.connect(limit)
    is_first = not await target.fetchval("SELECT EXISTS (SELECT FROM companies)")
    for table, which in _BEFORE.items():
        if is_first or table not in _ONCE:
            result = await source.fetch(f"SELECT * FROM {table} WHERE {which}", since)
            await target.copy_records_to_table(
                table, records=map(tuple, result), columns=list(result[0].keys())
            )
    debts = await source.fetch(f"SELECT {', '.join(_CHANGED)} FROM debts WHERE created_at >= $1", since)
    await target.execute(_NEW_DEBTS, since)
    await target.execute("VACUUM FULL debts")
    await target.execute("VACUUM ANALYZE")
    kept: dict[str, Any] = {"debts": {row["id"].bytes: tuple(row) for row in debts}}
    for table, which in _AFTER.items():
        result = await source.fetch(f"SELECT * FROM {table} WHERE {which} ORDER BY workspace_id", since)
        kept[table] = list(result[0].keys()), _by_debt(result)
    await source.close()
    await target.close()
    return pickle.dumps(kept)


def _by_debt(rows: list[asyncpg.Record]) -> dict[bytes, list[tuple[Any, ...]]]:
    result: dict[bytes, list[tuple[Any, ...]]] = {}
    for row in rows:
        result.setdefault(row["debt_id"].bytes, []).append(tuple(row))
    return result


async def write(dsn: str, kept: dict[str, Any]) -> float:
    """Write all rows and return how many seconds that took."""
    connection = await asyncpg.connect(dsn)
    debts = list(kept.pop("debts").items())
    began = perf_counter()
    for start in range(0, len(debts), _BATCH):
        batch = debts[start : start + _BATCH]
        async with connection.transaction():
            for table, (columns, by_debt) in kept.items():
                records = [row for debt_id, _ in batch for row in by_debt.get(debt_id, ())]
                await connection.copy_records_to_table(table, records=records, columns=columns)
            await connection.execute(_LAST_OF_DEBTS, *map(list, zip(*(row for _, row in batch), strict=True)))
    seconds = perf_counter() - began
    await connection.close()
    return seconds


if __name__ == "__main__":
    job = json.load(sys.stdin)
    rows = pickle.loads(Path(job["file"]).read_bytes())  # noqa: S301 our own file
    print(json.dumps({"seconds": uvloop.run(write(job["dsn"], rows))}))
