"""A contact of the ledger: its state between planned and settled, and its allowed transitions.

planned -> claimed (a lease) -> sending (committed just before the provider is called) -> accepted, failed or
unknown -> delivered, bounced or answered. Before it is sent a contact may also be skipped or stopped. A
contact in `sending` may have reached the debtor already, even if the worker dies.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from getbill.channels import Channel
from getbill.quarantine import Item

# States in which the debtor was or may have been contacted: they count for caps and are never repeated.
CONTACTED = frozenset({"sending", "accepted", "delivered", "answered", "bounced", "unknown"})
# Simulated by a dry run: done while the dry run lasts, still to be sent after it.
REHEARSED = "rehearsed"
# Failed, neither sent nor given up: no other contact of its debt is planned meanwhile.
SET_ASIDE = "set_aside"
# States that pass a step of the scenario; a stopped step is taken again when contact resumes.
COMPLETED = CONTACTED | {"failed", "skipped"}
_CHANNELS = {str(channel): channel for channel in Channel}


@dataclass(slots=True, kw_only=True)
class Contact:
    """One row of the ledger. `channel` is a channel's name or `review`; the lease is in wall time."""

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
    # Original due time of a contact that was late and then moved to an instant the rules allow.
    missed_at: datetime | None = None
    # Its hand-over in the journal of the worker that sends it.
    handover_id: UUID | None = None
    # Workers in a row that died with it before it was handed over.
    crashes: int = 0

    def is_late(self, now: datetime, late_after: timedelta) -> bool:
        """Return whether the contact missed its due time, even if it was moved since."""
        return self.missed_at is not None or now - self.due_at > late_after

    def settle(self, state: str, now: datetime, reason: str | None = None) -> None:
        """Move the contact to a state that only a status callback can change."""
        self.state = state
        self.settled_at = now
        self.lease_until = None
        self.reason = reason

    def postpone(self, due_at: datetime, reason: str) -> None:
        """Plan the contact again for a later instant."""
        self.state = "planned"
        self.due_at = due_at
        self.lease_until = None
        self.reason = reason

    def set_aside(self, reason: str) -> None:
        """Exclude the contact from planning until it is retried or skipped."""
        self.state = SET_ASIDE
        self.lease_until = None
        self.reason = reason

    @property
    def quarantine_item(self) -> Item:
        """The quarantine item of the contact; a debt has one contact at a time."""
        return Item(self.workspace_id, "contact", self.debt_id, self.debt_id)

    def snapshot(self) -> tuple[Any, ...]:
        """Return the values of the row, for `restore`."""
        return _values(self)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Undo changes made by a transaction that was rolled back."""
        for name, value in zip(COLUMNS, snapshot, strict=True):
            setattr(self, name, value)

    @property
    def channel_kind(self) -> Channel:
        """The channel of a contact that has one."""
        return _CHANNELS[self.channel]


COLUMNS = tuple(column.name for column in fields(Contact))
_values = attrgetter(*COLUMNS)
