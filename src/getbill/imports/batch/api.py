"""The routes of batches."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.imports import actions as imports
from getbill.imports import queries as imports_read
from getbill.imports import serializers
from getbill.imports.batch import actions, queries
from getbill.imports.batch.pool import Checkers
from getbill.imports.batch.wire import BatchBody, BatchShown
from getbill.imports.model import Import, Wanted
from getbill.kit import clock, ids, json
from getbill.kit.database import Database, Transaction
from getbill.kit.http import JsonBody, Route, answer, problems, read_json_bytes, spoken

router = APIRouter(prefix="/external-api/v1", tags=["Batches"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]
_STATUS = {"completed": "completed", "undone": "undone", "failed": "failed"}


class BatchJson(JsonBody):
    """A batch's body, left unread: another process parses and checks it."""

    async def __call__(self, request: Request) -> bytes:
        """Return the bytes of a request's body."""
        return await read_json_bytes(request)


@router.post(
    "/debts/batch",
    status_code=202,
    response_model=BatchShown,
    responses=problems(400, 409, 413, 415, 422, 503),
)
async def create_batch(
    request: Request, change: Writes, body: Annotated[bytes, Depends(BatchJson(BatchBody, optional=False))]
) -> Response:
    """Create up to 10,000 debts in one request.

    Every row is checked before the answer, by the checks of a single debt; what is accepted is made in the background.
    """
    answered = await change.answered()
    if answered is not None:
        return answered
    checkers: Checkers = request.app.state.checkers
    workspace, database = change.workspace, change.database
    checked = await checkers.check(body, workspace)
    await actions.refuse_taken(database, workspace, checked)
    language = serializers.language(request, workspace.company.language)
    name = checked.name or f"API Batch - {clock.wall():%d/%m/%Y %H:%M}"
    wanted = Wanted(
        name,
        "batch",
        sender=str(change.caller.credential_id),
        language=language,
        on_duplicate="error",
    )
    taken = await actions.store(database, workspace, wanted, checked)
    is_settled = False

    async def work(tx: Transaction) -> access.Reply:
        nonlocal is_settled
        made = await actions.settle(tx, taken)
        is_settled = True
        shown = _answered(made, taken, language)
        headers = {"Location": f"/external-api/v1/debts/batch/{made.shown_id}"} | spoken(language)
        return lambda: answer(202, shown, headers)

    try:
        return await change.commit(work)
    finally:
        if not is_settled:
            await imports.drop(database, taken.draft)


@router.get("/debts/batch/{batch_id}", response_model=BatchShown, responses=problems(404))
async def get_batch(request: Request, caller: Reads, batch_id: str) -> Response:
    """Return how far a batch has come."""
    database: Database = request.app.state.database
    workspace = caller.workspace
    found = await imports_read.find_shown(database, workspace, ids.read("batch", batch_id), ("batch",))
    language = serializers.language(request, workspace.company.language)
    report = await queries.report(database, workspace, found, language)
    return answer(200, _shown(found) | {"error_report": report}, spoken(language))


def _answered(made: Import, taken: actions.Taken, language: str) -> dict[str, Any]:
    refused = taken.checked.refused
    return _shown(made) | {
        "status": "processing" if taken.accepted else "completed",
        "total": taken.checked.total,
        "created": taken.accepted,
        "errors": len(refused),
        "error_report": queries.shown(made, refused, len(refused), language),
    }


def _shown(found: Import) -> dict[str, Any]:
    return {
        "batch_id": found.shown_id,
        "name": found.name,
        "status": _STATUS.get(found.state, "processing"),
        "total": found.rows_total,
        # A row that repeats another of its batch, or a debt of the book, was accepted too.
        "created": found.created + found.unchanged + found.skipped,
        "unchanged": found.unchanged + found.skipped,
        "errors": found.rejected,
        "created_at": json.instant(found.created_at),
        "completed_at": json.instant(found.ended_at),
    }
