"""Manual followups: calls, visits and letters that people made themselves and record here.

They count like contacts of a scenario: the debtor was contacted once one reached them, and the caps include
them. A scenario's followup is corrected here too, but only once it is complete.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from getbill import events
from getbill.debts import Debt
from getbill.followups import actions
from getbill.followups.model import CALLS, CHANNELS, FINAL, PHONE_CHANNELS, Followup, Type, seal
from getbill.kit import ids, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import Conflict, FieldError, refusal
from getbill.kit.messages import message

_CLOCK_TOLERANCE = timedelta(minutes=5)
_OPEN_STATUSES = frozenset({"on_hold", "scheduled", "in_progress"})
_UNSENT_STATUSES = frozenset({"on_hold", "scheduled", "cancelled", "failed"})
# Fields that the contact ledger sets; callers cannot change them.
_LEDGER_FIELDS = ("type", "call_date", "scheduled_at", "phone_number_used", "direction", "is_retry")

_INSERT = Statement(
    "followups.insert_manual",
    "Insert followups recorded by a person.",
    """
    INSERT INTO followups (workspace_id, id, debt_id, channel, type, status, scheduled_at, sent_at, processed_at,
        reached_at, content, provider_ref, duration_ms, direction, disconnection_reason, is_retry, address_hash,
        updated_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
    """,
)
_UPDATE = Statement(
    "followups.update_manual",
    "Update a followup that a person corrected.",
    """
    UPDATE followups SET channel = $4, type = $5, status = $6, scheduled_at = $7, sent_at = $8, processed_at = $9,
        reached_at = $10, content = $11, provider_ref = $12, duration_ms = $13, direction = $14,
        disconnection_reason = $15, is_retry = $16, address_hash = $17, updated_at = $18
    WHERE workspace_id = $1 AND id = $2 AND debt_id = $3
    """,
)


class FollowupOnItsWay(Conflict):
    """The scenario is sending the followup, or its outcome is unknown yet."""

    code = "followup-on-its-way"
    way_out = "Hold the debt to stop planned contacts, or wait until the followup has ended."


class FollowupHasEnded(Conflict):
    """A completed followup cannot start again, and one that reached the debtor cannot be cancelled."""

    code = "followup-has-ended"
    way_out = "Record a new followup for the next call, visit or message."


@dataclass(frozen=True, slots=True)
class FollowupInput:
    """The given fields of a followup under the contract's names; fields not in `values` stay as they are."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, before: Any) -> Any:
        """Return the given value of a field, else its previous one."""
        return self.values.get(name, before)


async def record(tx: Transaction, debt: Debt, followup_input: FollowupInput) -> Followup:
    """Record what people did about a locked debt; raise Invalid if it is impossible."""
    kind: Type = followup_input.get("type", "manual_call")
    before = Followup(
        id=ids.new(),
        debt_id=debt.id,
        channel=CHANNELS[kind],
        type=kind,
        status="on_hold",
        step=None,
        scheduled_at=None,
        created_at=tx.now,
        updated_at=tx.now,
    )
    after = _apply_input(before, followup_input, tx.now)
    _check_input(after, followup_input, tx.now)
    # Announced as first recorded, then as completed.
    events.record(tx, "followup.created", debt, {"followup": after.serialize()})
    after = _count_contact(tx, debt, after)
    await tx.execute(_INSERT, *_row_values(debt, after))
    if _is_complete(after):
        actions.announce_completion(tx, debt, after)
    return after


async def correct(tx: Transaction, debt: Debt, before: Followup, followup_input: FollowupInput) -> Followup:
    """Correct a followup of a locked debt and announce it; raise if the result is impossible."""
    if before.step is not None:
        _refuse_ledger_fields(before, followup_input)
    after = _apply_input(before, followup_input, tx.now)
    changes = _changes(before, after)
    if not changes:
        return before
    _refuse_move(before, after)
    _check_input(after, followup_input, tx.now)
    after = _count_contact(tx, debt, replace(after, updated_at=tx.now))
    await tx.execute(_UPDATE, *_row_values(debt, after))
    # As with a status callback: a completed followup is announced again only if it failed after all.
    if (
        "status" in changes
        and _is_complete(after)
        and (before.processed_at is None or after.status == "failed")
    ):
        actions.announce_completion(tx, debt, after)
    else:
        events.record(tx, "followup.updated", debt, {"followup": after.serialize(), "changes": changes})
    return after


def _apply_input(before: Followup, followup_input: FollowupInput, now: datetime) -> Followup:
    kind: Type = followup_input.get("type", before.type)
    content = replace(
        before.content,
        address=followup_input.get("phone_number_used", before.content.address),
        summary=followup_input.get("summary", before.content.summary),
        notes=followup_input.get("notes", before.content.notes),
        audio_url=followup_input.get("audio_url", before.content.audio_url),
    )
    status = followup_input.get("status", before.status)
    sent_at = followup_input.get("call_date", before.sent_at)
    if sent_at is None and status not in _UNSENT_STATUSES:
        sent_at = now
    after = replace(
        before,
        type=kind,
        channel=before.channel if kind == before.type else CHANNELS[kind],
        status=status,
        scheduled_at=followup_input.get("scheduled_at", before.scheduled_at),
        sent_at=sent_at,
        content=content,
        provider_ref=followup_input.get("call_id", before.provider_ref),
        duration_ms=followup_input.get("duration_ms", before.duration_ms),
        direction=followup_input.get("direction", before.direction),
        disconnection_reason=followup_input.get("disconnection_reason", before.disconnection_reason),
        is_retry=followup_input.get("is_retry", before.is_retry),
        previous_status=before.status,
    )
    is_moved = status != before.status or before.processed_at is None
    return replace(after, processed_at=now) if is_moved and _is_complete(after) else after


def _is_complete(followup: Followup) -> bool:
    # No channel reports the status of a message that people sent.
    return followup.status in FINAL or (followup.status == "sent" and followup.channel not in CALLS)


def _count_contact(tx: Transaction, debt: Debt, followup: Followup) -> Followup:
    """Announce once that a followup reached the debtor; an inbound contact does not count."""
    if followup.reached_at is not None or followup.direction == "inbound" or followup.type == "voicemail":
        return followup
    is_confirmed = followup.status in {"delivered", "deal_found", "deal_not_found", "bad_behavior"}
    if is_confirmed or (followup.status == "sent" and _is_complete(followup)):
        return actions.mark_reached(tx, debt, followup, is_confirmed=is_confirmed)
    return followup


def _changes(before: Followup, after: Followup) -> dict[str, Any]:
    old_payload, new_payload = before.serialize(), after.serialize()
    return {
        name: {"from": old_payload[name], "to": new_payload[name]}
        for name in new_payload
        if old_payload[name] != new_payload[name] and name not in {"sent_at", "updated_at"}
    }


def _check_input(after: Followup, followup_input: FollowupInput, now: datetime) -> None:
    errors = []
    call_date = followup_input.values.get("call_date")
    if call_date is not None and call_date > now + _CLOCK_TOLERANCE:
        errors.append(
            FieldError(
                "/call_date",
                "in-the-future",
                message("call_date is later than the workspace's time. Send an instant in the past."),
            )
        )
    if after.status == "scheduled" and after.scheduled_at is None:
        errors.append(
            FieldError("/scheduled_at", "missing", message("A scheduled followup requires scheduled_at."))
        )
    if followup_input.values.get("phone_number_used") is not None and after.channel not in PHONE_CHANNELS:
        detail = message("A followup of type {type} does not have a phone number.", type=after.type)
        errors.append(FieldError("/phone_number_used", "no-phone", detail))
    if errors:
        raise refusal(errors)


def _refuse_ledger_fields(before: Followup, followup_input: FollowupInput) -> None:
    payload = before.serialize()
    errors = []
    for name in _LEDGER_FIELDS:
        value = followup_input.values.get(name, payload[name])
        if (json.instant(value) if isinstance(value, datetime) else value) != payload[name]:
            detail = message(
                "The scenario carried out this followup: its {name} comes from the contact ledger and cannot be changed.",
                name=name,
            )
            errors.append(FieldError(f"/{name}", "of-the-ledger", detail))
    if errors:
        raise refusal(errors)


def _refuse_move(before: Followup, after: Followup) -> None:
    if before.status == after.status:
        return
    public_id = ids.show("followup", before.id)
    if before.step is not None and before.status in _OPEN_STATUSES:
        raise FollowupOnItsWay(
            message(
                "{followup} is {status} and controlled by its scenario.",
                followup=public_id,
                status=before.status,
            )
        )
    has_ended = before.status not in _OPEN_STATUSES
    if has_ended and after.status in _OPEN_STATUSES:
        raise FollowupHasEnded(
            message(
                "{followup} is {status}; it cannot become {after}.",
                followup=public_id,
                status=before.status,
                after=after.status,
            )
        )
    if before.reached_at is not None and after.status == "cancelled":
        raise FollowupHasEnded(
            message("{followup} reached the debtor; it cannot be cancelled.", followup=public_id)
        )


def _row_values(debt: Debt, followup: Followup) -> tuple[Any, ...]:
    workspace_id = debt.workspace_id
    return (
        workspace_id,
        followup.id,
        followup.debt_id,
        str(followup.channel),
        followup.type,
        followup.status,
        followup.scheduled_at,
        followup.sent_at,
        followup.processed_at,
        followup.reached_at,
        seal(followup, debt.key, workspace_id) if debt.key else None,
        followup.provider_ref,
        followup.duration_ms,
        followup.direction,
        followup.disconnection_reason,
        followup.is_retry,
        _address_hash(debt, followup) if followup.step is None else None,
        followup.updated_at,
    )


def _address_hash(debt: Debt, followup: Followup) -> bytes | None:
    """Return the keyed hash of the address used; by default the debtor's own."""
    identity, lookup = debt.debtor.identity, debt.workspace.lookup
    if followup.channel == "email":
        return lookup.hash("email", identity.email.lower()) if identity.email else None
    number = (followup.content.address or identity.phone) if followup.channel in PHONE_CHANNELS else None
    return lookup.hash("phone", number) if number else None
