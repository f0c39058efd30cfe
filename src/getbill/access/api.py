"""Routes of OAuth, its published keys and metadata, and the company of a credential."""

from typing import Annotated, Any

from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import companies
from getbill.access import oauth, wire
from getbill.access.auth_state import auth_context_of
from getbill.access.dependencies import requires
from getbill.access.limits import CrowdedRequest
from getbill.access.model import Caller, RateLimited
from getbill.kit import clock
from getbill.kit.http import answer, problems

router = APIRouter()

TOKEN_PATHS = {
    "/external-api/v1/oauth/token": "issue_token_api",
    "/oauth/token": "issue_token_oauth",
    "/token": "issue_token",
}
REVOCATION_PATHS = {"/external-api/v1/oauth/revoke": "revoke_token_api", "/oauth/revoke": "revoke_token"}

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": wire.OAuthRefusal, "description": "The request is invalid; `error` gives the reason."},
    401: {"model": wire.OAuthRefusal, "description": "The client is unknown or its secret is wrong."},
    413: {"model": wire.OAuthRefusal, "description": "The form is too large."},
    415: {"model": wire.OAuthRefusal, "description": "The form is compressed or otherwise encoded."},
}


async def issue_token(request: Request) -> Response:
    """Issue an access token, by client credentials or by the refresh token of an earlier response."""
    auth = auth_context_of(request)
    try:
        token_request = await _read_token_request(request)
        await _check_crowded_client(request, token_request)
        is_private = request.scope["state"]["is_private"]
        oauth_answer = await auth.endpoints.issue_token(token_request, clock.wall(), is_private=is_private)
    except OAuth2Error as error:
        oauth_answer = oauth.refusal(error)
    return _response(oauth_answer)


async def revoke_token(request: Request) -> Response:
    """Revoke an access token, or a refresh token with every token of its family (RFC 7009)."""
    auth = auth_context_of(request)
    try:
        token_request = await _read_token_request(request)
        await _check_crowded_client(request, token_request)
        is_private = request.scope["state"]["is_private"]
        oauth_answer = await auth.endpoints.revoke_token(token_request, clock.wall(), is_private=is_private)
    except OAuth2Error as error:
        oauth_answer = oauth.refusal(error)
    return _response(oauth_answer)


async def _read_token_request(request: Request) -> oauth.TokenRequest:
    oauth.check_headers(request.headers)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > oauth.BYTES_MAX:
            raise oauth.BodyTooLong
    headers = request.headers
    return oauth.read(bytes(body), headers.get("content-type", ""), headers.get("authorization"))


async def _check_crowded_client(request: Request, token_request: oauth.TokenRequest) -> None:
    """Admit a client with the right secret from an address over its limit; raise RateLimited otherwise.

    Such a request counts against the client's own rate limit.
    """
    crowded: CrowdedRequest | None = request.scope["state"].get("crowded")
    if crowded is None:
        return
    count, auth, now = crowded.count, auth_context_of(request), clock.unix()
    async with auth.crowd_semaphore:
        client = await auth.endpoints.authenticate(token_request)
    if client is not None:
        default_limit = auth.policy.live_per_minute if client.is_live else auth.policy.sandbox_per_minute
        counted_as = client.id if client.is_live or client.limit_per_minute else client.workspace_id
        count = await auth.limits.lease(counted_as, client.limit_per_minute or default_limit, now)
    crowded.show(count)
    if not count.is_allowed:
        raise RateLimited(count.limit, count.seconds_left(now))


def _response(oauth_answer: oauth.Answer) -> Response:
    status, members, headers = oauth_answer
    return answer(status, members, dict(headers))


for _path, _name in TOKEN_PATHS.items():
    router.add_api_route(
        _path,
        issue_token,
        methods=["POST"],
        response_model=wire.TokenShown,
        responses=_REFUSALS,
        openapi_extra=wire.TOKEN_FORM,
        operation_id=_name,
        tags=["Authentication"],
    )
for _path, _name in REVOCATION_PATHS.items():
    router.add_api_route(
        _path,
        revoke_token,
        methods=["POST"],
        response_model=wire.RevokedToken,
        responses=_REFUSALS,
        openapi_extra=wire.REVOCATION_FORM,
        operation_id=_name,
        tags=["Authentication"],
    )


@router.get("/.well-known/oauth-authorization-server", response_model=wire.Metadata, tags=["Authentication"])
async def get_metadata(request: Request) -> Response:
    """Describe the authorization server (RFC 8414)."""
    return answer(200, oauth.metadata(auth_context_of(request).policy.base_url))


@router.get(
    "/.well-known/jwks.json", response_model=wire.KeySet, responses=problems(503), tags=["Authentication"]
)
async def get_keys(request: Request) -> Response:
    """Publish the keys that verify access tokens (RFC 7517)."""
    keys = await auth_context_of(request).signing.published_keys(clock.wall())
    return answer(200, {"keys": keys}, {"Cache-Control": "max-age=300"})


@router.get("/external-api/v1/company/profile", response_model=wire.CompanyProfile, tags=["Company"])
async def get_profile(caller: Annotated[Caller, Depends(requires("company:read"))]) -> Response:
    """Return the company of the credential: the recommended first call."""
    return answer(200, wire.serialize_profile(caller))


@router.get("/external-api/v1/company/users", response_model=wire.UserList, tags=["Company"])
async def list_users(
    request: Request, caller: Annotated[Caller, Depends(requires("users:read"))]
) -> Response:
    """List the company's staff."""
    users = await companies.users(auth_context_of(request).database, caller.workspace.company.id)
    return answer(200, {"data": [wire.serialize_user(member) for member in users]})
