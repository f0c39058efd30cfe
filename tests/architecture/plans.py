"""What the generic plan of a statement scans, and by which conditions."""

import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
from pglast import parse_sql

from architecture.tenancy import QUERIES


async def scans(connection: asyncpg.Connection, text: str) -> list[tuple[str, str]]:
    """Return the tables that a statement scans, each with the conditions of the scan; a partition as its table."""
    if not isinstance(parse_sql(text)[0].stmt, QUERIES):
        return []
    # A driver binds values to what it explains itself, and they would be planned for.
    parameters = (await connection.prepare(text)).get_parameters()
    values = f"({', '.join(['NULL'] * len(parameters))})" if parameters else ""
    await connection.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE explained AS {text}")
    try:
        (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE explained{values}")
    finally:
        await connection.execute("DEALLOCATE explained; RESET plan_cache_mode")
    return list(_scans(json.loads(row[0])[0]["Plan"]))


def _scans(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "Relation Name" in node and node["Node Type"].endswith("Scan"):
        conditions = [node[name] for name in ("Index Cond", "Recheck Cond", "Filter") if name in node]
        yield re.sub(r"_\d{8}$", "", node["Relation Name"]), " AND ".join(conditions)
    for inner in node.get("Plans", ()):
        yield from _scans(inner)
