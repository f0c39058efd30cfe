"""An endpoint, what is sent to it, and what becomes of a delivery after an attempt. No I/O."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from getbill import events
from getbill.events import KINDS
from getbill.kit import ids, json, signing
from getbill.kit.errors import Conflict
from getbill.vault import Key, Vault

# The seed's six: what an endpoint gets that asks for nothing in particular.
EVENTS_DEFAULT = events.DEFAULTS
ENDPOINTS_MAX = 50

# After the first try, five more: 1 minute, 10 minutes, 1 hour, 5 hours, 18 hours.
RETRY_SECONDS = (60.0, 600.0, 3_600.0, 18_000.0, 64_800.0)
_JITTER = 0.1
_RETRY_AFTER_SECONDS_MAX = 86_400.0
# So many failures in a row, and an endpoint counts as down: one delivery at a time goes out to see.
FAILURES_UNTIL_DOWN = 3


class TooManyEndpoints(Conflict):
    """The workspace has as many endpoints as it may."""

    code = "too-many-endpoints"
    way_out = "Delete a webhook that is no longer used, or have one take more events."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a creditor wants which events, as its row tells it."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_enabled: bool
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A checked request for an endpoint."""

    url: str
    events: tuple[str, ...] = EVENTS_DEFAULT
    description: str | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in a courier's hand, with all that sending it needs; its lease ends at `lease_until`."""

    workspace_id: UUID
    endpoint_id: UUID
    event_id: UUID
    debt_id: UUID
    position: int
    attempts: int
    lease_until: datetime
    url: str
    secret: bytes
    failures: int
    is_live: bool
    kind: str
    sequence: int
    occurred_at: datetime
    data: bytes | None
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: a status, or the error that left us without one."""

    started_at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
    response: bytes | None = None
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more (410 Gone)."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery after an attempt."""

    state: str
    next_try_at: datetime


def judge(outcome: Outcome, attempts_before: int, retries: tuple[float, ...], now: datetime) -> Verdict:
    """Return whether a delivery is done, given up, or tried again and when."""
    if outcome.is_delivered:
        return Verdict("delivered", now)
    if attempts_before >= len(retries):
        return Verdict("exhausted", now)
    delay = retries[attempts_before] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load only
    return Verdict("pending", now + timedelta(seconds=max(delay, asked_to_wait(outcome))))


def asked_to_wait(outcome: Outcome) -> float:
    """Return for how many seconds the receiver asked to be left alone, at most a day (RFC 9110, Retry-After)."""
    return min(max(outcome.retry_after_seconds or 0.0, 0.0), _RETRY_AFTER_SECONDS_MAX)


def body_of(claimed: Claimed, key: Key | None) -> bytes:
    """Return an event's body: the same bytes for every endpoint and every attempt."""
    data = events.data_json(claimed.data, key, claimed.workspace_id, claimed.event_id, claimed.debt_id)
    return json.write(
        {
            "event": claimed.kind,
            "timestamp": json.instant(claimed.occurred_at),
            "data": json.written(data),
            "webhook_id": ids.show("wh", claimed.event_id),
            "sequence": claimed.sequence,
        }
    )


def headers_of(event_id: UUID, secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers of an attempt, signed: ours, and those of Standard Webhooks 1.0."""
    webhook_id = ids.show("wh", event_id)
    standard = signing.standard_signature(signing.secret_key(secret), webhook_id, timestamp, body)
    return {
        "Content-Type": "application/json",
        "X-GetBill-Signature": signing.body_signature(secret, body),
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard,
    }


def secret_context(workspace_id: UUID, endpoint_id: UUID) -> bytes:
    """Return the place an endpoint's secret is sealed for."""
    return b"webhook" + workspace_id.bytes + endpoint_id.bytes


def response_context(workspace_id: UUID, endpoint_id: UUID, event_id: UUID) -> bytes:
    """Return the place a logged response is sealed for."""
    return b"response" + workspace_id.bytes + endpoint_id.bytes + event_id.bytes


class Secrets:
    """The endpoints' secrets as couriers use them, opened once while they stay the same."""

    def __init__(self, vault: Vault) -> None:
        self._open = lru_cache(maxsize=4096)(
            lambda sealed, workspace_id, endpoint_id: vault.open(
                sealed, secret_context(workspace_id, endpoint_id)
            ).decode()
        )

    def of(self, claimed: Claimed) -> str:
        """Return the secret that signs a delivery; raise SealBroken when it does not open."""
        return self._open(claimed.secret, claimed.workspace_id, claimed.endpoint_id)


def unknown_events(names: list[Any]) -> list[tuple[int, str]]:
    """Return place and name of those texts that are no events of ours."""
    return [(place, name) for place, name in enumerate(names) if isinstance(name, str) and name not in KINDS]
