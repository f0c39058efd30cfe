"""How a message leaves: one small base, one file per provider, and the sandbox's fakes beside them.

A sender is handed a rendered message and says what became of it. It declares whether it may be asked again
(an idempotency key, a look-up, or neither) and whether it ever learns that a message arrived.
"""

from getbill.channels.senders.bounces import Bounce, read_bounce
from getbill.channels.senders.fakes import Fake
from getbill.channels.senders.http_provider import Gateway
from getbill.channels.senders.model import (
    Assurance,
    Capabilities,
    Fate,
    MessageAuthor,
    Outgoing,
    Sender,
    SendOutcome,
    failed,
    unknown,
)
from getbill.channels.senders.provider_settings import GatewaySettings, read_gateways
from getbill.channels.senders.registry import Senders, senders
from getbill.channels.senders.smtp import Smtp, SmtpSettings

__all__ = [
    "Assurance",
    "Bounce",
    "Capabilities",
    "Fake",
    "Fate",
    "Gateway",
    "GatewaySettings",
    "MessageAuthor",
    "Outgoing",
    "SendOutcome",
    "Sender",
    "Senders",
    "Smtp",
    "SmtpSettings",
    "failed",
    "read_bounce",
    "read_gateways",
    "senders",
    "unknown",
]
