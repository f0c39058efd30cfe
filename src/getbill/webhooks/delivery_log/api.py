"""The routes of the log of deliveries and of its statistics."""

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
from getbill.webhooks.delivery_log.schemas import DeliveryList, DeliveryQuery, DeliveryWithAttempts, Reading
from getbill.webhooks.delivery_log.statistics_schemas import StatsQuery, StatsShown
from getbill.webhooks.endpoints import PREFIX

router = APIRouter(prefix="/external-api/v1/webhooks", tags=["Webhooks"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("webhooks:read"))]


@router.get("/stats", response_model=StatsShown, responses=problems(400))
async def get_webhook_stats(
    request: Request, caller: Reads, query: Annotated[StatsQuery, Query()]
) -> Response:
    """Return how deliveries went in a period: success, latency, by endpoint and by event. The last day by default."""
    database: Database = request.app.state.database
    since, until = statistics_schemas.period(query, clock.wall())
    found = await statistics.read(database, caller.workspace.id, since, until)
    return answer(200, statistics_schemas.stats(found))


@router.get("/{webhook_id}/deliveries", response_model=DeliveryList, responses=problems(400, 404))
async def list_webhook_deliveries(
    request: Request, caller: Reads, webhook_id: str, query: Annotated[DeliveryQuery, Query()]
) -> Response:
    """List what is owed to a webhook, the soonest first, then what was settled with it, the newest first.

    Kept 90 days. Filters add up; `status`, `event` may be given several times.
    """
    database: Database = request.app.state.database
    endpoint = await endpoints.find(database, caller.workspace, ids.read(PREFIX, webhook_id))
    mark = caller.workspace.mark_of(f"deliveries/{endpoint.id}")
    found = await queries.page(database, caller.workspace, schemas.wanted(query, endpoint.id, mark))
    shown = found[: query.limit]
    last = await queries.last_attempts(database, caller.workspace, shown)
    erased = await queries.erased(database, caller.workspace, [one.debt_id for one in shown])
    rows = [schemas.delivery(one, last.get(one.id), is_erased=one.debt_id in erased) for one in shown]
    return answer(200, {"data": rows, "next_cursor": schemas.cursor_after(found, query.limit, mark)})


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}", response_model=DeliveryWithAttempts, responses=problems(404)
)
async def get_webhook_delivery(
    request: Request, caller: Reads, webhook_id: str, delivery_id: str
) -> Response:
    """Return one delivery with every attempt: what was sent, what came back, how long it took."""
    database: Database = request.app.state.database
    workspace = caller.workspace
    endpoint = await endpoints.find(database, workspace, ids.read(PREFIX, webhook_id))
    one = await queries.find(database, workspace, endpoint.id, ids.read(queries.PREFIX, delivery_id))
    content = await queries.content(database, workspace, one)
    reading = Reading(workspace, one, content, may_read="debts:read" in caller.scopes)
    made = [
        reading.attempt(one, list(endpoint.headers))
        for one in await queries.attempts(database, workspace, one)
    ]
    last = (await queries.last_attempts(database, workspace, [one])).get(one.id)
    shown = schemas.delivery(one, last, is_erased=reading.is_erased)
    body = reading.body(is_withheld=shown["data_withheld"])
    return answer(200, shown | {"body": body, "attempts_made": made})
