"""The access log: a line per request, a partition per day, and never a request that waits for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calls import Site
from getbill import access
from getbill.access.requests.log import AccessLog, keep_partitions
from getbill.access.requests.metrics import LOG_DROPPED
from getbill.kit import clock
from getbill.kit.database.transactions import Database
from getbill.vault import Vault

THINGS = "/external-api/v1/test/things"


def line(request_id: str, at: datetime | None = None, path: str = "/x") -> tuple[Any, ...]:
    return (at or clock.wall(), request_id, "GET", path, 200, 1.5, None, None, "127.0.0.1")


async def logged(database: Database, request_id: str) -> list[Any]:
    return [
        dict(row)
        for row in await database.pool.fetch("SELECT * FROM access_log WHERE request_id = $1", request_id)
    ]


async def partitions(database: Database) -> list[str]:
    rows = await database.pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'access_log'::regclass"
    )
    return sorted(row["name"] for row in rows)


async def test_each_request_leaves_one_line_without_its_query(
    site: Site, workspace: Any, database: Database
) -> None:
    caller = site.with_token(await workspace.key())

    await caller.get(f"{THINGS}?q=jean@example.com", X_Request_Id="line-1")
    await site.app.state.auth.log.flush()

    (kept,) = await logged(database, "line-1")
    assert abs(kept["at"] - clock.wall()) < timedelta(seconds=30)
    assert (kept["method"], kept["path"], kept["status"]) == ("GET", THINGS, 200)
    assert kept["workspace_id"] == workspace.founded.sandbox_id
    assert kept["credential_id"] == (await access.keys(database, workspace.founded.company_id))[0].id
    assert kept["address"] == "127.0.0.1"
    assert 0 < kept["duration_ms"] < 10_000


async def test_refused_and_strange_requests_are_logged_too(site: Site, database: Database) -> None:
    await site.get(THINGS, X_Request_Id="line-2")
    await site.get("/%00%ff" + "x" * 600, X_Request_Id="line-3")
    await site.app.state.auth.log.flush()

    (refused,) = await logged(database, "line-2")
    assert (refused["status"], refused["workspace_id"], refused["credential_id"]) == (401, None, None)
    (strange,) = await logged(database, "line-3")
    assert strange["path"] == "unmatched"


async def test_closing_the_gate_writes_what_waits(make_site: Any, database: Database) -> None:
    site = await make_site()
    await site.get(THINGS, X_Request_Id="line-4")

    await site.app.state.auth.close()

    assert len(await logged(database, "line-4")) == 1


async def test_a_full_buffer_drops_and_counts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getbill.access.requests.log._BUFFER_MAX", 3)
    log = AccessLog(database)
    before = LOG_DROPPED._value.get()

    for number in range(5):
        log.add(line(f"full-{number}"))
    await log.flush()

    assert LOG_DROPPED._value.get() == before + 2
    assert len(await logged(database, "full-2")) == 1
    assert await logged(database, "full-3") == []


async def test_lines_the_database_cannot_take_now_wait_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog(database)
    for number in range(4):
        log.add(line(f"later-{number}"))
    copy = log._copy

    async def fail(_batch: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(log, "_copy", fail)
    await log.flush()
    waiting = [item[1] for item in log._pending]
    monkeypatch.setattr(log, "_copy", copy)
    await log.flush()

    assert waiting == ["later-0", "later-1", "later-2", "later-3"]
    assert len(await logged(database, "later-0")) == 1
    assert not log._pending


async def test_partitions_are_made_ahead_and_dropped_after_ninety_days(database: Database) -> None:
    today = datetime(2031, 5, 10, 12, tzinfo=UTC)

    await keep_partitions(database, today)
    first = await partitions(database)
    await keep_partitions(database, today + timedelta(days=91))
    later = await partitions(database)
    await keep_partitions(database, today + timedelta(days=91))

    assert {f"access_log_203105{day}" for day in range(10, 18)} <= set(first)
    assert "access_log_20310510" not in later
    assert {"access_log_20310511", "access_log_20310809", "access_log_20310816"} <= set(later)
    assert await partitions(database) == later


async def test_a_day_without_a_partition_gets_one_when_its_first_line_comes(database: Database) -> None:
    at = datetime(2032, 1, 31, 23, 59, 59, tzinfo=UTC)
    log = AccessLog(database)
    log.add(line("new-day", at))

    await log.flush()

    assert len(await logged(database, "new-day")) == 1
    await keep_partitions(database, clock.wall())


async def test_upkeep_forgets_what_has_expired(
    site: Site, workspace: Any, database: Database, vault: Vault
) -> None:
    client, secret = await workspace.client()
    old = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    await workspace.ask(site, client, secret)
    caller = site.with_token(await workspace.key())
    await caller.post(THINGS, {}, Idempotency_Key="old")
    await caller.post(THINGS, {}, Idempotency_Key="new")
    hashed = access.model.digest(old)
    await database.pool.execute(
        "UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE hash = $1", hashed
    )
    await database.pool.execute(
        """
        UPDATE token_families SET expires_at = now() - interval '1 s'
        WHERE id = (SELECT family_id FROM refresh_tokens WHERE hash = $1)
        """,
        hashed,
    )
    await database.pool.execute(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = sha256('old')"
    )

    await access.run_maintenance(database, vault, clock.wall())

    count = "SELECT count(*) FROM {} WHERE {} = $1"
    assert await database.pool.fetchval(count.format("token_families", "client_id"), client.id) == 1
    assert await database.pool.fetchval(count.format("refresh_tokens", "hash"), hashed) == 0
    kept = count.format("idempotency_keys", "workspace_id")
    assert await database.pool.fetchval(kept, workspace.founded.sandbox_id) == 1


async def test_a_line_that_the_database_does_not_take_keeps_no_other_waiting(database: Database) -> None:
    log = AccessLog(database)
    for number in range(5):
        log.add(line(f"beside-{number}"))
    at, request_id, method, _, *rest = line("broken")
    log.add((at, request_id, method, "/a\x00b", *rest))
    log.add((at, "half", method, "/a\ud800b", *rest))
    before = LOG_DROPPED._value.get()

    await log.flush()

    rows = await database.pool.fetch("SELECT request_id FROM access_log WHERE request_id LIKE 'beside-%'")
    assert len(rows) == 5
    assert not log._pending
    assert LOG_DROPPED._value.get() == before + 2
