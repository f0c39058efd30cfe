"""What people did towards a debtor themselves, and record here: a call, a visit, a letter from the office.

It counts as what a scenario does would: the debtor was contacted once it reached them, and the caps see it. A
followup that the scenario carries out is corrected here too, but only once it has come to its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from getbill import events
from getbill.debts import Debt
from getbill.followups import actions
from getbill.followups.model import CALLS, FINAL, ON_THE_PHONE, WAYS, Followup, Type, seal
from getbill.kit import ids, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import Conflict, FieldError, refusal
from getbill.kit.messages import message

_AHEAD = timedelta(minutes=5)
_OPEN = frozenset({"on_hold", "scheduled", "in_progress"})
_NOT_MADE = frozenset({"on_hold", "scheduled", "cancelled", "failed"})
# What the ledger of contacts says of a followup, and nobody may say otherwise.
_OF_THE_LEDGER = ("type", "call_date", "scheduled_at", "phone_number_used", "direction", "is_retry")

_INSERT = Statement(
    "followups.insert",
    "Keep what people did, or are to do, towards a debtor.",
    """
    INSERT INTO followups (workspace_id, id, debt_id, channel, type, status, scheduled_at, sent_at, processed_at,
        reached_at, content, provider_ref, duration_ms, direction, disconnection_reason, is_retry, address_hash,
        updated_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
    """,
)
_UPDATE = Statement(
    "followups.update",
    "Write a followup that somebody corrected.",
    """
    UPDATE followups SET channel = $4, type = $5, status = $6, scheduled_at = $7, sent_at = $8, processed_at = $9,
        reached_at = $10, content = $11, provider_ref = $12, duration_ms = $13, direction = $14,
        disconnection_reason = $15, is_retry = $16, address_hash = $17, updated_at = $18
    WHERE workspace_id = $1 AND id = $2 AND debt_id = $3
    """,
)


class FollowupOnItsWay(Conflict):
    """The scenario is carrying the followup out, or does not know yet what became of it."""

    code = "followup-on-its-way"
    way_out = "Hold the debt to stop what is planned, or wait until the followup has come to its end."


class FollowupHasEnded(Conflict):
    """What has come to its end does not begin again, and what reached the debtor cannot be called off."""

    code = "followup-has-ended"
    way_out = "Record a new followup for the next call, visit or message."


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller says of a followup, by the contract's names; what is not in `values` stays as it is."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def of(self, name: str, before: Any) -> Any:
        """Return what is said of one thing, else what it was."""
        return self.values.get(name, before)


async def record(tx: Transaction, debt: Debt, told: Told) -> Followup:
    """Keep what people did about a locked debt; raise Invalid where it cannot have been so."""
    kind: Type = told.of("type", "manual_call")
    before = Followup(
        id=ids.new(),
        debt_id=debt.id,
        channel=WAYS[kind],
        type=kind,
        status="on_hold",
        step=None,
        scheduled_at=None,
        created_at=tx.now,
        updated_at=tx.now,
    )
    after = _moved(before, told, tx.now)
    _refuse(after, told, tx.now)
    # Announced as it was noted down, then how it ended.
    events.record(tx, "followup.created", debt, {"followup": after.shown()})
    after = _counted(tx, debt, after)
    await tx.execute(_INSERT, *_row(debt, after))
    if _is_complete(after):
        actions.announce_end(tx, debt, after)
    return after


async def correct(tx: Transaction, debt: Debt, before: Followup, told: Told) -> Followup:
    """Change what is said of a followup of a locked debt, and announce it; raise where it cannot be so."""
    if before.step is not None:
        _refuse_the_ledgers(before, told)
    after = _moved(before, told, tx.now)
    changes = _changes(before, after)
    if not changes:
        return before
    _refuse_move(before, after)
    _refuse(after, told, tx.now)
    after = _counted(tx, debt, replace(after, updated_at=tx.now))
    await tx.execute(_UPDATE, *_row(debt, after))
    # As with a receipt: one that was complete is announced again only if it failed after all.
    if (
        "status" in changes
        and _is_complete(after)
        and (before.processed_at is None or after.status == "failed")
    ):
        actions.announce_end(tx, debt, after)
    else:
        events.record(tx, "followup.updated", debt, {"followup": after.shown(), "changes": changes})
    return after


def _moved(before: Followup, told: Told, now: datetime) -> Followup:
    kind: Type = told.of("type", before.type)
    content = replace(
        before.content,
        address=told.of("phone_number_used", before.content.address),
        summary=told.of("summary", before.content.summary),
        notes=told.of("notes", before.content.notes),
        audio_url=told.of("audio_url", before.content.audio_url),
    )
    status = told.of("status", before.status)
    sent_at = told.of("call_date", before.sent_at)
    if sent_at is None and status not in _NOT_MADE:
        sent_at = now
    after = replace(
        before,
        type=kind,
        channel=before.channel if kind == before.type else WAYS[kind],
        status=status,
        scheduled_at=told.of("scheduled_at", before.scheduled_at),
        sent_at=sent_at,
        content=content,
        provider_ref=told.of("call_id", before.provider_ref),
        duration_ms=told.of("duration_ms", before.duration_ms),
        direction=told.of("direction", before.direction),
        disconnection_reason=told.of("disconnection_reason", before.disconnection_reason),
        is_retry=told.of("is_retry", before.is_retry),
        moved_from=before.status,
    )
    is_moved = status != before.status or before.processed_at is None
    return replace(after, processed_at=now) if is_moved and _is_complete(after) else after


def _is_complete(followup: Followup) -> bool:
    # Nobody is told by a channel what became of a message that people sent.
    return followup.status in FINAL or (followup.status == "sent" and followup.channel not in CALLS)


def _counted(tx: Transaction, debt: Debt, followup: Followup) -> Followup:
    """Announce that a followup reached the debtor, once; what the debtor began is no contact of ours."""
    if followup.reached_at is not None or followup.direction == "inbound" or followup.type == "voicemail":
        return followup
    is_confirmed = followup.status in {"delivered", "deal_found", "deal_not_found", "bad_behavior"}
    if is_confirmed or (followup.status == "sent" and _is_complete(followup)):
        return actions.reach(tx, debt, followup, is_confirmed=is_confirmed)
    return followup


def _changes(before: Followup, after: Followup) -> dict[str, Any]:
    was, now = before.shown(), after.shown()
    return {
        name: {"from": was[name], "to": now[name]}
        for name in now
        if was[name] != now[name] and name not in {"sent_at", "updated_at"}
    }


def _refuse(after: Followup, told: Told, now: datetime) -> None:
    wrong = []
    call_date = told.values.get("call_date")
    if call_date is not None and call_date > now + _AHEAD:
        wrong.append(
            FieldError(
                "/call_date",
                "in-the-future",
                message("call_date is after the workspace's time: send an instant that has passed."),
            )
        )
    if after.status == "scheduled" and after.scheduled_at is None:
        wrong.append(
            FieldError("/scheduled_at", "missing", message("A scheduled followup needs its scheduled_at."))
        )
    if told.values.get("phone_number_used") is not None and after.channel not in ON_THE_PHONE:
        detail = message("A followup of type {type} uses no phone number.", type=after.type)
        wrong.append(FieldError("/phone_number_used", "no-phone", detail))
    if wrong:
        raise refusal(wrong)


def _refuse_the_ledgers(before: Followup, told: Told) -> None:
    shown = before.shown()
    wrong = []
    for name in _OF_THE_LEDGER:
        said = told.values.get(name, shown[name])
        if (json.instant(said) if isinstance(said, datetime) else said) != shown[name]:
            detail = message(
                "The scenario carried this followup out: its {name} is as the ledger of contacts says.",
                name=name,
            )
            wrong.append(FieldError(f"/{name}", "of-the-ledger", detail))
    if wrong:
        raise refusal(wrong)


def _refuse_move(before: Followup, after: Followup) -> None:
    if before.status == after.status:
        return
    shown = ids.show("followup", before.id)
    if before.step is not None and before.status in _OPEN:
        raise FollowupOnItsWay(
            message(
                "{followup} is {status}, in the hands of its scenario.", followup=shown, status=before.status
            )
        )
    has_ended = before.status not in _OPEN
    if has_ended and after.status in _OPEN:
        raise FollowupHasEnded(
            message(
                "{followup} is {status}; it cannot become {after}.",
                followup=shown,
                status=before.status,
                after=after.status,
            )
        )
    if before.reached_at is not None and after.status == "cancelled":
        raise FollowupHasEnded(
            message("{followup} reached the debtor; it cannot be cancelled.", followup=shown)
        )


def _row(debt: Debt, one: Followup) -> tuple[Any, ...]:
    workspace_id = debt.workspace_id
    return (
        workspace_id,
        one.id,
        one.debt_id,
        str(one.channel),
        one.type,
        one.status,
        one.scheduled_at,
        one.sent_at,
        one.processed_at,
        one.reached_at,
        seal(one, debt.key, workspace_id) if debt.key else None,
        one.provider_ref,
        one.duration_ms,
        one.direction,
        one.disconnection_reason,
        one.is_retry,
        _hash_of(debt, one) if one.step is None else None,
        one.updated_at,
    )


def _hash_of(debt: Debt, one: Followup) -> bytes | None:
    """Return the keyed hash of the address that was used; the debtor's own where none was told."""
    identity, lookup = debt.debtor.identity, debt.workspace.lookup
    if one.channel == "email":
        return lookup.hash("email", identity.email.lower()) if identity.email else None
    number = (one.content.address or identity.phone) if one.channel in ON_THE_PHONE else None
    return lookup.hash("phone", number) if number else None
