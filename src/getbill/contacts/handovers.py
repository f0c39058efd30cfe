"""The journal of hand-overs: what a worker had given to its providers when it was killed.

A contact that is committed as `sending` gets a hand-over, which the worker's slot file knows by its id: `begun` before
the commit, `handed_over` just before the message leaves, `answered` with the provider's outcome. Of a dead worker's
contacts only those handed over without an answer are in doubt: one that was begun never left, and an answer is
settled as it came. A hand-over that no file knows is in doubt, as is every one of a machine that was restarted.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from math import inf
from operator import attrgetter
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import structlog

from getbill.channels.senders import Fate, SendOutcome
from getbill.contacts.model import Contact
from getbill.kit import clock
from getbill.kit.files import slot_file
from getbill.kit.files.slot_file import RecordTooLong, SlotFile, SlotFileContent

_log = structlog.get_logger(__name__)

# So many later hand-overs come to their end before a slot is written again: its outcome is settled by then.
_SLOTS_KEPT: Final = 512
_EXAMINED_EVERY_SECONDS: Final = 5.0
_UNREADABLE_KEPT: Final = timedelta(days=1)
# A provider's code, such as `completed_successfully`. Its other words are not written down: they may name a person.
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ANSWERED: Final = "the provider answered before the worker died"


class Progress(StrEnum):
    """How far a hand-over came."""

    BEGUN = "begun"
    HANDED_OVER = "handed_over"
    # Its transaction failed, or its worker gave it up: certainly not handed over.
    WITHDRAWN = "withdrawn"
    ANSWERED = "answered"


class HandoverNotJournaled(Exception):
    """The journal could not be written, nor made unreadable: the message must not leave."""


@dataclass(slots=True)
class Handover:
    """A hand-over of a message as its journal knows it; the fence is that of the claim that sent it."""

    id: UUID
    workspace_id: UUID
    followup_id: UUID
    fence: int
    progress: Progress
    outcome: SendOutcome | None = None

    @property
    def is_unsent(self) -> bool:
        """Whether the message had not left when its worker ended."""
        return self.progress in {Progress.BEGUN, Progress.WITHDRAWN}

    @property
    def is_settled(self) -> bool:
        """Whether its worker will do nothing more about it."""
        return self.progress in {Progress.WITHDRAWN, Progress.ANSWERED}

    def to_record(self) -> dict[str, Any]:
        """Return the record of the slot file; it holds no personal data."""
        return {
            "id": self.id,
            "workspace": str(self.workspace_id),
            "followup": str(self.followup_id),
            "fence": self.fence,
            "progress": self.progress,
            "outcome": None if self.outcome is None else _outcome_fields(self.outcome),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Handover":
        """Return the hand-over of a record; raise KeyError, TypeError or ValueError for anything else."""
        outcome = record["outcome"]
        return cls(
            UUID(record["id"]),
            UUID(record["workspace"]),
            UUID(record["followup"]),
            int(record["fence"]),
            Progress(record["progress"]),
            None if outcome is None else _outcome_of(outcome),
        )

    def advance(self, progress: Progress, outcome: SendOutcome | None = None) -> None:
        """Set how far it came."""
        self.progress, self.outcome = progress, outcome


def _outcome_fields(outcome: SendOutcome) -> dict[str, Any]:
    is_code = outcome.reason is not None and _CODE.fullmatch(outcome.reason) is not None
    return {
        "fate": outcome.fate.value,
        "ref": outcome.ref,
        "reason": outcome.reason if is_code else None,
        "is_permanent": outcome.is_permanent,
        "duration_ms": outcome.duration_ms,
        "is_dead_address": outcome.is_dead_address,
    }


def _outcome_of(fields: Mapping[str, Any]) -> SendOutcome:
    return SendOutcome(
        Fate(fields["fate"]),
        fields["ref"],
        fields["reason"] or _ANSWERED,
        fields["is_permanent"],
        fields["duration_ms"],
        fields["is_dead_address"],
    )


@dataclass(frozen=True, slots=True)
class DeadJournal:
    """The slot file of a worker that ended, and the hand-overs whose fate it knows."""

    path: Path
    handovers: tuple[Handover, ...]
    # When this worker last looked for its contacts, by the monotonic clock.
    examined_at: float = -inf

    @property
    def was_examined(self) -> bool:
        """Whether this worker has looked for its contacts before, some seconds ago."""
        return self.examined_at > -inf

    @property
    def known_handovers(self) -> list[Handover]:
        """The hand-overs that never left or were answered."""
        return [handover for handover in self.handovers if handover.is_unsent or handover.is_settled]


class HandoverJournal:
    """The journal of this worker, and of those that ran on this machine before it."""

    def __init__(self, folder: Path, installation_id: str) -> None:
        self._folder = folder
        self._identity = {"installation": installation_id}
        self._file: SlotFile | None = None
        self._is_closed = False
        # Whether the last hand-over could not be written: told once.
        self._is_refused = False
        self._slots_count = 0
        self._slots: dict[UUID, int] = {}
        self._handovers: dict[UUID, Handover] = {}
        self._ended_slots: deque[int] = deque()
        self._dead_journals: dict[Path, DeadJournal] = {}

    def begin(self, contacts: Iterable[Contact]) -> None:
        """Give each contact a hand-over, before it is committed as `sending`; None where the disk refuses."""
        for contact in contacts:
            contact.handover_id = self._begin(contact)

    def withdraw(self, contacts: Iterable[Contact]) -> None:
        """Note that contacts are not handed over: the transaction that was to commit them has failed."""
        for contact in contacts:
            handover = self._handovers.get(contact.handover_id) if contact.handover_id else None
            if handover is not None and handover.progress == Progress.BEGUN:
                handover.advance(Progress.WITHDRAWN)
                self._end(handover)

    def hand_over(self, handover_id: UUID | None) -> None:
        """Note that a message is about to leave; raise HandoverNotJournaled if it must not."""
        if handover_id is None:
            return
        if self._is_closed:
            raise HandoverNotJournaled("the journal is closed")
        handover = self._handovers.get(handover_id)
        if handover is None or handover.progress == Progress.HANDED_OVER:
            return
        handover.advance(Progress.HANDED_OVER)
        try:
            self._write_slot(handover)
        except (OSError, RecordTooLong) as error:
            # The next worker must not take it for one that never left, nor may it leave now if it would.
            handover.advance(Progress.BEGUN)
            self._discard(error)

    def is_unsent(self, handover_id: UUID | None) -> bool:
        """Return whether this worker has begun a hand-over whose message has not left."""
        handover = self._handovers.get(handover_id) if handover_id else None
        return handover is not None and handover.is_unsent

    def answer(self, handover_id: UUID | None, outcome: SendOutcome) -> None:
        """Note a provider's outcome; one that is unknown leaves the hand-over in doubt."""
        handover = self._handovers.get(handover_id) if handover_id else None
        if handover is None:
            return
        if outcome.fate != Fate.UNKNOWN:
            handover.advance(Progress.ANSWERED, outcome)
        self._end(handover)

    def known_handovers(self) -> dict[UUID, Handover]:
        """Return every hand-over that certainly never left or was answered, by its id."""
        self._read_dead()
        # A live worker may still hand over what it has begun.
        handovers = [
            handover
            for content in self._read_others(is_live_wanted=True)
            for handover in _handovers_of(content)
            if handover.is_settled
        ]
        for journal in self._dead_journals.values():
            handovers += journal.known_handovers
        return {handover.id: handover for handover in handovers}

    def dead_journals(self, limit: int) -> list[DeadJournal]:
        """Return some journals of workers that ended, each at most once in a few seconds, longest ago first."""
        self._read_dead()
        now = clock.monotonic()
        due_journals = [
            journal
            for journal in self._dead_journals.values()
            if now - journal.examined_at >= _EXAMINED_EVERY_SECONDS
        ]
        journals = sorted(due_journals, key=attrgetter("examined_at"))[:limit]
        self._dead_journals |= {journal.path: replace(journal, examined_at=now) for journal in journals}
        return journals

    def remove_journal(self, journal: DeadJournal) -> None:
        """Delete the journal of a worker that ended: no contact refers to it any more."""
        journal.path.unlink(missing_ok=True)
        self._dead_journals.pop(journal.path, None)

    def remove_unreadable(self) -> None:
        """Delete files of earlier days that no worker of this installation and this boot can read."""
        slot_file.remove_unreadable(self._folder, self._identity, clock.wall() - _UNREADABLE_KEPT)

    def close(self) -> None:
        """Close this worker's journal: nothing is handed over from now on."""
        self._is_closed = True
        if self._file is not None:
            self._file.close()

    def _read_dead(self) -> None:
        """Read the journals of workers that ended since: nothing is written there any more."""
        for content in self._read_others(is_live_wanted=False):
            self._dead_journals[content.path] = DeadJournal(content.path, tuple(_handovers_of(content)))

    def _read_others(self, *, is_live_wanted: bool) -> list[SlotFileContent]:
        """Read the files that are not known to be journals of dead workers."""
        paths = slot_file.list_paths(self._folder)
        for path in self._dead_journals.keys() - set(paths):
            # Another worker saw that it was settled.
            del self._dead_journals[path]
        unread_paths = [path for path in paths if path not in self._dead_journals]
        return list(slot_file.read_files(unread_paths, self._identity, is_live_wanted=is_live_wanted))

    def _begin(self, contact: Contact) -> UUID | None:
        assert contact.followup_id is not None  # noqa: S101 - a contact that is sent has one
        handover = Handover(uuid4(), contact.workspace_id, contact.followup_id, contact.fence, Progress.BEGUN)
        slot = self._free_slot()
        self._slots[handover.id] = slot
        try:
            self._write_slot(handover)
        except (OSError, RecordTooLong) as error:
            del self._slots[handover.id]
            self._ended_slots.appendleft(slot)
            if not self._is_refused:
                _log.warning("handover_not_journaled", error=type(error).__name__)
            self._is_refused = True
            return None
        self._is_refused = False
        self._handovers[handover.id] = handover
        return handover.id

    def _free_slot(self) -> int:
        if len(self._ended_slots) > _SLOTS_KEPT:
            return self._ended_slots.popleft()
        self._slots_count += 1
        return self._slots_count - 1

    def _end(self, handover: Handover) -> None:
        try:
            self._write_slot(handover)
        except (OSError, RecordTooLong) as error:
            # What stands there says less, and nothing wrong.
            _log.warning("handover_not_journaled", error=type(error).__name__)
        del self._handovers[handover.id]
        self._ended_slots.append(self._slots.pop(handover.id))

    def _write_slot(self, handover: Handover) -> None:
        if self._is_closed:
            raise OSError("the journal is closed")
        if self._file is None:
            self._file = SlotFile(self._folder, self._identity)
        self._file.write(self._slots[handover.id], handover.to_record())

    def _discard(self, error: Exception) -> None:
        assert self._file is not None  # noqa: S101 - its hand-overs have begun
        try:
            self._file.discard()
        except OSError as refusal:
            raise HandoverNotJournaled("the journal can be neither written nor discarded") from refusal
        self._file, self._slots_count = None, 0
        self._slots, self._handovers, self._ended_slots = {}, {}, deque()
        _log.error("handover_journal_discarded", error=type(error).__name__)


@contextmanager
def withdrawn_on_failure(journal: HandoverJournal | None, contacts: Sequence[Contact]) -> Iterator[None]:
    """Withdraw the hand-overs of contacts if the transaction that commits them as `sending` fails."""
    try:
        yield
    except BaseException:
        if journal is not None:
            journal.withdraw(contacts)
        raise


def _handovers_of(content: SlotFileContent) -> Iterator[Handover]:
    for record in content.records:
        try:
            yield Handover.from_record(record)
        except (KeyError, TypeError, ValueError):
            _log.warning("handover_record_broken", path=content.path.name)
