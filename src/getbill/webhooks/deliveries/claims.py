"""Claims of deliveries inside one workspace, and their leases.

A lane is the deliveries of one debt to one endpoint. Only the first of a lane can be claimed, and only while
nothing else of the lane is leased, so nothing starts out of order. Claims in a workspace are serialised, so
each sees every lease.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.kit import clock, work
from getbill.kit.database import Database, Statement, Transaction
from getbill.webhooks import due, rights
from getbill.webhooks.deliveries import rates
from getbill.webhooks.model import ClaimedDelivery, Target
from getbill.webhooks.rights import MAY_READ

# While a delivery is leased, it is due at the end of its lease.
LEASE: Final = work.Lease(
    table="webhook_deliveries",
    key={"id": "uuid"},
    is_waiting="true",
    is_held="t.lease_until IS NOT NULL",
    on_claim="next_try_at = $3",
    on_renew="next_try_at = $2",
    on_release="next_try_at = t.created_at",
)
_LOCK = Statement(
    "webhooks.lock_claims",
    "Lock the claims in a workspace, alone, so that the next statement sees what the last holder wrote.",
    # A holder that hangs with its transaction open must not keep the dispatcher from all other workspaces.
    "SELECT pg_advisory_xact_lock($1) FROM set_config('lock_timeout', '500ms', true)",
)
_SHARE_LOCK = Statement(
    "webhooks.share_claims_lock",
    "Keep claims in a workspace out until the transaction ends.",
    "SELECT pg_advisory_xact_lock_shared($1)",
)
_READY = Statement(
    "webhooks.list_ready",
    "Endpoints of a workspace with due deliveries, each with the number of deliveries under way.",
    f"""
    SELECT w.workspace_id, w.id, s.kind = 'live' AS is_live, w.url, w.secret, w.next_secret, w.cut_over_at,
        w.rotation_ends_at, w.headers, w.retry_seconds, w.concurrency, w.rate_per_second, w.failures,
        {MAY_READ} AS may_read, hand.deliveries AS in_hand, r.free_at
    FROM webhook_endpoints w
    JOIN workspaces s ON s.workspace_id = w.workspace_id
    LEFT JOIN webhook_rates r ON r.workspace_id = w.workspace_id AND r.endpoint_id = w.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS deliveries FROM webhook_deliveries d
        WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.lease_until > $2
    ) AS hand
    WHERE w.workspace_id = $1 AND w.is_enabled AND w.deleted_at IS NULL AND (w.down_until IS NULL OR w.down_until <= $2)
        AND EXISTS (SELECT FROM webhook_deliveries d
            WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.next_try_at <= $2)
    """,
)
_CLAIM = Statement(
    "webhooks.claim_deliveries",
    "Claim due deliveries of a workspace that are first of their lanes, up to the capacity of each endpoint.",
    # A due delivery that is not the first of its lane is parked, so that the next claim looks at others.
    """
    WITH looked AS (
        SELECT d.*, asked.room FROM unnest($2::uuid[], $3::int[]) AS asked (endpoint_id, room)
        CROSS JOIN LATERAL (
            SELECT d.id, d.endpoint_id, d.debt_id, d.position, d.next_try_at
            FROM webhook_deliveries d
            WHERE d.workspace_id = $1 AND d.endpoint_id = asked.endpoint_id AND d.next_try_at <= $4
            ORDER BY d.next_try_at, d.position LIMIT asked.room * 2 + 50 FOR UPDATE SKIP LOCKED
        ) AS d
    ), judged AS (
        SELECT looked.*, head.next_try_at AS head_at, head.id = looked.id AND NOT EXISTS (
            SELECT FROM webhook_deliveries hand
            WHERE hand.workspace_id = $1 AND hand.endpoint_id = looked.endpoint_id
                AND hand.debt_id = looked.debt_id AND hand.lease_until > $4) AS is_next
        FROM looked CROSS JOIN LATERAL (
            SELECT lane.id, lane.next_try_at FROM webhook_deliveries lane
            WHERE lane.workspace_id = $1 AND lane.endpoint_id = looked.endpoint_id
                AND lane.debt_id = looked.debt_id
            ORDER BY lane.position, lane.id LIMIT 1
        ) AS head
    ), parked AS (
        UPDATE webhook_deliveries d SET next_try_at = greatest(judged.head_at, $6) FROM judged
        WHERE d.workspace_id = $1 AND d.id = judged.id AND NOT judged.is_next
        RETURNING 1
    ), turns AS (
        SELECT judged.*, row_number() OVER (PARTITION BY endpoint_id ORDER BY next_try_at, position) AS turn
        FROM judged WHERE is_next
    ), chosen AS (
        SELECT id FROM turns WHERE turn <= room ORDER BY turn LIMIT $7
    ), taken AS (
        UPDATE webhook_deliveries d SET fence = d.fence + 1, lease_until = $5, next_try_at = $5,
            crashes = least(d.crashes + (d.lease_until IS NOT NULL)::integer, 32767)
        FROM chosen WHERE d.workspace_id = $1 AND d.id = chosen.id
        RETURNING d.*
    )
    SELECT aside.deliveries AS parked, taken.endpoint_id, taken.id, taken.event_id, taken.debt_id, taken.kind,
        taken.sequence, taken.previous_sequence, taken.fields, taken.is_replay, taken.attempts, taken.fence,
        taken.lease_until, e.occurred_at, e.data, k.wrapped
    FROM (SELECT count(*) AS deliveries FROM parked) AS aside
    LEFT JOIN taken ON true
    LEFT JOIN events e ON e.workspace_id = $1 AND e.id = taken.event_id
    LEFT JOIN vault_keys k ON k.workspace_id = $1 AND k.subject_id = taken.debt_id
    """,
)
_RENEW = LEASE.renewal_statement("webhooks.renew_leases", "Renew the leases of deliveries under way.")
_RELEASE = LEASE.release_statement(
    "webhooks.release_claims", "Release claimed deliveries that were not attempted and not claimed since."
)
# Upper limit of parking: settling the delivery ahead frees the lane earlier.
_PARKED: Final = timedelta(seconds=30)

# Returns how many more deliveries of an endpoint to claim, given the number of all dispatchers' leases.
Capacity = Callable[[Target, int], int]


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """The limits of a claim: in total, in time, and per endpoint."""

    limit: int
    lease_seconds: float
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class Claims:
    """Claimed deliveries of a workspace, and whether to claim again at once even if none was returned."""

    deliveries: list[ClaimedDelivery]
    is_more: bool
    # Whether an endpoint's rate limit held back a delivery that is due within a second.
    is_slowed: bool = False
    # Whether no endpoint with a due delivery may be sent more at the moment.
    is_full: bool = False


async def lock_claims(tx: Transaction, workspace_id: UUID) -> None:
    """Let no other transaction claim or settle deliveries in a workspace until this one ends.

    Raises asyncpg.LockNotAvailableError if another one does so for longer than a moment.
    """
    await tx.execute(_LOCK, _lock_key(workspace_id))


async def keep_claims_out(tx: Transaction, workspace_id: UUID) -> None:
    """Let no transaction claim deliveries in a workspace until this one ends; several may do so at a time."""
    await tx.execute(_SHARE_LOCK, _lock_key(workspace_id))


@lru_cache(maxsize=4096)
def _lock_key(workspace_id: UUID) -> int:
    digest = hashlib.sha256(b"claims of deliveries" + workspace_id.bytes).digest()
    return int.from_bytes(digest[:8], signed=True)


async def claim(database: Database, workspace_id: UUID, request: ClaimRequest) -> Claims:
    """Claim due deliveries of a workspace, each the first of its lane.

    A workspace without a due delivery is postponed to its next.
    """
    now = clock.wall()
    async with database.transaction(now) as tx:
        await lock_claims(tx, workspace_id)
        rows = await tx.fetch(_READY, workspace_id, now)
        if not rows:
            await due.postpone_deliveries(tx, workspace_id, now)
            return Claims([], is_more=False)
        targets = {row["id"]: _target(row) for row in rows}
        allowances = {row["id"]: rates.allowance(row, now) for row in rows}
        rooms = {
            row["id"]: min(request.capacity(targets[row["id"]], row["in_hand"]), allowances[row["id"]])
            for row in rows
        }
        endpoint_ids = [endpoint_id for endpoint_id, room in rooms.items() if room > 0]
        is_slowed = any(limit <= 0 for limit in allowances.values())
        if not endpoint_ids:
            return Claims([], is_more=False, is_slowed=is_slowed, is_full=True)
        claimed_rows = await tx.fetch(
            _CLAIM,
            workspace_id,
            endpoint_ids,
            [rooms[endpoint_id] for endpoint_id in endpoint_ids],
            now,
            now + timedelta(seconds=request.lease_seconds),
            now + _PARKED,
            request.limit,
        )
        parked = claimed_rows[0]["parked"]
        deliveries = [_claimed_delivery(row, targets) for row in claimed_rows if row["id"] is not None]
        is_slowed |= await rates.spend(tx, workspace_id, rows, deliveries, now)
        if deliveries and not parked and _is_drained(rooms, deliveries, request.limit):
            # In the same commit: there is hardly ever more until a lease ends.
            await due.postpone_deliveries(tx, workspace_id, now)
        # The decision is requested before any delivery is sent without its data.
        for endpoint_id in {delivery.target.id for delivery in deliveries if delivery.is_withheld}:
            await rights.request_decision(tx, workspace_id, endpoint_id)
    return Claims(deliveries, bool(parked or deliveries), is_slowed)


def _is_drained(rooms: dict[UUID, int], deliveries: Sequence[ClaimedDelivery], limit: int) -> bool:
    """Return whether each endpoint had room for more than it had due."""
    counts = Counter(delivery.target.id for delivery in deliveries)
    return len(deliveries) < limit and all(counts[endpoint_id] < room for endpoint_id, room in rooms.items())


def _target(row: Record) -> Target:
    values = {name: row[name] for name in Target.__slots__}
    return Target(**values | {"retry_seconds": tuple(row["retry_seconds"])})


def _claimed_delivery(row: Record, targets: dict[UUID, Target]) -> ClaimedDelivery:
    values = row.items()
    next(values)
    _, endpoint_id = next(values)
    return ClaimedDelivery(targets[endpoint_id], *(value for _, value in values))


async def renew(
    database: Database, workspace_id: UUID, deliveries: Sequence[ClaimedDelivery], lease_seconds: float
) -> tuple[set[UUID], datetime]:
    """Renew leases in a workspace; return the deliveries that were still leased, and the new end."""
    until = clock.wall() + timedelta(seconds=lease_seconds)
    rows = await database.fetch(_RENEW, workspace_id, until, *_lease_arrays(deliveries))
    return {row["id"] for row in rows}, until


async def release(database: Database, workspace_id: UUID, unsent: Sequence[ClaimedDelivery]) -> None:
    """Release deliveries of a workspace that were claimed and not attempted."""
    now = clock.wall()
    async with database.transaction(now) as tx:
        await tx.execute(_RELEASE, workspace_id, *_lease_arrays(unsent))
        due.note_deliveries(tx, workspace_id, now)


def _lease_arrays(deliveries: Sequence[ClaimedDelivery]) -> list[list[object]]:
    return work.claim_arrays((delivery.id, delivery.fence) for delivery in deliveries)
