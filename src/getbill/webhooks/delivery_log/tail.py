"""A live tail of the delivery log: each delivery once, as soon as it is settled.

A row's instant precedes its commit, so a row may appear behind others already seen. Each poll reads the last
seconds again and skips the rows it has seen.
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
class LogTail:
    """A reader of new log rows of a workspace, or of one endpoint, from an instant on."""

    database: Database
    workspace: Workspace
    endpoint_id: UUID | None
    since: datetime
    _seen_at: dict[UUID, datetime] = field(default_factory=dict)
    _horizon: datetime | None = None

    async def poll(self) -> AsyncIterator[dict[str, Any]]:
        """Yield newly settled deliveries as lists show them, oldest first."""
        position = (self._horizon or self.since, _FIRST)
        while deliveries := await queries.settled_since(
            self.database, self.workspace, self.endpoint_id, position, _PAGE
        ):
            new_deliveries = [delivery for delivery in deliveries if delivery.id not in self._seen_at]
            for payload in await self._serialize(new_deliveries):
                yield payload
            self._seen_at |= {delivery.id: delivery.stands_at for delivery in new_deliveries}
            position = (deliveries[-1].stands_at, deliveries[-1].id)
        horizon = max(position[0] - _LATE, self.since)
        self._horizon = horizon
        self._seen_at = {identifier: at for identifier, at in self._seen_at.items() if at >= horizon}

    async def _serialize(self, deliveries: list[Delivery]) -> list[dict[str, Any]]:
        last = await queries.last_attempts(self.database, self.workspace, deliveries)
        erased = await queries.find_erased(
            self.database, self.workspace, [delivery.debt_id for delivery in deliveries]
        )
        return [
            schemas.serialize_delivery(delivery, last.get(delivery.id), is_erased=delivery.debt_id in erased)
            for delivery in deliveries
        ]
