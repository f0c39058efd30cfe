"""The access log: a line per request, a partition per day, and never a request that waits for it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from calls import Site
from getbill import access
from getbill.access.requests.log import AccessLog, keep_partitions
from getbill.access.requests.metrics import LOG_DROPPED
from getbill.kit import clock
from getbill.kit.database.transactions import Database
from getbill.vault import Vault

THINGS = "/external-api/v1/test/things"


TABLES = ("access_log", "anonymous_log")
WORKSPACE, CREDENTIAL = UUID(int=7), UUID(int=8)


def line(
    request_id: str, at: datetime | None = None, path: str = "/x", workspace_id: UUID | None = None
) -> tuple[Any, ...]:
    credential_id = workspace_id and CREDENTIAL
    return at or clock.wall(), request_id, "GET", path, 200, 1.5, workspace_id, credential_id, "127.0.0.1"


async def logged(database: Database, request_id: str, table: str = "anonymous_log") -> list[Any]:
    return [
        dict(row)
        for row in await database.pool.fetch(f"SELECT * FROM {table} WHERE request_id = $1", request_id)
    ]


async def partitions(database: Database, table: str) -> list[str]:
    rows = await database.pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::text::regclass", table
    )
    return sorted(row["name"] for row in rows)


async def test_each_request_leaves_one_line_without_its_query(
    site: Site, workspace: Any, database: Database
) -> None:
    caller = site.with_token(await workspace.key())

    await caller.get(f"{THINGS}?q=jean@example.com", X_Request_Id="line-1")
    await site.app.state.auth.log.flush()

    (kept,) = await logged(database, "line-1", "access_log")
    assert await logged(database, "line-1", "anonymous_log") == []
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
    assert (refused["method"], refused["path"], refused["status"]) == ("GET", THINGS, 401)
    assert refused["address"] == "127.0.0.1"
    assert await logged(database, "line-2", "access_log") == []
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


async def test_lines_that_wait_are_written_once_though_one_table_takes_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog(database)
    for number in range(4):
        log.add(line(f"apart-{number}", workspace_id=None if number % 2 else WORKSPACE))
    copy = log._copy

    async def fail_anonymous(lines: Any) -> None:
        if lines[0][6] is None:
            raise ConnectionError
        await copy(lines)

    monkeypatch.setattr(log, "_copy", fail_anonymous)
    await log.flush()
    waiting = [item[1] for item in log._pending]
    monkeypatch.setattr(log, "_copy", copy)
    await log.flush()

    assert waiting == ["apart-1", "apart-3"]
    for number in range(4):
        tables = [len(await logged(database, f"apart-{number}", table)) for table in TABLES]
        assert tables == ([0, 1] if number % 2 else [1, 0])


@pytest.mark.parametrize("table", TABLES)
async def test_partitions_are_made_ahead_and_dropped_after_ninety_days(
    database: Database, table: str
) -> None:
    today = datetime(2031, 5, 10, 12, tzinfo=UTC)

    await keep_partitions(database, today)
    first = await partitions(database, table)
    await keep_partitions(database, today + timedelta(days=91))
    later = await partitions(database, table)
    await keep_partitions(database, today + timedelta(days=91))

    assert {f"{table}_203105{day}" for day in range(10, 18)} <= set(first)
    assert f"{table}_20310510" not in later
    assert {f"{table}_20310511", f"{table}_20310809", f"{table}_20310816"} <= set(later)
    assert await partitions(database, table) == later
    await keep_partitions(database, clock.wall())


@pytest.mark.parametrize("workspace_id", [WORKSPACE, None])
async def test_a_day_without_a_partition_gets_one_when_its_first_line_comes(
    database: Database, workspace_id: UUID | None
) -> None:
    at = datetime(2032, 1, 31, 23, 59, 59, tzinfo=UTC)
    log = AccessLog(database)
    log.add(line("new-day", at, workspace_id=workspace_id))

    await log.flush()

    assert len(await logged(database, "new-day", "access_log" if workspace_id else "anonymous_log")) == 1
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

    rows = await database.pool.fetch("SELECT request_id FROM anonymous_log WHERE request_id LIKE 'beside-%'")
    assert len(rows) == 5
    assert not log._pending
    assert LOG_DROPPED._value.get() == before + 2
