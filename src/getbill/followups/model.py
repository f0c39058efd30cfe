"""One thing done towards a debtor, as the creditor reads it: when, by which channel, how it ended.

What it said and to which address stands sealed under the debt's key. A followup whose status is final is
announced once as completed.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from getbill.channels import Channel
from getbill.kit import ids, json
from getbill.vault import Key

# The contract's word for each channel (its enum of types has no letter but `postmail`).
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
# What ends a followup; `sent` does where the channel never says more, and the caller knows that.
FINAL = frozenset(
    {"delivered", "deal_found", "no_answer", "deal_not_found", "bad_behavior", "failed", "cancelled"}
)
# Besides the channels of scenarios, the ways that only people have.
FollowupChannel = Literal["ai_call", "sms", "email", "letter", "whatsapp", "phone", "visit"]
# By which way people did what they record under each type. An AI call is only ever one that was made here.
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
    """What a followup said, to which address: e-mail, E.164 number, or the lines of a letter."""

    address: str | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    language: str | None = None
    summary: str | None = None
    notes: str | None = None
    audio_url: str | None = None
    # Which template the words are of, and in which version; 0 is the one that comes with GetBill.
    template: str | None = None
    template_version: int | None = None
    # Of a letter: who writes and where, and what the law wants on every page.
    letterhead: list[str] | None = None
    imprint: str | None = None
    # What had been paid when it was written, in minor units: what was paid more at its end crossed it.
    paid: int | None = None

    def present_fields(self) -> dict[str, Any]:
        """Return the fields that say something."""
        return {name: value for name in _CONTENT if (value := getattr(self, name)) is not None}


_CONTENT = tuple(content_field.name for content_field in fields(FollowupContent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Followup:
    """One call, message or letter. Instants are workspace time; what people did themselves has no step."""

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
    # What happened to the debt while it was on its way: `payment`, or the status that ended contact.
    crossed_by: str | None = None
    # The status it had before this transaction moved it on.
    previous_status: str | None = None
    # What `shown` said of it: one change tells it in several events.
    _shown: dict[str, Any] | None = field(default=None, init=False, compare=False, repr=False)

    def with_status(self, status: str, now: datetime, **changes: Any) -> "Followup":
        """Return the followup as it is after it moved to another status."""
        return replace(self, status=status, previous_status=self.status, updated_at=now, **changes)

    def serialize(self) -> dict[str, Any]:
        """Return the followup as answers and events show it (contract 7.1, with `channel` and `sent_at`), to be read only."""
        if self._shown is None:
            object.__setattr__(self, "_shown", self._build_payload())
        return self._shown or {}

    def _build_payload(self) -> dict[str, Any]:
        return {
            "id": ids.show("followup", self.id),
            "debt_id": ids.show("debt", self.debt_id),
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
            # Messages carry no tracking pixel: reading is not watched (Directive 2002/58/EC, art. 5(3)).
            "email_opened": False,
            "email_open_count": 0,
            "email_first_opened_at": None,
            "email_clicked": False,
            "email_click_count": 0,
        }

    def serialize_message(self) -> dict[str, Any]:
        """Return what was said, and to which address."""
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
    """Return the place a followup's content is sealed for."""
    return b"followup" + workspace_id.bytes + followup_id.bytes


def seal(followup: Followup, key: Key, workspace_id: UUID) -> bytes:
    """Return the sealed form of what a followup said."""
    return key.seal(json.write(followup.content.present_fields()), seal_context(workspace_id, followup.id))


def open_content(sealed: bytes | None, key: Key, workspace_id: UUID, followup_id: UUID) -> FollowupContent:
    """Open what `seal` sealed for the same followup."""
    if sealed is None:
        return FollowupContent()
    return FollowupContent(**json.read(key.open(sealed, seal_context(workspace_id, followup_id))))
