"""An event before and after it is stored, and its published shape."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from getbill.kit import ids, json
from getbill.kit.database import Transaction
from getbill.vault import Key


class Subject(Protocol):
    """The debt of an event, as the transaction holds it."""

    @property
    def workspace_id(self) -> UUID:
        """The workspace."""

    @property
    def id(self) -> UUID:
        """The debt's id."""

    @property
    def key(self) -> Key | None:
        """The key that seals the debt's data; None once it is erased."""

    def next_sequence(self) -> int:
        """Return the next sequence number of the debt's events."""

    def event_data(self) -> dict[str, Any]:
        """Return the debt's current data, carried by every event."""

    def store(self, tx: Transaction) -> None:
        """Write the debt's changes at the end of the transaction."""


@dataclass(slots=True)
class RecordedEvent:
    """A fact recorded in a transaction and not stored yet."""

    kind: str
    subject: Subject
    detail: dict[str, Any]
    id: UUID = field(default_factory=ids.new)


def data_context(workspace_id: UUID, event_id: UUID) -> bytes:
    """Return the sealing context of an event's data."""
    return b"event" + workspace_id.bytes + event_id.bytes


def data_json(
    sealed: bytes | None, key: Key | None, workspace_id: UUID, event_id: UUID, debt_id: UUID
) -> bytes:
    """Return an event's data as JSON; for an erased debt, its id and the fact of the erasure."""
    if sealed is None or key is None:
        return json.write({"debt_id": ids.show("debt", debt_id), "erased": True})
    return key.open(sealed, data_context(workspace_id, event_id))


def read_data(
    sealed: bytes | None, key: Key | None, workspace_id: UUID, event_id: UUID, debt_id: UUID
) -> Any:
    """Return an event's data as a value."""
    return json.read(data_json(sealed, key, workspace_id, event_id, debt_id))


class PushedEvent(Protocol):
    """The fields of an event's published shape, besides its data."""

    @property
    def event_id(self) -> UUID:
        """The event's id."""

    @property
    def kind(self) -> str:
        """The kind of event."""

    @property
    def sequence(self) -> int:
        """The sequence number among the subject's events."""

    @property
    def occurred_at(self) -> datetime:
        """The instant, in the workspace's time."""


def event_payload(event: PushedEvent, data: bytes | None) -> dict[str, Any]:
    """Return an event in its published shape; `data` is JSON, None for callers who may not read it."""
    return {
        "event": event.kind,
        "timestamp": json.instant(event.occurred_at),
        "data": None if data is None else json.raw_json(data),
        "webhook_id": ids.show("wh", event.event_id),
        "sequence": event.sequence,
    }
