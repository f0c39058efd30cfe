"""Bounces: delivery status notifications that a mail server sends for an undelivered mail (RFC 3464).

The Message-ID of the returned mail identifies the message. The bounce address accepts mail from any sender:
mail that is not a report on a message of ours is ignored.
"""

import email
import re
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32

from getbill.channels.senders.model import Fate, SendOutcome, failed
from getbill.channels.senders.smtp_replies import takes_no_mail

_OWN_MESSAGE_ID = re.compile(r"<(followup_[0-9a-z]{26})\.(workspace_[0-9a-z]{26})@[^>\s]+>")
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
    """The report on one mail: the public ids of its followup and workspace, and its outcome."""

    followup: str
    workspace: str
    outcome: SendOutcome


def read_bounce(raw: bytes) -> Bounce | None:
    """Return the bounce in a mail; None when it is not a final report on a message of ours."""
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
        # The first group of fields describes the server, each later one a recipient; our mails have one.
        for fields in payload[1:] if isinstance(payload, list) else []:
            if not isinstance(fields, Message):
                continue
            action = str(fields.get("Action", "")).strip().lower()
            status = _STATUS.search(str(fields.get("Status", "")))
            if action == "failed":
                # The server's own text is not stored: it names the address.
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
            if match := _OWN_MESSAGE_ID.search(message_id):
                return match
    return None
