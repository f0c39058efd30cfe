"""The ledger of deliveries: leases and the result of every attempt.

A lane is the deliveries of one debt to one endpoint. Only the first of a lane can be claimed, and only while
nothing else of the lane is leased, so nothing starts out of order. A claim is a lease in wall time; when it
expires the delivery is pending again. Claims are serialised, so each sees every lease.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill.kit import clock, failpoints
from getbill.kit.database import PARTITION_MISSING, RETENTION_DAYS, DailyPartitions, Database, Statement
from getbill.webhooks import rights
from getbill.webhooks.deliveries import rates
from getbill.webhooks.model import (
    FAILURES_UNTIL_DOWN,
    AttemptOutcome,
    ClaimedDelivery,
    DeliveryState,
    DeliveryVerdict,
    Target,
    requested_wait_seconds,
    transition,
)
from getbill.webhooks.rights import MAY_READ

_LOCK_CLAIMS = Statement(
    "webhooks.lock_claims",
    "Lock the claims, alone, so that the next statement sees what the last holder wrote.",
    "SELECT pg_advisory_xact_lock(hashtextextended('getbill:couriers', 0))",
)
_READY = Statement(
    "webhooks.list_ready",
    "Endpoints with pending deliveries that can be sent now, each with the number of deliveries under way.",
    # `busy` skips through the index from endpoint to endpoint, however many deliveries each has waiting.
    f"""
    WITH RECURSIVE busy AS (
        (SELECT workspace_id, endpoint_id FROM webhook_deliveries ORDER BY workspace_id, endpoint_id LIMIT 1)
        UNION ALL
        SELECT next.workspace_id, next.endpoint_id FROM busy CROSS JOIN LATERAL (
            SELECT d.workspace_id, d.endpoint_id FROM webhook_deliveries d
            WHERE (d.workspace_id, d.endpoint_id) > (busy.workspace_id, busy.endpoint_id)
            ORDER BY d.workspace_id, d.endpoint_id LIMIT 1
        ) AS next
    )
    SELECT w.workspace_id, w.id, s.kind = 'live' AS is_live, w.url, w.secret, w.next_secret, w.cut_over_at,
        w.rotation_ends_at, w.headers, w.retry_seconds, w.concurrency, w.rate_per_second, w.failures,
        {MAY_READ} AS may_read, hand.deliveries AS in_hand, r.free_at
    FROM busy
    JOIN webhook_endpoints w ON w.workspace_id = busy.workspace_id AND w.id = busy.endpoint_id
    JOIN workspaces s ON s.workspace_id = w.workspace_id
    LEFT JOIN webhook_rates r ON r.workspace_id = w.workspace_id AND r.endpoint_id = w.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS deliveries FROM webhook_deliveries d
        WHERE d.workspace_id = w.workspace_id AND d.endpoint_id = w.id AND d.lease_until > $1
    ) AS hand
    WHERE w.is_enabled AND w.deleted_at IS NULL AND (w.down_until IS NULL OR w.down_until <= $1)
    """,
)
_CLAIM = Statement(
    "webhooks.claim_deliveries",
    "Claim due deliveries that are first of their lanes, up to the capacity of each endpoint.",
    # A due delivery that is not the first of its lane is parked, so that the next claim looks at others.
    """
    WITH looked AS (
        SELECT d.*, asked.room FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS asked (workspace_id, endpoint_id, room)
        CROSS JOIN LATERAL (
            SELECT d.workspace_id, d.id, d.endpoint_id, d.debt_id, d.position, d.next_try_at
            FROM webhook_deliveries d
            WHERE d.workspace_id = asked.workspace_id AND d.endpoint_id = asked.endpoint_id AND d.next_try_at <= $4
            ORDER BY d.next_try_at, d.position LIMIT asked.room * 2 + 50 FOR UPDATE SKIP LOCKED
        ) AS d
    ), judged AS (
        SELECT looked.*, head.next_try_at AS head_at, head.id = looked.id AND NOT EXISTS (
            SELECT FROM webhook_deliveries hand
            WHERE hand.workspace_id = looked.workspace_id AND hand.endpoint_id = looked.endpoint_id
                AND hand.debt_id = looked.debt_id AND hand.lease_until > $4) AS is_next
        FROM looked CROSS JOIN LATERAL (
            SELECT lane.id, lane.next_try_at FROM webhook_deliveries lane
            WHERE lane.workspace_id = looked.workspace_id AND lane.endpoint_id = looked.endpoint_id
                AND lane.debt_id = looked.debt_id
            ORDER BY lane.position, lane.id LIMIT 1
        ) AS head
    ), parked AS (
        UPDATE webhook_deliveries d SET next_try_at = greatest(judged.head_at, $6) FROM judged
        WHERE d.workspace_id = judged.workspace_id AND d.id = judged.id AND NOT judged.is_next
        RETURNING 1
    ), turns AS (
        SELECT judged.*, row_number() OVER (PARTITION BY endpoint_id ORDER BY next_try_at, position) AS turn
        FROM judged WHERE is_next
    ), chosen AS (
        SELECT workspace_id, id FROM turns WHERE turn <= room ORDER BY turn LIMIT $7
    ), taken AS (
        UPDATE webhook_deliveries d SET lease_until = $5, next_try_at = $5 FROM chosen
        WHERE d.workspace_id = chosen.workspace_id AND d.id = chosen.id
        RETURNING d.*
    )
    SELECT aside.deliveries AS parked, taken.endpoint_id, taken.id, taken.event_id, taken.debt_id, taken.kind,
        taken.sequence, taken.previous_sequence, taken.fields, taken.is_replay, taken.attempts, taken.lease_until,
        e.occurred_at, e.data, k.wrapped
    FROM (SELECT count(*) AS deliveries FROM parked) AS aside
    LEFT JOIN taken ON true
    LEFT JOIN events e ON e.workspace_id = taken.workspace_id AND e.id = taken.event_id
    LEFT JOIN vault_keys k ON k.workspace_id = taken.workspace_id AND k.subject_id = taken.debt_id
    """,
)
_RENEW = Statement(
    "webhooks.renew_leases",
    "Renew the leases of deliveries under way.",
    """
    UPDATE webhook_deliveries d SET lease_until = $3, next_try_at = $3
    FROM unnest($1::uuid[], $2::uuid[]) AS kept (workspace_id, id)
    WHERE d.workspace_id = kept.workspace_id AND d.id = kept.id AND d.lease_until > $4
    RETURNING d.id
    """,
)
_RELEASE = Statement(
    "webhooks.release_claims",
    "Release claimed deliveries that were not attempted and not claimed since.",
    """
    UPDATE webhook_deliveries d SET lease_until = NULL, next_try_at = $4
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS back (workspace_id, id, lease_until)
    WHERE d.workspace_id = back.workspace_id AND d.id = back.id AND d.lease_until = back.lease_until
    """,
)
_SETTLE = Statement(
    "webhooks.settle_attempts",
    "Log attempts, move settled deliveries to the log, make the next of their lanes due, retry the others.",
    # One statement: a process killed between two would leave a lane waiting. Idempotent: the reply to an
    # earlier run may have been lost. Only keys stand in its conditions: without statistics, anything more
    # leads the planner to read the whole backlog. Never during a claim, which would park the next of the lane
    # behind a delivery that is just being settled.
    """
    WITH tried AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[],
            $7::timestamptz[], $8::int[], $9::int[], $10::text[], $11::bytea[], $12::text[], $13::timestamptz[],
            $14::boolean[])
        AS t (workspace_id, delivery_id, attempt, endpoint_id, kind, url, started_at, duration_ms, status, error,
            response, state, next_try_at, is_withheld)
    ), turn AS MATERIALIZED (
        SELECT pg_advisory_xact_lock_shared(hashtextextended('getbill:couriers', 0))
    ), done AS (
        DELETE FROM webhook_deliveries d USING tried t, turn
        WHERE d.workspace_id = t.workspace_id AND d.id = t.delivery_id AND t.state <> 'pending'
        RETURNING d.*, t.state
    ), again AS (
        UPDATE webhook_deliveries d SET attempts = d.attempts + 1, lease_until = NULL, next_try_at = t.next_try_at
        FROM tried t
        WHERE d.workspace_id = t.workspace_id AND d.id = t.delivery_id AND t.state = 'pending'
            AND d.attempts = t.attempt - 1
    ), freed AS (
        UPDATE webhook_deliveries d SET next_try_at = CASE
            WHEN d.attempts = 0 AND d.lease_until IS NULL THEN least(d.next_try_at, $15) ELSE d.next_try_at END
        FROM done CROSS JOIN LATERAL (
            SELECT lane.id FROM webhook_deliveries lane
            WHERE lane.workspace_id = done.workspace_id AND lane.endpoint_id = done.endpoint_id
                AND lane.debt_id = done.debt_id AND lane.id <> done.id
            ORDER BY lane.position, lane.id LIMIT 1
        ) AS first
        WHERE d.workspace_id = done.workspace_id AND d.id = first.id
    ), logged AS (
        INSERT INTO webhook_log (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
            previous_sequence, fields, is_replay, state, attempts, created_at, settled_at)
        SELECT workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, previous_sequence, fields,
            is_replay, state, attempts + 1, created_at, $15
        FROM done
    )
    INSERT INTO webhook_attempts (workspace_id, delivery_id, attempt, endpoint_id, kind, url, started_at, duration_ms,
        status, error, response, is_withheld)
    SELECT workspace_id, delivery_id, attempt, endpoint_id, kind, url, started_at, duration_ms, status, error, response,
        is_withheld
    FROM tried
    ON CONFLICT DO NOTHING
    """,
)
_NOTE_HEALTH = Statement(
    "webhooks.update_health",
    "Update the health of endpoints: up, failing, or down for now.",
    """
    UPDATE webhook_endpoints w SET
        failures = CASE WHEN h.is_up THEN 0 ELSE w.failures + h.failed END,
        failing_since = CASE WHEN h.is_up THEN NULL ELSE coalesce(w.failing_since, $7) END,
        down_until = CASE WHEN h.wait_until > $7 THEN h.wait_until
            WHEN NOT h.is_up AND w.failures + h.failed >= $8 THEN h.probe_at END
    FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[], $5::timestamptz[], $6::timestamptz[])
        AS h (workspace_id, id, is_up, failed, wait_until, probe_at)
    WHERE w.workspace_id = h.workspace_id AND w.id = h.id
    RETURNING w.workspace_id, w.id, w.failing_since
    """,
)

# While an endpoint is down, one probe delivery goes out this often, or at its first retry interval.
PROBE_SECONDS: Final = 60
# Upper limit of parking: settling the delivery ahead frees the lane earlier.
_PARKED: Final = timedelta(seconds=30)

_LOG = DailyPartitions("webhook_log")
_ATTEMPTS = DailyPartitions("webhook_attempts")

# Returns how many more deliveries of an endpoint to claim, given the number of all dispatchers' leases.
Capacity = Callable[[Target, int], int]


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt: its delivery, outcome, verdict and sealed response."""

    delivery: ClaimedDelivery
    outcome: AttemptOutcome
    verdict: DeliveryVerdict
    response: bytes | None


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """The limits of a claim: in total, in time, and per endpoint."""

    limit: int
    lease_seconds: float
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class Claims:
    """Claimed deliveries, and whether to claim again at once even if none was returned."""

    deliveries: list[ClaimedDelivery]
    is_more: bool
    # Whether an endpoint's rate limit held back a delivery that is due within a second.
    is_slowed: bool = False


async def claim(database: Database, request: ClaimRequest) -> Claims:
    """Claim due deliveries, each the first of its lane."""
    now = clock.wall()
    async with database.transaction(now) as tx:
        await tx.execute(_LOCK_CLAIMS)
        rows = await tx.fetch(_READY, now)
        targets = {row["id"]: _target(row) for row in rows}
        allowances = {row["id"]: rates.allowance(row, now) for row in rows}
        capacities = {
            row["id"]: min(request.capacity(targets[row["id"]], row["in_hand"]), allowances[row["id"]])
            for row in rows
        }
        available_targets = [target for target in targets.values() if capacities[target.id] > 0]
        is_slowed = any(limit <= 0 for limit in allowances.values())
        if not available_targets:
            return Claims([], is_more=False, is_slowed=is_slowed)
        claimed_rows = await tx.fetch(
            _CLAIM,
            [target.workspace_id for target in available_targets],
            [target.id for target in available_targets],
            [capacities[target.id] for target in available_targets],
            now,
            now + timedelta(seconds=request.lease_seconds),
            now + _PARKED,
            request.limit,
        )
        parked = claimed_rows[0]["parked"]
        deliveries = [_claimed_delivery(row, targets) for row in claimed_rows if row["id"] is not None]
        is_slowed |= await rates.spend(tx, rows, deliveries, now)
        # The decision is requested before any delivery is sent without its data.
        for endpoint_key in {
            (delivery.target.workspace_id, delivery.target.id)
            for delivery in deliveries
            if delivery.is_withheld
        }:
            await rights.request_decision(tx, *endpoint_key)
    return Claims(deliveries, bool(parked or deliveries), is_slowed)


def _target(row: Record) -> Target:
    values = {name: row[name] for name in Target.__slots__}
    return Target(**values | {"retry_seconds": tuple(row["retry_seconds"])})


def _claimed_delivery(row: Record, targets: dict[UUID, Target]) -> ClaimedDelivery:
    values = row.items()
    next(values)
    _, endpoint_id = next(values)
    return ClaimedDelivery(targets[endpoint_id], *(value for _, value in values))


async def renew(
    database: Database, deliveries: Sequence[ClaimedDelivery], lease_seconds: float
) -> tuple[set[UUID], datetime]:
    """Renew leases; return the deliveries that were still leased, and the new end of their leases."""
    now = clock.wall()
    until = now + timedelta(seconds=lease_seconds)
    rows = await database.fetch(_RENEW, *_delivery_keys(deliveries), until, now)
    return {row["id"] for row in rows}, until


async def release(database: Database, unsent: Sequence[tuple[ClaimedDelivery, datetime]]) -> None:
    """Release deliveries that were claimed and not attempted, each with the current end of its lease."""
    keys = _delivery_keys([delivery for delivery, _ in unsent])
    await database.execute(_RELEASE, *keys, [until for _, until in unsent], clock.wall())


def _delivery_keys(deliveries: Sequence[ClaimedDelivery]) -> tuple[list[UUID], list[UUID]]:
    return [delivery.target.workspace_id for delivery in deliveries], [delivery.id for delivery in deliveries]


async def record_attempts(database: Database, attempts: Sequence[DeliveryAttempt]) -> list["FailingEndpoint"]:
    """Log attempts and update deliveries and endpoints; return the endpoints that may have to be disabled."""
    try:
        return await _record_attempts(database, attempts)
    except PARTITION_MISSING:
        await _LOG.create(database, [clock.wall()])
        await _ATTEMPTS.create(database, (attempt.outcome.started_at for attempt in attempts))
        return await _record_attempts(database, attempts)


@dataclass(frozen=True, slots=True)
class FailingEndpoint:
    """An endpoint that may have to be disabled: failing since when, and whether it returned 410 (Gone)."""

    workspace_id: UUID
    id: UUID
    failing_since: datetime | None
    is_gone: bool


async def _record_attempts(database: Database, attempts: Sequence[DeliveryAttempt]) -> list[FailingEndpoint]:
    now = clock.wall()
    columns = [list(column) for column in zip(*map(_attempt_columns, attempts), strict=True)]
    health = list(_endpoint_health(attempts, now))
    if not health:
        await database.execute(_SETTLE, *columns, now)
        return []
    async with database.transaction(now) as tx:
        # Endpoints first and in one order, as in every other transaction that locks them.
        health_rows = await tx.fetch(_NOTE_HEALTH, *zip(*health, strict=True), now, FAILURES_UNTIL_DOWN)
        await tx.execute(_SETTLE, *columns, now)
        failpoints.at("webhooks.settling")
    gone_ids = {entry.delivery.target.id for entry in attempts if entry.outcome.is_gone}
    endpoints = starmap(FailingEndpoint, ((*row.values(), row["id"] in gone_ids) for row in health_rows))
    return [entry for entry in endpoints if entry.is_gone or entry.failing_since is not None]


def _attempt_columns(attempt: DeliveryAttempt) -> tuple[Any, ...]:
    delivery, outcome = attempt.delivery, attempt.outcome
    return (
        delivery.target.workspace_id,
        delivery.id,
        delivery.attempts + 1,
        delivery.target.id,
        delivery.kind,
        delivery.target.url,
        outcome.started_at,
        outcome.duration_ms,
        outcome.status,
        outcome.error,
        attempt.response,
        transition(DeliveryState.PENDING, attempt.verdict.state),
        attempt.verdict.next_try_at,
        delivery.is_withheld,
    )


def _endpoint_health(
    attempts: Sequence[DeliveryAttempt], now: datetime
) -> Iterable[tuple[UUID, UUID, bool, int, datetime, datetime]]:
    """Yield the endpoints whose health changed; an endpoint that was up and still is yields nothing."""
    by_endpoint: dict[tuple[UUID, UUID], list[DeliveryAttempt]] = {}
    for attempt in attempts:
        if attempt.outcome.is_unsent:
            continue
        target = attempt.delivery.target
        by_endpoint.setdefault((target.workspace_id, target.id), []).append(attempt)
    for (workspace_id, endpoint_id), endpoint_attempts in sorted(by_endpoint.items()):
        failed_count = sum(not attempt.outcome.is_delivered for attempt in endpoint_attempts)
        if not failed_count and not any(attempt.delivery.target.failures for attempt in endpoint_attempts):
            continue
        longest_wait = max(endpoint_attempts, key=lambda attempt: requested_wait_seconds(attempt.outcome))
        wait_until = longest_wait.outcome.started_at + timedelta(
            seconds=requested_wait_seconds(longest_wait.outcome)
        )
        first_retry = next(iter(endpoint_attempts[0].delivery.target.retry_seconds), PROBE_SECONDS)
        probe_at = now + timedelta(seconds=min(PROBE_SECONDS, first_retry))
        yield (
            workspace_id,
            endpoint_id,
            failed_count < len(endpoint_attempts),
            failed_count,
            wait_until,
            probe_at,
        )


async def keep_partitions(database: Database, now: datetime, kept_days: int = RETENTION_DAYS) -> None:
    """Create the log's partitions a week ahead and drop those older than the retention period."""
    await _LOG.maintain(database, now, kept_days)
    await _ATTEMPTS.maintain(database, now, kept_days)
