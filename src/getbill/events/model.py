"""What an event is before and after it is stored, and the one shape in which it is told."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from getbill.kit import ids, json
from getbill.kit.database import Transaction
from getbill.vault import Key


class Subject(Protocol):
    """The debt an event is about, as the transaction holds it."""

    @property
    def workspace_id(self) -> UUID:
        """The tenant."""

    @property
    def id(self) -> UUID:
        """The debt."""

    @property
    def key(self) -> Key | None:
        """The key that seals the debt's data; None once it is erased."""

    def next_sequence(self) -> int:
        """Take the debt's next place in its own history."""

    def event_data(self) -> dict[str, Any]:
        """Return the keys that every event's data carries, as the debt stands now."""

    def store(self, tx: Transaction) -> None:
        """Have what changed on the debt's row written at the edge."""


@dataclass(slots=True)
class RecordedEvent:
    """A fact noted in a transaction and not yet stored."""

    kind: str
    subject: Subject
    detail: dict[str, Any]
    id: UUID = field(default_factory=ids.new)


def data_context(workspace_id: UUID, event_id: UUID) -> bytes:
    """Return the place an event's data is sealed for."""
    return b"event" + workspace_id.bytes + event_id.bytes


def data_json(
    sealed: bytes | None, key: Key | None, workspace_id: UUID, event_id: UUID, debt_id: UUID
) -> bytes:
    """Return an event's data as JSON; what remains of an erased debt's is its id and that it was erased."""
    if sealed is None or key is None:
        return json.write({"debt_id": ids.show("debt", debt_id), "erased": True})
    return key.open(sealed, data_context(workspace_id, event_id))


def read_data(
    sealed: bytes | None, key: Key | None, workspace_id: UUID, event_id: UUID, debt_id: UUID
) -> Any:
    """Return an event's data as a value."""
    return json.read(data_json(sealed, key, workspace_id, event_id, debt_id))


class PushedEvent(Protocol):
    """What telling an event needs besides its data."""

    @property
    def event_id(self) -> UUID:
        """The event."""

    @property
    def kind(self) -> str:
        """What happened."""

    @property
    def sequence(self) -> int:
        """The place in the history of what it is about."""

    @property
    def occurred_at(self) -> datetime:
        """When, in the workspace's time."""


def event_payload(event: PushedEvent, data: bytes | None) -> dict[str, Any]:
    """Return an event in the shape in which push and pull tell it; `data` is its JSON, None for who may not read it."""
    return {
        "event": event.kind,
        "timestamp": json.instant(event.occurred_at),
        "data": None if data is None else json.raw_json(data),
        "webhook_id": ids.show("wh", event.event_id),
        "sequence": event.sequence,
    }
