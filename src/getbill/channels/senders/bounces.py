"""A bounce: the mail by which a mail server says later that it could not deliver one of ours (RFC 3464).

Which message it is about is told by the Message-ID of the mail that comes back inside it. Anybody may write to the
address that bounces go to: what is not a report on a mail of ours says nothing.
"""

import email
import re
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32

from getbill.channels.senders.model import Fate, SendOutcome, failed
from getbill.channels.senders.smtp_replies import takes_no_mail

_OURS = re.compile(r"<(followup_[0-9a-z]{26})\.(workspace_[0-9a-z]{26})@[^>\s]+>")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_RETURNED = frozenset(
    {
        "message/rfc822",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global",
        "message/global-headers",
    }
)


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a report says of one mail of ours: its followup and workspace as shown outside, and its outcome."""

    followup: str
    workspace: str
    outcome: SendOutcome


def read_bounce(raw: bytes) -> Bounce | None:
    """Return what a mail reports; None when it is no final word on a mail of ours."""
    report = email.message_from_bytes(raw, policy=compat32)
    if report.get_content_type() != "multipart/report" or not report.is_multipart():
        return None
    outcome = _outcome(report)
    ours = _our_message_id(report)
    if outcome is None or ours is None:
        return None
    return Bounce(ours.group(1), ours.group(2), outcome)


def _outcome(report: Message) -> SendOutcome | None:
    for part in report.walk():
        if part.get_content_type() not in {"message/delivery-status", "message/global-delivery-status"}:
            continue
        payload = part.get_payload()
        # The first group of fields is about the server, each later one about a recipient; ours have one.
        for fields in payload[1:] if isinstance(payload, list) else []:
            if not isinstance(fields, Message):
                continue
            action = str(fields.get("Action", "")).strip().lower()
            status = _STATUS.search(str(fields.get("Status", "")))
            if action == "failed":
                # Never the server's own words: they name the address.
                status_code = status.group() if status else ""
                return failed(
                    f"bounced: {status_code or 'no status'}",
                    permanent=True,
                    dead_address=takes_no_mail(status_code),
                )
            if action == "delivered":
                return SendOutcome(Fate.DELIVERED)
    return None


def _our_message_id(report: Message) -> re.Match[str] | None:
    for part in report.walk():
        if part.get_content_type() not in _RETURNED:
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            message_ids = [
                str(message.get("Message-ID", "")) for message in payload if isinstance(message, Message)
            ]
        else:
            decoded = part.get_payload(decode=True)
            text = decoded if isinstance(decoded, bytes) else str(payload).encode()
            message_ids = [str(email.message_from_bytes(text, policy=compat32).get("Message-ID", ""))]
        for message_id in message_ids:
            if match := _OURS.search(message_id):
                return match
    return None
