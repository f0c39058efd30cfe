"""A receiver that knows the old secret, both or the new one verifies at every moment of a rotation."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from getbill.kit import clock
from getbill.kit.signing import new_secret
from getbill.webhooks import secret_rotation
from getbill.webhooks.secret_rotation import SigningSecrets

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
END = BEGIN + timedelta(hours=24)
OLD, NEXT = new_secret(), new_secret()
BODY = b'{"event":"debt.created"}'
hours = st.floats(0, 48)


def signed_at(moment: datetime, cut_over_at: datetime | None = None) -> dict[str, str]:
    signing = secret_rotation.signing_secrets(moment, OLD, NEXT, cut_over_at, END)
    # The package compares the timestamp with the machine's own clock.
    return secret_rotation.signature_headers(signing, "wh_1", int(clock.unix()), BODY)


def verifies(headers: dict[str, str], *values: str) -> bool:
    """Whether a receiver of the Standard Webhooks package that knows these secrets takes it."""
    for secret in values:
        try:
            Webhook(secret).verify(BODY, headers)
        except WebhookVerificationError:
            continue
        return True
    return False


def plain(secret: str) -> str:
    return hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()


def test_one_secret_signs_alone_while_none_is_being_replaced() -> None:
    signing = secret_rotation.signing_secrets(BEGIN, OLD, None, None, None)

    headers = secret_rotation.signature_headers(signing, "wh_1", 1_700_000_000, BODY)

    assert signing == SigningSecrets(OLD)
    assert sorted(headers) == ["X-GetBill-Signature", "webhook-id", "webhook-signature", "webhook-timestamp"]
    assert headers["X-GetBill-Signature"] == plain(OLD)
    assert " " not in headers["webhook-signature"]


@given(after=hours, cut_over_after=hours | st.none())
def test_whoever_knows_a_secret_that_counts_finds_its_signature(
    after: float, cut_over_after: float | None
) -> None:
    moment = BEGIN + timedelta(hours=after)
    cut_over_at = None if cut_over_after is None else BEGIN + timedelta(hours=cut_over_after)

    headers = signed_at(moment, cut_over_at)

    is_over = moment >= END
    is_cut_over = is_over or (cut_over_at is not None and moment >= cut_over_at)
    assert verifies(headers, NEXT)
    assert verifies(headers, OLD, NEXT)
    assert verifies(headers, OLD) is not is_over
    assert headers["X-GetBill-Signature"] == plain(NEXT if is_cut_over else OLD)
    assert headers.get("X-GetBill-Signature-Next") == (
        None if is_over else plain(OLD if is_cut_over else NEXT)
    )


@pytest.mark.parametrize("switches_after", [0, 1, 12, 23.999])
def test_a_receiver_may_switch_at_any_moment_of_the_overlap(switches_after: float) -> None:
    # An event each half hour, from before the rotation until long after; the receiver knows one secret at a time.
    for half_hours in range(80):
        moment = BEGIN + timedelta(hours=half_hours / 2)
        base = OLD if moment < BEGIN + timedelta(hours=switches_after) else NEXT

        assert verifies(signed_at(moment), base)


@pytest.mark.parametrize("cut_over_after", [None, 0, 6, 23])
def test_a_receiver_of_the_plain_header_may_switch_at_the_cut_over(cut_over_after: int | None) -> None:
    cut_over_at = None if cut_over_after is None else BEGIN + timedelta(hours=cut_over_after)
    switches_at = END if cut_over_at is None else cut_over_at

    for half_hours in range(80):
        moment = BEGIN + timedelta(hours=half_hours / 2)
        base = OLD if moment < switches_at else NEXT

        assert signed_at(moment, cut_over_at)["X-GetBill-Signature"] == plain(base)


def test_a_rotation_is_under_way_until_its_end() -> None:
    begun = secret_rotation.begin_rotation(BEGIN)

    assert begun.ends_at == END
    assert secret_rotation.current_rotation(END - timedelta(seconds=1), None, END) == begun
    assert secret_rotation.current_rotation(END, None, END) is None
    assert secret_rotation.current_rotation(BEGIN, None, None) is None
    assert secret_rotation.begin_rotation(BEGIN, 0).ends_at == BEGIN
