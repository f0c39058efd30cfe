"""A contact in the ledger: where it stands between planned and its end, and what may become of it next.

planned -> claimed (a lease) -> sending (committed just before the provider is asked) -> accepted, failed or
unknown -> delivered, bounced or answered. Before it is sent a contact may also be skipped or stopped. What is
`sending` may have reached the debtor already, whatever happens to us.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from getbill.channels import Channel
from getbill.quarantine import Item

# States in which the debtor was contacted, or may have been: they count for caps and are never repeated.
CONTACTED = frozenset({"sending", "accepted", "delivered", "answered", "bounced", "unknown"})
# What a dry run wrote and did not send: done while it lasts, and to be done after it.
REHEARSED = "rehearsed"
# It failed, and neither left nor was it given up: nothing else of its debt is planned meanwhile.
SET_ASIDE = "set_aside"
# States in which a step of the scenario is behind us; a stopped one is taken up again when contact resumes.
COMPLETED = CONTACTED | {"failed", "skipped"}
_CHANNELS = {str(channel): channel for channel in Channel}


@dataclass(slots=True, kw_only=True)
class Contact:
    """One row of the ledger. `channel` is a channel's name or `review`; the lease is wall time."""

    workspace_id: UUID
    debt_id: UUID
    run: int
    step: str
    attempt: int
    channel: str
    state: str
    due_at: datetime
    is_live: bool
    contact_epoch: int
    created_at: datetime
    fence: int = 0
    lease_until: datetime | None = None
    followup_id: UUID | None = None
    address_hash: bytes | None = None
    provider: str | None = None
    provider_ref: str | None = None
    reason: str | None = None
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    # When it was due first, of a contact that came too late and was then moved to an instant the rules allow.
    missed_at: datetime | None = None

    def is_late(self, now: datetime, late_after: timedelta) -> bool:
        """Tell whether it was not taken in time, wherever it was moved to since."""
        return self.missed_at is not None or now - self.due_at > late_after

    def settle(self, state: str, now: datetime, reason: str | None = None) -> None:
        """Bring the contact to a state from which only a receipt moves it on."""
        self.state = state
        self.settled_at = now
        self.lease_until = None
        self.reason = reason

    def postpone(self, due_at: datetime, reason: str) -> None:
        """Put the contact back among the planned ones, for a later instant."""
        self.state = "planned"
        self.due_at = due_at
        self.lease_until = None
        self.reason = reason

    def set_aside(self, reason: str) -> None:
        """Take the contact out of the plan until it is put back."""
        self.state = SET_ASIDE
        self.lease_until = None
        self.reason = reason

    @property
    def quarantine_item(self) -> Item:
        """What of it stands aside where it failed: a debt has one contact at a time."""
        return Item(self.workspace_id, "contact", self.debt_id, self.debt_id)

    def snapshot(self) -> tuple[Any, ...]:
        """Return all that the row says, for `stand` to put it back."""
        return _values(self)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Take back what was done to the contact since: the transaction that did it is lost."""
        for name, value in zip(COLUMNS, snapshot, strict=True):
            setattr(self, name, value)

    @property
    def channel_kind(self) -> Channel:
        """The channel, where it is one."""
        return _CHANNELS[self.channel]


COLUMNS = tuple(column.name for column in fields(Contact))
_values = attrgetter(*COLUMNS)
