"""A contact of the ledger: its state between planned and settled, and its allowed transitions.

planned -> claimed (a lease) -> sending (committed just before the provider is called) -> accepted, failed or
unknown -> delivered, bounced or answered. Before it is sent a contact may also be skipped or stopped. A
contact in `sending` may have reached the debtor already, even if the worker dies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any
from uuid import UUID

from getbill.channels import Channel
from getbill.quarantine import Item


class State(StrEnum):
    """The state of a contact in the ledger."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    # Simulated by a dry run: done while the dry run lasts, still to be sent after it.
    REHEARSED = "rehearsed"
    # Failed, neither sent nor given up: no other contact of its debt is planned meanwhile.
    SET_ASIDE = "set_aside"


# From a state to those that may follow it. A planned contact that stays planned has another due time; one in
# `claimed` goes through the same decisions as one that its transaction locks as planned.
_DECISIONS = frozenset(
    {
        State.PLANNED,
        State.SENDING,
        State.ACCEPTED,
        State.SKIPPED,
        State.STOPPED,
        State.REHEARSED,
        State.SET_ASIDE,
    }
)
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PLANNED: _DECISIONS | {State.CLAIMED},
    State.CLAIMED: _DECISIONS,
    # Planned again, or stopped, only if the provider certainly never received it.
    State.SENDING: frozenset(
        {
            State.ACCEPTED,
            State.DELIVERED,
            State.ANSWERED,
            State.FAILED,
            State.UNKNOWN,
            State.PLANNED,
            State.STOPPED,
        }
    ),
    State.ACCEPTED: frozenset({State.ACCEPTED, State.DELIVERED, State.ANSWERED, State.BOUNCED}),
    # Back to sending: its provider is asked once more for the outcome.
    State.UNKNOWN: frozenset(
        {
            State.ACCEPTED,
            State.DELIVERED,
            State.ANSWERED,
            State.BOUNCED,
            State.FAILED,
            State.SENDING,
        }
    ),
    State.SET_ASIDE: frozenset({State.PLANNED, State.SKIPPED, State.STOPPED}),
    State.REHEARSED: frozenset({State.STOPPED}),
    State.DELIVERED: frozenset(),
    State.ANSWERED: frozenset(),
    State.BOUNCED: frozenset(),
    State.FAILED: frozenset(),
    State.SKIPPED: frozenset(),
    State.STOPPED: frozenset(),
}
# States in which the debtor was or may have been contacted: they count for caps and are never repeated.
CONTACTED = frozenset(
    {
        State.SENDING,
        State.ACCEPTED,
        State.DELIVERED,
        State.ANSWERED,
        State.BOUNCED,
        State.UNKNOWN,
    }
)
# States that pass a step of the scenario; a stopped step is taken again when contact resumes.
COMPLETED = CONTACTED | {State.FAILED, State.SKIPPED}
# States before a contact is sent or given up.
OPEN = frozenset({State.PLANNED, State.CLAIMED})
# A contact that would follow so soon joins a group: its debtor would read the same twice within days.
JOIN_AHEAD = timedelta(days=3)
_CHANNELS = {str(channel): channel for channel in Channel}


class ContactCannotMove(RuntimeError):
    """The table of transitions has no way between the two states: a defect, and nothing is written."""


@dataclass(slots=True, kw_only=True)
class Contact:
    """One row of the ledger. `channel` is a channel's name or `review`; the lease is in wall time."""

    workspace_id: UUID
    debt_id: UUID
    run: int
    step: str
    attempt: int
    channel: str
    state: State
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
    # The message that it shares with other debts of the person, named after the leader's followup; None if alone.
    group_id: UUID | None = None
    # Whether its own message is handed over; in a group, that of one contact is.
    is_leader: bool = True

    def is_late(self, now: datetime, late_after: timedelta) -> bool:
        """Return whether the contact missed its due time, even if it was moved since."""
        return self.missed_at is not None or now - self.due_at > late_after

    def transition(self, to: State) -> None:
        """Move the contact to another state; raise ContactCannotMove if the table forbids it."""
        if to not in TRANSITIONS[State(self.state)]:
            raise ContactCannotMove(f"A contact that is {self.state} cannot become {to}.")
        self.state = to

    def settle(self, state: State, now: datetime, reason: str | None = None) -> None:
        """Move the contact to a state that only a status callback can change."""
        self.transition(state)
        self.settled_at = now
        self.lease_until = None
        self.reason = reason

    def postpone(self, due_at: datetime, reason: str, *, is_late: bool = False) -> None:
        """Plan the contact again for a later instant; one that is late stays so."""
        self.transition(State.PLANNED)
        if is_late:
            self.missed_at = self.missed_at or self.due_at
        self.due_at = due_at
        self.lease_until = None
        self.reason = reason

    def join(self, leader: "Contact") -> None:
        """Take part in the message of another contact, which was committed as `sending` with it."""
        self.transition(leader.state)
        self.is_leader, self.group_id, self.handover_id = False, leader.group_id, leader.handover_id
        self.channel, self.address_hash, self.provider = leader.channel, leader.address_hash, leader.provider
        self.lease_until, self.sent_at, self.reason = leader.lease_until, leader.sent_at, None

    def leave_group(self) -> None:
        """Stand alone again: the shared message never left."""
        self.is_leader, self.group_id = True, None

    def set_aside(self, reason: str) -> None:
        """Exclude the contact from planning until it is retried or skipped."""
        self.transition(State.SET_ASIDE)
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
