"""Revision 0012: what the queue of jobs held is sent all the same, and its tables are gone."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from getbill.kit import json
from getbill.migrations import queries
from getbill.migrations.actions import migrate

COMPANY, WORKSPACE, ENDPOINT, ADMIN = (UUID(int=number) for number in range(1, 5))
EARLY = datetime(2026, 1, 31, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)
QUEUE = {"pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"}


async def test_mails_to_admins_come_along_and_what_nobody_can_read_does_not(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queries, "HEAD", "0008")
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(
        "INSERT INTO companies (id, name, lookup_key, created_at) VALUES ($1, 'Acme', '', $2)", COMPANY, EARLY
    )
    await connection.execute(
        "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $2, 'live', 'live', $3)",
        *(WORKSPACE, COMPANY, EARLY),
    )
    await connection.execute(
        "INSERT INTO webhook_endpoints (workspace_id, id, url, events, secret, from_position, owner_kind, created_at, updated_at)"
        " VALUES ($1, $2, 'https://hooks.example.com/', '{}', '', 0, 'operator', $3, $3)",
        *(WORKSPACE, ENDPOINT, EARLY),
    )
    job = {"workspace_id": str(WORKSPACE), "endpoint_id": str(ENDPOINT), "user_id": str(ADMIN)}
    unknown = job | {"endpoint_id": str(ADMIN)}
    for payload, state in (
        (json.write(job), "queued"),
        (json.write(job), "picked"),
        (json.write(job), "failed"),
        (json.write(job), "canceled"),
        (json.write(unknown), "queued"),
        (b"{not json", "failed"),
        (b"\xff", "failed"),
        (b"{}", "queued"),
    ):
        await connection.execute(
            "INSERT INTO pgqueuer (priority, status, entrypoint, payload, execute_after) VALUES (0, $1, 'webhook_notice', $2, $3)",
            *(state, payload, LATER),
        )

    await migrate(empty_dsn)

    rows = await connection.fetch(
        "SELECT workspace_id, endpoint_id, user_id, due_at, held_at IS NULL AS waits FROM admin_notifications"
    )
    tables = {row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables")}
    is_due = await connection.fetchval("SELECT due_at <= now() FROM maintenance")
    await connection.close()
    assert sorted(row["waits"] for row in rows) == [False, True, True]
    assert {tuple(row.values())[:4] for row in rows} == {(WORKSPACE, ENDPOINT, ADMIN, LATER)}
    assert not tables & QUEUE
    assert is_due
