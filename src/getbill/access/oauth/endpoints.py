"""The token and revocation endpoints on an asynchronous database.

Authlib decides synchronously. Therefore its inputs are read before the decision, the `OAuthServer` decides
without any I/O, and its results are written afterwards, all three in one transaction (decisions/0012).
"""

import hmac
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from getbill.access.model import SCOPES, digest
from getbill.access.oauth import tokens
from getbill.access.oauth.clients import CLIENT, Client, client_of
from getbill.access.oauth.forms import TlsMissing, TokenRequest
from getbill.access.oauth.server import METHODS, REFRESH, Answer, OAuthServer
from getbill.access.oauth.signing_keys import SigningKeys
from getbill.access.oauth.tokens import AccessToken, RefreshToken
from getbill.kit import ids
from getbill.kit.database import Database, Transaction

# Compared if the client does not exist, so that it takes as long.
_DUMMY_HASH = digest("")


class Endpoints:
    """The operations of the OAuth routes: read, decide, write, in one transaction."""

    def __init__(self, database: Database, signing: SigningKeys, issuer: str) -> None:
        self._database = database
        self._signing = signing
        self._issuer = issuer

    async def issue_token(self, token_request: TokenRequest, now: datetime, *, is_private: bool) -> Answer:
        """Answer a token request."""
        key = await self._signing.signer(now)
        async with self._database.transaction(now) as tx:
            server = OAuthServer(
                token_request, await self._client(tx, token_request, is_private=is_private), self._issuer, now
            )
            if token_request.form.get("grant_type") == REFRESH and "refresh_token" in token_request.form:
                server.presented_token = await tokens.find_refresh_token(
                    tx, token_request.form["refresh_token"]
                )
            answer = server.answer_token_request(key)
            if server.issue is not None:
                await tokens.store_refresh_token(tx, server.issue)
            if server.revoked_token is not None:
                await tokens.revoke_token(tx, server.revoked_token)
        return answer

    async def revoke_token(self, token_request: TokenRequest, now: datetime, *, is_private: bool) -> Answer:
        """Answer a revocation request."""
        async with self._database.transaction(now) as tx:
            server = OAuthServer(
                token_request, await self._client(tx, token_request, is_private=is_private), self._issuer, now
            )
            server.presented_token = await self._presented_token(tx, token_request.form.get("token", ""))
            answer = server.answer_revocation_request()
            if server.revoked_token is not None:
                await tokens.revoke_token(tx, server.revoked_token)
        return answer

    async def authenticate(self, token_request: TokenRequest) -> Client | None:
        """Return the client authenticated by a form; None if it is unknown or its secret wrong."""
        row = (
            None
            if token_request.client_id is None
            else await self._database.fetchrow(CLIENT, token_request.client_id)
        )
        client = None if row is None else client_of(row)
        return client if client is not None and client.check_client_secret(token_request.secret) else None

    async def _client(
        self, tx: Transaction, token_request: TokenRequest, *, is_private: bool
    ) -> Client | None:
        if is_private and token_request.client_id is None:
            return None
        row = await tx.fetchrow(CLIENT, token_request.client_id or ids.new())
        client = None if row is None else client_of(row)
        if is_private:
            return client
        # An eavesdropper learns nothing: an unknown client, a live one and a wrong secret get the same
        # response in the same time.
        is_right = hmac.compare_digest(
            digest(token_request.secret), client.secret_hash if client else _DUMMY_HASH
        )
        if client is None or client.is_live or not is_right:
            raise TlsMissing
        return client

    async def _presented_token(self, tx: Transaction, text: str) -> RefreshToken | AccessToken | None:
        if text.startswith(tokens.REFRESH_PREFIX):
            return await tokens.find_refresh_token(tx, text)
        verified_token = await self._signing.verify(text, tx.now)
        if verified_token is None:
            return None
        expires_at = datetime.fromtimestamp(verified_token.claims["exp"], UTC)
        client_id = ids.read("client", verified_token.claims["client_id"])
        return AccessToken(UUID(verified_token.claims["jti"]), client_id, expires_at)


def metadata(issuer: str) -> dict[str, Any]:
    """Return the authorization server metadata of RFC 8414."""
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
