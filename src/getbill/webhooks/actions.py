"""Opening, changing and closing endpoints."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from getbill.companies import Workspace
from getbill.kit import ids, signing
from getbill.kit.db import Statement, Transaction
from getbill.webhooks import absence, queries
from getbill.webhooks.model import ENDPOINTS_MAX, Endpoint, NewEndpoint, TooManyEndpoints, secret_context
from getbill.webhooks.owing import WAKE

_INSERT = Statement(
    "webhooks.insert",
    "Open an endpoint: what happens from now on is owed to it.",
    """
    INSERT INTO webhook_endpoints (workspace_id, id, url, events, description, is_enabled, secret, created_at,
        updated_at, from_position)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8, position FROM streams WHERE workspace_id = $1
    """,
)
_UPDATE = Statement(
    "webhooks.update",
    "Change an endpoint; one that is enabled again is tried at once.",
    """
    UPDATE webhook_endpoints SET url = $3, events = $4, description = $5, is_enabled = $6, updated_at = $7,
        failures = CASE WHEN $8 THEN 0 ELSE failures END, down_until = CASE WHEN $8 THEN NULL ELSE down_until END,
        failing_since = CASE WHEN $8 THEN NULL ELSE failing_since END
    WHERE workspace_id = $1 AND id = $2
    """,
)
_DELETE = Statement(
    "webhooks.delete",
    "Close an endpoint for good.",
    "UPDATE webhook_endpoints SET deleted_at = $3, is_enabled = false WHERE workspace_id = $1 AND id = $2",
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new endpoint and its secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


async def create(tx: Transaction, workspace: Workspace, new: NewEndpoint) -> Opened:
    """Open an endpoint; events that follow are owed to it. Raises TooManyEndpoints."""
    if await queries.count(tx, workspace.id) >= ENDPOINTS_MAX:
        raise TooManyEndpoints(f"A workspace has at most {ENDPOINTS_MAX} webhooks. Delete one first.")
    endpoint = Endpoint(
        id=ids.new(),
        url=new.url,
        events=list(new.events),
        description=new.description,
        is_enabled=new.is_enabled,
        failing_since=None,
        created_at=tx.now,
        updated_at=tx.now,
    )
    secret = signing.new_secret()
    sealed = workspace.vault.seal(secret.encode(), secret_context(workspace.id, endpoint.id))
    tx.defer(
        _INSERT,
        workspace.id,
        endpoint.id,
        endpoint.url,
        endpoint.events,
        endpoint.description,
        endpoint.is_enabled,
        sealed,
        tx.now,
    )
    return Opened(endpoint, secret)


async def update(
    tx: Transaction, workspace: Workspace, endpoint_id: UUID, changes: dict[str, Any]
) -> Endpoint:
    """Change fields of an endpoint and return it; raise NotFound when there is none."""
    before = await queries.lock(tx, workspace.id, endpoint_id)
    after = replace(before, **changes, updated_at=tx.now)
    is_tried_anew = after.is_enabled and (not before.is_enabled or after.url != before.url)
    if is_tried_anew:
        after = replace(after, failing_since=None)
        tx.wakes.add(WAKE)
    await tx.execute(
        _UPDATE,
        workspace.id,
        endpoint_id,
        after.url,
        after.events,
        after.description,
        after.is_enabled,
        tx.now,
        is_tried_anew,
    )
    return after


async def delete(tx: Transaction, workspace: Workspace, endpoint_id: UUID) -> None:
    """Close an endpoint and drop what is still owed to it; raise NotFound when there is none."""
    await absence.lock_stream(tx, workspace.id)
    await queries.lock(tx, workspace.id, endpoint_id)
    await tx.execute(_DELETE, workspace.id, endpoint_id, tx.now)
    await absence.cancel(tx, workspace.id, endpoint_id)
