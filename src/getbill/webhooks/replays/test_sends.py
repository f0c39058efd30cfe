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
from getbill.webhooks.http_client import Poster
from getbill.webhooks.model import Endpoint, NoRotation, Outcome, Said, secret_context, told
from getbill.webhooks.samples import sample
from getbill.webhooks.secret_rotation import Signing

WORKSPACE_MAX: Final = 4
PROCESS_MAX: Final = 32


class TrialsUnderWay(TooManyRequests):
    """As many tests of the workspace are under way as may be at a time."""

    code = "tests-under-way"
    way_out = "Wait until one of them is answered; none takes longer than ten seconds."


@dataclass(frozen=True, slots=True)
class Trial:
    """A test that was sent: what went out, and what came of it."""

    url: str
    headers: dict[str, str]
    body: bytes
    outcome: Outcome


@dataclass
class Trials:
    """Sends tests from this process, a few at a time: receivers may hang, and callers wait for them."""

    poster: Poster
    _under_way: Counter[UUID] = field(default_factory=Counter)

    async def fire(self, workspace: Workspace, endpoint: Endpoint, kind: str, *, is_next: bool) -> Trial:
        """Send a sample to an endpoint, enabled or not, and return what came of it.

        Raises NoRotation when the next secret is to sign and there is none, TrialsUnderWay or Unavailable when too
        many are under way.
        """
        signing = signing_of(workspace, endpoint, clock.wall(), is_next=is_next)
        self._refuse_crowd(workspace.id)
        event_id = ids.new()
        body = body_of(kind, event_id, workspace.now(), endpoint.fields)
        shown_id = ids.show("wh", event_id)
        headers = dict(endpoint.headers) | {"Content-Type": "application/json", "X-GetBill-Test": "true"}
        headers |= secret_rotation.signature_headers(signing, shown_id, int(clock.unix()), body)
        self._under_way[workspace.id] += 1
        try:
            outcome = await self.poster.post(endpoint.url, headers, body, is_live=workspace.is_live)
        finally:
            self._under_way -= Counter({workspace.id: 1})
        return Trial(endpoint.url, headers, body, outcome)

    def _refuse_crowd(self, workspace_id: UUID) -> None:
        later = {"Retry-After": "1"}
        if self._under_way[workspace_id] >= WORKSPACE_MAX:
            raise TrialsUnderWay(
                message("{count} tests are under way. Wait for one.", count=WORKSPACE_MAX),
                headers=later,
            )
        if self._under_way.total() >= PROCESS_MAX:
            raise Unavailable(
                message("Too many tests are under way here. Repeat the request."), headers=later
            )


def signing_of(workspace: Workspace, endpoint: Endpoint, now: datetime, *, is_next: bool) -> Signing:
    """Return what signs a test: as deliveries are signed now, or by the next secret alone; raise NoRotation."""
    context = secret_context(workspace.id, endpoint.id)
    secret = workspace.vault.open(endpoint.secret, context).decode()
    following = None
    if endpoint.next_secret is not None:
        following = workspace.vault.open(endpoint.next_secret, context).decode()
    if not is_next:
        return secret_rotation.signing(
            now, secret, following, endpoint.cut_over_at, endpoint.rotation_ends_at
        )
    if following is None or endpoint.rotation(now) is None:
        raise NoRotation(
            message("No secret of this webhook is being replaced, so there is no next one to sign with.")
        )
    return Signing(following)


def body_of(kind: str, event_id: UUID, moment: datetime, fields: list[str] | None) -> bytes:
    """Return the body of a test: as a delivery's, with a sample's data, and `test` to tell it by."""
    body = told(Said(event_id, kind, moment, 1, None, fields), json.write(sample(kind)))
    return json.write(json.read(body) | {"test": True})
