"""Routes of templates: read, publish and preview them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, channels
from getbill.access import Caller, Change
from getbill.companies import Company
from getbill.kit import http
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, problems
from getbill.templates import actions, queries, wire
from getbill.templates.model import UNPUBLISHED, Edition, template_key
from getbill.templates.wire import (
    EditionList,
    EditionQuery,
    EditionShown,
    PreviewShown,
    TemplateList,
    TemplatePageQuery,
    TemplatePreviewBody,
    WordingBody,
)

router = APIRouter(prefix="/external-api/v1/templates", tags=["Templates"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]


@router.get("", response_model=TemplateList)
async def list_templates(request: Request, caller: Reads) -> Response:
    """List the templates in each language, each in the version in force, and the variables they may use."""
    database: Database = request.app.state.database
    editions = await queries.current_editions(database, caller.workspace.id)
    return answer(
        200,
        {"data": [wire.serialize_brief(edition) for edition in editions], "variables": channels.variables()},
    )


@router.get("/{name}/{language}", response_model=EditionShown, responses=problems(400, 404))
async def get_template(
    request: Request, caller: Reads, name: str, language: str, query: Annotated[EditionQuery, Query()]
) -> Response:
    """Return a template in a language: the version in force, or the version requested."""
    database: Database = request.app.state.database
    edition = await queries.find(database, caller.workspace.id, *template_key(name, language), query.version)
    return answer(200, wire.serialize_edition(edition))


@router.get("/{name}/{language}/versions", response_model=EditionList, responses=problems(400, 404))
async def list_template_versions(
    request: Request, caller: Reads, name: str, language: str, query: Annotated[TemplatePageQuery, Query()]
) -> Response:
    """List the workspace's own versions of a template in a language, newest first."""
    database: Database = request.app.state.database
    key = template_key(name, language)
    await queries.find(database, caller.workspace.id, *key)
    offset = (query.page - 1) * query.limit
    editions, total = await queries.editions(database, caller.workspace.id, key, query.limit, offset)
    pages = http.pagination(total, query.page, query.limit, None)
    return answer(
        200, {"data": [wire.serialize_edition(edition) for edition in editions], "pagination": pages}
    )


@router.post(
    "/{name}/{language}", status_code=201, response_model=EditionShown, responses=problems(404, 409, 415, 422)
)
async def publish_template(
    change: Writes, name: str, language: str, payload: Annotated[WordingBody, body(WordingBody)]
) -> Response:
    """Publish your own wording of a template, as a new version in force from the next message on.

    The wording is validated first: every variable is known, the sender and the way to pay are stated for
    every payment method, an AI call opens with the disclosure, and the message runs no code and loads no
    remote content. Rules on wording (docs/scenarios.md) refuse threats, costs and the like; some may be
    confirmed by an administrator.
    """
    key = template_key(name, language)

    async def publish(tx: Transaction) -> access.Reply:
        wording, confirmations = wire.read_wording(payload), wire.read_confirmations(payload)
        edition = await actions.publish(tx, change.workspace, *key, wording, confirmations)
        return lambda: answer(201, wire.serialize_edition(edition))

    return await change.commit(publish)


@router.post(
    "/{name}/{language}/preview", response_model=PreviewShown, responses=problems(404, 409, 415, 422)
)
async def preview_template(
    change: Writes,
    name: str,
    language: str,
    payload: Annotated[TemplatePreviewBody, body(TemplatePreviewBody, optional=True)],
) -> Response:
    """Return a template's message with the facts of a sample debt; a submitted wording is validated first.

    Nothing is published.
    """
    workspace = change.workspace
    key = template_key(name, language)

    async def preview(tx: Transaction) -> access.Reply:
        if payload.wording is None:
            edition = await queries.find(change.database, workspace.id, *key)
        else:
            confirmations = wire.read_confirmations(payload.wording)
            await actions.check_confirmations(tx, workspace, language, confirmations)
            edition = Edition(*key, UNPUBLISHED, wire.read_wording(payload.wording), None, confirmations)
        message = await actions.preview(edition, _sample_facts(workspace.company))
        return lambda: answer(200, wire.serialize_preview(message))

    return await change.commit(preview)


def _sample_facts(company: Company) -> channels.MessageFacts:
    return channels.sample(
        creditor=company.name,
        iban=company.iban or "FR1420041010050500013M02606",
        contact_email=company.email,
        contact_phone=company.phone,
    )
