"""Waiting at the end of the stream: answered when something happens, let go when it must be, at no one's cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from calls import Answer
from collecting import ContactWorkspace
from getbill import access
from getbill.kit import clock, json
from getbill.streams import LongPolling
from getbill.streams.long_poll import WaiterLimits

# Under this, it was a wake: the net looks every five seconds while the listener hears.
WOKEN_SECONDS = 3.0


@pytest.fixture
def long_polling(workspace: ContactWorkspace) -> LongPolling:
    return workspace.site.app.state.long_polling


@asynccontextmanager
async def waiting(
    workspace: ContactWorkspace, query: str = "", **how: Any
) -> AsyncIterator[asyncio.Task[Answer]]:
    """Have a call wait at the end of a workspace's stream."""
    long_polling: LongPolling = workspace.site.app.state.long_polling
    after = json.read((await workspace.get("/events?after=now")).body)["next_cursor"]
    before = long_polling.waiting_count
    path = f"/external-api/v1/events?wait=30&after={after}{query}"
    task = asyncio.create_task(workspace.site.call("GET", path, **how))
    async with asyncio.timeout(10):
        while long_polling.waiting_count == before and not task.done():  # noqa: ASYNC110 - it says so to nobody
            await asyncio.sleep(0.001)
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def kinds_of(answered: Answer) -> list[str]:
    assert answered.status == 200, answered.body
    return [event["data"]["debt_id"] for event in json.read(answered.body)["data"]]


async def test_who_waits_is_answered_when_something_happens(
    workspace, open_debt, sequence, long_polling
) -> None:
    async with waiting(workspace) as task:
        debt = await open_debt()
        await sequence()
        begun = clock.monotonic()

        answered = await task

        assert clock.monotonic() - begun < WOKEN_SECONDS
        assert kinds_of(answered) == [debt["id"]]
    assert long_polling.waiting_count == 0


async def test_who_waits_holds_no_connection(workspace, open_debt, sequence) -> None:
    pool = workspace.engine.database.pool
    async with waiting(workspace) as first, waiting(workspace) as second, waiting(workspace) as third:
        async with asyncio.timeout(10):
            while pool.get_idle_size() < pool.get_size():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.001)

        assert not any(task.done() for task in (first, second, third))


async def test_news_of_others_wakes_nobody_with_nothing_to_tell(
    workspace, other_workspace, open_debt, sequence
) -> None:
    async with waiting(other_workspace) as elsewhere, waiting(workspace, "&event=debt.deleted") as filtered:
        debt = await open_debt()
        await sequence()
        await workspace.call("DELETE", f"/debts/{debt['id']}")
        await sequence()

        answered = await asyncio.wait_for(filtered, WOKEN_SECONDS)

        assert kinds_of(answered) == [debt["id"]]
        assert not elsewhere.done()


async def test_the_end_of_the_time_is_an_answer_with_a_cursor(workspace, open_debt, sequence, pull) -> None:
    await open_debt()
    await sequence()
    after = (await pull())["next_cursor"]

    page = await pull(f"after={after}&wait=1&event=debt.deleted")

    assert (page["data"], page["next_cursor"], page["has_more"]) == ([], after, False)


async def test_what_is_there_is_answered_at_once(open_debt, sequence, pull) -> None:
    debt = await open_debt()
    await sequence()

    async with asyncio.timeout(WOKEN_SECONDS):
        page = await pull("wait=30")

    assert [event["data"]["debt_id"] for event in page["data"]] == [debt["id"]]


async def test_a_credential_revoked_while_it_waits_is_told_nothing(workspace, open_debt, sequence) -> None:
    database, site = workspace.engine.database, workspace.site
    key, text = await access.create_key(database, access.NewKey(workspace.engine.id, "Second"), clock.wall())
    second = ContactWorkspace(site.with_token(text), workspace.engine)
    async with waiting(second) as task:
        await access.revoke_key(database, key.id, clock.wall())
        await open_debt()
        await sequence()

        answered = await asyncio.wait_for(task, WOKEN_SECONDS)

        assert (answered.status, answered.json()["type"]) == (401, "/problems/invalid-token")


async def test_a_client_that_leaves_waits_no_longer(workspace, long_polling) -> None:
    leaves = asyncio.Event()
    async with waiting(workspace, leaves=leaves) as task:
        leaves.set()

        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), WOKEN_SECONDS)

        assert long_polling.waiting_count == 0


async def test_a_process_that_stops_lets_everybody_go(workspace, long_polling, pull) -> None:
    async with waiting(workspace) as first, waiting(workspace) as second:
        try:
            long_polling.release_all()

            answers = await asyncio.wait_for(asyncio.gather(first, second), WOKEN_SECONDS)
            async with asyncio.timeout(WOKEN_SECONDS):
                late = await pull("wait=30")
        finally:
            long_polling._is_closed = False  # the other tests' process goes on

        assert [kinds_of(answer) for answer in answers] == [[], []]
        assert late["data"] == []


async def test_a_listener_that_died_keeps_nobody_waiting(workspace, open_debt, sequence) -> None:
    async with waiting(workspace) as task:
        await workspace.engine.database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'getbill listener'"
        )
        debt = await open_debt()
        await sequence()

        answered = await asyncio.wait_for(task, 10)

        assert kinds_of(answered) == [debt["id"]]


async def test_a_credential_may_wait_so_often_and_a_process_for_so_many(
    workspace, other_workspace, long_polling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_polling, "_limits", WaiterLimits(per_credential=2, per_process=3))
    async with waiting(workspace), waiting(workspace):
        third = await workspace.get("/events?wait=30")
        async with waiting(other_workspace):
            fourth = await other_workspace.get("/events?wait=30")
        without = await workspace.get("/events")

    assert (third.status, third.json()["type"]) == (429, "/problems/too-many-waiting")
    assert (fourth.status, fourth.json()["type"]) == (503, "/problems/unavailable")
    assert [third.headers["retry-after"], fourth.headers["retry-after"]] == ["1", "1"]
    assert without.status == 200
    assert long_polling.waiting_count == 0
