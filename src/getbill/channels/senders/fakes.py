"""The sandbox's way to reach people: every channel, nobody real.

An ordinary sandbox debtor is delivered to, picks up the phone, and stays silent. The fakes stand where the
providers stand in live, so that a scenario runs there as it would here.
"""

from getbill.channels.model import Channel
from getbill.channels.senders.model import Assurance, Capabilities, Fate, Outcome, Outgoing

_CALL_MS = 42_000


class Fake:
    """A provider that opens no connection; the same key always has the same outcome."""

    name = "sandbox"
    capabilities = Capabilities(Assurance.IDEMPOTENCY_KEY, gives_receipt=True, at_once=200, answer_seconds=5)

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    async def send(self, message: Outgoing) -> Outcome:
        """Deliver the message to a debtor who says nothing."""
        ref = f"sandbox_{message.key}"
        if self.channel == Channel.AI_CALL:
            return Outcome(Fate.ANSWERED, ref, "completed_successfully", duration_ms=_CALL_MS)
        return Outcome(Fate.DELIVERED, ref)

    async def look_up(self, message: Outgoing) -> Outcome | None:
        """Return what `send` returned for the same message."""
        return await self.send(message)

    async def close(self) -> None:
        """Let go of nothing."""
