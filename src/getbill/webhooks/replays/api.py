"""The routes that send something again, or for trial."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from getbill import access
from getbill.access import Change
from getbill.kit import ids
from getbill.kit.database import Transaction
from getbill.kit.http import Route, answer, body, problems
from getbill.webhooks import delivery_log, endpoints
from getbill.webhooks.endpoints import PREFIX
from getbill.webhooks.replays import actions, schemas
from getbill.webhooks.replays.actions import Again
from getbill.webhooks.replays.schemas import ReplayBody, ReplayedShown, ReplayOneBody, TrialBody, TrialShown
from getbill.webhooks.replays.test_sends import Trials
from getbill.webhooks.rights import READING

router = APIRouter(prefix="/external-api/v1/webhooks", tags=["Webhooks"], route_class=Route)

# What is sent is read by whoever receives it.
Writes = Annotated[Change, Depends(access.change("webhooks:write", READING))]


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=ReplayedShown,
    responses=problems(404, 409, 415, 422),
)
async def replay_webhook_delivery(
    change: Writes,
    webhook_id: str,
    delivery_id: str,
    asked: Annotated[ReplayOneBody, body(ReplayOneBody, optional=True)],
) -> Response:
    """Send one delivery again, here or to another webhook, under the same `webhook_id`."""
    endpoint_id, wanted_id = ids.read(PREFIX, webhook_id), ids.read(delivery_log.PREFIX, delivery_id)
    again = Again(endpoint_id, schemas.target(asked.to_webhook, endpoint_id), deliveries=[wanted_id])
    # Named in the path, it is not found where named in a body it would be wrong.
    await delivery_log.find(change.database, change.workspace, endpoint_id, wanted_id)
    return await _replay(change, again)


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    response_model=ReplayedShown,
    responses=problems(404, 409, 415, 422),
)
async def replay_webhook(
    change: Writes, webhook_id: str, asked: Annotated[ReplayBody, body(ReplayBody)]
) -> Response:
    """Send events again: some, some deliveries, or a range of time; here or to another webhook.

    At most 10,000 events at a time. What is owed already is not owed twice.
    """
    return await _replay(change, schemas.again(asked, ids.read(PREFIX, webhook_id)))


async def _replay(change: Change, again: Again) -> Response:
    async def work(tx: Transaction) -> access.Reply:
        done = await actions.replay(tx, change.workspace, again, change.caller.actor)
        return lambda: answer(202, schemas.replayed(done, again.to_endpoint_id))

    return await change.commit(work)


@router.post("/{webhook_id}/test", response_model=TrialShown, responses=problems(404, 409, 415, 422))
async def test_webhook(
    change: Writes, webhook_id: str, asked: Annotated[TrialBody, body(TrialBody, optional=True)]
) -> Response:
    """Send a sample now, to a disabled webhook too, and answer what was sent and what came back.

    The body says `"test": true` and the header `X-GetBill-Test: true`. It stands in no stream, log or statistics.
    """

    async def fire() -> Response:
        endpoint = await endpoints.find(change.database, change.workspace, ids.read(PREFIX, webhook_id))
        trials: Trials = change.request.app.state.trials
        sent = await trials.fire(change.workspace, endpoint, asked.event, is_next=asked.is_next)
        return answer(200, schemas.trial(sent, endpoint))

    return await change.reach_out(fire)
