"""A POST sent again with its Idempotency-Key gets the answer it got, and nothing happens twice."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from calls import Site
from getbill import access
from getbill import vault as vaults
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database, Statement, Transaction
from getbill.kit.errors import Conflict, NotFound, TooManyRequests, one_field
from getbill.kit.http.bodies import answer
from getbill.vault import Vault

THINGS = "/external-api/v1/test/things"
OTHERS = "/external-api/v1/test/others"


async def rows(database: Database, workspace: Any) -> list[asyncpg.Record]:
    """The answers kept for a company's sandbox."""
    result = await database.pool.fetch(
        "SELECT * FROM idempotency_keys WHERE workspace_id = $1", workspace.founded.sandbox_id
    )
    return list(result)


@pytest.fixture
async def caller(site: Site, workspace: Any) -> Site:
    return site.with_token(await workspace.key())


async def test_the_same_request_gets_the_same_answer_and_runs_once(
    caller: Site, workspace: Any, bench: Any, database: Database
) -> None:
    first = await caller.post(THINGS, {"a": 1}, Idempotency_Key="one")
    second = await caller.post(THINGS, {"a": 1}, Idempotency_Key="one")

    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["content-type"] == "application/json"
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert bench.runs == 1
    assert len(await rows(database, workspace)) == 1


async def test_without_a_key_a_post_is_new_each_time(
    caller: Site, workspace: Any, bench: Any, database: Database
) -> None:
    answers = [await caller.post(THINGS, {}) for _ in range(2)]

    assert answers[0].body != answers[1].body
    assert bench.runs == 2
    assert await rows(database, workspace) == []


async def test_another_body_or_query_under_the_same_key_is_refused(caller: Site, bench: Any) -> None:
    await caller.post(THINGS, {"a": 1}, Idempotency_Key="one")

    answers = [
        await caller.post(THINGS, {"a": 2}, Idempotency_Key="one"),
        await caller.post(f"{THINGS}?x=1", {"a": 1}, Idempotency_Key="one"),
    ]

    assert [got.status for got in answers] == [422, 422]
    assert answers[0].json()["type"] == "/problems/idempotency-key-reused"
    assert bench.runs == 1


async def test_a_key_is_one_per_credential_and_route(
    caller: Site, site: Site, workspace: Any, bench: Any
) -> None:
    other_credential = site.with_token(await workspace.key())

    answers = [
        await caller.post(THINGS, {}, Idempotency_Key="one"),
        await other_credential.post(THINGS, {}, Idempotency_Key="one"),
        await caller.post(OTHERS, {}, Idempotency_Key="one"),
    ]

    assert [got.status for got in answers] == [201, 201, 201]
    assert len({got.body for got in answers}) == 3
    assert bench.runs == 2


async def test_a_concurrent_twin_is_refused_and_may_come_back(caller: Site, bench: Any) -> None:
    entered, go = asyncio.Event(), asyncio.Event()
    reply = bench.work

    async def slowly(change: access.Change, tx: Transaction) -> access.Reply:
        entered.set()
        await go.wait()
        return await reply(change, tx)

    bench.work = slowly
    running = asyncio.create_task(caller.post(THINGS, {}, Idempotency_Key="one"))
    await entered.wait()

    twin = await caller.post(THINGS, {}, Idempotency_Key="one")
    go.set()
    first = await running
    again = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert (twin.status, twin.json()["type"]) == (409, "/problems/idempotency-key-in-use")
    assert first.status == 201
    assert again.body == first.body
    assert bench.runs == 1


async def test_many_twins_at_once_do_it_once(caller: Site, bench: Any) -> None:
    answers = await asyncio.gather(*(caller.post(THINGS, {"n": 1}, Idempotency_Key="one") for _ in range(12)))

    assert bench.runs == 1
    assert {got.status for got in answers} <= {201, 409}
    assert len({got.body for got in answers if got.status == 201}) == 1


@pytest.mark.parametrize(
    "refusal", [Conflict("It is so already."), NotFound("No."), one_field("/a", "wrong", "A is wrong.")]
)
async def test_a_refusal_is_an_answer_too(caller: Site, bench: Any, refusal: Exception) -> None:
    async def refuse(_change: access.Change, _tx: Transaction) -> access.Reply:
        raise refusal

    bench.work = refuse
    first = await caller.post(THINGS, {}, Idempotency_Key="one")
    second = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert first.status >= 400
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["content-type"] == "application/problem+json"
    assert second.headers["idempotent-replayed"] == "true"
    assert bench.runs == 1


async def test_a_refused_change_leaves_nothing_but_its_answer(
    caller: Site, workspace: Any, bench: Any, database: Database
) -> None:
    rename = Statement("test.rename", "Rename.", "UPDATE companies SET name = 'Changed' WHERE id = $1")

    async def change_and_refuse(change: access.Change, tx: Transaction) -> access.Reply:
        await tx.execute(rename, change.workspace.company.id)
        raise Conflict("It is so already.")

    bench.work = change_and_refuse
    await caller.post(THINGS, {}, Idempotency_Key="one")

    name = await database.pool.fetchval(
        "SELECT name FROM companies WHERE id = $1", workspace.founded.company_id
    )
    assert name == "A company"
    assert len(await rows(database, workspace)) == 1


@pytest.mark.parametrize("refusal", [TooManyRequests("Later."), RuntimeError("a defect")])
async def test_what_belongs_to_the_moment_is_not_kept(
    caller: Site, workspace: Any, bench: Any, database: Database, refusal: Exception
) -> None:
    reply = bench.work

    async def refuse(_change: access.Change, _tx: Transaction) -> access.Reply:
        raise refusal

    bench.work = refuse
    first = await caller.post(THINGS, {}, Idempotency_Key="one")
    kept = await rows(database, workspace)
    bench.work = reply
    second = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert first.status in {429, 500}
    assert kept == []
    assert second.status == 201
    assert "idempotent-replayed" not in second.headers


async def test_a_twin_that_answered_after_our_refusal_is_the_one_that_counts(
    caller: Site, site: Site, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: between our rollback and the keeping of our refusal, the same request is sent again and succeeds.
    reply = bench.work
    keep_apart = access.requests.idempotency.store_answer_separately

    async def refuse(_change: access.Change, _tx: Transaction) -> access.Reply:
        raise Conflict("It is so already.")

    async def meanwhile(*arguments: Any) -> Any:
        bench.work = reply
        await caller.post(THINGS, {}, Idempotency_Key="one")
        return await keep_apart(*arguments)

    bench.work = refuse
    monkeypatch.setattr("getbill.access.requests.store_answer_separately", meanwhile)

    ours = await caller.post(THINGS, {}, Idempotency_Key="one")
    again = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert (ours.status, again.status) == (201, 201)
    assert ours.body == again.body


async def test_a_day_later_the_key_is_free(
    caller: Site, bench: Any, database: Database, workspace: Any
) -> None:
    first = await caller.post(THINGS, {}, Idempotency_Key="one")
    await database.pool.execute(
        "UPDATE idempotency_keys SET created_at = created_at - $1::interval", timedelta(hours=24)
    )

    second = await caller.post(THINGS, {"other": 1}, Idempotency_Key="one")
    third = await caller.post(THINGS, {"other": 1}, Idempotency_Key="one")

    assert second.status == 201
    assert second.body != first.body
    assert third.body == second.body
    assert len(await rows(database, workspace)) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "caf\u00e9", "tab\tbed"])
async def test_a_key_that_is_none_is_refused(caller: Site, bench: Any, key: str) -> None:
    got = await caller.post(THINGS, {}, Idempotency_Key=key)

    assert (got.status, got.json()["type"]) == (400, "/problems/idempotency-key-unreadable")
    assert bench.runs == 0


async def test_the_row_and_the_change_are_committed_together(
    caller: Site, workspace: Any, bench: Any, database: Database
) -> None:
    reply = bench.work
    fails = Statement("test.fail", "Fail at the edge.", "SELECT 1 / $1::int")

    async def fail_late(change: access.Change, tx: Transaction) -> access.Reply:
        report = await reply(change, tx)
        tx.defer(fails, 0)
        return report

    bench.work = fail_late
    first = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert first.status == 500
    assert await rows(database, workspace) == []


async def test_a_connection_lost_in_the_middle_leaves_no_key_hanging(
    caller: Site, workspace: Any, bench: Any, database: Database
) -> None:
    reply = bench.work
    dies = Statement("test.die", "Lose the connection.", "SELECT pg_terminate_backend(pg_backend_pid())")

    async def die(_change: access.Change, tx: Transaction) -> access.Reply:
        await tx.execute(dies)
        raise AssertionError

    bench.work = die
    first = await caller.post(THINGS, {}, Idempotency_Key="one")
    kept = await rows(database, workspace)
    bench.work = reply
    second = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert (first.status, kept, second.status) == (503, [], 201)


async def test_a_collision_is_decided_anew_three_times_at_most(caller: Site, bench: Any) -> None:
    reply = bench.work

    async def collide(change: access.Change, tx: Transaction) -> access.Reply:
        if bench.runs < 3:
            raise asyncpg.UniqueViolationError("twins")
        return await reply(change, tx)

    bench.work = collide
    got = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert got.status == 201
    assert bench.runs == 3


@pytest.mark.parametrize(
    "collision",
    [asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError],
)
async def test_a_collision_that_does_not_end_is_a_defect(caller: Site, bench: Any, collision: Any) -> None:
    async def collide(_change: access.Change, _tx: Transaction) -> access.Reply:
        raise collision("for ever")

    bench.work = collide
    got = await caller.post(THINGS, {})

    assert got.status == 500
    assert bench.runs == 3


def about(debt_id: UUID, vault: Vault) -> Any:
    """Return work that makes a debt's key and answers with somebody's name."""

    async def work(change: access.Change, tx: Transaction) -> access.Reply:
        vaults.make_key(tx, vault, change.workspace.id, debt_id)
        change.debt_id = debt_id
        return lambda: answer(201, {"name": "Jean Dupont"})

    return work


async def test_an_erased_debt_takes_its_answers_along(
    caller: Site, workspace: Any, bench: Any, database: Database, vault: Vault
) -> None:
    debt_id = ids.new()
    bench.work = about(debt_id, vault)
    await caller.post(THINGS, {}, Idempotency_Key="one")
    (kept,) = await rows(database, workspace)

    async with database.transaction(clock.wall()) as tx:
        await access.delete_answers(tx, workspace.founded.sandbox_id, debt_id)

    assert kept["debt_id"] == debt_id
    assert b"Jean" not in kept["body"]
    assert await rows(database, workspace) == []


async def test_no_answer_about_a_debt_erased_meanwhile_is_kept(
    caller: Site, workspace: Any, bench: Any, database: Database
) -> None:
    async def work(change: access.Change, _tx: Transaction) -> access.Reply:
        change.debt_id = ids.new()
        return lambda: answer(200, {"name": "Jean Dupont"})

    bench.work = work
    got = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert got.status == 200
    assert await rows(database, workspace) == []


async def test_an_answer_sealed_for_one_key_opens_for_no_other(
    caller: Site, workspace: Any, database: Database
) -> None:
    for key in ("one", "two"):
        await caller.post(THINGS, {}, Idempotency_Key=key)
    await database.pool.execute(
        """
        UPDATE idempotency_keys k SET body = (SELECT body FROM idempotency_keys o
            WHERE o.workspace_id = k.workspace_id AND o.key <> k.key)
        WHERE workspace_id = $1
        """,
        workspace.founded.sandbox_id,
    )

    got = await caller.post(THINGS, {}, Idempotency_Key="one")

    assert got.status == 500
