"""Automatic disabling of endpoints that returned 410 (Gone) or accepted nothing for five days.

One transaction disables the endpoint, records `webhook.disabled` in the stream and queues the e-mails to the
company's admins, so that none happens without the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from getbill import companies, events, quarantine, vault
from getbill.companies import Workspace
from getbill.kit import clock, ids, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item
from getbill.vault import Key, Vault
from getbill.webhooks import endpoints
from getbill.webhooks.deliveries import admin_notifications
from getbill.webhooks.deliveries.ledger import FailingEndpoint

DISABLED: Final = "webhook.disabled"
FAILING_MAX: Final = timedelta(days=5)

_log = structlog.get_logger(__name__)

_SUBJECT = Statement(
    "webhooks.find_subject",
    "Endpoint that was just disabled, with the key and the number of the events about it.",
    """
    SELECT w.url, w.description, w.failing_since, w.disabled_at, w.event_sequence, k.wrapped
    FROM webhook_endpoints w LEFT JOIN vault_keys k ON k.workspace_id = w.workspace_id AND k.subject_id = w.id
    WHERE w.workspace_id = $1 AND w.id = $2
    """,
)
_COUNT_EVENTS = Statement(
    "webhooks.set_event_sequence",
    "Set the last sequence of the events about an endpoint.",
    "UPDATE webhook_endpoints SET event_sequence = $3 WHERE workspace_id = $1 AND id = $2",
)


@dataclass(slots=True)
class EndpointSubject:
    """The subject of events about an endpoint; in the stream it takes the place of a debt."""

    workspace_id: UUID
    id: UUID
    key: Key
    details: dict[str, Any]
    sequence: int

    def next_sequence(self) -> int:
        """Return the next sequence number of the endpoint's own events."""
        self.sequence += 1
        return self.sequence

    def event_data(self) -> dict[str, Any]:
        """Return the keys that the data of every event about an endpoint carries."""
        return {"webhook": {"id": ids.show("we", self.id), **self.details}}

    def store(self, tx: Transaction) -> None:
        """Write the endpoint's event count at the end of the transaction."""
        tx.defer(_COUNT_EVENTS, self.workspace_id, self.id, self.sequence)


async def disable_failing(
    database: Database, vault: Vault, failing_endpoints: Iterable[FailingEndpoint]
) -> None:
    """Disable the endpoints that are gone or have failed for too long, and record it.

    If the process is killed before, the endpoint is unchanged, and its next attempt leads here again.
    """
    long_ago = clock.wall() - FAILING_MAX
    for endpoint in failing_endpoints:
        reason = "gone" if endpoint.is_gone else "failing"
        if not endpoint.is_gone and (endpoint.failing_since is None or endpoint.failing_since > long_ago):
            continue
        try:
            await _disable(database, vault, endpoint, reason)
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            await quarantine.add_separately(
                database, Item(endpoint.workspace_id, "endpoint", endpoint.id), error
            )


async def _disable(database: Database, vault: Vault, endpoint: FailingEndpoint, reason: str) -> None:
    workspace = await companies.workspace(database, vault, endpoint.workspace_id)
    async with database.transaction(workspace.now()) as tx:
        await endpoints.lock_stream(tx, workspace.id)
        if not await endpoints.disable(tx, workspace.id, endpoint.id, reason):
            return
        await _announce(tx, workspace, endpoint.id, reason)
    _log.warning("webhook_disabled", endpoint_id=ids.show("we", endpoint.id), reason=reason)


async def _announce(tx: Transaction, workspace: Workspace, endpoint_id: UUID, reason: str) -> None:
    row = await tx.fetchrow(_SUBJECT, workspace.id, endpoint_id)
    assert row is not None  # noqa: S101 - it was updated a statement ago
    if row["wrapped"] is None:
        key = vault.make_key(tx, workspace.vault, workspace.id, endpoint_id)
    else:
        key = workspace.vault.unwrap(row["wrapped"], workspace.id, endpoint_id)
    details = {
        "url": row["url"],
        "description": row["description"],
        "reason": reason,
        "disabled_at": json.instant(row["disabled_at"]),
        "failing_since": json.instant(row["failing_since"]),
    }
    events.record(
        tx, DISABLED, EndpointSubject(workspace.id, endpoint_id, key, details, row["event_sequence"])
    )
    if workspace.is_live:
        await admin_notifications.notify_admins(tx, workspace, endpoint_id)
