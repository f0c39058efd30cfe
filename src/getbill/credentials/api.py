"""Routes of credentials: those that one created, and its revocation."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, companies
from getbill.access import Actor, Caller, Change
from getbill.credentials import actions, wire
from getbill.credentials.actions import RevocationRequest
from getbill.credentials.model import subject_of
from getbill.credentials.queries import Scope
from getbill.credentials.wire import CreatedList, RevokeBody, RevokedShown
from getbill.kit import clock
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.http import Route, answer, body, problems
from getbill.kit.messages import message

router = APIRouter(prefix="/external-api/v1/credentials", tags=["Credentials"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("credentials:read"))]
Writes = Annotated[Change, Depends(access.change("credentials:write"))]


@router.get("/{credential_id}/created", response_model=CreatedList, responses=problems(404))
async def list_created(request: Request, caller: Reads, credential_id: str) -> Response:
    """List what a client, a key or a member of staff created, and whether it would be revoked with them."""
    database: Database = request.app.state.database
    subject, now = subject_of(credential_id), clock.wall()
    scope = await _scope(database, caller, subject)
    async with database.transaction(now) as tx:
        revocation = await actions.preview(tx, scope, subject, now)
    return answer(200, wire.serialize_revocation(revocation, now))


@router.post("/{credential_id}/revoke", response_model=RevokedShown, responses=problems(404, 409, 415, 422))
async def revoke_credential(
    change: Writes, credential_id: str, payload: Annotated[RevokeBody, body(RevokeBody, optional=True)]
) -> Response:
    """Revoke a client or a key, or deactivate a member of staff.

    With `created: revoke` the credentials that it created and only it used are revoked too; nothing in use by
    others is revoked. With `preview` nothing is changed. A member of staff can be deactivated from the live
    workspace only.
    """
    revocation_request = RevocationRequest(
        subject_of(credential_id), with_created=payload.created == "revoke", is_preview=payload.preview
    )
    scope, now = await _scope(change.database, change.caller, revocation_request.subject), clock.wall()
    revoked_ids: list[UUID] = []

    async def revoke(tx: Transaction) -> access.Reply:
        revocation = await actions.revoke(tx, scope, revocation_request, now)
        revoked_ids[:] = [revoked.id for revoked in revocation.revoked]
        document = wire.serialize_revocation_result(revocation, now, is_preview=revocation_request.is_preview)
        return lambda: answer(200, document)

    reply = await change.commit(revoke)
    # The commit notifies all processes; this one must know when it responds.
    for credential in (revocation_request.subject.id, *revoked_ids):
        if credential is not None:
            access.auth_context_of(change.request).invalidate(credential)
    return reply


async def _scope(database: Database, caller: Caller, subject: Actor) -> Scope:
    """Return the scope of a caller's credentials: its workspace; for staff, all of the company's."""
    workspace = caller.workspace
    if subject.kind != "user":
        return Scope(workspace.company.id, [workspace.id])
    if not workspace.is_live:
        raise NotFound(message("Members of staff can be deactivated from the live workspace only."))
    spaces = await companies.workspaces_of(database, workspace.company.id)
    return Scope(workspace.company.id, [space_id for space_id, _, _ in spaces])
