"""Creation, update and erasure of followups, usually in batches."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from uuid import UUID

from getbill import debts, events
from getbill.debts import Debt
from getbill.followups import queries, responses
from getbill.followups.model import CALLS, Followup, seal
from getbill.kit.database import Statement, Transaction

_BEGIN = Statement(
    "followups.insert_followups",
    "Insert followups that are about to be sent; a later attempt takes the row of the first.",
    """
    INSERT INTO followups (workspace_id, id, debt_id, channel, type, status, step, scheduled_at, content,
        direction, is_retry, created_at, updated_at)
    SELECT $1, id, debt_id, channel, type, 'in_progress', step, scheduled_at, content, 'outbound', is_retry, $10, $10
    FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bytea[],
        $9::boolean[]) AS begun (id, debt_id, channel, type, step, scheduled_at, content, is_retry)
    ON CONFLICT (workspace_id, id) DO UPDATE SET status = excluded.status, content = excluded.content,
        is_retry = excluded.is_retry, updated_at = excluded.updated_at
    """,
)
_INSERT_COMPLETED = Statement(
    "followups.insert_completed",
    "Insert a followup that was sent and completed in one transaction.",
    """
    INSERT INTO followups (workspace_id, id, debt_id, channel, type, step, scheduled_at, direction, is_retry,
        created_at, updated_at, status, sent_at, processed_at, reached_at, provider_ref, duration_ms,
        disconnection_reason, crossed_by, content)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    """,
)
_MOVE = Statement(
    "followups.update_progress",
    "Update the progress of followups.",
    """
    UPDATE followups f SET status = moved.status, sent_at = moved.sent_at, processed_at = moved.processed_at,
        reached_at = moved.reached_at, provider_ref = moved.provider_ref, duration_ms = moved.duration_ms,
        disconnection_reason = moved.disconnection_reason, crossed_by = moved.crossed_by, updated_at = $11
    FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[],
        $8::integer[], $9::text[], $10::text[])
        AS moved (id, status, sent_at, processed_at, reached_at, provider_ref, duration_ms, disconnection_reason,
                  crossed_by)
    WHERE f.workspace_id = $1 AND f.id = moved.id
    """,
)
_row_values = attrgetter(
    "id",
    "debt_id",
    "channel",
    "type",
    "step",
    "scheduled_at",
    "direction",
    "is_retry",
    "created_at",
    "updated_at",
    "status",
    "sent_at",
    "processed_at",
    "reached_at",
    "provider_ref",
    "duration_ms",
    "disconnection_reason",
    "crossed_by",
)
_ERASE = Statement(
    "followups.delete_followups",
    "Delete the followups of an erased debt.",
    "DELETE FROM followups WHERE workspace_id = $1 AND debt_id = $2",
)


async def begin(tx: Transaction, pairs: Sequence[tuple[Debt, Followup]]) -> None:
    """Insert followups of one workspace that are about to be sent, sealed with their debt's key.

    Each is announced.
    """
    if pairs:
        await _begin(tx, pairs)
        announce(tx, pairs)


async def _begin(tx: Transaction, pairs: Sequence[tuple[Debt, Followup]]) -> None:
    workspace_id = pairs[0][0].workspace_id
    sealed_contents = [
        seal(followup, debt.key, workspace_id) if debt.key else None for debt, followup in pairs
    ]
    followups = [followup for _, followup in pairs]
    await tx.execute(
        _BEGIN,
        workspace_id,
        [followup.id for followup in followups],
        [followup.debt_id for followup in followups],
        [str(followup.channel) for followup in followups],
        [followup.type for followup in followups],
        [followup.step for followup in followups],
        [followup.scheduled_at for followup in followups],
        sealed_contents,
        [followup.is_retry for followup in followups],
        tx.now,
    )


def announce(tx: Transaction, pairs: Sequence[tuple[Debt, Followup]]) -> None:
    """Announce followups about to be sent: as created, or as updated for another attempt."""
    for debt, followup in pairs:
        if followup.previous_status is None:
            events.record(tx, "followup.created", debt, {"followup": followup.serialize()})
        else:
            _announce(tx, debt, followup, is_complete=False)


async def insert_completed(
    tx: Transaction, changes: Sequence[tuple[Followup, tuple[Debt, Followup, bool]]]
) -> None:
    """Insert followups of one workspace that were announced and have moved on in the same transaction.

    Those marked complete are announced as such. A followup of another attempt already has its row.
    """
    retries = [
        (initial, transition) for initial, transition in changes if initial.previous_status is not None
    ]
    if retries:
        await _begin(tx, [(debt, initial) for initial, (debt, _, _) in retries])
        await move(tx, [transition for _, transition in retries])
    for initial, (debt, followup, is_complete) in changes:
        if initial.previous_status is None:
            sealed_content = seal(followup, debt.key, debt.workspace_id) if debt.key else None
            tx.defer(_INSERT_COMPLETED, debt.workspace_id, *_row_values(followup), sealed_content)
            _announce(tx, debt, followup, is_complete=is_complete)


async def move(tx: Transaction, moves: Sequence[tuple[Debt, Followup, bool]]) -> None:
    """Update followups of one workspace; those marked complete are announced.

    The transaction holds the debts' locks.
    """
    if not moves:
        return
    followups = [followup for _, followup, _ in moves]
    await tx.execute(
        _MOVE,
        moves[0][0].workspace_id,
        [followup.id for followup in followups],
        [followup.status for followup in followups],
        [followup.sent_at for followup in followups],
        [followup.processed_at for followup in followups],
        [followup.reached_at for followup in followups],
        [followup.provider_ref for followup in followups],
        [followup.duration_ms for followup in followups],
        [followup.disconnection_reason for followup in followups],
        [followup.crossed_by for followup in followups],
        tx.now,
    )
    for debt, followup, is_complete in moves:
        _announce(tx, debt, followup, is_complete=is_complete)


def _announce(tx: Transaction, debt: Debt, followup: Followup, *, is_complete: bool) -> None:
    if is_complete:
        announce_completion(tx, debt, followup)
        return
    changes = {"status": {"from": followup.previous_status, "to": followup.status}}
    events.record(tx, "followup.updated", debt, {"followup": followup.serialize(), "changes": changes})


def announce_completion(tx: Transaction, debt: Debt, followup: Followup) -> None:
    """Announce that a followup of a locked debt is complete."""
    payload = {"followup": followup.serialize()}
    events.record(tx, "followup.completed", debt, payload)
    if followup.status == "failed":
        events.record(tx, "followup.failed", debt, payload)


def mark_reached(tx: Transaction, debt: Debt, followup: Followup, *, is_confirmed: bool) -> Followup:
    """Announce once that a followup reached the debtor of a locked debt, and return it so marked."""
    if followup.reached_at is not None:
        return followup
    reached_followup = replace(followup, reached_at=tx.now)
    announce_reach(tx, debt, reached_followup, is_confirmed=is_confirmed)
    return reached_followup


def announce_reach(tx: Transaction, debt: Debt, followup: Followup, *, is_confirmed: bool) -> None:
    """Announce that a followup, already so marked, reached the debtor of a locked debt for the first time."""
    events.record(tx, "debt.contacted", debt, {"followup": followup.serialize(), "confirmed": is_confirmed})
    debt.answers_count += followup.channel in CALLS
    debts.mark_contacted(tx, debt)


async def cancel(tx: Transaction, cancellations: Sequence[tuple[Debt, UUID]]) -> None:
    """Cancel followups of one workspace whose next attempt will not be made."""
    if not cancellations:
        return
    workspace = cancellations[0][0].workspace
    followups_by_id = await queries.find_many(
        tx, workspace, [followup_id for _, followup_id in cancellations]
    )
    open_followups = [
        (debt, followups_by_id[target]) for debt, target in cancellations if target in followups_by_id
    ]
    await move(
        tx,
        [
            (debt, target.with_status("cancelled", tx.now, processed_at=tx.now), True)
            for debt, target in open_followups
        ],
    )


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Erase all followups of an erased debt."""
    await tx.execute(_ERASE, workspace_id, debt_id)
    await responses.erase(tx, workspace_id, debt_id)
