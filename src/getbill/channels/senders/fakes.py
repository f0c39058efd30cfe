"""Sandbox senders: every channel, without contacting real people.

By default a sandbox debtor receives messages, answers the phone, and does not reply; mail to `bounce@` any
domain, or `bounce+anything@`, is refused like mail for an unknown mailbox. The fakes replace the live
providers, so that a scenario runs as it would in live.
"""

import re

from getbill.channels.model import Channel
from getbill.channels.senders.model import Assurance, Capabilities, Fate, Outgoing, SendOutcome, failed

_CALL_MS = 42_000
_BOUNCES = re.compile(r"bounce(\+[^@]*)?@", re.IGNORECASE)


class Fake:
    """A provider without network access; the same key always has the same outcome."""

    name = "sandbox"
    capabilities = Capabilities(
        Assurance.IDEMPOTENCY_KEY, gives_receipt=True, at_once=200, answer_seconds=5, answers_inside=True
    )

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    async def send(self, message: Outgoing) -> SendOutcome:
        """Deliver the message to a debtor who does not reply."""
        ref = f"sandbox_{message.key}"
        if self.channel == Channel.AI_CALL:
            return SendOutcome(Fate.ANSWERED, ref, "completed_successfully", duration_ms=_CALL_MS)
        if self.channel == Channel.EMAIL and _BOUNCES.match(message.address):
            return failed("550 5.1.1 no such mailbox in the sandbox", permanent=True, dead_address=True)
        return SendOutcome(Fate.DELIVERED, ref)

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Return the same outcome as `send` for the message."""
        return await self.send(message)

    async def close(self) -> None:
        """Do nothing."""
