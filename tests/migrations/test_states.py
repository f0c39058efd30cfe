"""Revision 0006: an import that stood in a state of two meanings stands in the one it meant."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from getbill.kit import ids
from getbill.migrations import queries
from getbill.migrations.actions import migrate

OWNER = UUID(int=1)
EARLY = datetime(2026, 1, 31, tzinfo=UTC)
# State and task before, state after.
ROWS = [
    ("uploaded", "read", "uploaded"),
    ("uploaded", None, "needs_mapping"),
    ("mapped", None, "mapped"),
    ("mapped", "check", "checking"),
    ("checked", None, "checked"),
    ("checked", "correct", "checking"),
    ("importing", "import", "importing"),
    ("importing", "undo", "rolling_back"),
    ("completed", None, "completed"),
    ("completed", "correct", "correcting"),
    ("completed", "undo", "undoing"),
    ("failed", None, "failed"),
    ("failed", "correct", "checking"),
    ("undone", None, "undone"),
]


async def test_older_imports_stand_in_the_state_that_they_meant(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queries, "HEAD", "0004")
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(
        "INSERT INTO companies (id, name, lookup_key, created_at) VALUES ($1, 'Acme', '', $2)", OWNER, EARLY
    )
    await connection.execute(
        "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at)"
        " VALUES ($1, $1, 'live', 'live', $2)",
        *(OWNER, EARLY),
    )
    for state, task, after in [*ROWS, ("uploaded", None, "")]:
        await connection.execute(
            "INSERT INTO imports (workspace_id, id, file_id, source, sender, name, language, state, task, grace_hours,"
            " created_at, received_at, created) VALUES ($1, $2, $2, 'upload', 'erp', 'a', 'fr', $3, $4, 2, $5, $6, 7)",
            *(OWNER, ids.new(), state, task, EARLY, EARLY if after else None),
        )

    await migrate(empty_dsn)

    rows = await connection.fetch("SELECT state, task, created, received_at FROM imports ORDER BY id")
    await connection.close()
    # An upload that is still coming in is a draft, which no state says anything of.
    assert [(row["state"], row["task"]) for row in rows] == [
        *((after, task) for _, task, after in ROWS),
        ("uploaded", None),
    ]
    assert [row["created"] for row in rows if row["state"] == "checking"] == [7, 0, 7]
