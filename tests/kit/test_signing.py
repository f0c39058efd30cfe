import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from getbill.kit import clock, signing


@given(body=st.binary(max_size=300).map(lambda raw: raw.hex().encode()))
def test_a_signed_body_verifies_and_a_changed_byte_does_not(body: bytes) -> None:
    secret = signing.new_secret()
    now = int(clock.unix())
    signature = signing.standard_signature(signing.secret_key(secret), "wh_1", now, body)
    headers = {"webhook-id": "wh_1", "webhook-timestamp": str(now), "webhook-signature": signature}

    Webhook(secret).verify(body, headers, json_parse=False)

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "wh_2"}, json_parse=False)


def test_our_own_signature_is_plain_hex_keyed_with_the_whole_secret() -> None:
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()

    signature = signing.body_signature(secret, b'{"a": 1}')

    assert signature == hmac.new(secret.encode(), b'{"a": 1}', hashlib.sha256).hexdigest()


def test_a_secret_is_32_random_bytes_in_base64() -> None:
    first, second = signing.new_secret(), signing.new_secret()

    assert first != second
    assert first.startswith("whsec_")
    assert len(signing.secret_key(first)) == 32


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!!", "c2VjcmV0"])
def test_what_is_not_a_secret_is_refused(text: str) -> None:
    with pytest.raises(signing.SecretMalformed):
        signing.secret_key(text)
