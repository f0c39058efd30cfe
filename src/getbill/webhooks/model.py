"""Endpoints, deliveries and the verdict on an attempt. No I/O."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, Final, Literal
from uuid import UUID

from getbill import events
from getbill.access import ActorKind
from getbill.events import KINDS
from getbill.kit import ids, json
from getbill.kit.errors import Conflict, require_move
from getbill.vault import Key, Vault
from getbill.webhooks import rights, secret_rotation
from getbill.webhooks.secret_rotation import SecretRotation, SigningSecrets, signature_headers

# Six events, the default subscription of an endpoint.
EVENTS_DEFAULT = events.DEFAULTS
ENDPOINTS_MAX = 50

# Five retries after the first attempt: 1 minute, 10 minutes, 1 hour, 5 hours, 18 hours.
RETRY_SECONDS = (60, 600, 3_600, 18_000, 64_800)
# Limits of an endpoint's own schedule; it must end within the five days after which the endpoint is disabled.
RETRIES_MAX = 12
RETRY_SECONDS_MAX = 86_400
RETRY_SECONDS_SUM_MAX = 432_000
# Concurrent posts to one endpoint.
CONCURRENCY_DEFAULT = 16
CONCURRENCY_MAX = 64
RATE_MAX = 1000
_JITTER = 0.1
_RETRY_AFTER_SECONDS_MAX = 86_400.0
# Never trimmed: the keys that identify the subject, and those that say its data is erased or withheld.
_FIELDS_ALWAYS = ("debt_id", "webhook", "erased", "withheld")
# Consecutive failures after which an endpoint is down and gets one probe delivery at a time.
FAILURES_UNTIL_DOWN = 3


class DeliveryState(StrEnum):
    """The state of a delivery: pending in the queue, or settled in the log."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


# The states as schemas show them, in the order of `DeliveryState`.
DeliveryStateName = Literal["pending", "delivered", "exhausted", "cancelled"]
SettledStateName = Literal["delivered", "exhausted", "cancelled"]
# The table of moves: what is settled moves no more; to send it again is another delivery.
TRANSITIONS: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.PENDING: frozenset(
        {DeliveryState.DELIVERED, DeliveryState.EXHAUSTED, DeliveryState.CANCELLED}
    ),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.EXHAUSTED: frozenset(),
    DeliveryState.CANCELLED: frozenset(),
}
OwnerKind = ActorKind | Literal["unknown"]
# Error of a delivery that could not be opened, signed or written.
UNREADABLE = "The event could not be opened."


def transition(before: DeliveryState, after: DeliveryState) -> DeliveryState:
    """Return the state of a delivery after a move; raise MoveNotAllowed unless the table has it."""
    return require_move(TRANSITIONS, before, after)


class TooManyEndpoints(Conflict):
    """The workspace has reached its maximum number of endpoints."""

    code = "too-many-endpoints"
    way_out = "Delete an unused webhook, or subscribe an existing one to more events."


class RotationUnderWay(Conflict):
    """A rotation of the endpoint's secret is already under way."""

    code = "rotation-under-way"
    way_out = (
        "Wait until `rotation.overlap_ends_at`, or end the overlap now with `POST /webhooks/{id}/cut-over` and"
        ' `{"end_overlap": true}`, then rotate again.'
    )


class NoRotation(Conflict):
    """The endpoint has no next secret: no rotation is under way."""

    code = "no-rotation"
    way_out = "Start one with `POST /webhooks/{id}/rotate-secret`."


class WebhookDisabled(Conflict):
    """The endpoint is disabled and receives nothing."""

    code = "webhook-disabled"
    way_out = 'Enable the webhook with `PUT {"enabled": true}` first.'


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as stored; `headers` are opened, the secrets stay sealed."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_enabled: bool
    headers: Mapping[str, str]
    fields: list[str] | None
    retry_seconds: list[int]
    concurrency: int
    rate_per_second: int | None
    secret: bytes
    next_secret: bytes | None
    rotation_ends_at: datetime | None
    cut_over_at: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    catching_up_from: int | None
    created_at: datetime
    updated_at: datetime
    created_by_kind: ActorKind | None
    created_by: UUID | None
    owner_kind: OwnerKind
    owner: UUID | None
    # Whether it receives debtors' data: the owner may read debts, and no decision restricts it to ids.
    may_read: bool

    def rotation(self, now: datetime) -> SecretRotation | None:
        """Return the rotation under way at a wall-time instant."""
        return secret_rotation.current_rotation(now, self.cut_over_at, self.rotation_ends_at)


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A validated request for an endpoint."""

    url: str
    events: tuple[str, ...] = EVENTS_DEFAULT
    description: str | None = None
    is_enabled: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] | None = None
    retry_seconds: tuple[int, ...] = RETRY_SECONDS
    concurrency: int = CONCURRENCY_DEFAULT
    rate_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The endpoint of a claimed delivery: URL, rate, retries and signing secrets, with secrets sealed."""

    workspace_id: UUID
    id: UUID
    is_live: bool
    url: str
    secret: bytes
    next_secret: bytes | None
    cut_over_at: datetime | None
    rotation_ends_at: datetime | None
    headers: bytes | None
    retry_seconds: tuple[int, ...]
    concurrency: int
    rate_per_second: int | None
    failures: int
    may_read: bool

    @property
    def is_down(self) -> bool:
        """Whether enough attempts failed in a row that only one probe goes out at a time."""
        return self.failures >= FAILURES_UNTIL_DOWN


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A claimed delivery with everything needed to send it; its first lease ends at `lease_until`."""

    target: Target
    id: UUID
    event_id: UUID
    debt_id: UUID
    kind: str
    sequence: int
    previous_sequence: int | None
    fields: list[str] | None
    is_replay: bool
    attempts: int
    fence: int
    lease_until: datetime
    occurred_at: datetime
    data: bytes | None
    wrapped: bytes | None

    @property
    def is_erased(self) -> bool:
        """Whether the event is erased and only the debt's id is left."""
        return self.data is None or self.wrapped is None

    @property
    def is_withheld(self) -> bool:
        """Whether only ids are sent, because the endpoint's owner may not read debts."""
        return not self.target.may_read and not self.is_erased and rights.is_about_a_debt(self.kind)


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """The outcome of one attempt: a status, or the error that prevented one."""

    started_at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
    response: bytes | None = None
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver acknowledged the delivery."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_unsent(self) -> bool:
        """Whether the delivery could not be prepared, so that nothing was sent."""
        return self.error == UNREADABLE

    @property
    def is_gone(self) -> bool:
        """Whether the receiver rejects all future deliveries (410 Gone)."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class DeliveryVerdict:
    """The next state of a delivery after an attempt."""

    state: DeliveryState
    next_try_at: datetime


def judge(
    outcome: AttemptOutcome, attempts_before: int, retries: Sequence[float], now: datetime
) -> DeliveryVerdict:
    """Return whether a delivery is done, exhausted, or retried and when."""
    if outcome.is_delivered:
        return DeliveryVerdict(DeliveryState.DELIVERED, now)
    if attempts_before >= len(retries):
        return DeliveryVerdict(DeliveryState.EXHAUSTED, now)
    delay = retries[attempts_before] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load only
    wait_seconds = max(delay, requested_wait_seconds(outcome))
    return DeliveryVerdict(DeliveryState.PENDING, now + timedelta(seconds=wait_seconds))


def requested_wait_seconds(outcome: AttemptOutcome) -> float:
    """Return the seconds that the receiver requested to wait, at most a day (RFC 9110, Retry-After)."""
    return min(max(outcome.retry_after_seconds or 0.0, 0.0), _RETRY_AFTER_SECONDS_MAX)


def request_body(delivery: ClaimedDelivery, key: Key | None) -> bytes:
    """Return the request body: the same bytes for every attempt of a delivery."""
    if delivery.is_withheld:
        return delivery_body(delivery, rights.withheld_data(delivery.debt_id))
    workspace_id = delivery.target.workspace_id
    data = events.data_json(delivery.data, key, workspace_id, delivery.event_id, delivery.debt_id)
    return delivery_body(delivery, data)


@dataclass(frozen=True, slots=True)
class DeliveryEnvelope:
    """The envelope of a delivery that is not claimed: one in the log, or a sample."""

    event_id: UUID
    kind: str
    occurred_at: datetime
    sequence: int
    previous_sequence: int | None
    fields: list[str] | None


def delivery_body(envelope: ClaimedDelivery | DeliveryEnvelope, data: bytes) -> bytes:
    """Return the body of a delivery whose event has this data."""
    visible_data = data if envelope.fields is None else select_keys(data, envelope.fields)
    members = events.event_payload(envelope, visible_data) | {"previous_sequence": envelope.previous_sequence}
    if envelope.fields is not None:
        members["fields"] = envelope.fields
    return json.write(members)


def select_keys(data: bytes, fields: Collection[str]) -> bytes:
    """Return an event's data reduced to these keys and those that identify its subject."""
    names = {*fields, *_FIELDS_ALWAYS}
    return json.write({name: value for name, value in json.read(data).items() if name in names})


def request_headers(
    delivery: ClaimedDelivery,
    signing: SigningSecrets,
    extra_headers: Mapping[str, str],
    body: bytes,
    timestamp: int,
) -> dict[str, str]:
    """Return the signed headers of an attempt; the creditor's own come first and override none of ours."""
    headers = dict(extra_headers)
    headers["Content-Type"] = "application/json"
    headers.update(signature_headers(signing, ids.show("wh", delivery.event_id), timestamp, body))
    if delivery.is_replay:
        headers["X-GetBill-Replay"] = "true"
    return headers


def secret_context(workspace_id: UUID, endpoint_id: UUID) -> bytes:
    """Return the sealing context of an endpoint's secret."""
    return b"webhook" + workspace_id.bytes + endpoint_id.bytes


def headers_context(workspace_id: UUID, endpoint_id: UUID) -> bytes:
    """Return the sealing context of an endpoint's own headers."""
    return b"headers" + workspace_id.bytes + endpoint_id.bytes


def response_context(workspace_id: UUID, endpoint_id: UUID, event_id: UUID) -> bytes:
    """Return the sealing context of a logged response."""
    return b"response" + workspace_id.bytes + endpoint_id.bytes + event_id.bytes


@dataclass(frozen=True, slots=True)
class EndpointSecrets:
    """The opened secrets and headers of an endpoint."""

    secret: str
    next_secret: str | None
    headers: Mapping[str, str]


class SecretCache:
    """A cache of opened secrets and headers; an entry is valid until the sealed value changes."""

    def __init__(self, vault: Vault) -> None:
        self._open = lru_cache(maxsize=4096)(partial(_open_secrets, vault))

    def get(self, target: Target) -> EndpointSecrets:
        """Return the secrets and headers of an endpoint; raise SealBroken if they cannot be opened."""
        return self._open(target.secret, target.next_secret, target.headers, target.workspace_id, target.id)


def _open_secrets(
    vault: Vault,
    secret: bytes,
    next_secret: bytes | None,
    headers: bytes | None,
    workspace_id: UUID,
    endpoint_id: UUID,
) -> EndpointSecrets:
    context = secret_context(workspace_id, endpoint_id)
    return EndpointSecrets(
        vault.open(secret, context).decode(),
        None if next_secret is None else vault.open(next_secret, context).decode(),
        {}
        if headers is None
        else json.read_texts(vault.open(headers, headers_context(workspace_id, endpoint_id))),
    )


def unknown_events(names: list[Any]) -> list[tuple[int, str]]:
    """Return the index and name of each unknown event."""
    return [(index, name) for index, name in enumerate(names) if isinstance(name, str) and name not in KINDS]
