"""Signatures of outgoing messages: the receiver verifies their origin and that they are unchanged.

Two signatures by one secret `whsec_<base64 of 32 bytes>`: ours, a plain hex HMAC-SHA256 of the raw body keyed
with the secret's own text, and the Standard Webhooks 1.0 one, which covers id and time and is keyed with the
decoded bytes.
"""

import base64
import binascii
import hmac
import os
from functools import lru_cache

_PREFIX = "whsec_"
_SECRET_BYTES = 32


class SecretMalformed(ValueError):
    """The text is not a secret of `new_secret`."""


def new_secret() -> str:
    """Return a new webhook signing secret."""
    return _PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


@lru_cache(maxsize=4096)
def secret_key(secret: str) -> bytes:
    """Return the key in a secret's base64 part; raise SecretMalformed if there is none."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SecretMalformed(f"A secret is {_PREFIX} and base64.") from error
    if text == secret or not key:
        raise SecretMalformed(f"A secret is {_PREFIX} and base64.")
    return key


def body_signature(secret: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 of a raw body, keyed with the secret's UTF-8 bytes."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def standard_signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message (Standard Webhooks 1.0, symmetric `v1`)."""
    signed_content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed_content, "sha256")).decode()


def standard_verifies(key: bytes, message_id: str, timestamp: int, body: bytes, signatures: str) -> bool:
    """Return whether one of the signatures in a `webhook-signature` header is that of the message."""
    expected = standard_signature(key, message_id, timestamp, body)
    return any(hmac.compare_digest(signature.encode(), expected.encode()) for signature in signatures.split())
