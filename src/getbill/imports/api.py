"""Routes of imported files."""

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
from getbill.imports.reading_plan import ReadingPlan
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
from getbill.kit.http import Route, answer, body, language_headers, problems, wrong_parameter
from getbill.kit.messages import message
from getbill.kit.text import names, storable_text

router = APIRouter(prefix="/external-api/v1", tags=["Imports"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write", read_scope="debts:read"))]

_LEFTOVERS_MAX = 100
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
            # Any other content type is accepted too: file type is detected from content.
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


def _import_response(request: Request, caller: Caller, import_: Import, status: int = 200) -> Response:
    workspace = caller.workspace
    language = serializers.language(request, import_.language)
    key = queries.keys_of(workspace, import_).main
    plan = _find_plan(caller, import_)
    value = serializers.serialize_import(import_, workspace.now(), language, key, plan)
    headers = language_headers(language)
    if status == 202:
        headers["Location"] = f"/external-api/v1/imports/{import_.public_id}"
    return answer(status, value, headers)


def _mapping_response(request: Request, import_: Import, plan: ReadingPlan) -> Response:
    language = serializers.language(request, import_.language)
    return answer(200, serializers.serialize_mapping(plan, language), language_headers(language))


def _find_plan(caller: Caller, import_: Import) -> ReadingPlan | None:
    has_key = queries.keys_of(caller.workspace, import_).main is not None
    return runs.plan_of(caller.workspace, import_) if import_.plan is not None and has_key else None


@router.post(
    "/imports",
    status_code=202,
    response_model=ImportShown,
    responses=problems(400, 409, 413, 415, 422),
    openapi_extra=_FILE,
)
async def create_import(request: Request, change: Writes, query: Annotated[UploadQuery, Query()]) -> Response:
    """Upload a file of debts, CSV or XLSX: as the body, or as the part `file` of a form.

    The file is read first; `GET /imports/{id}/mapping` returns the mapping proposed for its columns. With
    `auto=true` it is imported at once if every column is certain.
    """
    workspace, database = change.workspace, change.database
    upload = Upload(request)
    stream = upload.stream()
    # The file name in a form arrives later.
    storable_text.refuse_unstorable({"filename": upload.name})
    names.refuse_hidden({"filename": upload.name})
    credential_id = change.caller.credential_id
    draft = await actions.begin_draft(
        database, workspace, serializers.import_options(query, upload.name, workspace, credential_id)
    )
    assert draft is not None  # noqa: S101 - its id is new
    is_settled = False

    async def create(tx: Transaction) -> access.Reply:
        nonlocal is_settled
        await actions.set_options(tx, draft, options)
        import_ = await actions.finish_draft(tx, draft)
        is_settled = True
        return lambda: _import_response(request, change.caller, import_, 202)

    try:
        await actions.receive(database, draft, stream, request.app.state.settings.import_bytes_max)
        storable_text.refuse_unstorable({"filename": upload.name} | upload.fields)
        names.refuse_hidden({"filename": upload.name})
        options = serializers.import_options(
            _with_form(query, upload.fields), upload.name, workspace, credential_id
        )
        change.body_digest = draft.sha256 + repr(sorted(upload.fields.items())).encode()
        return await change.commit(create)
    finally:
        if not is_settled:
            await actions.drop_draft(database, draft)


def _with_form(query: UploadQuery, fields: dict[str, str]) -> UploadQuery:
    try:
        return UploadQuery.model_validate(query.model_dump(exclude_unset=True) | fields)
    except ValidationError as error:
        errors = [
            wrong_parameter(detail, str(detail["loc"][0])) for detail in error.errors(include_url=False)
        ]
        raise BadRequest(summary(errors), errors=errors) from None


@router.get("/imports", response_model=ImportList)
async def list_imports(request: Request, caller: Reads, query: Annotated[ImportQuery, Query()]) -> Response:
    """List imports from files, batches and SFTP, newest first."""
    database: Database = request.app.state.database
    mark = caller.workspace.cursor_signer("imports")
    cursor_text = http.unseal_optional(query.cursor, mark)
    after = http.read_time_cursor(cursor_text, "-created_at") if cursor_text else None
    offset = 0 if after else (query.page - 1) * query.limit
    window = query.limit + 1, offset
    matches = await queries.list_imports(database, caller.workspace.id, query.state, after, window)
    total = await queries.count(database, caller.workspace.id, query.state, http.EXACT_MAX + 1)
    page = matches[: query.limit]
    cursor = None
    if len(matches) > query.limit:
        cursor = http.seal_optional(
            http.write_time_cursor("-created_at", page[-1].created_at, page[-1].id), mark
        )
    now = caller.workspace.now()
    language = serializers.language(request, caller.workspace.company.language)
    data = [
        serializers.serialize_import(import_, now, language, queries.keys_of(caller.workspace, import_).main)
        for import_ in page
    ]
    return answer(
        200,
        {"data": data, "pagination": http.pagination(total, query.page, query.limit, cursor)},
        language_headers(language),
    )


async def _refuse_unknown_codes(
    request: Request, caller: Caller, import_id: str, accepted: list[str]
) -> None:
    if not accepted:
        return
    import_ = await _find_import(request, caller, import_id)
    unknown = await reports.unknown_codes(request.app.state.database, caller.workspace, import_, accepted)
    if unknown:
        raise refusal([FieldError(f"/accept/{place}", "unknown", detail) for place, detail in unknown])


async def _find_import(request: Request, caller: Caller, import_id: str) -> Import:
    database: Database = request.app.state.database
    return await queries.find_received(database, caller.workspace, _parse_id(import_id))


def _parse_id(import_id: str) -> UUID:
    """Return the id behind a public id with either prefix."""
    prefix = "batch" if import_id.startswith("batch_") else "import"
    return ids.read(prefix, import_id)


@router.get("/imports/{import_id}", response_model=ImportShown, responses=problems(404))
async def get_import(request: Request, caller: Reads, import_id: str) -> Response:
    """Return an import and its progress."""
    return _import_response(request, caller, await _find_import(request, caller, import_id))


@router.get("/imports/{import_id}/mapping", response_model=MappingShown, responses=problems(404, 409))
async def get_mapping(request: Request, caller: Reads, import_id: str) -> Response:
    """Return the mapping of each column, its certainty and reasons, and open questions.

    The response is 409 while the file is being read.
    """
    import_ = await _find_import(request, caller, import_id)
    plan = runs.plan_of(caller.workspace, import_)
    return _mapping_response(request, import_, plan)


@router.put(
    "/imports/{import_id}/mapping", response_model=MappingShown, responses=problems(404, 409, 415, 422)
)
async def change_mapping(
    request: Request, change: Writes, import_id: str, payload: Annotated[MappingBody, body(MappingBody)]
) -> Response:
    """Change the mapping of columns; with `confirm`, also accept the rest as proposed and continue."""

    async def apply_changes(tx: Transaction) -> access.Reply:
        target = change.workspace, _parse_id(import_id)
        changes = {name: value for name, value in payload.changes().items() if value is not None}
        import_, plan = await runs.change_mapping(tx, *target, changes)
        if payload.confirm:
            by = change.caller.credential_id
            import_ = await runs.confirm(tx, *target, by=by, is_dry_run=payload.dry_run)
            plan = runs.plan_of(change.workspace, import_)
        return lambda: _mapping_response(request, import_, plan)

    return await change.commit(apply_changes)


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
    payload: Annotated[ConfirmBody, body(ConfirmBody, optional=True)],
) -> Response:
    """Accept the proposed mapping, save it for such files of this sender, and continue."""

    async def confirm(tx: Transaction) -> access.Reply:
        by = change.caller.credential_id
        import_ = await runs.confirm(
            tx, change.workspace, _parse_id(import_id), by=by, is_dry_run=payload.dry_run
        )
        return lambda: _import_response(request, change.caller, import_, 202)

    return await change.commit(confirm)


@router.post(
    "/imports/{import_id}/start", status_code=202, response_model=ImportShown, responses=problems(404, 409)
)
async def start_import(request: Request, change: Writes, import_id: str) -> Response:
    """Import a file after its dry run."""

    async def start(tx: Transaction) -> access.Reply:
        import_ = await runs.start(tx, change.workspace, _parse_id(import_id))
        return lambda: _import_response(request, change.caller, import_, 202)

    return await change.commit(start)


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
    payload: Annotated[CorrectionsBody, body(CorrectionsBody)],
) -> Response:
    """Correct rejected rows, by cell or by accepting all suggestions of a kind.

    Their debts are created in the background.
    """
    await _refuse_unknown_codes(request, change.caller, import_id, payload.accept)

    async def correct(tx: Transaction) -> access.Reply:
        patches = [
            (correction.line, correction.column, correction.value) for correction in payload.corrections
        ]
        import_ = await runs.correct(tx, change.workspace, _parse_id(import_id), patches, payload.accept)
        return lambda: _import_response(request, change.caller, import_, 202)

    return await change.commit(correct)


@router.post(
    "/imports/{import_id}/undo", status_code=202, response_model=ImportShown, responses=problems(404, 409)
)
async def undo_import(request: Request, change: Writes, import_id: str) -> Response:
    """Undo an import: its debts are archived and their references become free.

    Values that `on_duplicate=update` changed on existing debts are restored. A debt or change that was
    contacted about or paid since is kept; the report lists it under `kept` with the reason.
    """

    async def undo(tx: Transaction) -> access.Reply:
        import_ = await runs.undo(tx, change.workspace, _parse_id(import_id))
        return lambda: _import_response(request, change.caller, import_, 202)

    return await change.commit(undo)


@router.get("/imports/{import_id}/report", response_model=ImportReport, responses=_FILES | problems(404, 409))
async def get_import_report(
    request: Request, caller: Reads, import_id: str, query: Annotated[ReportQuery, Query()]
) -> Response:
    """Return the findings of the rows: as JSON, or as a file of the rejected rows to correct and resend."""
    _refuse_unheeded(query)
    import_ = await _find_import(request, caller, import_id)
    language = serializers.language(request, import_.language)
    if query.format == "json":
        return await _report(request, caller, import_, query)
    write = reports.write_rejected_rows if query.rows == "rejected" else reports.write_findings
    database: Database = request.app.state.database
    file = await write(database, caller.workspace, import_, query.format, language)
    name = f"{import_.public_id}-{query.rows}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'} | language_headers(language)
    return StreamingResponse(reports.read_blocks(file), 200, headers, media_type=_TYPES[query.format])


# Parameters that apply to JSON only, and to a file only.
_OF_JSON: Final = ("outcome", "code", "limit", "cursor")


def _refuse_unheeded(query: ReportQuery) -> None:
    """Raise BadRequest for parameters that the requested format ignores."""
    is_file = query.format != "json"
    unheeded: list[str] = [name for name in _OF_JSON if is_file and name in query.model_fields_set]
    if not is_file and "rows" in query.model_fields_set and query.rows == "rejected":
        unheeded = ["rows"]
    wrong = [
        FieldError(
            name,
            "unheeded",
            message(
                "The parameter '{name}' does not apply to the format {format}. Omit it.",
                name=name,
                format=query.format,
            ),
        )
        for name in unheeded
    ]
    if wrong:
        raise BadRequest(summary(wrong), errors=wrong)


async def _report(request: Request, caller: Caller, import_: Import, query: ReportQuery) -> Response:
    database: Database = request.app.state.database
    workspace, language = caller.workspace, serializers.language(request, import_.language)
    mark = workspace.cursor_signer(f"imports/{import_.id}/report")
    cursor_text = http.unseal_optional(query.cursor, mark)
    after = http.read_cursor(cursor_text, "line", 1)[0] if cursor_text else -1
    if not isinstance(after, int):
        raise http.foreign_cursor()
    for _, detail in await reports.unknown_codes(
        database, workspace, import_, [query.code] if query.code else []
    ):
        raise one_parameter("code", "unknown", detail)
    filters = query.outcome, query.code
    report_rows = await reports.list_rows(database, workspace, import_, filters, (after, query.limit + 1))
    page = report_rows[: query.limit]
    cursor = http.write_cursor("line", [page[-1].line]) if len(report_rows) > query.limit else None
    cursor = http.seal_optional(cursor, mark)
    leftovers = (
        await rows.list_leftovers(database, workspace, import_.id, _LEFTOVERS_MAX) if import_.kept else []
    )
    return answer(
        200,
        {
            "id": import_.public_id,
            "state": import_.state,
            "counts": serializers.counts(import_, _find_plan(caller, import_)),
            "codes": await reports.count_codes(database, workspace, import_),
            "data": [entry for row in page for entry in findings.serialize_row(row, language)],
            "kept": [entry.serialize(language) for entry in leftovers],
            "pagination": {"next_cursor": cursor},
        },
        language_headers(language),
    )
