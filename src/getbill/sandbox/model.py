"""An advance of a sandbox's clock: its start, target and progress, and when its consequences were done."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.kit import ids

ADVANCE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Advance:
    """An advance. `started_from`, `target_at` and `reached_at` are workspace time, the rest wall time."""

    workspace_id: UUID
    id: UUID
    started_from: datetime
    target_at: datetime
    reached_at: datetime
    was_frozen: bool
    fence: int
    contacts: int
    arrived_at: datetime | None
    done_at: datetime | None

    @property
    def public_id(self) -> str:
        """The external id."""
        return ids.show("advance", self.id)

    @property
    def url(self) -> str:
        """The URL of its progress."""
        return f"/external-api/v1/sandbox/clock/advances/{self.public_id}"


def advance_of_row(row: Record) -> Advance:
    """Return the advance of a row."""
    return Advance(**{name: row[name] for name in Advance.__slots__})
