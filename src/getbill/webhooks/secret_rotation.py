"""Secret rotation without interruption: the receiver verifies throughout and can switch at any moment.

For the overlap both secrets sign: the Standard Webhooks header carries both signatures, `X-GetBill-Signature`
uses the old secret until the cut-over, and `X-GetBill-Signature-Next` always uses the other one. A receiver
that knows either secret, or both, finds a signature it can verify from start to end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from getbill.kit import signing as signatures

OVERLAP_HOURS_DEFAULT: Final = 24
OVERLAP_HOURS_MAX: Final = 168


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """The signing secrets at an instant: `first` makes `X-GetBill-Signature`, `other` is valid beside it."""

    first: str
    other: str | None = None


@dataclass(frozen=True, slots=True)
class SecretRotation:
    """A rotation under way, in wall time: when the old secret ends, and when the plain header cuts over."""

    ends_at: datetime
    cut_over_at: datetime | None

    def is_cut_over(self, now: datetime) -> bool:
        """Whether `X-GetBill-Signature` already uses the next secret."""
        return now >= self.ends_at or (self.cut_over_at is not None and now >= self.cut_over_at)


def begin_rotation(now: datetime, overlap_hours: int = OVERLAP_HOURS_DEFAULT) -> SecretRotation:
    """Return a rotation that begins now; without an overlap it ends at once."""
    return SecretRotation(now + timedelta(hours=overlap_hours), None)


def current_rotation(
    now: datetime, cut_over_at: datetime | None, rotation_ends_at: datetime | None
) -> SecretRotation | None:
    """Return the rotation of an endpoint's row; None without one or after its end."""
    if rotation_ends_at is None or now >= rotation_ends_at:
        return None
    return SecretRotation(rotation_ends_at, cut_over_at)


def signing_secrets(
    now: datetime,
    secret: str,
    next_secret: str | None,
    cut_over_at: datetime | None,
    rotation_ends_at: datetime | None,
) -> SigningSecrets:
    """Return the secrets that sign at a wall-time instant."""
    if next_secret is None:
        return SigningSecrets(secret)
    rotation = current_rotation(now, cut_over_at, rotation_ends_at)
    if rotation is None:
        return SigningSecrets(next_secret)
    if rotation.is_cut_over(now):
        return SigningSecrets(next_secret, secret)
    return SigningSecrets(secret, next_secret)


def signature_headers(
    signing: SigningSecrets, webhook_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the signature headers of a body: GetBill's and those of Standard Webhooks 1.0.

    Every valid secret signs. `timestamp` is in Unix seconds, `webhook_id` is the public id. Signatures in
    `webhook-signature` are separated by a space (Standard Webhooks, "Signature scheme").
    """
    secrets = [signing.first] if signing.other is None else [signing.first, signing.other]
    standard = [
        signatures.standard_signature(signatures.secret_key(secret), webhook_id, timestamp, body)
        for secret in secrets
    ]
    headers = {
        "X-GetBill-Signature": signatures.body_signature(signing.first, body),
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(standard),
    }
    if signing.other is not None:
        headers["X-GetBill-Signature-Next"] = signatures.body_signature(signing.other, body)
    return headers
