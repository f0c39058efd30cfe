"""Routes of SFTP: logins, and pick-up of dropped files."""

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.kit import clock, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, problems
from getbill.sftp import credentials, host_keys, pickup, wire
from getbill.sftp.model import PREFIX, Login, NewLogin
from getbill.sftp.wire import (
    LoginList,
    LoginShown,
    LoginWithPassword,
    NewLoginBody,
    PickUpShown,
    RotateLoginBody,
)

router = APIRouter(prefix="/external-api/v1/sftp", tags=["SFTP"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("sftp:read"))]
Ends = Annotated[Change, Depends(access.change("sftp:write"))]
# A login creates debts and reads their results, so its creator needs both rights.
Lets = Annotated[Change, Depends(access.change("sftp:write", "debts:read", "debts:write"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]


@router.post("/logins", status_code=201, response_model=LoginWithPassword, responses=problems(409, 415, 422))
async def create_sftp_login(
    change: Lets, payload: Annotated[NewLoginBody, body(NewLoginBody, optional=True)]
) -> Response:
    """Create an SFTP login with its own folders. The response shows the password, once."""
    host_fingerprints = await host_keys.host_fingerprints(change.database)
    by = change.caller.actor
    new_login = NewLogin(
        change.workspace.id, payload.name, payload.username, tuple(payload.public_keys), payload.password, by
    )

    async def create(tx: Transaction) -> access.Reply:
        login, password = await credentials.create_login(tx, new_login, clock.wall())
        response_body = _serialize_login(change.request, login) | {
            "password": password,
            "host_fingerprints": host_fingerprints,
        }
        return lambda: answer(201, response_body)

    return await change.commit(create)


@router.get("/logins", response_model=LoginList)
async def list_sftp_logins(request: Request, caller: Reads) -> Response:
    """List SFTP logins, including revoked ones, oldest first."""
    database: Database = request.app.state.database
    logins = await credentials.list_logins(database, caller.workspace.id)
    return answer(200, {"data": [_serialize_login(request, login) for login in logins]})


@router.post(
    "/logins/{login_id}/rotate", response_model=LoginWithPassword, responses=problems(404, 409, 415, 422)
)
async def rotate_sftp_login(
    change: Lets, login_id: str, payload: Annotated[RotateLoginBody, body(RotateLoginBody, optional=True)]
) -> Response:
    """Replace the password, and the keys if new ones are given. The old ones stop working; files stay."""
    host_fingerprints = await host_keys.host_fingerprints(change.database)
    login = await credentials.find_login(change.database, change.workspace.id, ids.read(PREFIX, login_id))
    keys = None if payload.public_keys is None else tuple(payload.public_keys)

    async def rotate(tx: Transaction) -> access.Reply:
        rotated_login, password = await credentials.rotate_login(
            tx, login, clock.wall(), keys, change.caller.actor
        )
        response_body = _serialize_login(change.request, rotated_login) | {
            "password": password,
            "host_fingerprints": host_fingerprints,
        }
        return lambda: answer(200, response_body)

    return await change.commit(rotate)


@router.delete("/logins/{login_id}", response_model=LoginShown, responses=problems(404, 409))
async def revoke_sftp_login(change: Ends, login_id: str) -> Response:
    """Revoke an SFTP login. Dropped files that were not picked up yet are not imported."""
    login = await credentials.find_login(change.database, change.workspace.id, ids.read(PREFIX, login_id))

    async def revoke(tx: Transaction) -> access.Reply:
        now = clock.wall()
        await credentials.revoke_login(tx, login, now)
        return lambda: answer(200, _serialize_login(change.request, replace(login, revoked_at=now)))

    return await change.commit(revoke)


@router.post("/pick-up", status_code=202, response_model=PickUpShown, responses=problems(409))
async def pick_up_sftp_files(change: Writes) -> Response:
    """Import dropped files now instead of on the hour. Files still being written wait."""

    async def request(tx: Transaction) -> access.Reply:
        count = await pickup.request_pickup(tx, change.workspace.id, clock.wall())
        return lambda: answer(202, {"files": count})

    return await change.commit(request)


def _serialize_login(request: Request, login: Login) -> dict[str, Any]:
    settings = request.app.state.settings
    return wire.serialize_login(login, urlsplit(settings.url).hostname or settings.host, settings.sftp_port)
