"""Revision 0002: what an installation of 0001 owed is still owed, and what it had settled stands in the log."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from getbill.migrations import queries
from getbill.migrations.actions import migrate

WORKSPACE, ENDPOINT, OFF = UUID(int=1), UUID(int=2), UUID(int=3)
DEBT, OTHER = UUID(int=10), UUID(int=11)
EARLY = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
LATE = datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC)
LEASE = datetime(2026, 2, 1, 0, 5, tzinfo=UTC)

_FOUNDED = "INSERT INTO companies (id, name, lookup_key, created_at) VALUES ($1, 'Acme', '', $2)"


@pytest.fixture
async def old(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A database at 0001, and how to bring it to today's revision."""
    with monkeypatch.context() as patch:
        patch.setattr(queries, "HEAD", "0001")
        assert await migrate(empty_dsn) == "0001"
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(_FOUNDED, WORKSPACE, EARLY)
    await connection.execute(
        "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $1, 'live', 'live', $2)",
        WORKSPACE,
        EARLY,
    )
    await connection.execute(
        "INSERT INTO streams (workspace_id, position, reacted) VALUES ($1, 5, 4)", WORKSPACE
    )
    for identifier, is_enabled in ((ENDPOINT, True), (OFF, False)):
        await connection.execute(
            """
            INSERT INTO webhook_endpoints (workspace_id, id, url, events, is_enabled, secret, from_position, created_at,
                updated_at) VALUES ($1, $2, 'https://example.com/', '{debt.created}', $3, 'sealed', 0, $4, $5)
            """,
            *(WORKSPACE, identifier, is_enabled, EARLY, LATE),
        )
    yield connection
    await connection.close()


async def event(connection: asyncpg.Connection, position: int, debt_id: UUID, sequence: int) -> UUID:
    event_id = UUID(int=100 + position)
    await connection.execute(
        """
        INSERT INTO events (workspace_id, id, debt_id, sequence, kind, occurred_at, recorded_at, position)
        VALUES ($1, $2, $3, $4, 'debt.created', $5, $5, $6)
        """,
        *(WORKSPACE, event_id, debt_id, sequence, EARLY, position),
    )
    return event_id


async def delivery(
    connection: asyncpg.Connection, event_id: UUID, debt_id: UUID, state: str, settled_at: datetime | None
) -> None:
    await connection.execute(
        """
        INSERT INTO webhook_deliveries (workspace_id, endpoint_id, event_id, debt_id, position, state, attempts,
            next_try_at, lease_until, created_at, settled_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $7, $9)
        """,
        *(WORKSPACE, ENDPOINT, event_id, debt_id, event_id.int - 100, state, EARLY),
        *(None if settled_at else LEASE, settled_at),
    )
    await connection.execute(
        """
        INSERT INTO webhook_attempts (workspace_id, endpoint_id, event_id, attempt, started_at, duration_ms, status,
            response) VALUES ($1, $2, $3, 1, $4, 12, 200, 'sealed')
        """,
        *(WORKSPACE, ENDPOINT, event_id, settled_at or EARLY),
    )


async def test_what_0001_owed_and_settled_is_carried_over(old: Any, empty_dsn: str) -> None:
    first, second, third = [await event(old, place, DEBT, place) for place in (1, 2, 3)]
    other = await event(old, 4, OTHER, 7)
    await delivery(old, first, DEBT, "delivered", EARLY)
    await delivery(old, second, DEBT, "exhausted", LATE)
    await delivery(old, third, DEBT, "pending", None)
    await delivery(old, other, OTHER, "pending", None)

    assert await migrate(empty_dsn) == queries.HEAD

    rows = await old.fetch("SELECT * FROM webhook_deliveries ORDER BY position")
    assert [
        (row["event_id"], row["sequence"], row["previous_sequence"], row["attempts"]) for row in rows
    ] == [(third, 3, 2, 1), (other, 7, None, 1)]
    assert [(row["next_try_at"], row["lease_until"]) for row in rows] == [(LEASE, None)] * 2
    log = await old.fetch("SELECT tableoid::regclass::text AS part, * FROM webhook_log ORDER BY position")
    assert [(row["part"], row["event_id"], row["state"], row["previous_sequence"]) for row in log] == [
        ("webhook_log_20260131", first, "delivered", None),
        ("webhook_log_20260201", second, "exhausted", 1),
    ]
    lanes = await old.fetch("SELECT debt_id, sequence FROM webhook_lanes ORDER BY debt_id")
    assert [tuple(row) for row in lanes] == [(DEBT, 3), (OTHER, 7)]
    attempts = await old.fetch("SELECT * FROM webhook_attempts ORDER BY started_at, delivery_id")
    deliveries = {row["id"] for row in [*rows, *log]}
    assert len(attempts) == 4
    assert {row["delivery_id"] for row in attempts} == deliveries
    assert {(row["url"], row["kind"], row["status"], row["response"]) for row in attempts} == {
        ("https://example.com/", "debt.created", 200, b"sealed")
    }


async def test_an_endpoint_that_was_disabled_misses_what_was_not_yet_owed(old: Any, empty_dsn: str) -> None:
    await migrate(empty_dsn)

    off = await old.fetchrow("SELECT * FROM webhook_endpoints WHERE id = $1", OFF)
    on = await old.fetchrow("SELECT * FROM webhook_endpoints WHERE id = $1", ENDPOINT)
    assert (off["disabled_reason"], off["disabled_at"], off["missed_from"]) == ("asked", LATE, 4)
    assert (on["disabled_reason"], on["disabled_at"], on["missed_from"]) == (None, None, None)
    assert on["retry_seconds"] == [60, 600, 3600, 18000, 64800]
