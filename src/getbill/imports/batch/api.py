"""Routes of batches."""

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
from getbill.imports.model import Import, ImportOptions, State
from getbill.kit import clock, ids, json
from getbill.kit.database import Database, Transaction
from getbill.kit.http import JsonBody, Route, answer, language_headers, problems, read_json_bytes

router = APIRouter(prefix="/external-api/v1", tags=["Batches"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]
_STATUS = {state: state.value for state in (State.COMPLETED, State.UNDONE, State.FAILED)}


class BatchJson(JsonBody):
    """The unparsed body of a batch: another process parses and checks it."""

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

    Every row is validated like a single debt before the response; accepted rows are created in the
    background.
    """
    earlier_answer = await change.stored_answer()
    if earlier_answer is not None:
        return earlier_answer
    checkers: Checkers = request.app.state.checkers
    workspace, database = change.workspace, change.database
    checked_batch = await checkers.check(body, workspace)
    await actions.refuse_existing_references(database, workspace, checked_batch)
    await actions.refuse_unknown_creditors(database, workspace, checked_batch)
    language = serializers.language(request, workspace.company.language)
    name = checked_batch.name or f"API Batch - {clock.wall():%d/%m/%Y %H:%M}"
    options = ImportOptions(
        name,
        "batch",
        sender=str(change.caller.credential_id),
        language=language,
        on_duplicate="error",
    )
    batch = await actions.store_batch(database, workspace, options, checked_batch)
    is_settled = False

    async def create(tx: Transaction) -> access.Reply:
        nonlocal is_settled
        import_ = await actions.finish_batch(tx, batch)
        is_settled = True
        response_body = _accepted_response(import_, batch, language)
        headers = {"Location": f"/external-api/v1/debts/batch/{import_.public_id}"} | language_headers(
            language
        )
        return lambda: answer(202, response_body, headers)

    try:
        return await change.commit(create)
    finally:
        if not is_settled:
            await imports.drop_draft(database, batch.draft)


@router.get("/debts/batch/{batch_id}", response_model=BatchShown, responses=problems(404))
async def get_batch(request: Request, caller: Reads, batch_id: str) -> Response:
    """Return a batch and its progress."""
    database: Database = request.app.state.database
    workspace = caller.workspace
    import_ = await imports_read.find_received(database, workspace, ids.read("batch", batch_id), ("batch",))
    language = serializers.language(request, workspace.company.language)
    report = await queries.find_error_report(database, workspace, import_, language)
    return answer(200, _serialize_batch(import_) | {"error_report": report}, language_headers(language))


def _accepted_response(import_: Import, batch: actions.StoredBatch, language: str) -> dict[str, Any]:
    refused_rows = batch.checked_batch.refused_rows
    return _serialize_batch(import_) | {
        "status": "processing" if batch.accepted else State.COMPLETED,
        "total": batch.checked_batch.total,
        "created": batch.accepted,
        "errors": len(refused_rows),
        "error_report": queries.error_report(import_, refused_rows, len(refused_rows), language),
    }


def _serialize_batch(import_: Import) -> dict[str, Any]:
    return {
        "batch_id": import_.public_id,
        "name": import_.name,
        "status": _STATUS.get(import_.state, "processing"),
        "total": import_.rows_total,
        # A row that repeats another row of its batch, or an existing debt, was accepted too.
        "created": import_.created + import_.unchanged + import_.skipped,
        "unchanged": import_.unchanged + import_.skipped,
        "errors": import_.rejected,
        "created_at": json.instant(import_.created_at),
        "completed_at": json.instant(import_.ended_at),
    }
