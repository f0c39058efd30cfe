"""Test sends: one marked sample, sent at once, with its request and response returned to the caller.

It uses the same addresses and timeout as every delivery and leaves no trace in the stream, the log or the
statistics.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from getbill.companies import Workspace
from getbill.kit import clock, ids, json
from getbill.kit.errors import TooManyRequests, Unavailable
from getbill.kit.messages import message
from getbill.webhooks import secret_rotation
from getbill.webhooks.http_client import WebhookClient
from getbill.webhooks.model import (
    AttemptOutcome,
    DeliveryEnvelope,
    Endpoint,
    NoRotation,
    delivery_body,
    secret_context,
)
from getbill.webhooks.samples import sample
from getbill.webhooks.secret_rotation import SigningSecrets

WORKSPACE_MAX: Final = 4
PROCESS_MAX: Final = 32


class EndpointTestsUnderWay(TooManyRequests):
    """The workspace has reached its maximum of concurrent tests."""

    code = "tests-under-way"
    way_out = "Wait until a test ends; none takes longer than ten seconds."


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """A test that was sent: its request and its outcome."""

    url: str
    headers: dict[str, str]
    body: bytes
    outcome: AttemptOutcome


@dataclass
class EndpointTester:
    """The sender of tests in this process, a few at a time: receivers may hang, and callers wait."""

    client: WebhookClient
    _under_way: Counter[UUID] = field(default_factory=Counter)

    async def send(
        self, workspace: Workspace, endpoint: Endpoint, kind: str, *, is_next: bool
    ) -> EndpointTest:
        """Send a sample to an endpoint, enabled or not, and return its outcome.

        Raises NoRotation if the next secret is requested and there is none, EndpointTestsUnderWay or
        Unavailable if too many tests are under way.
        """
        signing = select_secrets(workspace, endpoint, clock.wall(), is_next=is_next)
        self._check_capacity(workspace.id)
        event_id = ids.new()
        body = sample_body(kind, event_id, workspace.now(), endpoint.fields)
        webhook_id = ids.show("wh", event_id)
        headers = dict(endpoint.headers) | {"Content-Type": "application/json", "X-GetBill-Test": "true"}
        headers |= secret_rotation.signature_headers(signing, webhook_id, int(clock.unix()), body)
        self._under_way[workspace.id] += 1
        try:
            outcome = await self.client.post(endpoint.url, headers, body, is_live=workspace.is_live)
        finally:
            self._under_way -= Counter({workspace.id: 1})
        return EndpointTest(endpoint.url, headers, body, outcome)

    def _check_capacity(self, workspace_id: UUID) -> None:
        later = {"Retry-After": "1"}
        if self._under_way[workspace_id] >= WORKSPACE_MAX:
            raise EndpointTestsUnderWay(
                message("{count} tests are in progress. Wait until one ends.", count=WORKSPACE_MAX),
                headers=later,
            )
        if self._under_way.total() >= PROCESS_MAX:
            raise Unavailable(message("Too many tests are in progress. Repeat the request."), headers=later)


def select_secrets(
    workspace: Workspace, endpoint: Endpoint, now: datetime, *, is_next: bool
) -> SigningSecrets:
    """Return the secrets that sign a test: as for deliveries, or only the next; raise NoRotation."""
    context = secret_context(workspace.id, endpoint.id)
    secret = workspace.vault.open(endpoint.secret, context).decode()
    next_secret = None
    if endpoint.next_secret is not None:
        next_secret = workspace.vault.open(endpoint.next_secret, context).decode()
    if not is_next:
        return secret_rotation.signing_secrets(
            now, secret, next_secret, endpoint.cut_over_at, endpoint.rotation_ends_at
        )
    if next_secret is None or endpoint.rotation(now) is None:
        raise NoRotation(
            message(
                "No secret rotation of this webhook is in progress, so there is no next secret to sign with."
            )
        )
    return SigningSecrets(next_secret)


def sample_body(kind: str, event_id: UUID, moment: datetime, fields: list[str] | None) -> bytes:
    """Return the body of a test: a delivery's, with a sample as data and marked `test`."""
    body = delivery_body(DeliveryEnvelope(event_id, kind, moment, 1, None, fields), json.write(sample(kind)))
    return json.write(json.read(body) | {"test": True})
