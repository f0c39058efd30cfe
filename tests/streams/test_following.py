"""A puller beside writers that commit in any order: everything once, in order, and it is there when it happens."""

import asyncio
import random

import make
import streaming
from collecting import ContactWorkspace
from getbill.kit import ids, json

WRITERS = 12
PAYMENTS = 4


async def write(workspace: ContactWorkspace) -> None:
    """Make a debt and have things happen to it, at instants of nobody's choosing."""
    debt = json.read((await workspace.post("/debts", make.debt(amount=100))).body)
    for _ in range(PAYMENTS):
        await asyncio.sleep(random.random() / 100)  # noqa: S311 - any order will do
        answered = await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 25})
        assert answered.status == 201


async def keep_sequencing(workspace: ContactWorkspace, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await streaming.sequence(workspace.engine.database, batch=5)
        await asyncio.sleep(0)


async def follow(workspace: ContactWorkspace, until: int) -> list[tuple[str, int]]:
    """Read on and on, as an integrator does, until there were so many."""
    result: list[tuple[str, int]] = []
    after = ""
    while len(result) < until:
        page = json.read((await workspace.get(f"/events?limit=7&wait=10{after}")).body)
        assert page["epoch_changed"] is False
        after = f"&after={page['next_cursor']}"
        result += [(event["data"]["debt_id"], event["sequence"]) for event in page["data"]]
    return result


async def test_whoever_follows_misses_nothing_and_gets_nothing_twice(workspace: ContactWorkspace) -> None:
    stop = asyncio.Event()
    # Two of them, as with two workers: one at a time gets its turn.
    sequencers = [asyncio.create_task(keep_sequencing(workspace, stop)) for _ in range(2)]
    expected = WRITERS * (1 + PAYMENTS + 2)
    async with asyncio.timeout(60):
        followers = [asyncio.create_task(follow(workspace, expected)) for _ in range(2)]
        await asyncio.gather(*(write(workspace) for _ in range(WRITERS)))
        first, second = await asyncio.gather(*followers)
    stop.set()
    await asyncio.gather(*sequencers)

    rows = await workspace.engine.database.pool.fetch(
        "SELECT debt_id, sequence FROM events WHERE workspace_id = $1 ORDER BY position", workspace.engine.id
    )
    assert first == second == [(ids.show("debt", row["debt_id"]), row["sequence"]) for row in rows]
    assert len(set(first)) == expected
    for debt_id in {debt_id for debt_id, _ in first}:
        assert [sequence for other, sequence in first if other == debt_id] == list(range(1, 8))
