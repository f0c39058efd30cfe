"""Revision 0007: endpoints and clients from before keep what they did, and nobody is handed what they may not read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from getbill.kit import ids
from getbill.migrations import queries
from getbill.migrations.actions import migrate

COMPANY, LIVE, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVERYTHING = ["debts:read", "debts:write", "webhooks:read", "webhooks:write"]


@pytest.fixture
async def before(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncpg.Connection]:
    """A database of the revision before, with a company of two workspaces."""
    with monkeypatch.context() as patch:
        patch.setattr(queries, "HEAD", "0006")
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(
        "INSERT INTO companies (id, name, lookup_key, is_demo, created_at) VALUES ($1, 'Demo', '', true, $2)",
        *(COMPANY, AT),
    )
    for workspace_id, kind in ((LIVE, "live"), (OTHER, "sandbox")):
        await connection.execute(
            "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $2, $3, $3, $4)",
            *(workspace_id, COMPANY, kind, AT),
        )
    await connection.execute(
        "CREATE TABLE access_log_20261101 PARTITION OF access_log FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-11-02 00:00:00+00')"
    )
    yield connection
    await connection.close()


async def client(before: asyncpg.Connection, name: str, scopes: list[str], workspace_id: UUID = LIVE) -> UUID:
    client_id = ids.new()
    await before.execute(
        "INSERT INTO clients (id, workspace_id, name, secret_hash, grants, scopes, created_at)"
        " VALUES ($1, $2, $3, '', '{client_credentials}', $4, $5)",
        *(client_id, workspace_id, name, scopes, AT),
    )
    return client_id


async def key(before: asyncpg.Connection, workspace_id: UUID) -> UUID:
    key_id = ids.new()
    await before.execute(
        "INSERT INTO api_keys (id, workspace_id, name, hash, last4, created_at) VALUES ($1, $2, 'Key', $3, 'abcd', $4)",
        *(key_id, workspace_id, key_id.bytes, AT),
    )
    return key_id


async def endpoint(before: asyncpg.Connection, workspace_id: UUID = LIVE) -> UUID:
    endpoint_id = UUID(int=ids.first_at(AT).int | 7)
    await before.execute(
        "INSERT INTO webhook_endpoints (workspace_id, id, url, events, is_enabled, secret, from_position, created_at,"
        " updated_at) VALUES ($1, $2, 'https://example.com', '{debt.created}', true, '', 0, $3, $3)",
        *(workspace_id, endpoint_id, AT),
    )
    return endpoint_id


async def called(
    before: asyncpg.Connection,
    credential_id: UUID,
    method: str,
    path: str,
    status: int,
    seconds: float = 0.02,
) -> None:
    await before.execute(
        "INSERT INTO access_log (at, request_id, method, path, status, duration_ms, workspace_id, credential_id, address)"
        " VALUES ($1, 'r', $2, $3, $4, 40, $5, $6, '127.0.0.1')",
        *(AT + timedelta(seconds=seconds), method, path, status, LIVE, credential_id),
    )


async def owner(before: asyncpg.Connection, dsn: str, endpoint_id: UUID) -> tuple[str, UUID | None]:
    await migrate(dsn)
    row = await before.fetchrow("SELECT owner_kind, owner FROM webhook_endpoints WHERE id = $1", endpoint_id)
    assert row is not None
    return row["owner_kind"], row["owner"]


WEBHOOKS = "/external-api/v1/webhooks"


async def test_where_all_who_could_create_it_may_read_debts_an_endpoint_goes_on(before, empty_dsn) -> None:
    await client(before, "Full", EVERYTHING)
    await client(before, "Reader", ["debts:read"])

    assert await owner(before, empty_dsn, await endpoint(before)) == ("operator", None)


async def test_where_somebody_could_create_it_who_may_not_read_debts_a_person_decides(
    before, empty_dsn
) -> None:
    await client(before, "Full", EVERYTHING)
    await client(before, "Narrow", ["webhooks:write"])

    assert await owner(before, empty_dsn, await endpoint(before)) == ("unknown", None)


async def test_who_created_an_endpoint_is_read_from_the_access_log(before, empty_dsn) -> None:
    full = await client(before, "Full", EVERYTHING)
    narrow = await client(before, "Narrow", ["webhooks:write"])
    await called(before, full, "POST", WEBHOOKS, 201)
    await called(before, narrow, "POST", WEBHOOKS, 403)

    assert await owner(before, empty_dsn, await endpoint(before)) == ("client", full)


async def test_who_may_not_read_debts_is_the_owner_all_the_same(before, empty_dsn) -> None:
    await client(before, "Full", EVERYTHING)
    narrow = await client(before, "Narrow", ["webhooks:write"])
    await called(before, narrow, "POST", WEBHOOKS, 201)

    assert await owner(before, empty_dsn, await endpoint(before)) == ("client", narrow)


async def test_an_endpoint_that_another_may_have_redirected_is_not_the_creators(before, empty_dsn) -> None:
    full = await client(before, "Full", EVERYTHING)
    narrow = await client(before, "Narrow", ["webhooks:write"])
    await called(before, full, "POST", WEBHOOKS, 201)
    await called(before, narrow, "PUT", f"{WEBHOOKS}/we_01m804scmte4gbpp4yw1mc91gy", 200, seconds=600)

    assert await owner(before, empty_dsn, await endpoint(before)) == ("unknown", None)


async def test_two_who_created_one_at_the_same_moment_are_not_told_apart(before, empty_dsn) -> None:
    for name in ("One", "Two"):
        await called(before, await client(before, name, EVERYTHING), "POST", WEBHOOKS, 201)

    assert await owner(before, empty_dsn, await endpoint(before)) == ("operator", None)


async def test_a_sandboxes_endpoints_go_on(before, empty_dsn) -> None:
    await key(before, OTHER)
    await client(before, "Narrow", ["webhooks:write"], LIVE)

    assert await owner(before, empty_dsn, await endpoint(before, OTHER)) == ("operator", None)


async def test_the_first_starts_client_and_whoever_managed_logins_keep_doing_so(before, empty_dsn) -> None:
    first = await client(before, "First client", EVERYTHING)
    writer = await client(before, "ERP", ["debts:read", "debts:write"])
    reader = await client(before, "Watcher", ["debts:read"])
    idle = await client(before, "Idle", EVERYTHING)
    refused = await client(before, "Refused", ["debts:read"])
    await before.execute(
        "INSERT INTO sftp_logins (id, workspace_id, username, name, password_hash, created_at)"
        " VALUES ($1, $2, 'erp', 'ERP', '', $3)",
        *(ids.new(), LIVE, AT),
    )
    logins = "/external-api/v1/sftp/logins"
    await called(before, writer, "POST", logins, 201)
    await called(before, reader, "GET", logins, 200)
    await called(before, refused, "POST", logins, 403)

    await migrate(empty_dsn)

    rows = await before.fetch("SELECT id, scopes FROM clients")
    scopes = {
        row["id"]: {scope for scope in row["scopes"] if scope.startswith(("sftp", "cred"))} for row in rows
    }
    both = {"sftp:read", "sftp:write"}
    assert scopes == {
        first: both | {"credentials:read", "credentials:write"},
        writer: both,
        reader: {"sftp:read"},
        idle: set(),
        refused: set(),
    }
