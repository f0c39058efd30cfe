"""Routes of followups: actions towards a debtor, their channel and their outcome."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, channels, companies, debts
from getbill.access import Caller, Change
from getbill.followups import download_links, manual, queries, wire
from getbill.followups.model import Followup
from getbill.followups.wire import (
    FollowupAnswer,
    FollowupChangeBody,
    FollowupList,
    FollowupMessage,
    FollowupQuery,
    FollowupsOfDebtQuery,
    NewFollowupBody,
)
from getbill.kit import clock, http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import NotFound, one_field
from getbill.kit.http import Route, answer, body, include_routes, problems
from getbill.kit.messages import message

_followups = APIRouter(prefix="/external-api/v1/followups", tags=["Followups"], route_class=Route)
_media = APIRouter(tags=["Followups"], route_class=Route)
_PRIVATE = {"Referrer-Policy": "no-referrer"}

Reads = Annotated[Caller, Depends(access.requires("followups:read"))]
Writes = Annotated[Change, Depends(access.change("followups:write", read_scope="followups:read"))]


@_followups.get("", response_model=FollowupList, responses=problems(400, 404))
async def list_followups(
    request: Request, caller: Reads, query: Annotated[FollowupQuery, Query()]
) -> Response:
    """List AI calls, text messages, e-mails and letters, newest first, by page or by cursor."""
    debt_id = wire.read_debt_id(query)
    return await _list_page(request, caller, query, debt_id)


@_followups.get("/debt/{debt_id}", response_model=FollowupList, responses=problems(400, 404))
async def list_followups_of_debt(
    request: Request, caller: Reads, debt_id: str, query: Annotated[FollowupsOfDebtQuery, Query()]
) -> Response:
    """List the followups of one debt, newest first."""
    database: Database = request.app.state.database
    debt = await debts.find(database, caller.workspace, ids.read("debt", debt_id))
    return await _list_page(request, caller, query, debt.id)


@_followups.get("/{followup_id}", response_model=FollowupAnswer, responses=problems(404))
async def get_followup(request: Request, caller: Reads, followup_id: str) -> Response:
    """Return one followup."""
    database: Database = request.app.state.database
    followup = await queries.find(database, caller.workspace, ids.read("followup", followup_id))
    return answer(200, _followup_payload(request, caller, followup))


@_followups.get("/{followup_id}/message", response_model=FollowupMessage, responses=problems(404))
async def get_message(request: Request, caller: Reads, followup_id: str) -> Response:
    """Return the exact message of a followup. Manual followups have no message."""
    database: Database = request.app.state.database
    followup = await queries.find(database, caller.workspace, ids.read("followup", followup_id))
    if followup.content.text is None:
        raise NotFound(
            message(
                "The followup {followup_id} has no message: it was recorded manually.",
                followup_id=followup_id,
            )
        )
    return answer(200, followup.serialize_message())


@_followups.post("", status_code=201, response_model=FollowupAnswer, responses=problems(409, 415, 422))
async def create_followup(
    change: Writes, followup_body: Annotated[NewFollowupBody, body(NewFollowupBody)]
) -> Response:
    """Record a call, visit, message or letter that people made towards a debtor, or plan to make.

    It counts like a contact of a scenario: for `debt.contacted` once it reached the debtor, and for the caps.
    GetBill sends nothing.
    """
    debt_id = _read_debt_id(followup_body)

    async def record_followup(tx: Transaction) -> access.Reply:
        try:
            debt = await debts.lock(tx, change.workspace, debt_id)
        except NotFound as error:
            raise one_field("/debt_id", "unknown", error.detail) from None
        change.debt_id = debt.id
        followup_input = wire.parse_input(followup_body, debt)
        followup = await manual.record(tx, debt, followup_input)
        location = {"Location": f"/external-api/v1/followups/{ids.show('followup', followup.id)}"}
        return lambda: answer(201, _followup_payload(change.request, change.caller, followup), location)

    return await change.commit(record_followup)


@_followups.put("/{followup_id}", response_model=FollowupAnswer, responses=problems(404, 409, 415, 422))
async def update_followup(
    change: Writes, followup_id: str, change_body: Annotated[FollowupChangeBody, body(FollowupChangeBody)]
) -> Response:
    """Set the outcome of a followup, or correct its fields. Its debt cannot change.

    For a followup that a scenario sent, the outcome and the notes can be changed once it is complete.
    """
    target_id = ids.read("followup", followup_id)

    async def correct_followup(tx: Transaction) -> access.Reply:
        workspace = change.workspace
        debt = await debts.lock(tx, workspace, await queries.find_debt_id(tx, workspace.id, target_id))
        change.debt_id = debt.id
        before = (await queries.find_many(tx, workspace, [target_id]))[target_id]
        wire.refuse_other_debt(change_body, before)
        followup_input = wire.parse_input(change_body, debt)
        after = await manual.correct(tx, debt, before, followup_input)
        return lambda: answer(200, _followup_payload(change.request, change.caller, after))

    return await change.commit(correct_followup)


_PDF = "application/pdf"
# Client generators support this type even where they do not support PDF.
_BYTES = "application/octet-stream"
_PDF_CONTENT = {label: {"schema": {"type": "string", "format": "binary"}} for label in (_PDF, _BYTES)}


@_media.get(
    "/media/{token}",
    response_class=Response,
    responses={200: {"content": _PDF_CONTENT, "description": "The letter, as PDF."}, **problems(404)},
)
async def get_media(request: Request, token: str) -> Response:
    """Return the letter of a `pdf_url`. The link itself is the credential, valid for an hour.

    The type is `application/pdf`, or `application/octet-stream` if `Accept` names only that.
    """
    database: Database = request.app.state.database
    vault = access.auth_context_of(request).vault
    workspace_id, followup_id = download_links.read(token, vault, clock.wall())
    workspace = await companies.workspace(database, vault, workspace_id)
    letter = download_links.letter_of(await queries.find(database, workspace, followup_id))
    # Printing occupies a processor for a while; the event loop stays free.
    pdf = await asyncio.to_thread(channels.print_letter, letter)
    label = _BYTES if request.headers.get("accept") == _BYTES else _PDF
    return Response(pdf, 200, _PRIVATE, media_type=label)


def _followup_payload(request: Request, caller: Caller, followup: Followup) -> dict[str, Any]:
    base_url = access.auth_context_of(request).policy.base_url
    return wire.serialize_followup(
        followup, download_links.create_link(followup, caller.workspace, base_url, clock.wall())
    )


def _read_debt_id(followup_body: NewFollowupBody) -> UUID:
    try:
        return ids.read("debt", followup_body.debt_id)
    except NotFound as error:
        raise one_field("/debt_id", "unknown", error.detail) from None


async def _list_page(
    request: Request, caller: Caller, query: FollowupsOfDebtQuery, debt_id: UUID | None
) -> Response:
    database: Database = request.app.state.database
    mark = caller.workspace.cursor_signer(f"followups/{debt_id or ''}")
    followup_filter = wire.build_filter(query, debt_id, mark)
    followups = await queries.find_page(database, caller.workspace, followup_filter)
    total = await queries.count(database, caller.workspace, followup_filter, http.EXACT_MAX + 1)
    cursor = wire.cursor_after(followups, query.limit, mark)
    pagination = http.pagination(total, query.page, query.limit, cursor)
    return answer(
        200,
        {
            "data": [_followup_payload(request, caller, followup) for followup in followups[: query.limit]],
            "pagination": pagination,
        },
    )


router = APIRouter()
include_routes(router, _followups, _media)
