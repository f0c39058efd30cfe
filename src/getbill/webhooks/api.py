"""Routes of webhooks."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.kit import ids
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, include_routes, problems
from getbill.webhooks import delivery_log, endpoints, replays
from getbill.webhooks.endpoints import (
    PREFIX,
    CutOverBody,
    EndpointChangeBody,
    EndpointList,
    EndpointShown,
    EndpointWithSecret,
    NewEndpointBody,
    RotateBody,
)
from getbill.webhooks.rights import READ_DEBTS
from getbill.webhooks.ssrf import EgressPolicy

router = APIRouter(prefix="/external-api/v1/webhooks", tags=["Webhooks"], route_class=Route)
# Registered before the routes of one webhook, so that `stats` is not read as an id.
include_routes(router, delivery_log.router, replays.router)

Reads = Annotated[Caller, Depends(access.requires("webhooks:read"))]
Writes = Annotated[Change, Depends(access.change("webhooks:write"))]
# Opening an endpoint sends data out, so it needs the right to read that data.
Opens = Annotated[Change, Depends(access.change("webhooks:write", READ_DEBTS))]


def _egress_policy(change: Change) -> EgressPolicy:
    networks = change.request.app.state.settings.webhook_networks
    return EgressPolicy(change.workspace.is_live, networks)


@router.post("", status_code=201, response_model=EndpointWithSecret, responses=problems(409, 415, 422))
async def create_webhook(change: Opens, new: Annotated[NewEndpointBody, body(NewEndpointBody)]) -> Response:
    """Create a webhook that receives events from now on. The response shows its signing secret, once."""
    endpoints.refuse_unreachable(new.url, _egress_policy(change))

    async def create(tx: Transaction) -> access.Reply:
        created_endpoint = await endpoints.create(
            tx, change.workspace, endpoints.new_endpoint(new), change.caller.actor
        )
        response_body = endpoints.serialize_with_secret(created_endpoint)
        return lambda: answer(201, response_body, {"Location": f"{router.prefix}/{response_body['id']}"})

    return await change.commit(create)


@router.get("", response_model=EndpointList)
async def list_webhooks(request: Request, caller: Reads) -> Response:
    """List the webhooks of the workspace."""
    database: Database = request.app.state.database
    webhooks = await endpoints.list_endpoints(database, caller.workspace)
    return answer(200, {"data": [endpoints.serialize_endpoint(endpoint) for endpoint in webhooks]})


@router.get("/{webhook_id}", response_model=EndpointShown, responses=problems(404))
async def get_webhook(request: Request, caller: Reads, webhook_id: str) -> Response:
    """Return one webhook, without its secret."""
    database: Database = request.app.state.database
    endpoint = await endpoints.find(database, caller.workspace, ids.read(PREFIX, webhook_id))
    return answer(200, endpoints.serialize_endpoint(endpoint))


@router.put("/{webhook_id}", response_model=EndpointShown, responses=problems(404, 409, 415, 422))
async def update_webhook(
    change: Writes, webhook_id: str, payload: Annotated[EndpointChangeBody, body(EndpointChangeBody)]
) -> Response:
    """Change the given fields of a webhook; the others keep their values.

    A webhook that is enabled again is attempted at once. Events it missed while disabled are then sent in
    order, unless `send_missed` is false. Changes that send data out (`url`, `events`, `fields`, `headers`,
    enabling) also need the scope `debts:read`. The credential that sets `url` or enables the webhook becomes
    its `owner`.
    """
    changes = endpoints.requested_changes(payload)
    if endpoints.reaches_further(changes):
        change.caller.require(READ_DEBTS)
    if payload.url is not None:
        endpoints.refuse_unreachable(payload.url, _egress_policy(change))

    async def update(tx: Transaction) -> access.Reply:
        endpoint_id = ids.read(PREFIX, webhook_id)
        endpoint = await endpoints.update(tx, change.workspace, endpoint_id, changes, change.caller.actor)
        return lambda: answer(200, endpoints.serialize_endpoint(endpoint))

    return await change.commit(update)


@router.delete("/{webhook_id}", response_model=EndpointShown, responses=problems(404, 409))
async def delete_webhook(change: Writes, webhook_id: str) -> Response:
    """Delete a webhook and return it as it was. Its pending deliveries are cancelled."""

    async def delete(tx: Transaction) -> access.Reply:
        endpoint = await endpoints.delete(tx, change.workspace, ids.read(PREFIX, webhook_id))
        return lambda: answer(200, endpoints.serialize_endpoint(endpoint))

    return await change.commit(delete)


@router.post(
    "/{webhook_id}/rotate-secret", response_model=EndpointWithSecret, responses=problems(404, 409, 415, 422)
)
async def rotate_webhook_secret(
    change: Writes, webhook_id: str, payload: Annotated[RotateBody, body(RotateBody, optional=True)]
) -> Response:
    """Replace the secret without interruption. The response shows the new secret, once.

    Until the overlap ends, `webhook-signature` carries a signature by each secret, so the receiver can switch
    at any moment. `X-GetBill-Signature` uses the old secret until the cut-over; `X-GetBill-Signature-Next`
    uses the other one. Send a test with `"secret": "next"` before you cut over.
    """

    async def rotate(tx: Transaction) -> access.Reply:
        endpoint_id = ids.read(PREFIX, webhook_id)
        rotated_endpoint = await endpoints.rotate(
            tx, change.workspace, endpoint_id, payload.overlap_hours, change.caller.actor
        )
        return lambda: answer(200, endpoints.serialize_with_secret(rotated_endpoint))

    return await change.commit(rotate)


@router.post("/{webhook_id}/cut-over", response_model=EndpointShown, responses=problems(404, 409, 415, 422))
async def cut_over_webhook_secret(
    change: Writes, webhook_id: str, payload: Annotated[CutOverBody, body(CutOverBody, optional=True)]
) -> Response:
    """Sign `X-GetBill-Signature` with the new secret from now on. Automatic when the overlap ends."""

    async def cut_over(tx: Transaction) -> access.Reply:
        endpoint_id = ids.read(PREFIX, webhook_id)
        endpoint = await endpoints.cut_over(
            tx, change.workspace, endpoint_id, ends_overlap=payload.end_overlap
        )
        return lambda: answer(200, endpoints.serialize_endpoint(endpoint))

    return await change.commit(cut_over)
