"""A followup: one action towards a debtor, with its time, channel and outcome.

Its content and address are sealed under the debt's key. A followup in a final status is announced once as
completed.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from getbill.channels import Channel
from getbill.kit import ids, json
from getbill.vault import Key

# The contract's word for each channel (its enum of types has `postmail` for a letter).
TYPES: dict[Channel, "Type"] = {
    Channel.AI_CALL: "call",
    Channel.SMS: "sms",
    Channel.EMAIL: "email",
    Channel.LETTER: "postmail",
    Channel.WHATSAPP: "whatsapp",
}
Type = Literal["call", "sms", "email", "whatsapp", "voicemail", "manual_call", "physical", "postmail"]
Status = Literal[
    "on_hold",
    "scheduled",
    "in_progress",
    "sent",
    "delivered",
    "deal_found",
    "no_answer",
    "deal_not_found",
    "bad_behavior",
    "failed",
    "cancelled",
]
STATUSES: tuple[str, ...] = get_args(Status)
# Statuses that end a followup; `sent` does on a channel without confirmations, which the caller knows.
FINAL = frozenset(
    {"delivered", "deal_found", "no_answer", "deal_not_found", "bad_behavior", "failed", "cancelled"}
)
# The channels of scenarios, and those that only people use.
FollowupChannel = Literal["ai_call", "sms", "email", "letter", "whatsapp", "phone", "visit"]
# The channel of each type that people record. An AI call is never recorded manually.
CHANNELS: dict[Type, FollowupChannel] = {
    "call": "phone",
    "manual_call": "phone",
    "voicemail": "phone",
    "sms": "sms",
    "email": "email",
    "whatsapp": "whatsapp",
    "postmail": "letter",
    "physical": "visit",
}
CALLS = frozenset({"ai_call", "phone"})
PHONE_CHANNELS = CALLS | {"sms", "whatsapp"}


@dataclass(frozen=True, slots=True)
class FollowupContent:
    """The content and address of a followup: e-mail, E.164 number, or the lines of a letter."""

    address: str | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    language: str | None = None
    summary: str | None = None
    notes: str | None = None
    audio_url: str | None = None
    # The template and its version; 0 is the one built into GetBill.
    template: str | None = None
    template_version: int | None = None
    # For a letter: the sender's address, and the particulars required by law on every page.
    letterhead: list[str] | None = None
    imprint: str | None = None
    # The amount paid when it was written, in minor units; a higher amount at completion means a payment
    # crossed it.
    paid: int | None = None

    def present_fields(self) -> dict[str, Any]:
        """Return the fields that have a value."""
        return {name: value for name in _CONTENT if (value := getattr(self, name)) is not None}


_CONTENT = tuple(content_field.name for content_field in fields(FollowupContent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Followup:
    """One call, message or letter. Instants are workspace time; a manual followup has no step."""

    id: UUID
    debt_id: UUID
    channel: str
    type: Type
    status: str
    step: str | None
    scheduled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    processed_at: datetime | None = None
    # When it was counted as having reached the debtor.
    reached_at: datetime | None = None
    content: FollowupContent = field(default_factory=FollowupContent)
    provider_ref: str | None = None
    duration_ms: int | None = None
    direction: str | None = "outbound"
    disconnection_reason: str | None = None
    is_retry: bool = False
    triggered_payment: bool = False
    # What it crossed on its way: `payment`, or the status that ended contact.
    crossed_by: str | None = None
    # The message that it shares with followups of other debts; None if it is about this debt alone.
    group_id: UUID | None = None
    # The status before this transaction.
    previous_status: str | None = None
    # The cached result of `serialize`: one change appears in several events.
    _shown: dict[str, Any] | None = field(default=None, init=False, compare=False, repr=False)

    def with_status(self, status: str, now: datetime, **changes: Any) -> "Followup":
        """Return the followup in another status."""
        return replace(self, status=status, previous_status=self.status, updated_at=now, **changes)

    def serialize(self) -> dict[str, Any]:
        """Return a read-only payload for responses and events (contract 7.1, `channel` and `sent_at`)."""
        if self._shown is None:
            object.__setattr__(self, "_shown", self._build_payload())
        return self._shown or {}

    def _build_payload(self) -> dict[str, Any]:
        return {
            "id": ids.show("followup", self.id),
            "debt_id": ids.show("debt", self.debt_id),
            "group_id": ids.show("group", self.group_id) if self.group_id else None,
            "status": self.status,
            "type": self.type,
            "channel": str(self.channel),
            "call_date": json.instant(self.sent_at),
            "scheduled_at": json.instant(self.scheduled_at),
            "sent_at": json.instant(self.sent_at),
            "processed_at": json.instant(self.processed_at),
            "summary": self.content.summary,
            "notes": self.content.notes,
            "call_id": self.provider_ref if self.channel in CALLS else None,
            "audio_url": self.content.audio_url,
            "pdf_url": None,
            "duration_ms": self.duration_ms,
            "disconnection_reason": self.disconnection_reason,
            "direction": self.direction,
            "phone_number_used": self.content.address if self.channel in PHONE_CHANNELS else None,
            "is_retry": self.is_retry,
            "triggered_payment": self.triggered_payment,
            "crossed_by": self.crossed_by,
            # Messages carry no tracking pixel: opening is not tracked (Directive 2002/58/EC, art. 5(3)).
            "email_opened": False,
            "email_open_count": 0,
            "email_first_opened_at": None,
            "email_clicked": False,
            "email_click_count": 0,
        }

    def serialize_message(self) -> dict[str, Any]:
        """Return the message and its address."""
        content = self.content
        return {
            "followup_id": ids.show("followup", self.id),
            "debt_id": ids.show("debt", self.debt_id),
            "channel": str(self.channel),
            "address": content.address,
            "language": content.language,
            "subject": content.subject,
            "text": content.text,
            "html": content.html,
            "template": content.template,
            "template_version": content.template_version,
            "sent_at": json.instant(self.sent_at),
        }


def seal_context(workspace_id: UUID, followup_id: UUID) -> bytes:
    """Return the sealing context of a followup's content."""
    return b"followup" + workspace_id.bytes + followup_id.bytes


def seal(followup: Followup, key: Key, workspace_id: UUID) -> bytes:
    """Return the sealed content of a followup."""
    return key.seal(json.write(followup.content.present_fields()), seal_context(workspace_id, followup.id))


def open_content(sealed: bytes | None, key: Key, workspace_id: UUID, followup_id: UUID) -> FollowupContent:
    """Open the content that `seal` sealed for the same followup."""
    if sealed is None:
        return FollowupContent()
    return FollowupContent(**json.read(key.open(sealed, seal_context(workspace_id, followup_id))))
