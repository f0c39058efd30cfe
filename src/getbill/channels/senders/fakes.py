"""Sandbox senders: every channel, without contacting real people.

By default a sandbox debtor receives messages, answers the phone, and does not respond; reserved addresses and
numbers do otherwise (`simulated_debtors`). The fakes replace the live providers, so that a scenario runs as it
would in live.
"""

from dataclasses import replace

from getbill.channels.model import Channel
from getbill.channels.senders.model import Assurance, Capabilities, Fate, Outgoing, SendOutcome
from getbill.channels.senders.simulated_debtors import ANSWERED, DELIVERED, simulated_attempts


class Fake:
    """A provider without network access; the same attempt always has the same outcome."""

    name = "sandbox"
    capabilities = Capabilities(
        Assurance.IDEMPOTENCY_KEY, gives_receipt=True, at_once=200, answer_seconds=5, answers_inside=True
    )

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    async def send(self, message: Outgoing) -> SendOutcome:
        """Deliver the message to a simulated debtor and return the outcome."""
        attempts = simulated_attempts(self.channel, message.address)
        if attempts is None:
            usual = ANSWERED if self.channel == Channel.AI_CALL else DELIVERED
            ref = f"sandbox_{message.key}"
            return SendOutcome(usual.fate, ref, usual.reason, duration_ms=usual.duration_ms)
        outcome = attempts[min(message.earlier_attempts, len(attempts) - 1)]
        return outcome if outcome.fate == Fate.FAILED else replace(outcome, ref=f"sandbox_{message.key}")

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Return the same outcome as `send` for the message."""
        return await self.send(message)

    async def close(self) -> None:
        """Do nothing."""
