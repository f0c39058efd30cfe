"""The routes of imported files."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from getbill import access
from getbill.access import Caller, Change
from getbill.imports import actions, findings, queries, reports, rows, runs, serializers
from getbill.imports.files import Upload
from getbill.imports.model import Import
from getbill.imports.reading_plan import Plan
from getbill.imports.wire import (
    ConfirmBody,
    CorrectionsBody,
    ImportList,
    ImportQuery,
    ImportReport,
    ImportShown,
    MappingBody,
    MappingShown,
    ReportQuery,
    UploadQuery,
)
from getbill.kit import http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import BadRequest, FieldError, one_parameter, refusal, summary
from getbill.kit.http import Route, answer, body, problems, spoken, wrong_parameter
from getbill.kit.messages import message
from getbill.kit.text import names, storable_text

router = APIRouter(prefix="/external-api/v1", tags=["Imports"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write", shown_to="debts:read"))]

_KEPT_SHOWN = 100
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The file, CSV or XLSX.",
                        }
                    },
                    "additionalProperties": {
                        "type": "string",
                        "description": "A parameter of the query may stand in the form instead.",
                    },
                }
            },
            # Any other content type is taken too: what a file is, is read from its bytes.
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "description": "The file, CSV or XLSX."}
            },
        },
    }
}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report.",
        "content": {
            "text/csv": {"schema": {"type": "string", "format": "binary"}},
            _TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def _shown(request: Request, caller: Caller, found: Import, status: int = 200) -> Response:
    workspace = caller.workspace
    language = serializers.language(request, found.language)
    key = queries.keys_of(workspace, found).own
    plan = _plan(caller, found)
    value = serializers.shown(found, workspace.now(), language, key, plan)
    headers = spoken(language)
    if status == 202:
        headers["Location"] = f"/external-api/v1/imports/{found.shown_id}"
    return answer(status, value, headers)


def _mapping(request: Request, found: Import, plan: Plan) -> Response:
    language = serializers.language(request, found.language)
    return answer(200, serializers.mapping_shown(plan, language), spoken(language))


def _plan(caller: Caller, found: Import) -> Plan | None:
    has_key = queries.keys_of(caller.workspace, found).own is not None
    return runs.plan_of(caller.workspace, found) if found.plan is not None and has_key else None


@router.post(
    "/imports",
    status_code=202,
    response_model=ImportShown,
    responses=problems(400, 409, 413, 415, 422),
    openapi_extra=_FILE,
)
async def create_import(request: Request, change: Writes, query: Annotated[UploadQuery, Query()]) -> Response:
    """Send a file of debts, CSV or XLSX: as the body, or as the part `file` of a form.

    It is read first; `GET /imports/{id}/mapping` shows what its columns were taken for. With `auto=true` it is imported
    at once if every column is certain.
    """
    workspace, database = change.workspace, change.database
    upload = Upload(request)
    stream = upload.stream()
    # The name of a form's file comes later.
    storable_text.refuse_unstorable({"filename": upload.name})
    names.refuse_hidden({"filename": upload.name})
    credential_id = change.caller.credential_id
    draft = await actions.begin(
        database, workspace, serializers.wanted(query, upload.name, workspace, credential_id)
    )
    assert draft is not None  # noqa: S101 - its id is new
    is_settled = False

    async def work(tx: Transaction) -> access.Reply:
        nonlocal is_settled
        await actions.wish(tx, draft, asked)
        found = await actions.finish(tx, draft)
        is_settled = True
        return lambda: _shown(request, change.caller, found, 202)

    try:
        await actions.receive(database, draft, stream, request.app.state.settings.import_bytes_max)
        storable_text.refuse_unstorable({"filename": upload.name} | upload.fields)
        names.refuse_hidden({"filename": upload.name})
        asked = serializers.wanted(_with_form(query, upload.fields), upload.name, workspace, credential_id)
        change.body_digest = draft.sha256 + repr(sorted(upload.fields.items())).encode()
        return await change.commit(work)
    finally:
        if not is_settled:
            await actions.drop(database, draft)


def _with_form(query: UploadQuery, fields: dict[str, str]) -> UploadQuery:
    try:
        return UploadQuery.model_validate(query.model_dump(exclude_unset=True) | fields)
    except ValidationError as error:
        wrong = [wrong_parameter(one, str(one["loc"][0])) for one in error.errors(include_url=False)]
        raise BadRequest(summary(wrong), errors=wrong) from None


@router.get("/imports", response_model=ImportList)
async def list_imports(request: Request, caller: Reads, query: Annotated[ImportQuery, Query()]) -> Response:
    """List imports, of files, of batches and over SFTP, the newest first."""
    database: Database = request.app.state.database
    mark = caller.workspace.mark_of("imports")
    asked = http.opened(query.cursor, mark)
    after = http.read_place(asked, "-created_at") if asked else None
    offset = 0 if after else (query.page - 1) * query.limit
    place = query.limit + 1, offset
    found = await queries.page(database, caller.workspace.id, query.state, after, place)
    total = await queries.count(database, caller.workspace.id, query.state, http.EXACT_MAX + 1)
    page = found[: query.limit]
    cursor = None
    if len(found) > query.limit:
        cursor = http.sealed(http.write_place("-created_at", page[-1].created_at, page[-1].id), mark)
    now = caller.workspace.now()
    language = serializers.language(request, caller.workspace.company.language)
    data = [serializers.shown(one, now, language, queries.keys_of(caller.workspace, one).own) for one in page]
    return answer(
        200,
        {"data": data, "pagination": http.pagination(total, query.page, query.limit, cursor)},
        spoken(language),
    )


async def _refuse_unknown_codes(
    request: Request, caller: Caller, import_id: str, accepted: list[str]
) -> None:
    if not accepted:
        return
    found = await _found(request, caller, import_id)
    unknown = await reports.unknown_codes(request.app.state.database, caller.workspace, found, accepted)
    if unknown:
        raise refusal([FieldError(f"/accept/{place}", "unknown", detail) for place, detail in unknown])


async def _found(request: Request, caller: Caller, import_id: str) -> Import:
    database: Database = request.app.state.database
    return await queries.find_shown(database, caller.workspace, _read(import_id))


def _read(import_id: str) -> UUID:
    """Return the id that is shown with either prefix."""
    prefix = "batch" if import_id.startswith("batch_") else "import"
    return ids.read(prefix, import_id)


@router.get("/imports/{import_id}", response_model=ImportShown, responses=problems(404))
async def get_import(request: Request, caller: Reads, import_id: str) -> Response:
    """Return an import and how far it has come."""
    return _shown(request, caller, await _found(request, caller, import_id))


@router.get("/imports/{import_id}/mapping", response_model=MappingShown, responses=problems(404, 409))
async def get_mapping(request: Request, caller: Reads, import_id: str) -> Response:
    """Return what each column was taken for, how surely and why, and what is asked. 409 while the file is read."""
    found = await _found(request, caller, import_id)
    plan = runs.plan_of(caller.workspace, found)
    return _mapping(request, found, plan)


@router.put(
    "/imports/{import_id}/mapping", response_model=MappingShown, responses=problems(404, 409, 415, 422)
)
async def change_mapping(
    request: Request, change: Writes, import_id: str, asked: Annotated[MappingBody, body(MappingBody)]
) -> Response:
    """Change what columns are; with `confirm` also accept the rest as proposed, and go on."""

    async def work(tx: Transaction) -> access.Reply:
        place = change.workspace, _read(import_id)
        changes = {name: value for name, value in asked.changes().items() if value is not None}
        found, plan = await runs.change_mapping(tx, *place, changes)
        if asked.confirm:
            by = change.caller.credential_id
            found = await runs.confirm(tx, *place, by=by, is_dry_run=asked.dry_run)
            plan = runs.plan_of(change.workspace, found)
        return lambda: _mapping(request, found, plan)

    return await change.commit(work)


@router.post(
    "/imports/{import_id}/mapping/confirm",
    status_code=202,
    response_model=ImportShown,
    responses=problems(404, 409, 415, 422),
)
async def confirm_mapping(
    request: Request,
    change: Writes,
    import_id: str,
    asked: Annotated[ConfirmBody, body(ConfirmBody, optional=True)],
) -> Response:
    """Accept the mapping as it is proposed, remember it for such files of this sender, and go on."""

    async def work(tx: Transaction) -> access.Reply:
        by = change.caller.credential_id
        found = await runs.confirm(tx, change.workspace, _read(import_id), by=by, is_dry_run=asked.dry_run)
        return lambda: _shown(request, change.caller, found, 202)

    return await change.commit(work)


@router.post(
    "/imports/{import_id}/start", status_code=202, response_model=ImportShown, responses=problems(404, 409)
)
async def start_import(request: Request, change: Writes, import_id: str) -> Response:
    """Import a file that was only checked."""

    async def work(tx: Transaction) -> access.Reply:
        found = await runs.start(tx, change.workspace, _read(import_id))
        return lambda: _shown(request, change.caller, found, 202)

    return await change.commit(work)


@router.post(
    "/imports/{import_id}/corrections",
    status_code=202,
    response_model=ImportShown,
    responses=problems(404, 409, 415, 422),
)
async def correct_import(
    request: Request,
    change: Writes,
    import_id: str,
    asked: Annotated[CorrectionsBody, body(CorrectionsBody)],
) -> Response:
    """Correct refused rows, cell by cell or all of a kind by what was suggested; they are made in the background."""
    await _refuse_unknown_codes(request, change.caller, import_id, asked.accept)

    async def work(tx: Transaction) -> access.Reply:
        patches = [(one.line, one.column, one.value) for one in asked.corrections]
        found = await runs.correct(tx, change.workspace, _read(import_id), patches, asked.accept)
        return lambda: _shown(request, change.caller, found, 202)

    return await change.commit(work)


@router.post(
    "/imports/{import_id}/undo", status_code=202, response_model=ImportShown, responses=problems(404, 409)
)
async def undo_import(request: Request, change: Writes, import_id: str) -> Response:
    """Take an import back: its debts are archived and free their references.

    What `on_duplicate=update` changed on debts that existed before is given back. Whatever was contacted about or paid since
    stays, debt or change; the report lists it under `kept` with the reason.
    """

    async def work(tx: Transaction) -> access.Reply:
        found = await runs.undo(tx, change.workspace, _read(import_id))
        return lambda: _shown(request, change.caller, found, 202)

    return await change.commit(work)


@router.get("/imports/{import_id}/report", response_model=ImportReport, responses=_FILES | problems(404, 409))
async def get_import_report(
    request: Request, caller: Reads, import_id: str, query: Annotated[ReportQuery, Query()]
) -> Response:
    """Return what is said of the rows: as JSON, or as a file of the rejected rows that can be corrected and sent again."""
    _refuse_unheeded(query)
    found = await _found(request, caller, import_id)
    language = serializers.language(request, found.language)
    if query.format == "json":
        return await _report(request, caller, found, query)
    write = reports.rejected if query.rows == "rejected" else reports.listed
    database: Database = request.app.state.database
    file = await write(database, caller.workspace, found, query.format, language)
    name = f"{found.shown_id}-{query.rows}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'} | spoken(language)
    return StreamingResponse(reports.blocks(file), 200, headers, media_type=_TYPES[query.format])


# What only JSON, and what only a file can be asked for.
_OF_JSON: Final = ("outcome", "code", "limit", "cursor")


def _refuse_unheeded(query: ReportQuery) -> None:
    """Raise BadRequest for parameters that the report would be written without."""
    is_file = query.format != "json"
    unheeded: list[str] = [name for name in _OF_JSON if is_file and name in query.model_fields_set]
    if not is_file and "rows" in query.model_fields_set and query.rows == "rejected":
        unheeded = ["rows"]
    wrong = [
        FieldError(
            name,
            "unheeded",
            message(
                "The parameter '{name}' is not for format {format}. Leave it out.",
                name=name,
                format=query.format,
            ),
        )
        for name in unheeded
    ]
    if wrong:
        raise BadRequest(summary(wrong), errors=wrong)


async def _report(request: Request, caller: Caller, found: Import, query: ReportQuery) -> Response:
    database: Database = request.app.state.database
    workspace, language = caller.workspace, serializers.language(request, found.language)
    mark = workspace.mark_of(f"imports/{found.id}/report")
    asked = http.opened(query.cursor, mark)
    after = http.read_cursor(asked, "line", 1)[0] if asked else -1
    if not isinstance(after, int):
        raise http.not_ours()
    for _, detail in await reports.unknown_codes(
        database, workspace, found, [query.code] if query.code else []
    ):
        raise one_parameter("code", "unknown", detail)
    wanted = query.outcome, query.code
    report_rows = await reports.rows(database, workspace, found, wanted, (after, query.limit + 1))
    page = report_rows[: query.limit]
    cursor = http.write_cursor("line", [page[-1].line]) if len(report_rows) > query.limit else None
    cursor = http.sealed(cursor, mark)
    kept = await rows.kept(database, workspace, found.id, _KEPT_SHOWN) if found.kept else []
    return answer(
        200,
        {
            "id": found.shown_id,
            "state": found.state,
            "counts": serializers.counts(found, _plan(caller, found)),
            "codes": await reports.codes(database, workspace, found),
            "data": [one for row in page for one in findings.shown(row, language)],
            "kept": [one.shown(language) for one in kept],
            "pagination": {"next_cursor": cursor},
        },
        spoken(language),
    )
