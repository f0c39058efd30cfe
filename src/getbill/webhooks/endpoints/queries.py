"""Queries of a workspace's endpoints."""

from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.kit import ids, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.webhooks.model import Endpoint, headers_context
from getbill.webhooks.rights import MAY_READ

_ENDPOINT = f"SELECT w.*, {MAY_READ} AS may_read FROM webhook_endpoints w"
_LIST = Statement(
    "webhooks.list",
    "A workspace's endpoints, in the order they were made.",
    f"{_ENDPOINT} WHERE w.workspace_id = $1 AND w.deleted_at IS NULL ORDER BY w.id",
)
_FIND = Statement(
    "webhooks.find",
    "One endpoint.",
    f"{_ENDPOINT} WHERE w.workspace_id = $1 AND w.id = $2 AND w.deleted_at IS NULL",
)
_LOCK = Statement(
    "webhooks.lock",
    "One endpoint, held until the transaction ends; what is owed to it may be written down meanwhile.",
    f"{_ENDPOINT} WHERE w.workspace_id = $1 AND w.id = $2 AND w.deleted_at IS NULL FOR NO KEY UPDATE OF w",
)
_COUNT = Statement(
    "webhooks.count",
    "How many endpoints has a workspace?",
    "SELECT count(*) FROM webhook_endpoints WHERE workspace_id = $1 AND deleted_at IS NULL",
)

PREFIX: Final = "we"


def _endpoint(row: Record | None, workspace: Workspace, endpoint_id: UUID) -> Endpoint:
    if row is None:
        raise NotFound(message("There is no webhook {webhook}.", webhook=ids.show(PREFIX, endpoint_id)))
    values = {name: row[name] for name in Endpoint.__slots__}
    headers = {}
    if row["headers"] is not None:
        headers = json.read_texts(
            workspace.vault.open(row["headers"], headers_context(workspace.id, endpoint_id))
        )
    return Endpoint(**values | {"headers": headers})


async def list_endpoints(database: Database, workspace: Workspace) -> list[Endpoint]:
    """Return a workspace's endpoints in order of creation."""
    return [_endpoint(row, workspace, row["id"]) for row in await database.fetch(_LIST, workspace.id)]


async def find(database: Database, workspace: Workspace, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint; raise NotFound for an unknown id."""
    return _endpoint(await database.fetchrow(_FIND, workspace.id, endpoint_id), workspace, endpoint_id)


async def peek(tx: Transaction, workspace: Workspace, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint within a transaction, without a lock; raise NotFound for an unknown id."""
    return _endpoint(await tx.fetchrow(_FIND, workspace.id, endpoint_id), workspace, endpoint_id)


async def lock(tx: Transaction, workspace: Workspace, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint locked until the transaction ends; raise NotFound for an unknown id."""
    return _endpoint(await tx.fetchrow(_LOCK, workspace.id, endpoint_id), workspace, endpoint_id)


async def count(tx: Transaction, workspace_id: UUID) -> int:
    """Return how many endpoints a workspace has."""
    rows = await tx.peek(_COUNT, workspace_id)
    return int(rows[0]["count"])
