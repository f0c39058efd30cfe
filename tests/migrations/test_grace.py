"""Revision 0004: what was the default of an older installation gives way where nobody is contacted in earnest."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from getbill.migrations import queries
from getbill.migrations.actions import migrate

LIVE, SANDBOX, CHOSEN = UUID(int=1), UUID(int=2), UUID(int=3)
EARLY = datetime(2026, 1, 31, tzinfo=UTC)


async def test_older_sandboxes_leave_imported_debts_alone_for_two_hours_too(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queries, "HEAD", "0003")
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(
        "INSERT INTO companies (id, name, lookup_key, created_at) VALUES ($1, 'Acme', '', $2)", LIVE, EARLY
    )
    for workspace_id, kind in ((LIVE, "live"), (SANDBOX, "sandbox"), (CHOSEN, "sandbox")):
        await connection.execute(
            "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $2, $3, $3, $4)",
            *(workspace_id, LIVE, kind, EARLY),
        )
    await connection.execute("UPDATE workspaces SET grace_hours = 48 WHERE workspace_id = $1", CHOSEN)

    await migrate(empty_dsn)

    rows = await connection.fetch("SELECT workspace_id, grace_hours FROM workspaces")
    await connection.close()
    # In live nobody is contacted sooner than they were told, because of an update.
    assert {row["workspace_id"]: row["grace_hours"] for row in rows} == {LIVE: 24, SANDBOX: 2, CHOSEN: 48}
