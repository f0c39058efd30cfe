"""Following the log as it grows: each delivery once, as soon as it is settled.

A row's instant is taken before its transaction ends, so one may appear behind others that were seen already: the last
seconds are looked at again each time, and what was seen is left out.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from getbill.companies import Workspace
from getbill.kit.database import Database
from getbill.webhooks.delivery_log import queries, schemas
from getbill.webhooks.delivery_log.queries import Delivery

_LATE: Final = timedelta(seconds=5)
_PAGE: Final = 500
_FIRST: Final = UUID(int=0)


@dataclass
class Follower:
    """Who follows the log of a workspace, or of one endpoint in it, from an instant on."""

    database: Database
    workspace: Workspace
    endpoint_id: UUID | None
    since: datetime
    _seen: dict[UUID, datetime] = field(default_factory=dict)
    _from: datetime | None = None

    async def news(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what was settled and not yet told, as lists show it, the oldest first."""
        place = (self._from or self.since, _FIRST)
        while found := await queries.settled_since(
            self.database, self.workspace, self.endpoint_id, place, _PAGE
        ):
            fresh = [one for one in found if one.id not in self._seen]
            for told in await self._told(fresh):
                yield told
            self._seen |= {one.id: one.stands_at for one in fresh}
            place = (found[-1].stands_at, found[-1].id)
        horizon = max(place[0] - _LATE, self.since)
        self._from = horizon
        self._seen = {identifier: at for identifier, at in self._seen.items() if at >= horizon}

    async def _told(self, fresh: list[Delivery]) -> list[dict[str, Any]]:
        last = await queries.last_attempts(self.database, self.workspace, fresh)
        erased = await queries.erased(self.database, self.workspace, [one.debt_id for one in fresh])
        return [schemas.delivery(one, last.get(one.id), is_erased=one.debt_id in erased) for one in fresh]
