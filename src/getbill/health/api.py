"""Routes for probes (without a credential) and metrics (by a token), none with personal data."""

from typing import Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from getbill.embedded import Outage
from getbill.health import delivery_metrics, metrics_token, quarantine_metrics, queries
from getbill.health.wire import readiness
from getbill.kit.database import DATABASE_ERRORS, Database
from getbill.kit.http import answer, problems
from getbill.vault import Vault

router = APIRouter(tags=["Operations"])

_BACKLOG = Gauge("getbill_backlog", "What waits for the workers, over all workspaces.", ("what",))
_DATABASE = Gauge("getbill_database_up", "Whether the database answered just now.")
_WORKERS = Gauge("getbill_workers", "Workers heard of in the last seconds.")


class Alive(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class PartShown(BaseModel):
    """One part of the installation."""

    is_ready: bool
    way_out: str | None = Field(
        description="Remedy if the part is not ready or requires maintenance; otherwise null."
    )


class Readiness(BaseModel):
    """Readiness of every part of the installation."""

    status: Literal["ready", "not_ready"]
    parts: dict[str, PartShown] = Field(
        description="State of each part: `database`, `migrations`, `worker`, `company`; `master_key` when its rotation is due."
    )
    notes: list[str] = Field(description="Warnings that require attention although every part is ready.")


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _vault(request: Request) -> tuple[Database, Vault, int]:
    state = request.app.state
    return state.database, state.vault, state.settings.erasure_days


@router.get("/healthz", response_model=Alive, operation_id="check_liveness")
async def alive() -> Response:
    """Report that the process answers, without checking any other part."""
    return answer(200, {"status": "ok"})


@router.get(
    "/readyz",
    response_model=Readiness,
    operation_id="check_readiness",
    responses={503: {"model": Readiness, "description": "A part is not ready, and which."}},
)
async def ready(request: Request) -> Response:
    """Report whether database, migrations, worker and company are ready, and which is not."""
    outage: Outage | None = getattr(request.app.state, "outage", None)
    parts = await queries.checks(_database(request), outage)
    ready_parts = {part.name for part in parts if part.is_ready}
    if ready_parts >= {"database", "migrations"} and (due := await queries.due(*_vault(request))) is not None:
        # All parts are ready, and the operator has to act.
        return readiness(parts, await queries.notes(_database(request)), {"master_key": due})
    return readiness(parts, await queries.notes(_database(request)) if "database" in ready_parts else [])


@router.get(
    "/metrics",
    response_class=Response,
    operation_id="get_metrics",
    responses={
        200: {
            "description": "The metrics, in Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problems(401, 404),
    },
)
async def metrics(request: Request) -> Response:
    """Return this process's counters and the backlog of the workers, in Prometheus' format.

    Requires the installation's own token (`GETBILL_METRICS_TOKEN`); the metrics contain no ids of customers
    or debtors.
    """
    metrics_token.check(request)
    try:
        backlog = await queries.backlog(_database(request))
    except DATABASE_ERRORS:
        # This process's counters are most valuable when the database is down.
        _DATABASE.set(0)
    else:
        _DATABASE.set(1)
        _WORKERS.set(backlog.pop("workers"))
        for backlog_kind, number in backlog.items():
            _BACKLOG.labels(backlog_kind).set(number)
        await delivery_metrics.gauge(_database(request))
        await quarantine_metrics.gauge(_database(request))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
