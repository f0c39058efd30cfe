"""Settling: all of it at once, and once, however often it is asked because the answer was lost on the way."""

from typing import Any

import streaming
from getbill.companies import Workspace
from getbill.kit import clock
from getbill.kit.database.transactions import Database
from getbill.webhooks.deliveries import claims, ledger
from getbill.webhooks.deliveries.claims import ClaimRequest
from getbill.webhooks.deliveries.ledger import DeliveryAttempt
from getbill.webhooks.model import AttemptOutcome, DeliveryVerdict
from webhooks.conftest import attempts


def attempt_of(row: Any, status: int, verdict: DeliveryVerdict) -> DeliveryAttempt:
    return DeliveryAttempt(row, AttemptOutcome(clock.wall(), 5, status), verdict, None)


async def claim(database: Database, workspace: Workspace) -> Any:
    while await streaming.sequence(database):
        pass
    while await streaming.enqueue_deliveries(database):
        pass
    request = ClaimRequest(10, 8.0, lambda _target, _in_hand: 10)
    return (await claims.claim(database, workspace.id, request)).deliveries


async def test_a_delivery_settled_again_is_settled_once(
    database: Database, snapshot: Workspace, receive: Any, subscribe: Any, open_debt: Any
) -> None:
    endpoint_id = await subscribe(await receive())
    await open_debt()
    (work,) = await claim(database, snapshot)
    done = attempt_of(work, 200, DeliveryVerdict("delivered", clock.wall()))

    for _ in range(2):
        await ledger.record_attempts(database, [done])

    assert [row["attempt"] for row in await attempts(database, endpoint_id)] == [1]
    logged = "SELECT count(*) FROM webhook_log WHERE endpoint_id = $1"
    assert await database.pool.fetchval(logged, endpoint_id) == 1


async def test_a_failed_attempt_settled_again_spends_one_try(
    database: Database, snapshot: Workspace, receive: Any, subscribe: Any, open_debt: Any
) -> None:
    endpoint_id = await subscribe(await receive())
    await open_debt()
    (work,) = await claim(database, snapshot)
    failed = attempt_of(work, 500, DeliveryVerdict("pending", clock.wall()))

    for _ in range(2):
        await ledger.record_attempts(database, [failed])

    spent = "SELECT attempts FROM webhook_deliveries WHERE endpoint_id = $1"
    assert await database.pool.fetchval(spent, endpoint_id) == 1


async def test_the_next_of_a_lane_is_due_once_its_forerunner_is_settled_whoever_settled_it(
    database: Database, snapshot: Workspace, receive: Any, subscribe: Any, open_debt: Any, record: Any
) -> None:
    await subscribe(await receive(), "debt.created", "debt.updated")
    await record(await open_debt(), "debt.updated")
    # The claim that takes the first puts the second aside.
    (first,) = await claim(database, snapshot)

    await ledger.record_attempts(
        database, [attempt_of(first, 200, DeliveryVerdict("delivered", clock.wall()))]
    )

    assert [item.sequence for item in await claim(database, snapshot)] == [2]
