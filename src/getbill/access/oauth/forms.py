"""Strict parsing of OAuth forms, with the client's credentials from the body or by Basic.

Where RFC 6749 leaves a choice, requests are refused: a parameter sent twice, a secret sent in two ways, a
body that is not a form.
"""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from starlette.datastructures import Headers

from getbill.access.model import REALM
from getbill.access.requests import other_encoding, repeated
from getbill.kit import ids
from getbill.kit.errors import NotFound

BYTES_MAX = 16 * 1024

_TYPE = "application/x-www-form-urlencoded"
_FIELDS_MAX = 40


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A form sent to an OAuth endpoint, with its client credentials."""

    form: dict[str, str]
    client_id: UUID | None
    secret: str
    by_basic: bool


def check_headers(headers: Headers) -> None:
    """Raise HeaderTwice or FormEncoded for headers that are not allowed with a form."""
    name = repeated(name for name, _ in headers.raw)
    if name is not None:
        raise HeaderTwice(f"The header {name} was sent more than once.")
    if other_encoding(headers.getlist("content-encoding")) is not None:
        raise FormEncoded


def read(body: bytes, content_type: str, authorization: str | None) -> TokenRequest:
    """Parse a form; raise Authlib's InvalidRequestError or InvalidClientError for what RFC 6749 forbids."""
    form = _form(body, content_type)
    basic = _basic(authorization)
    if basic is None:
        return TokenRequest(
            form, _client_id(form.get("client_id", "")), form.get("client_secret", ""), by_basic=False
        )
    if "client_secret" in form:
        raise InvalidRequestError("Send the client secret once: with HTTP Basic or in the body.")
    client_id, secret = basic
    if form.get("client_id", client_id) != client_id:
        raise InvalidRequestError(
            "The client_id in the body differs from the one in the Authorization header."
        )
    return TokenRequest(form, _client_id(client_id), secret, by_basic=True)


def _form(body: bytes, content_type: str) -> dict[str, str]:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != _TYPE or charset not in {"", "utf-8", "utf8"}:
        raise InvalidRequestError(f"Send the parameters as {_TYPE} in UTF-8.")
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
        raise ClientRefused(by_basic=True) from error
    if not colon:
        raise ClientRefused(by_basic=True)
    return pair


def _client_id(text: str) -> UUID | None:
    try:
        return ids.read("client", text)
    except NotFound:
        return None


class ClientRefused(InvalidClientError):  # type: ignore[misc]  # Authlib ships no types
    """RFC 6749 section 5.2: 401, with a challenge if the Authorization header was used."""

    description = "Client authentication failed"

    def __init__(self, *, by_basic: bool) -> None:
        super().__init__(status_code=401)
        self._by_basic = by_basic

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the response."""
        headers: list[tuple[str, str]] = OAuth2Error.get_headers(self)
        if self._by_basic:
            headers.append(("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"'))
        return headers


class TlsMissing(InvalidRequestError):  # type: ignore[misc]  # as above
    """A secret was sent without TLS, and it is not the right one of a sandbox client."""

    description = "Live credentials require TLS; without TLS only a sandbox client with a correct secret is accepted. Treat this secret as compromised."


class HeaderTwice(InvalidRequestError):  # type: ignore[misc]  # as above
    """A single-valued header was sent more than once."""


class FormEncoded(InvalidRequestError):  # type: ignore[misc]  # as above
    """The form is compressed or otherwise encoded."""

    description = "Send the form uncompressed, without Content-Encoding."
    status_code = 415


class BodyTooLong(InvalidRequestError):  # type: ignore[misc]  # as above
    """The form is longer than any legitimate one."""

    description = "The form is too long."
    status_code = 413
