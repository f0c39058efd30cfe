"""Recording of events, and their storage at the end of the transaction."""

from typing import Any
from uuid import UUID

from getbill.events.catalogue import KINDS
from getbill.events.model import RecordedEvent, Subject, data_context
from getbill.kit import clock, json, work
from getbill.kit.database import Statement, Transaction

# The channel on which a commit with events wakes the worker.
EVENTS_CHANNEL = "getbill_events"

_INSERT = Statement(
    "events.insert_event",
    "Insert an event.",
    """
    INSERT INTO events (workspace_id, id, debt_id, sequence, kind, data, occurred_at, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """,
)
_ERASE = Statement(
    "events.erase_events",
    "Erase the data of a debt's events; the events remain.",
    "UPDATE events SET data = NULL WHERE workspace_id = $1 AND debt_id = $2 AND data IS NOT NULL",
)


def record(tx: Transaction, kind: str, subject: Subject, detail: dict[str, Any] | None = None) -> None:
    """Record a fact about a debt; it is stored with the debt's final state if the transaction commits."""
    if kind not in KINDS:
        raise LookupError(f"{kind} is not in the catalogue of events")
    tx.recorded_events.append(RecordedEvent(kind, subject, detail or {}))
    tx.subjects[subject.id] = subject


def store(tx: Transaction) -> None:
    """Assign sequence and data to every recorded fact, and write them with the debts' rows."""
    now = clock.wall()
    # All events of one transaction show the debt in its final state.
    data_by_debt: dict[UUID, dict[str, Any]] = {}
    for event in tx.recorded_events:
        subject = event.subject
        data = None
        if subject.key is not None:
            debt_data = data_by_debt.get(subject.id) or data_by_debt.setdefault(
                subject.id, subject.event_data()
            )
            data = subject.key.seal(
                json.write(debt_data | event.detail), data_context(subject.workspace_id, event.id)
            )
        work.note(tx, subject.workspace_id, "stream", now)
        sequence = subject.next_sequence()
        tx.defer(_INSERT, subject.workspace_id, event.id, subject.id, sequence, event.kind, data, tx.now, now)
    for subject in tx.subjects.values():
        subject.store(tx)
    if tx.recorded_events:
        tx.channels_to_notify.add(EVENTS_CHANNEL)
    tx.recorded_events = []


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Delete the data of all events of a debt, keeping kind, sequence and instants."""
    await tx.execute(_ERASE, workspace_id, debt_id)
