"""Creation, update and deletion of endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from getbill import access, todos
from getbill.access import Actor
from getbill.companies import Workspace
from getbill.kit import clock, ids, json, signing
from getbill.kit.database import Statement, Transaction
from getbill.kit.messages import message
from getbill.webhooks import due, rights
from getbill.webhooks.endpoints import disabling, extra_headers, queries
from getbill.webhooks.model import (
    ENDPOINTS_MAX,
    Endpoint,
    NewEndpoint,
    TooManyEndpoints,
    headers_context,
    secret_context,
)

_INSERT = Statement(
    "webhooks.insert_endpoint",
    "Insert an endpoint.",
    """
    INSERT INTO webhook_endpoints (workspace_id, id, url, events, description, is_enabled, secret, created_at,
        updated_at, headers, fields, retry_seconds, concurrency, rate_per_second, disabled_at, disabled_reason,
        created_by_kind, created_by, owner_kind, owner, from_position, missed_from)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $14::timestamptz,
        CASE WHEN $14::timestamptz IS NOT NULL THEN 'asked' END, $15, $16, $15, $16, position,
        CASE WHEN $14::timestamptz IS NOT NULL THEN reacted END
    FROM streams WHERE workspace_id = $1
    """,
)
_UPDATE = Statement(
    "webhooks.update_endpoint",
    "Update an endpoint; a new URL is tried at once.",
    """
    UPDATE webhook_endpoints SET url = $3, events = $4, description = $5, updated_at = $6, headers = $7, fields = $8,
        retry_seconds = $9, concurrency = $10, rate_per_second = $11,
        failures = CASE WHEN $12 THEN 0 ELSE failures END, down_until = CASE WHEN $12 THEN NULL ELSE down_until END,
        failing_since = CASE WHEN $12 THEN NULL ELSE failing_since END
    WHERE workspace_id = $1 AND id = $2
    """,
)
_DELETE = Statement(
    "webhooks.delete_endpoint",
    "Delete an endpoint.",
    """
    UPDATE webhook_endpoints SET deleted_at = $3, is_enabled = false, headers = NULL
    WHERE workspace_id = $1 AND id = $2
    """,
)


# Fields that decide which data goes where. Headers too: at a shared receiver, a key in one identifies the
# recipient.
_REACHING: Final = frozenset({"url", "events", "fields", "headers"})
_OWNING: Final = frozenset({"url"})


@dataclass(frozen=True, slots=True)
class CreatedEndpoint:
    """An endpoint and its new secret, which is shown only this once."""

    endpoint: Endpoint
    secret: str


async def create(tx: Transaction, workspace: Workspace, new: NewEndpoint, by: Actor) -> CreatedEndpoint:
    """Create an endpoint that receives the events that follow. Raises TooManyEndpoints.

    `by` must be allowed to read debts: the endpoint is sent data on that right.
    """
    if await queries.count(tx, workspace.id) >= ENDPOINTS_MAX:
        raise TooManyEndpoints(
            message(
                "A workspace may have at most {most} webhooks. Delete one first.",
                most=ENDPOINTS_MAX,
            )
        )
    secret, identifier = signing.new_secret(), ids.new()
    endpoint = Endpoint(
        id=identifier,
        url=new.url,
        events=list(new.events),
        description=new.description,
        is_enabled=new.is_enabled,
        headers=new.headers,
        fields=None if new.fields is None else list(new.fields),
        retry_seconds=list(new.retry_seconds),
        concurrency=new.concurrency,
        rate_per_second=new.rate_per_second,
        secret=workspace.vault.seal(secret.encode(), secret_context(workspace.id, identifier)),
        next_secret=None,
        rotation_ends_at=None,
        cut_over_at=None,
        failing_since=None,
        disabled_at=None if new.is_enabled else clock.wall(),
        disabled_reason=None if new.is_enabled else "asked",
        catching_up_from=None,
        created_at=tx.now,
        updated_at=tx.now,
        created_by_kind=by.kind,
        created_by=by.id,
        owner_kind=by.kind,
        owner=by.id,
        may_read=True,
    )
    tx.defer(_INSERT, *_columns(workspace, endpoint))
    return CreatedEndpoint(endpoint, secret)


def _columns(workspace: Workspace, endpoint: Endpoint) -> tuple[Any, ...]:
    return (
        workspace.id,
        endpoint.id,
        endpoint.url,
        endpoint.events,
        endpoint.description,
        endpoint.is_enabled,
        endpoint.secret,
        endpoint.created_at,
        _seal_headers(workspace, endpoint.id, endpoint.headers),
        endpoint.fields,
        endpoint.retry_seconds,
        endpoint.concurrency,
        endpoint.rate_per_second,
        endpoint.disabled_at,
        endpoint.created_by_kind,
        endpoint.created_by,
    )


def _seal_headers(workspace: Workspace, endpoint_id: UUID, headers: Mapping[str, str]) -> bytes | None:
    if not headers:
        return None
    return workspace.vault.seal(json.write(dict(headers)), headers_context(workspace.id, endpoint_id))


def reaches_further(changes: Mapping[str, Any]) -> bool:
    """Return whether a change sends more data or sends it elsewhere, which needs the right to read debts."""
    return bool(changes.keys() & _REACHING or changes.get("is_enabled"))


async def update(
    tx: Transaction, workspace: Workspace, endpoint_id: UUID, changes: Mapping[str, Any], by: Actor
) -> Endpoint:
    """Change fields of an endpoint and return it; raise NotFound for an unknown id.

    The caller who changes where its data goes, or enables it, becomes its owner: see `reaches_further`.
    `headers` names the headers to set or, with None, to remove. When an endpoint is enabled again,
    `send_missed` decides whether it receives what it missed; the default is yes.
    """
    has_new_owner = not changes.keys().isdisjoint(_OWNING) or bool(changes.get("is_enabled"))
    changes = dict(changes)
    is_enabled, sends_missed = changes.pop("is_enabled", None), changes.pop("send_missed", True)
    if is_enabled is not None:
        await disabling.lock_stream(tx, workspace.id)
    before = await queries.lock(tx, workspace, endpoint_id)
    if "headers" in changes:
        changes["headers"] = extra_headers.merge_headers(before.headers, changes["headers"])
    after = replace(before, **changes, updated_at=tx.now)
    await _write(tx, workspace, after, is_elsewhere=after.url != before.url)
    access.record_use(tx, workspace.id, endpoint_id, by)
    if has_new_owner:
        await rights.take_over(tx, workspace.id, endpoint_id, by)
    if is_enabled:
        await disabling.enable(tx, workspace.id, endpoint_id, send_missed=sends_missed)
    elif is_enabled is False:
        await disabling.disable(tx, workspace.id, endpoint_id, "asked")
    if after.url != before.url:
        due.note_deliveries(tx, workspace.id, clock.wall())
    return await queries.lock(tx, workspace, endpoint_id)


async def _write(tx: Transaction, workspace: Workspace, after: Endpoint, *, is_elsewhere: bool) -> None:
    await tx.execute(
        _UPDATE,
        workspace.id,
        after.id,
        after.url,
        after.events,
        after.description,
        after.updated_at,
        _seal_headers(workspace, after.id, after.headers),
        after.fields,
        after.retry_seconds,
        after.concurrency,
        after.rate_per_second,
        is_elsewhere,
    )


async def delete(tx: Transaction, workspace: Workspace, endpoint_id: UUID) -> Endpoint:
    """Delete an endpoint, cancel its pending deliveries and return it as it was; raise NotFound."""
    await disabling.lock_stream(tx, workspace.id)
    endpoint = await queries.lock(tx, workspace, endpoint_id)
    await tx.execute(_DELETE, workspace.id, endpoint_id, tx.now)
    todos.withdraw(tx, workspace.id, rights.TODO, endpoint_id)
    await disabling.cancel(tx, workspace.id, endpoint_id)
    return endpoint
