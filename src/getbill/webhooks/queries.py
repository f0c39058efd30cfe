"""Reading a workspace's endpoints."""

from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.kit import ids
from getbill.kit.db import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.webhooks.model import Endpoint

_LIST = Statement(
    "webhooks.list",
    "A workspace's endpoints, in the order they were made.",
    "SELECT * FROM webhook_endpoints WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id",
)
_FIND = Statement(
    "webhooks.find",
    "One endpoint.",
    "SELECT * FROM webhook_endpoints WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL",
)
_LOCK = Statement(
    "webhooks.lock",
    "One endpoint, held until the transaction ends.",
    "SELECT * FROM webhook_endpoints WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE",
)
_COUNT = Statement(
    "webhooks.count",
    "How many endpoints has a workspace?",
    "SELECT count(*) FROM webhook_endpoints WHERE workspace_id = $1 AND deleted_at IS NULL",
)

PREFIX: Final = "we"


def _endpoint(row: Record | None, endpoint_id: UUID) -> Endpoint:
    if row is None:
        raise NotFound(f"There is no webhook {ids.show(PREFIX, endpoint_id)}.")
    return Endpoint(**{name: row[name] for name in Endpoint.__slots__})


async def endpoints(database: Database, workspace_id: UUID) -> list[Endpoint]:
    """Return a workspace's endpoints in the order they were made."""
    return [_endpoint(row, row["id"]) for row in await database.fetch(_LIST, workspace_id)]


async def find(database: Database, workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint; raise NotFound when the workspace has none of this id."""
    return _endpoint(await database.fetchrow(_FIND, workspace_id, endpoint_id), endpoint_id)


async def lock(tx: Transaction, workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint that nobody else changes until the transaction ends; raise NotFound for none."""
    return _endpoint(await tx.fetchrow(_LOCK, workspace_id, endpoint_id), endpoint_id)


async def count(tx: Transaction, workspace_id: UUID) -> int:
    """Return how many endpoints a workspace has."""
    rows = await tx.peek(_COUNT, workspace_id)
    return int(rows[0]["count"])
