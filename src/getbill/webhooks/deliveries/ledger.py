"""The ledger of deliveries: the result of every attempt, written by the holder of the delivery's lease.

A delivery that is done moves to the log, and the next of its lane is due. One whose lease was lost and that
was claimed anew keeps what its new holder writes; the attempt is logged all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill.kit import clock, failpoints
from getbill.kit.database import (
    PARTITION_MISSING,
    RETENTION_DAYS,
    DailyPartitions,
    Database,
    Statement,
    Transaction,
)
from getbill.webhooks import due
from getbill.webhooks.deliveries import claims
from getbill.webhooks.model import (
    FAILURES_UNTIL_DOWN,
    AttemptOutcome,
    ClaimedDelivery,
    DeliveryState,
    DeliveryVerdict,
    requested_wait_seconds,
    transition,
)

_SETTLE = Statement(
    "webhooks.settle_attempts",
    "Log attempts in a workspace, move settled deliveries to the log, free their lanes, retry the others.",
    # One statement: a process killed between two would leave a lane waiting. Idempotent: the reply to an
    # earlier run may have been lost. Only keys and fences stand in its conditions: without statistics,
    # anything more leads the planner to read the whole backlog. Never during a claim, which would park the
    # next of the lane behind a delivery that is just being settled.
    """
    WITH tried AS (
        SELECT * FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::uuid[], $6::text[], $7::text[],
            $8::timestamptz[], $9::int[], $10::int[], $11::text[], $12::bytea[], $13::text[], $14::timestamptz[],
            $15::boolean[])
        AS t (delivery_id, fence, attempt, endpoint_id, kind, url, started_at, duration_ms, status, error, response,
            state, next_try_at, is_withheld)
    ), done AS (
        DELETE FROM webhook_deliveries d USING tried t
        WHERE d.workspace_id = $1 AND d.id = t.delivery_id AND d.fence = t.fence AND t.state <> 'pending'
        RETURNING d.*, t.state
    ), again AS (
        UPDATE webhook_deliveries d SET attempts = d.attempts + 1, crashes = 0, lease_until = NULL,
            next_try_at = t.next_try_at
        FROM tried t
        WHERE d.workspace_id = $1 AND d.id = t.delivery_id AND d.fence = t.fence AND t.state = 'pending'
            AND d.attempts = t.attempt - 1
        RETURNING d.next_try_at
    ), freed AS (
        UPDATE webhook_deliveries d SET next_try_at = CASE
            WHEN d.attempts = 0 AND d.lease_until IS NULL THEN least(d.next_try_at, $16) ELSE d.next_try_at END
        FROM done CROSS JOIN LATERAL (
            SELECT lane.id FROM webhook_deliveries lane
            WHERE lane.workspace_id = $1 AND lane.endpoint_id = done.endpoint_id
                AND lane.debt_id = done.debt_id AND lane.id <> done.id
            ORDER BY lane.position, lane.id LIMIT 1
        ) AS first
        WHERE d.workspace_id = $1 AND d.id = first.id
        RETURNING d.next_try_at
    ), logged AS (
        INSERT INTO webhook_log (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
            previous_sequence, fields, is_replay, state, attempts, created_at, settled_at)
        SELECT $1, id, endpoint_id, event_id, debt_id, kind, position, sequence, previous_sequence, fields,
            is_replay, state, attempts + 1, created_at, $16
        FROM done
    ), attempted AS (
        INSERT INTO webhook_attempts (workspace_id, delivery_id, attempt, endpoint_id, kind, url, started_at,
            duration_ms, status, error, response, is_withheld)
        SELECT $1, delivery_id, attempt, endpoint_id, kind, url, started_at, duration_ms, status, error, response,
            is_withheld
        FROM tried
        ON CONFLICT DO NOTHING
    )
    SELECT min(planned.next_try_at) FROM (SELECT next_try_at FROM again UNION ALL SELECT next_try_at FROM freed) AS planned
    """,
)
_NOTE_HEALTH = Statement(
    "webhooks.update_health",
    "Update the health of endpoints of a workspace: up, failing, or down for now.",
    """
    UPDATE webhook_endpoints w SET
        failures = CASE WHEN h.is_up THEN 0 ELSE w.failures + h.failed END,
        failing_since = CASE WHEN h.is_up THEN NULL ELSE coalesce(w.failing_since, $7) END,
        down_until = CASE WHEN h.wait_until > $7 THEN h.wait_until
            WHEN NOT h.is_up AND w.failures + h.failed >= $8 THEN h.probe_at END
    FROM unnest($2::uuid[], $3::boolean[], $4::int[], $5::timestamptz[], $6::timestamptz[])
        AS h (id, is_up, failed, wait_until, probe_at)
    WHERE w.workspace_id = $1 AND w.id = h.id
    RETURNING w.workspace_id, w.id, w.failing_since
    """,
)

# While an endpoint is down, one probe delivery goes out this often, or at its first retry interval.
PROBE_SECONDS: Final = 60
_LOG = DailyPartitions("webhook_log")
_ATTEMPTS = DailyPartitions("webhook_attempts")


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt: its delivery, outcome, verdict and sealed response."""

    delivery: ClaimedDelivery
    outcome: AttemptOutcome
    verdict: DeliveryVerdict
    response: bytes | None


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
    """Record all attempts in one transaction, with statements for each workspace, in one order."""
    now = clock.wall()
    by_workspace: dict[UUID, list[DeliveryAttempt]] = {}
    for attempt in attempts:
        by_workspace.setdefault(attempt.delivery.target.workspace_id, []).append(attempt)
    health_rows: list[Record] = []
    async with database.transaction(now) as tx:
        # Endpoints first and in one order, as in every other transaction that locks them.
        for workspace_id, finished in sorted(by_workspace.items()):
            health_rows += await _update_health(tx, workspace_id, finished)
        for workspace_id, finished in sorted(by_workspace.items()):
            await _settle(tx, workspace_id, finished)
        if health_rows:
            failpoints.at("webhooks.settling")
    gone_ids = {entry.delivery.target.id for entry in attempts if entry.outcome.is_gone}
    endpoints = starmap(FailingEndpoint, ((*row.values(), row["id"] in gone_ids) for row in health_rows))
    return [entry for entry in endpoints if entry.is_gone or entry.failing_since is not None]


async def _update_health(
    tx: Transaction, workspace_id: UUID, attempts: Sequence[DeliveryAttempt]
) -> list[Record]:
    now = clock.wall()
    health = list(_endpoint_health(attempts, now))
    if not health:
        return []
    # One that is up again may be sent all that waits for it.
    due.note_deliveries(tx, workspace_id, now)
    return await tx.fetch(_NOTE_HEALTH, workspace_id, *zip(*health, strict=True), now, FAILURES_UNTIL_DOWN)


async def _settle(tx: Transaction, workspace_id: UUID, attempts: Sequence[DeliveryAttempt]) -> None:
    columns = [list(column) for column in zip(*map(_attempt_columns, attempts), strict=True)]
    await claims.keep_claims_out(tx, workspace_id)
    due_at = await tx.fetchval(_SETTLE, workspace_id, *columns, clock.wall())
    if due_at is not None:
        due.note_deliveries(tx, workspace_id, due_at)


def _attempt_columns(attempt: DeliveryAttempt) -> tuple[Any, ...]:
    delivery, outcome = attempt.delivery, attempt.outcome
    return (
        delivery.id,
        delivery.fence,
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
) -> Iterable[tuple[UUID, bool, int, datetime, datetime]]:
    """Yield the endpoints whose health changed; an endpoint that was up and still is yields nothing."""
    by_endpoint: dict[UUID, list[DeliveryAttempt]] = {}
    for attempt in attempts:
        if attempt.outcome.is_unsent:
            continue
        by_endpoint.setdefault(attempt.delivery.target.id, []).append(attempt)
    for endpoint_id, endpoint_attempts in sorted(by_endpoint.items()):
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
