"""Routes of the delivery log and its statistics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller
from getbill.kit import clock, ids
from getbill.kit.database import Database
from getbill.kit.http import Route, answer, problems
from getbill.webhooks import endpoints
from getbill.webhooks.delivery_log import queries, schemas, statistics, statistics_schemas
from getbill.webhooks.delivery_log.schemas import (
    DeliveryList,
    DeliveryQuery,
    DeliveryView,
    DeliveryWithAttempts,
)
from getbill.webhooks.delivery_log.statistics_schemas import StatsQuery, StatsShown
from getbill.webhooks.endpoints import PREFIX

router = APIRouter(prefix="/external-api/v1/webhooks", tags=["Webhooks"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("webhooks:read"))]


@router.get("/stats", response_model=StatsShown, responses=problems(400))
async def get_webhook_stats(
    request: Request, caller: Reads, query: Annotated[StatsQuery, Query()]
) -> Response:
    """Return delivery statistics of a period, by webhook and by event. Defaults to the last day."""
    database: Database = request.app.state.database
    since, until = statistics_schemas.period(query, clock.wall())
    delivery_statistics = await statistics.read(database, caller.workspace.id, since, until)
    return answer(200, statistics_schemas.serialize_statistics(delivery_statistics))


@router.get("/{webhook_id}/deliveries", response_model=DeliveryList, responses=problems(400, 404))
async def list_webhook_deliveries(
    request: Request, caller: Reads, webhook_id: str, query: Annotated[DeliveryQuery, Query()]
) -> Response:
    """List the deliveries of a webhook: pending ones, soonest first, then settled ones, newest first.

    Deliveries are kept 90 days. Filters combine with AND; `status` and `event` may be repeated.
    """
    database: Database = request.app.state.database
    endpoint = await endpoints.find(database, caller.workspace, ids.read(PREFIX, webhook_id))
    mark = caller.workspace.cursor_signer(f"deliveries/{endpoint.id}")
    deliveries = await queries.list_deliveries(
        database, caller.workspace, schemas.delivery_filter(query, endpoint.id, mark)
    )
    page = deliveries[: query.limit]
    last = await queries.last_attempts(database, caller.workspace, page)
    erased = await queries.find_erased(database, caller.workspace, [delivery.debt_id for delivery in page])
    rows = [
        schemas.serialize_delivery(delivery, last.get(delivery.id), is_erased=delivery.debt_id in erased)
        for delivery in page
    ]
    return answer(200, {"data": rows, "next_cursor": schemas.cursor_after(deliveries, query.limit, mark)})


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}", response_model=DeliveryWithAttempts, responses=problems(404)
)
async def get_webhook_delivery(
    request: Request, caller: Reads, webhook_id: str, delivery_id: str
) -> Response:
    """Return one delivery with every attempt: request, response and duration."""
    database: Database = request.app.state.database
    workspace = caller.workspace
    endpoint = await endpoints.find(database, workspace, ids.read(PREFIX, webhook_id))
    entry = await queries.find(database, workspace, endpoint.id, ids.read(queries.PREFIX, delivery_id))
    content = await queries.find_content(database, workspace, entry)
    view = DeliveryView(workspace, entry, content, may_read="debts:read" in caller.scopes)
    attempts = [
        view.serialize_attempt(entry, list(endpoint.headers))
        for entry in await queries.list_attempts(database, workspace, entry)
    ]
    last = (await queries.last_attempts(database, workspace, [entry])).get(entry.id)
    payload = schemas.serialize_delivery(entry, last, is_erased=view.is_erased)
    body = view.body(is_withheld=payload["data_withheld"])
    return answer(200, payload | {"body": body, "attempts_made": attempts})
