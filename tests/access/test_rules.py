"""Rules without a database: forms, refresh tokens, peers, keys and whatever a stranger may send."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus, urlencode
from uuid import uuid4

import pytest
from authlib.oauth2.rfc6749 import OAuth2Error
from hypothesis import given
from hypothesis import strategies as st

from getbill.access import SCOPES
from getbill.access.model import sort_scopes
from getbill.access.oauth import forms, server
from getbill.access.oauth.tokens import RefreshToken
from getbill.access.requests import idempotency
from getbill.access.requests.client_address import bucket, peer_of
from getbill.access.requests.idempotency import IdempotentRequest, KeyUnreadable
from getbill.kit import ids

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def refresh_token(**changes: object) -> RefreshToken:
    values = {
        "hash": b"",
        "family_id": uuid4(),
        "client_id": uuid4(),
        "scopes": (),
        "expires_at": NOW + timedelta(days=30),
        "replaced_at": None,
        "revoked_at": None,
        "is_outlived": False,
    }
    return RefreshToken(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, "good"),
        ({"replaced_at": NOW}, "good"),
        ({"replaced_at": NOW - timedelta(seconds=30)}, "good"),
        ({"replaced_at": NOW - timedelta(seconds=30, microseconds=1)}, "reused"),
        ({"replaced_at": NOW, "is_outlived": True}, "reused"),
        ({"expires_at": NOW}, "expired"),
        ({"expires_at": NOW, "replaced_at": NOW - timedelta(days=1)}, "expired"),
        ({"expires_at": NOW, "revoked_at": NOW}, "dead"),
        ({"expires_at": NOW + timedelta(microseconds=1)}, "good"),
        ({"revoked_at": NOW}, "dead"),
        ({"revoked_at": NOW, "replaced_at": NOW - timedelta(days=1)}, "dead"),
    ],
)
def test_a_refresh_token_is_good_once_and_for_thirty_seconds_more(
    changes: dict[str, object], standing: str
) -> None:
    assert refresh_token(**changes).status(NOW) == standing


@given(body=st.binary(max_size=300), content_type=st.text(max_size=60), authorization=st.text(max_size=80))
def test_whatever_is_sent_is_read_or_refused(body: bytes, content_type: str, authorization: str) -> None:
    try:
        forms.read(body, content_type, authorization)
        forms.read(body, FORM, f"Basic {authorization}")
        forms.read(body, FORM, None)
    except OAuth2Error as error:
        status, members, _ = server.refusal(error)
        assert status in {400, 401}
        assert all(0x20 <= ord(character) <= 0x7E for character in members["error_description"])


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=40), max_size=10))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    fields.pop("client_secret", None)

    request = forms.read(urlencode(fields).encode(), FORM, None)

    assert request.form == fields


@given(secret=st.text(min_size=1, max_size=40))
def test_basic_credentials_are_form_encoded_inside(secret: str) -> None:
    client_id = uuid4()
    pair = f"{quote_plus(ids.show('client', client_id))}:{quote_plus(secret)}"
    header = "basic " + base64.b64encode(pair.encode()).decode()

    request = forms.read(b"grant_type=x", FORM, header)

    assert (request.client_id, request.secret, request.by_basic) == (client_id, secret, True)


@given(st.text(max_size=300))
def test_an_idempotency_key_is_printable_ascii(header: str) -> None:
    is_key = 0 < len(header) <= 255 and all(" " <= character <= "~" for character in header)
    # Space at either end never reaches us: a header's value ends where its text does (RFC 9110 section 5.5).
    is_key = is_key and header.strip(" ") == header

    if is_key:
        assert len(idempotency.read_key(header)) == 32
    else:
        with pytest.raises(KeyUnreadable):
            idempotency.read_key(header)


def test_every_part_of_a_request_tells_it_from_another() -> None:
    prints = {
        idempotency.fingerprint("POST", b"/a", b"", b"body"),
        idempotency.fingerprint("PUT", b"/a", b"", b"body"),
        idempotency.fingerprint("POST", b"/b", b"", b"body"),
        idempotency.fingerprint("POST", b"/a", b"x", b"body"),
        idempotency.fingerprint("POST", b"/a", b"", b"other"),
        idempotency.fingerprint("POST", b"/a?x", b"", b"body"),
        idempotency.fingerprint("POST", b"/a", b"", b""),
    }

    assert len(prints) == 7


def test_an_advisory_lock_is_a_bigint_of_the_whole_place() -> None:
    place = (uuid4(), uuid4(), "POST /debts", b"key", b"request")

    lock = IdempotentRequest(*place).lock_id

    assert -(2**63) <= lock < 2**63
    assert lock == IdempotentRequest(*place).lock_id
    assert lock == IdempotentRequest(*place[:4], b"another request").lock_id
    assert lock != IdempotentRequest(*place[:3], b"another key", b"request").lock_id
    assert lock != IdempotentRequest(place[0], uuid4(), *place[2:]).lock_id


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_subscriber_is_counted_as_one(address: str, counted_as: str) -> None:
    assert bucket(address) == counted_as


@given(host=st.text(max_size=40), scheme=st.sampled_from(["http", "https"]))
def test_any_peer_is_told_private_only_for_a_reason(host: str, scheme: str) -> None:
    peer = peer_of({"client": (host, 1), "scheme": scheme}, {})

    assert peer.address == host
    assert peer.is_private == (scheme == "https" or host.startswith("127.") or host == "::1")


@given(st.sets(st.sampled_from(sorted(SCOPES))))
def test_scopes_are_shown_in_one_order(scopes: set[str]) -> None:
    answer = sort_scopes(scopes)

    assert set(answer) == scopes
    assert answer == [scope for scope in SCOPES if scope in answer]
