"""The token and revocation endpoints: RFC 6749, 6750, 7009 by Authlib's grants, on an asynchronous database.

Authlib decides synchronously. So what a decision needs is read before it, the decision is taken at a `Desk` without
any I/O, and what it ordered is written after it, all three in one transaction (decisions/0012).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from joserfc.jwk import RSAKey

from getbill.access import tokens
from getbill.access.clients import CLIENT, Client, client_of
from getbill.access.model import REALM, SCOPES
from getbill.access.signing import TOKEN_LIFE, SigningKeys
from getbill.access.tokens import AccessToken, Issue, RefreshToken
from getbill.kit import ids
from getbill.kit.db import Database, Transaction
from getbill.kit.errors import NotFound

METHODS = ("client_secret_basic", "client_secret_post")
FORM_BYTES_MAX = 16 * 1024

_FORM_TYPE = "application/x-www-form-urlencoded"
_FIELDS_MAX = 40
_NOT_GOOD = "The refresh token is unknown, expired, used, revoked or another client's."
_ANY_TOKEN = ("access_token", "refresh_token")

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A form sent to an OAuth endpoint, and the credentials that came with it."""

    form: dict[str, str]
    client_id: UUID | None
    secret: str
    by_basic: bool


def read(body: bytes, content_type: str, authorization: str | None) -> Asked:
    """Read a form; raise Authlib's InvalidRequestError or InvalidClientError for what RFC 6749 forbids."""
    form = _form(body, content_type)
    basic = _basic(authorization)
    if basic is None:
        return Asked(
            form, _client_id(form.get("client_id", "")), form.get("client_secret", ""), by_basic=False
        )
    if "client_secret" in form:
        raise InvalidRequestError("Send the client secret once: by Basic or in the body.")
    client_id, secret = basic
    if form.get("client_id", client_id) != client_id:
        raise InvalidRequestError("The client_id of the body is not the one of the Authorization header.")
    return Asked(form, _client_id(client_id), secret, by_basic=True)


def _form(body: bytes, content_type: str) -> dict[str, str]:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != _FORM_TYPE or charset not in {"", "utf-8", "utf8"}:
        raise InvalidRequestError(f"Send the parameters as {_FORM_TYPE} in UTF-8.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX
        )
    except ValueError as error:
        raise InvalidRequestError("The form cannot be read.") from error
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise InvalidRequestError("A parameter was sent more than once.")
    # RFC 6749 section 3.2: a parameter without a value counts as omitted.
    return {name: value for name, value in pairs if value}


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        # RFC 6749 section 2.3.1: both are form-encoded before they are joined.
        pair = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise _refused(by_basic=True) from error
    if not colon:
        raise _refused(by_basic=True)
    return pair


def _client_id(text: str) -> UUID | None:
    try:
        return ids.read("client", text)
    except NotFound:
        return None


class _Refused(InvalidClientError):  # type: ignore[misc]  # Authlib ships no types
    """RFC 6749 section 5.2: 401, and a challenge to who tried the Authorization header."""

    description = "Client authentication failed"

    def __init__(self, *, by_basic: bool) -> None:
        super().__init__(status_code=401)
        self._by_basic = by_basic

    def get_headers(self) -> list[tuple[str, str]]:
        headers: list[tuple[str, str]] = OAuth2Error.get_headers(self)
        if self._by_basic:
            headers.append(("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"'))
        return headers


def _refused(*, by_basic: bool) -> OAuth2Error:
    return _Refused(by_basic=by_basic)


class _Request(OAuth2Request):  # type: ignore[misc]  # as above
    def __init__(self, form: Mapping[str, str]) -> None:
        # Whether the connection may carry secrets is decided by the installation's policy, not by this address.
        super().__init__("POST", "https://localhost/token")
        self._form = form
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # as above
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        asked = _scopes(self.request.payload.scope)
        if asked is not None and (not asked or not set(asked) <= set(self.client.scopes)):
            raise InvalidScopeError

    def create_token_response(self) -> Answer:
        # The published contract gives a refresh token here, which RFC 6749 section 4.4.3 advises against.
        token = self.generate_token(
            scope=self.request.payload.scope,
            include_refresh_token=self.client.check_grant_type(RefreshTokenGrant.GRANT_TYPE),
        )
        return 200, token, self.TOKEN_RESPONSE_HEADER


class _Refresh(RefreshTokenGrant):  # type: ignore[misc]  # as above
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, _text: str) -> RefreshToken:
        desk: Desk = self.server
        found = desk.presented
        if not isinstance(found, RefreshToken) or not found.check_client(self.request.client):
            raise InvalidGrantError(_NOT_GOOD)
        standing = found.standing(desk.now)
        if standing == "reused":
            desk.revoked = found
        if standing != "good":
            raise InvalidGrantError(_NOT_GOOD)
        return found

    def authenticate_user(self, _token: RefreshToken) -> Client:
        client: Client = self.request.client
        return client

    def revoke_old_credential(self, _token: RefreshToken) -> None:
        """Do nothing: `tokens.keep` marks it replaced when it writes the successor."""


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # as above
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, _text: str, _hint: str | None) -> RefreshToken | AccessToken | None:
        desk: Desk = self.server
        return desk.presented

    def revoke_token(self, token: RefreshToken | AccessToken, _request: OAuth2Request) -> None:
        desk: Desk = self.server
        desk.revoked = token


class Desk(AuthorizationServer):  # type: ignore[misc]  # as above
    """One request's decision: what is known goes in, what is to be written comes out, without I/O."""

    def __init__(self, asked: Asked, client: Client | None, issuer: str, now: datetime) -> None:
        super().__init__()
        self.now = now
        self.presented: RefreshToken | AccessToken | None = None
        self.issue: Issue | None = None
        self.revoked: RefreshToken | AccessToken | None = None
        self._asked = asked
        self._client = client
        self._issuer = issuer
        self._key: RSAKey | None = None
        self.register_grant(_ClientCredentials)
        self.register_grant(_Refresh)
        self.register_endpoint(_Revocation)
        self.register_token_generator("default", self._generate)

    def token(self, key: RSAKey) -> Answer:
        """Decide a token request."""
        self._key = key
        answer: Answer = self.create_token_response(_Request(self._asked.form))
        return answer

    def revocation(self) -> Answer:
        """Decide a revocation request."""
        form = dict(self._asked.form)
        if form.get("token_type_hint") not in _ANY_TOKEN:
            # RFC 7009 section 2.1: a hint may be ignored; what is looked for is found without it.
            form.pop("token_type_hint", None)
        answer: Answer = self.create_endpoint_response(_Revocation.ENDPOINT_NAME, _Request(form))
        return answer

    def authenticate_client(self, _request: OAuth2Request, _methods: Any, _endpoint: str = "token") -> Client:
        """Return the client whose secret came with the request."""
        if self._client is None or not self._client.check_client_secret(self._asked.secret):
            raise _refused(by_basic=self._asked.by_basic)
        return self._client

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Do nothing: what is to be kept is in `issue`."""

    def send_signal(self, *_names: Any, **_values: Any) -> None:
        """Tell nobody: the access log and the database say what happened."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """Return the request, which is Authlib's already."""
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Answer:
        """Return the answer as plain values."""
        return status, body, headers

    def handle_error_response(self, _request: OAuth2Request, error: OAuth2Error) -> Answer:
        """Return an error's answer, with a description that never repeats what was sent."""
        return refusal(error, has_grant_type="grant_type" in self._asked.form)

    def _generate(
        self, *, grant_type: str, scope: str | None, include_refresh_token: bool, **_rest: Any
    ) -> dict[str, Any]:
        client = self._client
        if client is None or self._key is None:
            raise LookupError("a token is generated for an authenticated client only")
        parent = None
        if grant_type == _Refresh.GRANT_TYPE and isinstance(self.presented, RefreshToken):
            parent = self.presented
        self.issue = Issue(
            client,
            tuple(_scopes(scope) or client.scopes),
            ids.new() if parent is None else parent.family_id,
            tokens.new_refresh_token() if include_refresh_token else None,
            parent,
        )
        members = {
            "access_token": tokens.sign(self.issue, self._key, self._issuer, self.now),
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }
        if self.issue.refresh_token is not None:
            members["refresh_token"] = self.issue.refresh_token
        return members | {"scope": " ".join(self.issue.scopes)}


def _scopes(text: str | None) -> list[str] | None:
    """Return the scopes asked for, each once, in the order asked; None when none was asked for."""
    return None if text is None else list(dict.fromkeys(text.split()))


def refusal(error: OAuth2Error, *, has_grant_type: bool = True) -> Answer:
    """Return the RFC 6749 answer of an error."""
    if isinstance(error, UnsupportedGrantTypeError):
        # Authlib's own text repeats the grant type as it was sent.
        if not has_grant_type:
            return refusal(InvalidRequestError("The parameter grant_type is missing."))
        told = {"error": error.error, "error_description": "Use client_credentials or refresh_token."}
        return error.status_code, told, error.get_headers()
    answer: Answer = error()
    return answer


class TlsMissing(InvalidRequestError):  # type: ignore[misc]  # as above
    """A live client's secret came over a connection that others could read."""

    description = "Live credentials are taken over TLS only. Treat this secret as known to others."


class BodyTooLong(InvalidRequestError):  # type: ignore[misc]  # as above
    """The form is longer than any honest one."""

    description = "The form is too long."
    status_code = 413


class Endpoints:
    """What the OAuth routes call: read, decide, write, in one transaction."""

    def __init__(self, database: Database, signing: SigningKeys, issuer: str) -> None:
        self._database = database
        self._signing = signing
        self._issuer = issuer

    async def token(self, asked: Asked, now: datetime, *, is_private: bool) -> Answer:
        """Answer a token request."""
        key = await self._signing.signer(now)
        async with self._database.transaction(now) as tx:
            desk = Desk(asked, await self._client(tx, asked, is_private=is_private), self._issuer, now)
            if asked.form.get("grant_type") == _Refresh.GRANT_TYPE and "refresh_token" in asked.form:
                desk.presented = await tokens.find_refresh_token(tx, asked.form["refresh_token"])
            answer = desk.token(key)
            if desk.issue is not None:
                await tokens.keep(tx, desk.issue)
            if desk.revoked is not None:
                await tokens.revoke(tx, desk.revoked)
        return answer

    async def revocation(self, asked: Asked, now: datetime, *, is_private: bool) -> Answer:
        """Answer a revocation request."""
        async with self._database.transaction(now) as tx:
            desk = Desk(asked, await self._client(tx, asked, is_private=is_private), self._issuer, now)
            desk.presented = await self._presented(tx, asked.form.get("token", ""))
            answer = desk.revocation()
            if desk.revoked is not None:
                await tokens.revoke(tx, desk.revoked)
        return answer

    async def _client(self, tx: Transaction, asked: Asked, *, is_private: bool) -> Client | None:
        if asked.client_id is None:
            return None
        row = await tx.fetchrow(CLIENT, asked.client_id)
        client = None if row is None else client_of(row)
        if client is not None and client.is_live and not is_private:
            raise TlsMissing
        return client

    async def _presented(self, tx: Transaction, text: str) -> RefreshToken | AccessToken | None:
        if text.startswith(tokens.REFRESH_PREFIX):
            return await tokens.find_refresh_token(tx, text)
        signed = await self._signing.open(text, tx.now)
        if signed is None:
            return None
        expires_at = datetime.fromtimestamp(signed.claims["exp"], UTC)
        client_id = ids.read("client", signed.claims["client_id"])
        return AccessToken(UUID(signed.claims["jti"]), client_id, expires_at)


def metadata(issuer: str) -> dict[str, Any]:
    """Return what RFC 8414 publishes of this server."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials", "refresh_token"],
    }
