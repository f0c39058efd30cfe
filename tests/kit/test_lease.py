"""One lease for everything that is claimed: its guarantees, once for each table, with workers that are killed."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Record

import collecting
from getbill import reactions, webhooks
from getbill.access import OPERATOR
from getbill.contacts import claims as contact_claims
from getbill.imports import due
from getbill.kit import ids
from getbill.kit.database.transactions import Database, Statement, open_database
from getbill.kit.work import Lease, claim_arrays
from getbill.sandbox import actions as sandbox
from getbill.sftp import pickup
from getbill.webhooks.deliveries import claims as deliveries

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SOON = NOW + timedelta(seconds=30)
AFTERWARDS = NOW + timedelta(seconds=31)
LATER = NOW + timedelta(seconds=60)


async def planned_contact(database: Database) -> UUID:
    workspace = await collecting.new_engine(database)
    await workspace.debt()
    return workspace.id


async def contact_being_sent(database: Database) -> UUID:
    workspace_id = await planned_contact(database)
    await database.pool.execute("UPDATE contacts SET state = 'sending' WHERE workspace_id = $1", workspace_id)
    return workspace_id


async def running_advance(database: Database) -> UUID:
    workspace = await collecting.new_engine(database)
    await database.pool.execute(
        """
        INSERT INTO clock_advances (workspace_id, id, started_from, target_at, reached_at, was_frozen, created_at)
        VALUES ($1, $2, $3, $3, $3, false, $3)
        """,
        workspace.id,
        ids.new(),
        NOW,
    )
    return workspace.id


async def pending_delivery(database: Database) -> UUID:
    workspace = await collecting.new_engine(database)
    async with database.transaction(NOW) as tx:
        new = webhooks.NewEndpoint("https://example.com/hooks")
        endpoint = (await webhooks.create(tx, await workspace.snapshot(), new, OPERATOR)).endpoint
    await database.pool.execute(
        """
        INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
            next_try_at, created_at)
        VALUES ($1, $2, $3, $4, $4, 'debt.created', 1, 1, $5, $5)
        """,
        *(workspace.id, ids.new(), endpoint.id, ids.new(), NOW),
    )
    return workspace.id


async def waiting_import(database: Database) -> UUID:
    workspace = await collecting.new_engine(database)
    await database.pool.execute(
        """
        INSERT INTO imports (workspace_id, id, file_id, source, sender, name, language, grace_hours, created_at,
            received_at, task)
        VALUES ($1, $2, $2, 'upload', 'test', 'debts.csv', 'fr', 2, $3, $3, 'read')
        """,
        *(workspace.id, ids.new(), NOW),
    )
    return workspace.id


async def file_being_imported(database: Database) -> UUID:
    workspace = await collecting.new_engine(database)
    login_id = ids.new()
    await database.pool.execute(
        """
        INSERT INTO sftp_logins (id, workspace_id, username, name, password_hash, created_at)
        VALUES ($1, $2, $3, 'Test', '', $4)
        """,
        *(login_id, workspace.id, f"test-{login_id.hex}", NOW),
    )
    await database.pool.execute(
        """
        INSERT INTO sftp_files (workspace_id, id, login_id, folder, name_hash, name, state, written_at, is_finished)
        VALUES ($1, $2, $3, 'incoming', '', '', 'taken', $4, true)
        """,
        *(workspace.id, ids.new(), login_id, NOW),
    )
    return workspace.id


@dataclass(frozen=True)
class Declaration:
    """A declared lease, and how one row comes about that may be claimed in a workspace of its own."""

    lease: Lease
    make: Callable[[Database], Awaitable[UUID]]

    def statement(self, noun: str, **options: Any) -> Statement:
        statement: Statement = getattr(self.lease, f"{noun}_statement")(f"test.{noun}", "Test.", **options)
        return statement


DECLARATIONS = {
    "contacts": Declaration(contact_claims.PLANNED, planned_contact),
    "contacts being sent": Declaration(contact_claims.SENDING, contact_being_sent),
    "clocks": Declaration(sandbox.LEASE, running_advance),
    "deliveries": Declaration(deliveries.LEASE, pending_delivery),
    "imports": Declaration(due.LEASE, waiting_import),
    "files": Declaration(pickup.LEASE, file_being_imported),
}


@dataclass(frozen=True)
class Subject:
    """One row that may be claimed."""

    database: Database
    declaration: Declaration
    workspace_id: UUID

    async def claim(self, now=NOW, until=SOON) -> list[Record]:
        statement = self.declaration.statement("claim", order="t.lease_until")
        return await self.database.fetch(statement, self.workspace_id, now, until, 10)

    async def renew(self, row: Record) -> list[Record]:
        return await self.database.fetch(
            self.declaration.statement("renewal"), self.workspace_id, LATER, *self._arrays(row)
        )

    async def release(self, row: Record) -> list[Record]:
        return await self.database.fetch(
            self.declaration.statement("release"), self.workspace_id, *self._arrays(row)
        )

    async def lock(self, row: Record) -> list[Record]:
        return await self.database.fetch(
            self.declaration.statement("fence"), self.workspace_id, *self._arrays(row)
        )

    async def recover(self, now=AFTERWARDS) -> list[Record]:
        """Have the row claimable again, where its table says by a state that it is claimed."""
        if not self.declaration.lease.on_release:
            return []
        statement = self.declaration.statement("recovery")
        return await self.database.fetch(statement, self.workspace_id, now, 10)

    async def row(self) -> Record:
        table = self.declaration.lease.table
        row = await self.database.pool.fetchrow(
            f"SELECT * FROM {table} WHERE workspace_id = $1",
            self.workspace_id,
        )
        assert row is not None
        return row

    def _arrays(self, row: Record) -> list[list[Any]]:
        return claim_arrays([[row[column] for column in (*self.declaration.lease.key, "fence")]])


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    resource = await open_database(dsn, reactions.before_commit, size=10)
    yield resource
    await resource.close()


@pytest.fixture(params=DECLARATIONS)
async def subject(request, database) -> Subject:
    declaration = DECLARATIONS[request.param]
    return Subject(database, declaration, await declaration.make(database))


async def test_one_worker_at_a_time_holds_a_row(subject) -> None:
    claims = await asyncio.gather(*(subject.claim() for _ in range(8)))

    assert sorted(map(len, claims)) == [0] * 7 + [1]
    assert await subject.claim() == []


async def test_a_claim_is_under_a_new_fence_and_counts_no_crash(subject) -> None:
    before = await subject.row()

    (claim,) = await subject.claim()

    assert (claim["fence"], claim["lease_until"]) == (before["fence"] + 1, SOON)
    assert claim["crashes"] == 0


async def test_a_renewal_extends_the_lease_of_its_holder(subject) -> None:
    (claim,) = await subject.claim()

    assert len(await subject.renew(claim)) == 1

    assert (await subject.row())["lease_until"] == LATER
    await subject.recover()
    assert await subject.claim(AFTERWARDS, LATER) == []


async def test_a_released_row_is_claimed_at_once_and_counts_no_crash(subject) -> None:
    (first,) = await subject.claim()

    assert len(await subject.release(first)) == 1

    assert (await subject.row())["lease_until"] is None
    (second,) = await subject.claim()
    assert (second["fence"], second["crashes"]) == (first["fence"] + 1, 0)


async def test_an_expired_lease_counts_one_crash_and_the_row_is_claimed_anew(subject) -> None:
    (first,) = await subject.claim()

    await subject.recover()
    (second,) = await subject.claim(AFTERWARDS, LATER)

    assert (second["fence"], second["crashes"]) == (first["fence"] + 1, 1)


async def test_a_lease_that_has_not_expired_is_not_recovered(subject) -> None:
    (claim,) = await subject.claim()

    assert await subject.recover(NOW) == []
    assert await subject.claim() == []
    assert (await subject.row())["fence"] == claim["fence"]


async def test_whoever_held_a_row_that_was_claimed_anew_writes_nothing(subject) -> None:
    (late,) = await subject.claim()
    await subject.recover()
    (current,) = await subject.claim(AFTERWARDS, LATER)
    expected = await subject.row()

    assert await subject.renew(late) == []
    assert await subject.release(late) == []
    assert await subject.lock(late) == []

    assert await subject.row() == expected
    assert len(await subject.lock(current)) == 1


async def test_a_row_of_another_workspace_is_not_claimed(subject, database) -> None:
    other = Subject(database, subject.declaration, await subject.declaration.make(database))

    (claim,) = await other.claim()

    assert claim["workspace_id"] == other.workspace_id
    assert (await subject.row())["lease_until"] is None


# A worker that claims and dies by SIGKILL, before the commit or after it.
_WORKER = """
import asyncio, json, os, signal, sys
from datetime import datetime
from uuid import UUID
import asyncpg

async def claim_and_die(dsn, text, workspace_id, now, lease_until, is_committed):
    connection = await asyncpg.connect(dsn)
    block = connection.transaction()
    await block.start()
    instants = map(datetime.fromisoformat, (now, lease_until))
    if await connection.fetch(text, UUID(workspace_id), *instants, 10):
        if is_committed:
            await block.commit()
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(claim_and_die(*json.load(sys.stdin)))
"""


async def _die_with_claim(dsn: str, subject: Subject, *, is_committed: bool) -> None:
    text = subject.declaration.statement("claim", order="t.lease_until").text
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, stdin=asyncio.subprocess.PIPE
    )
    job = [dsn, text, str(subject.workspace_id), NOW.isoformat(), SOON.isoformat(), is_committed]
    await process.communicate(json.dumps(job).encode())
    assert process.returncode == -signal.SIGKILL


async def test_a_worker_killed_with_a_claim_keeps_it_until_its_lease_ends(subject, dsn) -> None:
    await _die_with_claim(dsn, subject, is_committed=True)

    assert await subject.claim() == []

    await subject.recover()
    (claim,) = await subject.claim(AFTERWARDS, LATER)
    assert claim["crashes"] == 1


async def test_a_worker_killed_before_its_claim_is_committed_leaves_the_row_free(subject, dsn) -> None:
    await _die_with_claim(dsn, subject, is_committed=False)

    async with asyncio.timeout(10):
        # The server notices a moment later that its client is gone.
        while not (rows := await subject.claim()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert rows[0]["crashes"] == 0
