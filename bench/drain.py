"""A worker's loop over live contacts, in a process of its own, until nothing is due any more.

The job comes as JSON on standard input. Its e-mails are taken at once by a provider that only counts, so that what is
measured is GetBill; the result is how many it took.
"""

import json
import sys
from pathlib import Path
from typing import Any

import uvloop

from getbill import contacts, reactions, vault
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Capabilities, Fate, Outgoing, Senders, SendOutcome
from getbill.contacts import SendingContext
from getbill.kit.database.transactions import open_database
from getbill.settings import Settings


class Counter:
    """A provider of e-mail that takes everything and says no more."""

    name = "counter"
    channel = Channel.EMAIL
    capabilities = Capabilities(Assurance.NEITHER, gives_receipt=False, at_once=50)

    def __init__(self) -> None:
        self.taken = 0

    async def send(self, message: Outgoing) -> SendOutcome:
        """Take a message."""
        self.taken += 1
        return SendOutcome(Fate.ACCEPTED, message.key)

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Refuse: nothing is remembered."""
        raise NotImplementedError(message.key)

    async def close(self) -> None:
        """Let go of nothing."""


async def drain(job: dict[str, Any]) -> int:
    """Carry out what is due, turn by turn, and return how many e-mails that were."""
    settings = Settings(data_dir=Path(job["folder"])).with_dsn(job["dsn"])
    database = await open_database(job["dsn"], reactions.before_commit, size=8)
    unlocked = await vault.unlock(database, settings.master_key_text, settings.key_file)
    counter = Counter()
    desk = SendingContext(database, unlocked, Senders({Channel.EMAIL: counter}))
    while await contacts.send_due(desk, lambda: True):
        pass
    await database.close()
    return counter.taken


if __name__ == "__main__":
    print(json.dumps({"taken": uvloop.run(drain(json.load(sys.stdin)))}))
