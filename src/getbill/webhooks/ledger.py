"""The ledger of deliveries: what is owed to whom, who has it in hand, and what every attempt came to.

A lane is one debt's events to one endpoint: only its first pending delivery may be claimed, so that nothing starts
out of order. A claim is a lease in wall time; when it runs out the delivery is owed again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from getbill import events
from getbill.kit import clock
from getbill.kit.db import Database, Statement
from getbill.webhooks.actions import WAKE
from getbill.webhooks.model import FAILURES_UNTIL_DOWN, Claimed, Outcome, Verdict, asked_to_wait

_OWE = Statement(
    "webhooks.owe",
    "For each event on stretches of the streams, what is owed to each endpoint that asked for it.",
    """
    INSERT INTO webhook_deliveries (workspace_id, endpoint_id, event_id, debt_id, position, state, next_try_at,
        created_at)
    SELECT e.workspace_id, w.id, e.id, e.debt_id, e.position, 'pending', $4, $4
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS stretch (workspace_id, after, until)
    JOIN events e ON e.workspace_id = stretch.workspace_id AND e.position > stretch.after
        AND e.position <= stretch.until
    JOIN webhook_endpoints w ON w.workspace_id = e.workspace_id AND w.is_enabled AND w.deleted_at IS NULL
        AND e.position > w.from_position AND e.kind = ANY (w.events)
    ON CONFLICT (workspace_id, endpoint_id, event_id) DO NOTHING
    """,
)
_CLAIM = Statement(
    "webhooks.claim",
    "Take deliveries that are due, the first of their lanes, a few of each endpoint, for the time of a lease.",
    # `busy` hops over the index from endpoint to endpoint, however many deliveries each has waiting.
    """
    WITH RECURSIVE busy AS (
        (SELECT workspace_id, endpoint_id FROM webhook_deliveries WHERE state = 'pending'
         ORDER BY workspace_id, endpoint_id LIMIT 1)
        UNION ALL
        SELECT next.workspace_id, next.endpoint_id FROM busy CROSS JOIN LATERAL (
            SELECT d.workspace_id, d.endpoint_id FROM webhook_deliveries d
            WHERE d.state = 'pending' AND (d.workspace_id, d.endpoint_id) > (busy.workspace_id, busy.endpoint_id)
            ORDER BY d.workspace_id, d.endpoint_id LIMIT 1
        ) AS next
    ), open AS (
        SELECT w.workspace_id, w.id, w.url, w.secret, w.failures,
            least(coalesce(mine.room, $5), CASE WHEN w.failures >= $6 THEN 1 ELSE 1000 END) AS room
        FROM busy
        JOIN webhook_endpoints w ON w.workspace_id = busy.workspace_id AND w.id = busy.endpoint_id
        LEFT JOIN unnest($3::uuid[], $4::int[]) AS mine (endpoint_id, room) ON mine.endpoint_id = w.id
        WHERE w.is_enabled AND w.deleted_at IS NULL AND (w.down_until IS NULL OR w.down_until <= $1)
    ), due AS (
        SELECT open.*, first.event_id, row_number() OVER (
            PARTITION BY open.id ORDER BY first.next_try_at, first.position) AS turn
        FROM open CROSS JOIN LATERAL (
            SELECT d.event_id, d.next_try_at, d.position FROM webhook_deliveries d
            WHERE d.workspace_id = open.workspace_id AND d.endpoint_id = open.id AND d.state = 'pending'
                AND d.next_try_at <= $1 AND (d.lease_until IS NULL OR d.lease_until <= $1)
                AND d.position = (
                    SELECT lane.position FROM webhook_deliveries lane
                    WHERE lane.workspace_id = d.workspace_id AND lane.endpoint_id = d.endpoint_id
                        AND lane.debt_id = d.debt_id AND lane.state = 'pending'
                    ORDER BY lane.position LIMIT 1)
            ORDER BY d.next_try_at, d.position LIMIT open.room FOR UPDATE SKIP LOCKED
        ) AS first
    ), taken AS (
        UPDATE webhook_deliveries d SET lease_until = $2
        FROM (SELECT * FROM due ORDER BY turn LIMIT $7) AS due
        WHERE d.workspace_id = due.workspace_id AND d.endpoint_id = due.id AND d.event_id = due.event_id
        RETURNING d.workspace_id, d.endpoint_id, d.event_id, d.debt_id, d.position, d.attempts, d.lease_until,
            due.url, due.secret, due.failures
    )
    SELECT taken.*, s.kind = 'live' AS is_live, e.kind, e.sequence, e.occurred_at, e.data, k.wrapped
    FROM taken
    JOIN workspaces s ON s.workspace_id = taken.workspace_id
    JOIN events e ON e.workspace_id = taken.workspace_id AND e.id = taken.event_id
    LEFT JOIN vault_keys k ON k.workspace_id = taken.workspace_id AND k.subject_id = taken.debt_id
    """,
)
_RELEASE = Statement(
    "webhooks.release",
    "Give claimed deliveries back untried.",
    """
    UPDATE webhook_deliveries d SET lease_until = NULL
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS back (workspace_id, endpoint_id, event_id)
    WHERE d.workspace_id = back.workspace_id AND d.endpoint_id = back.endpoint_id AND d.event_id = back.event_id
    """,
)
_SETTLE = Statement(
    "webhooks.settle",
    "Log attempts and note what becomes of their deliveries.",
    # Not `state = 'pending'`: in a backlog that would tempt the planner to read all of it for these few.
    """
    WITH tried AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[],
            $7::int[], $8::int[], $9::text[], $10::bytea[])
        AS t (workspace_id, endpoint_id, event_id, state, next_try_at, started_at, duration_ms, status, error,
            response)
    ), settled AS (
        UPDATE webhook_deliveries d SET state = t.state, attempts = d.attempts + 1, lease_until = NULL,
            next_try_at = t.next_try_at, settled_at = CASE WHEN t.state <> 'pending' THEN $11::timestamptz END
        FROM tried t
        WHERE d.workspace_id = t.workspace_id AND d.endpoint_id = t.endpoint_id AND d.event_id = t.event_id
            AND d.settled_at IS NULL
        RETURNING d.workspace_id, d.endpoint_id, d.event_id, d.attempts
    )
    INSERT INTO webhook_attempts (workspace_id, endpoint_id, event_id, attempt, started_at, duration_ms, status,
        error, response)
    SELECT s.workspace_id, s.endpoint_id, s.event_id, s.attempts, t.started_at, t.duration_ms, t.status, t.error,
        t.response
    FROM settled s JOIN tried t ON t.workspace_id = s.workspace_id AND t.endpoint_id = s.endpoint_id
        AND t.event_id = s.event_id
    """,
)
_HOLD_LANES = Statement(
    "webhooks.hold_lanes",
    "What waits behind a delivery that is tried again later is not looked at before.",
    """
    UPDATE webhook_deliveries d SET next_try_at = head.next_try_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[])
        AS head (workspace_id, endpoint_id, debt_id, position, next_try_at)
    CROSS JOIN LATERAL (
        SELECT lane.event_id FROM webhook_deliveries lane
        WHERE lane.workspace_id = head.workspace_id AND lane.endpoint_id = head.endpoint_id
            AND lane.debt_id = head.debt_id AND lane.state = 'pending' AND lane.position > head.position
            AND lane.next_try_at < head.next_try_at
        OFFSET 0
    ) AS behind
    WHERE d.workspace_id = head.workspace_id AND d.endpoint_id = head.endpoint_id AND d.event_id = behind.event_id
    """,
)
_NOTE_HEALTH = Statement(
    "webhooks.note_health",
    "Note how endpoints do: up again, failing, down for now, or gone.",
    """
    UPDATE webhook_endpoints w SET
        failures = CASE WHEN h.is_up THEN 0 ELSE w.failures + h.failed END,
        failing_since = CASE WHEN h.is_up THEN NULL ELSE coalesce(w.failing_since, $7) END,
        down_until = CASE WHEN h.wait_until > $7 THEN h.wait_until
            WHEN NOT h.is_up AND w.failures + h.failed >= $8 THEN $9::timestamptz END,
        is_enabled = w.is_enabled AND NOT h.is_gone
    FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[], $5::timestamptz[], $6::boolean[])
        AS h (workspace_id, id, is_up, failed, wait_until, is_gone)
    WHERE w.workspace_id = h.workspace_id AND w.id = h.id
    """,
)

_STRETCH_EVENTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt that was made: the delivery, what came of it, what becomes of it, and the sealed response."""

    claimed: Claimed
    outcome: Outcome
    verdict: Verdict
    response: bytes | None


async def owe(database: Database, batch: int = _STRETCH_EVENTS) -> int:
    """Write down what is owed to whom for events newly in the streams; return how many stretches were read.

    At most `batch` events of each stream; call it again until it returns 0.
    """
    now = clock.wall()
    async with database.transaction(now) as tx:
        stretches = await events.take_unreacted(tx, batch)
        if stretches:
            workspaces = [stretch.workspace_id for stretch in stretches]
            after = [stretch.after for stretch in stretches]
            until = [stretch.until for stretch in stretches]
            await tx.execute(_OWE, workspaces, after, until, now)
            tx.wakes.add(WAKE)
    return len(stretches)


async def claim(
    database: Database, lease_seconds: float, rooms: dict[UUID, int], room: int, most: int
) -> list[Claimed]:
    """Claim up to `most` deliveries: of each endpoint as many as `rooms` says, or `room` where it says nothing."""
    now = clock.wall()
    rows = await database.fetch(
        _CLAIM,
        now,
        now + timedelta(seconds=lease_seconds),
        list(rooms),
        list(rooms.values()),
        room,
        FAILURES_UNTIL_DOWN,
        most,
    )
    return [Claimed(**dict(row)) for row in rows]


async def release(database: Database, claimed: Sequence[Claimed]) -> None:
    """Give deliveries back that were claimed and not tried."""
    columns = zip(*((one.workspace_id, one.endpoint_id, one.event_id) for one in claimed), strict=True)
    await database.execute(_RELEASE, *columns)


async def settle(database: Database, tried: Sequence[Tried], probe_seconds: float) -> None:
    """Log attempts and note what becomes of deliveries, lanes and endpoints, in one transaction."""
    now = clock.wall()
    health = list(_health(tried))
    held = [one for one in tried if one.verdict.state == "pending"]
    if not health:
        await database.execute(_SETTLE, *_columns(tried), now)
        return
    async with database.transaction(now) as tx:
        # Endpoints first, as everybody locks them, and in one order.
        probe_at = now + timedelta(seconds=probe_seconds)
        await tx.execute(_NOTE_HEALTH, *zip(*health, strict=True), now, FAILURES_UNTIL_DOWN, probe_at)
        await tx.execute(_SETTLE, *_columns(tried), now)
        if held:
            await tx.execute(_HOLD_LANES, *zip(*(_lane(one) for one in held), strict=True))


def _columns(tried: Sequence[Tried]) -> Iterable[tuple[Any, ...]]:
    return zip(
        *(
            (
                one.claimed.workspace_id,
                one.claimed.endpoint_id,
                one.claimed.event_id,
                one.verdict.state,
                one.verdict.next_try_at,
                one.outcome.started_at,
                one.outcome.duration_ms,
                one.outcome.status,
                one.outcome.error,
                one.response,
            )
            for one in tried
        ),
        strict=True,
    )


def _lane(one: Tried) -> tuple[UUID, UUID, UUID, int, datetime]:
    claimed = one.claimed
    return (
        claimed.workspace_id,
        claimed.endpoint_id,
        claimed.debt_id,
        claimed.position,
        one.verdict.next_try_at,
    )


def _health(tried: Sequence[Tried]) -> Iterable[tuple[UUID, UUID, bool, int, datetime, bool]]:
    """Yield what changed about endpoints; nothing for one that was up and is."""
    by_endpoint: dict[tuple[UUID, UUID], list[Tried]] = {}
    for one in tried:
        by_endpoint.setdefault((one.claimed.workspace_id, one.claimed.endpoint_id), []).append(one)
    for (workspace_id, endpoint_id), ones in sorted(by_endpoint.items()):
        failed = sum(not one.outcome.is_delivered for one in ones)
        if not failed and not any(one.claimed.failures for one in ones):
            continue
        asked = max(ones, key=lambda one: asked_to_wait(one.outcome))
        wait_until = asked.outcome.started_at + timedelta(seconds=asked_to_wait(asked.outcome))
        is_gone = any(one.outcome.is_gone for one in ones)
        yield workspace_id, endpoint_id, failed < len(ones), failed, wait_until, is_gone
