"""Routes of replays and test sends."""

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
from getbill.webhooks.replays.actions import ReplayRequest
from getbill.webhooks.replays.schemas import (
    EndpointTestBody,
    EndpointTestShown,
    ReplayBody,
    ReplayedShown,
    ReplayOneBody,
)
from getbill.webhooks.replays.test_sends import EndpointTester
from getbill.webhooks.rights import READ_DEBTS

router = APIRouter(prefix="/external-api/v1/webhooks", tags=["Webhooks"], route_class=Route)

# The receiver reads what is sent.
Writes = Annotated[Change, Depends(access.change("webhooks:write", READ_DEBTS))]


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
    payload: Annotated[ReplayOneBody, body(ReplayOneBody, optional=True)],
) -> Response:
    """Send one delivery again, to this webhook or another, under the same `webhook_id`."""
    endpoint_id, delivery_uuid = ids.read(PREFIX, webhook_id), ids.read(delivery_log.PREFIX, delivery_id)
    request = ReplayRequest(
        endpoint_id, schemas.target_endpoint_id(payload.to_webhook, endpoint_id), deliveries=[delivery_uuid]
    )
    # An unknown id is 404 in the path; in a body it would be invalid.
    await delivery_log.find(change.database, change.workspace, endpoint_id, delivery_uuid)
    return await _replay(change, request)


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    response_model=ReplayedShown,
    responses=problems(404, 409, 415, 422),
)
async def replay_webhook(
    change: Writes, webhook_id: str, payload: Annotated[ReplayBody, body(ReplayBody)]
) -> Response:
    """Send events again: given events, given deliveries, or a time range; to this webhook or another.

    At most 10,000 events at a time. A pending delivery is not enqueued twice.
    """
    return await _replay(change, schemas.replay_request(payload, ids.read(PREFIX, webhook_id)))


async def _replay(change: Change, request: ReplayRequest) -> Response:
    async def replay(tx: Transaction) -> access.Reply:
        replay_result = await actions.replay(tx, change.workspace, request, change.caller.actor)
        return lambda: answer(202, schemas.serialize_replay(replay_result, request.to_endpoint_id))

    return await change.commit(replay)


@router.post("/{webhook_id}/test", response_model=EndpointTestShown, responses=problems(404, 409, 415, 422))
async def test_webhook(
    change: Writes,
    webhook_id: str,
    payload: Annotated[EndpointTestBody, body(EndpointTestBody, optional=True)],
) -> Response:
    """Send a sample now, even to a disabled webhook, and return the request and the response.

    The body carries `"test": true` and the header `X-GetBill-Test: true` is set. A test does not appear in
    the stream, the log or the statistics.
    """

    async def send_test() -> Response:
        endpoint = await endpoints.find(change.database, change.workspace, ids.read(PREFIX, webhook_id))
        tester: EndpointTester = change.request.app.state.trials
        endpoint_test = await tester.send(change.workspace, endpoint, payload.event, is_next=payload.is_next)
        return answer(200, schemas.serialize_endpoint_test(endpoint_test, endpoint))

    return await change.run_external(send_test)
