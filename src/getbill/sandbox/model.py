"""A move of a sandbox's clock: from where to where, how far it has come, and when all that follows had happened."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.kit import ids

ADVANCE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Advance:
    """A clock on its way. `started_from`, `target_at` and `reached_at` are workspace time, the rest wall time."""

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
        """The id as callers see it."""
        return ids.show("advance", self.id)

    @property
    def url(self) -> str:
        """Where a caller asks how far it has come."""
        return f"/external-api/v1/sandbox/clock/advances/{self.public_id}"


def advance_of_row(row: Record) -> Advance:
    """Return an advance from its row."""
    return Advance(**{name: row[name] for name in Advance.__slots__})
