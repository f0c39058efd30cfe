"""Trying a receiver: one marked sample, sent at once, so that an integrator sees what comes and what comes back.

It goes the way of every delivery (same addresses, same limit of time), and leaves no trace: it stands outside the
stream, the log and the statistics.
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
    """As many tests of the workspace are under way as may be at a time."""

    code = "tests-under-way"
    way_out = "Wait until one of them is answered; none takes longer than ten seconds."


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """A test that was sent: what went out, and what came of it."""

    url: str
    headers: dict[str, str]
    body: bytes
    outcome: AttemptOutcome


@dataclass
class EndpointTester:
    """Sends tests from this process, a few at a time: receivers may hang, and callers wait for them."""

    client: WebhookClient
    _under_way: Counter[UUID] = field(default_factory=Counter)

    async def send(
        self, workspace: Workspace, endpoint: Endpoint, kind: str, *, is_next: bool
    ) -> EndpointTest:
        """Send a sample to an endpoint, enabled or not, and return what came of it.

        Raises NoRotation when the next secret is to sign and there is none, TrialsUnderWay or Unavailable when too
        many are under way.
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
                message("{count} tests are under way. Wait for one.", count=WORKSPACE_MAX),
                headers=later,
            )
        if self._under_way.total() >= PROCESS_MAX:
            raise Unavailable(
                message("Too many tests are under way here. Repeat the request."), headers=later
            )


def select_secrets(
    workspace: Workspace, endpoint: Endpoint, now: datetime, *, is_next: bool
) -> SigningSecrets:
    """Return what signs a test: as deliveries are signed now, or by the next secret alone; raise NoRotation."""
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
            message("No secret of this webhook is being replaced, so there is no next one to sign with.")
        )
    return SigningSecrets(next_secret)


def sample_body(kind: str, event_id: UUID, moment: datetime, fields: list[str] | None) -> bytes:
    """Return the body of a test: as a delivery's, with a sample's data, and `test` to tell it by."""
    body = delivery_body(DeliveryEnvelope(event_id, kind, moment, 1, None, fields), json.write(sample(kind)))
    return json.write(json.read(body) | {"test": True})
