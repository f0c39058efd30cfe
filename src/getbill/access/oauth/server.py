"""Authlib's decisions: one `OAuthServer` per request, given all its data beforehand, without any I/O.

Client credentials and refresh tokens (RFC 6749) and revocation (RFC 7009) are Authlib's grants; ours are
client authentication, token generation, and error descriptions that never repeat input.
"""

from collections.abc import Mapping
from datetime import datetime
from re import compile as compile_pattern
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from joserfc.jwk import RSAKey

from getbill.access.oauth import tokens
from getbill.access.oauth.clients import Client
from getbill.access.oauth.forms import ClientRefused, TokenRequest
from getbill.access.oauth.signing_keys import TOKEN_LIFE
from getbill.access.oauth.tokens import AccessToken, Issue, RefreshToken
from getbill.kit import ids

METHODS = ("client_secret_basic", "client_secret_post")
REFRESH = RefreshTokenGrant.GRANT_TYPE

_NOT_GOOD = "The refresh token is unknown, expired, used or revoked, or belongs to another client."
_SCOPE_MALFORMED = "Separate scopes with single spaces, such as debts:read debts:write."
_ANY_TOKEN = ("access_token", "refresh_token")

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib ships no types
    def __init__(self, form: Mapping[str, str]) -> None:
        # The installation's policy decides whether the connection may carry secrets, not this address.
        super().__init__("POST", "https://localhost/token")
        self._form = form
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # as above
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        requested_scopes = _scopes(self.request.payload.scope)
        if requested_scopes is not None and not set(requested_scopes) <= set(self.client.scopes):
            raise InvalidScopeError

    def create_token_response(self) -> Answer:
        # The published contract gives a refresh token here, which RFC 6749 section 4.4.3 advises against.
        token = self.generate_token(
            scope=self.request.payload.scope,
            include_refresh_token=self.client.check_grant_type(REFRESH),
        )
        return 200, token, self.TOKEN_RESPONSE_HEADER


class _Refresh(RefreshTokenGrant):  # type: ignore[misc]  # as above
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, _text: str) -> RefreshToken:
        server: OAuthServer = self.server
        token = server.presented_token
        if not isinstance(token, RefreshToken) or not token.check_client(self.request.client):
            raise InvalidGrantError(_NOT_GOOD)
        status = token.status(server.now)
        if status == "expired":
            raise InvalidGrantError("The refresh token has expired.")
        if status == "reused":
            server.revoked_token = token
        if status != "good":
            raise InvalidGrantError(_NOT_GOOD)
        return token

    def _validate_token_scope(self, token: RefreshToken) -> None:
        requested_scopes = _scopes(self.request.payload.scope)
        if requested_scopes is not None and not set(requested_scopes) <= set(token.scopes):
            raise InvalidScopeError

    def authenticate_user(self, _token: RefreshToken) -> Client:
        client: Client = self.request.client
        return client

    def revoke_old_credential(self, _token: RefreshToken) -> None:
        """Do nothing: `tokens.store_refresh_token` marks it replaced when it writes the successor."""


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # as above
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, _text: str, _hint: str | None) -> RefreshToken | AccessToken | None:
        server: OAuthServer = self.server
        return server.presented_token

    def revoke_token(self, token: RefreshToken | AccessToken, _request: OAuth2Request) -> None:
        server: OAuthServer = self.server
        server.revoked_token = token


class OAuthServer(AuthorizationServer):  # type: ignore[misc]  # as above
    """One request's decision: stored data goes in, writes come out, without I/O."""

    def __init__(
        self, token_request: TokenRequest, client: Client | None, issuer: str, now: datetime
    ) -> None:
        super().__init__()
        self.now = now
        self.presented_token: RefreshToken | AccessToken | None = None
        self.issue: Issue | None = None
        self.revoked_token: RefreshToken | AccessToken | None = None
        self._token_request = token_request
        self._client = client
        self._issuer = issuer
        self._key: RSAKey | None = None
        self.register_grant(_ClientCredentials)
        self.register_grant(_Refresh)
        self.register_endpoint(_Revocation)
        self.register_token_generator("default", self._generate)

    def answer_token_request(self, key: RSAKey) -> Answer:
        """Decide a token request."""
        self._key = key
        answer: Answer = self.create_token_response(_Request(self._token_request.form))
        return answer

    def answer_revocation_request(self) -> Answer:
        """Decide a revocation request."""
        form = dict(self._token_request.form)
        if form.get("token_type_hint") not in _ANY_TOKEN:
            # RFC 7009 section 2.1: a hint may be ignored; the token is found without it.
            form.pop("token_type_hint", None)
        answer: Answer = self.create_endpoint_response(_Revocation.ENDPOINT_NAME, _Request(form))
        return answer

    def authenticate_client(self, _request: OAuth2Request, _methods: Any, _endpoint: str = "token") -> Client:
        """Return the client that authenticated the request."""
        if self._client is None or not self._client.check_client_secret(self._token_request.secret):
            raise ClientRefused(by_basic=self._token_request.by_basic)
        return self._client

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Do nothing: the tokens to store are in `issue`."""

    def send_signal(self, *_names: Any, **_values: Any) -> None:
        """Do nothing: the access log and the database record what happened."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """Return the request, which is Authlib's already."""
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Answer:
        """Return the response as plain values."""
        return status, body, headers

    def handle_error_response(self, _request: OAuth2Request, error: OAuth2Error) -> Answer:
        """Return the response of an error, with a description that never repeats input."""
        return refusal(error, has_grant_type="grant_type" in self._token_request.form)

    def _generate(
        self, *, grant_type: str, scope: str | None, include_refresh_token: bool, **_other_options: Any
    ) -> dict[str, Any]:
        client = self._client
        if client is None or self._key is None:
            raise LookupError("a token is generated for an authenticated client only")
        parent = None
        if grant_type == REFRESH and isinstance(self.presented_token, RefreshToken):
            parent = self.presented_token
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


# RFC 6749 section 3.3: tokens of printable ASCII without quotes and backslashes, separated by one space.
_SCOPE: Final = compile_pattern(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


def _scopes(text: str | None) -> list[str] | None:
    """Return the requested scopes, each once, in the order requested; None if none was requested.

    Raises InvalidScopeError for text that is not a scope list by RFC 6749.
    """
    if text is None:
        return None
    if not _SCOPE.fullmatch(text):
        raise InvalidScopeError(_SCOPE_MALFORMED)
    return list(dict.fromkeys(text.split(" ")))


def refusal(error: OAuth2Error, *, has_grant_type: bool = True) -> Answer:
    """Return the RFC 6749 response of an error."""
    if isinstance(error, UnsupportedGrantTypeError):
        # Authlib's own text repeats the submitted grant type.
        if not has_grant_type:
            return refusal(InvalidRequestError("The parameter grant_type is missing."))
        members = {"error": error.error, "error_description": "Use client_credentials or refresh_token."}
        return error.status_code, members, error.get_headers()
    answer: Answer = error()
    return answer
