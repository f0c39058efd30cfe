"""Beginning followups, moving them on, and forgetting those of an erased debt. Many at once is the usual case."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from uuid import UUID

from getbill import debts, events
from getbill.debts import Debt
from getbill.followups import queries
from getbill.followups.model import CALLS, Followup, seal
from getbill.kit.database import Statement, Transaction

_BEGIN = Statement(
    "followups.begin",
    "Keep followups that are about to leave; a later try of one takes its row again.",
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
_KEEP = Statement(
    "followups.keep",
    "Keep a followup that left and came to where it is in one transaction.",
    """
    INSERT INTO followups (workspace_id, id, debt_id, channel, type, step, scheduled_at, direction, is_retry,
        created_at, updated_at, status, sent_at, processed_at, reached_at, provider_ref, duration_ms,
        disconnection_reason, crossed_by, content)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    """,
)
_MOVE = Statement(
    "followups.move",
    "Write how far followups came.",
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
_row = attrgetter(
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
    "followups.erase",
    "Forget everything done towards the debtor of an erased debt.",
    "DELETE FROM followups WHERE workspace_id = $1 AND debt_id = $2",
)


async def begin(tx: Transaction, begun: Sequence[tuple[Debt, Followup]]) -> None:
    """Keep followups, all of one workspace, that are about to leave: what they say sealed with their debt's key.

    Each is announced.
    """
    if begun:
        await _begin(tx, begun)
        announce(tx, begun)


async def _begin(tx: Transaction, begun: Sequence[tuple[Debt, Followup]]) -> None:
    workspace_id = begun[0][0].workspace_id
    sealed = [seal(one, debt.key, workspace_id) if debt.key else None for debt, one in begun]
    all_of = [one for _, one in begun]
    await tx.execute(
        _BEGIN,
        workspace_id,
        [one.id for one in all_of],
        [one.debt_id for one in all_of],
        [str(one.channel) for one in all_of],
        [one.type for one in all_of],
        [one.step for one in all_of],
        [one.scheduled_at for one in all_of],
        sealed,
        [one.is_retry for one in all_of],
        tx.now,
    )


def announce(tx: Transaction, begun: Sequence[tuple[Debt, Followup]]) -> None:
    """Announce followups that are about to leave: as created, or as updated where one is tried again."""
    for debt, one in begun:
        if one.moved_from is None:
            events.record(tx, "followup.created", debt, {"followup": one.shown()})
        else:
            _announce(tx, debt, one, is_complete=False)


async def keep(tx: Transaction, kept: Sequence[tuple[Followup, tuple[Debt, Followup, bool]]]) -> None:
    """Keep followups of one workspace, announced as they began, that have moved on since in the same transaction.

    Those marked complete are announced as such. One that is tried again has its row already.
    """
    again = [(begun, moved) for begun, moved in kept if begun.moved_from is not None]
    if again:
        await _begin(tx, [(debt, begun) for begun, (debt, _, _) in again])
        await move(tx, [moved for _, moved in again])
    for begun, (debt, one, is_complete) in kept:
        if begun.moved_from is None:
            sealed = seal(one, debt.key, debt.workspace_id) if debt.key else None
            tx.defer(_KEEP, debt.workspace_id, *_row(one), sealed)
            _announce(tx, debt, one, is_complete=is_complete)


async def move(tx: Transaction, moved: Sequence[tuple[Debt, Followup, bool]]) -> None:
    """Write how far followups of one workspace came; those marked complete are announced.

    The debts are held by the transaction.
    """
    if not moved:
        return
    all_of = [one for _, one, _ in moved]
    await tx.execute(
        _MOVE,
        moved[0][0].workspace_id,
        [one.id for one in all_of],
        [one.status for one in all_of],
        [one.sent_at for one in all_of],
        [one.processed_at for one in all_of],
        [one.reached_at for one in all_of],
        [one.provider_ref for one in all_of],
        [one.duration_ms for one in all_of],
        [one.disconnection_reason for one in all_of],
        [one.crossed_by for one in all_of],
        tx.now,
    )
    for debt, one, is_complete in moved:
        _announce(tx, debt, one, is_complete=is_complete)


def _announce(tx: Transaction, debt: Debt, moved: Followup, *, is_complete: bool) -> None:
    if is_complete:
        announce_end(tx, debt, moved)
        return
    changes = {"status": {"from": moved.moved_from, "to": moved.status}}
    events.record(tx, "followup.updated", debt, {"followup": moved.shown(), "changes": changes})


def announce_end(tx: Transaction, debt: Debt, ended: Followup) -> None:
    """Announce that a followup of a locked debt came to its end."""
    told = {"followup": ended.shown()}
    events.record(tx, "followup.completed", debt, told)
    if ended.status == "failed":
        events.record(tx, "followup.failed", debt, told)


def reach(tx: Transaction, debt: Debt, followup: Followup, *, is_confirmed: bool) -> Followup:
    """Announce that a followup reached the debtor of a locked debt, once for each, and return it so marked."""
    if followup.reached_at is not None:
        return followup
    reached = replace(followup, reached_at=tx.now)
    announce_reach(tx, debt, reached, is_confirmed=is_confirmed)
    return reached


def announce_reach(tx: Transaction, debt: Debt, reached: Followup, *, is_confirmed: bool) -> None:
    """Announce that a followup, marked so already, reached the debtor of a locked debt for the first time."""
    events.record(tx, "debt.contacted", debt, {"followup": reached.shown(), "confirmed": is_confirmed})
    debt.answers_count += reached.channel in CALLS
    debts.mark_contacted(tx, debt)


async def cancel(tx: Transaction, cancelled: Sequence[tuple[Debt, UUID]]) -> None:
    """End followups of one workspace that were to be tried again and will not be."""
    if not cancelled:
        return
    workspace = cancelled[0][0].workspace
    found = await queries.find_many(tx, workspace, [followup_id for _, followup_id in cancelled])
    ended = [(debt, found[one]) for debt, one in cancelled if one in found]
    await move(tx, [(debt, one.moved("cancelled", tx.now, processed_at=tx.now), True) for debt, one in ended])


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Forget everything done towards the debtor of an erased debt."""
    await tx.execute(_ERASE, workspace_id, debt_id)
