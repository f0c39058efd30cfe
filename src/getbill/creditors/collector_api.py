"""Routes of the role in which the company collects, and of what a third party has on file."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from getbill import access, companies
from getbill.access import Caller, Change
from getbill.creditors.collector_wire import (
    CollectorBody,
    CollectorShown,
    collector_changes,
    serialize_collector,
)
from getbill.kit.database import Transaction
from getbill.kit.http import Route, answer, body, problems

router = APIRouter(prefix="/external-api/v1", tags=["Company"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("company:read"))]
Writes = Annotated[Change, Depends(access.change("company:write", read_scope="company:read"))]


@router.get("/company/collector", response_model=CollectorShown)
async def get_collector(caller: Reads) -> Response:
    """Return the role in which the company collects, and what it has on file."""
    workspace = caller.workspace
    return answer(
        200, serialize_collector(companies.collector_file(workspace.company), workspace.now().date())
    )


@router.put("/company/collector", response_model=CollectorShown, responses=problems(415, 422))
async def update_collector(
    change: Writes, collector_body: Annotated[CollectorBody, body(CollectorBody)]
) -> Response:
    """Declare the company a third-party collector, or change what it has on file.

    In live it holds for the company; with a sandbox's credential, for that sandbox alone. A new third party
    gets `third_party_fr` as its default scenario.
    """
    changes = collector_changes(collector_body)

    async def declare(tx: Transaction) -> access.Reply:
        collector_file = await companies.declare_in(tx, change.workspace, changes)
        await access.invalidate(tx, change.workspace.company.id)
        today = change.workspace.now().date()
        return lambda: answer(200, serialize_collector(collector_file, today))

    reply = await change.commit(declare)
    access.auth_context_of(change.request).invalidate(change.workspace.company.id)
    return reply
