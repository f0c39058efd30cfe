"""Queries for imports: one import, a page of imports, and the chunks of one."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.imports.model import PREFIXES, Import, Keys, chunk_context
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

_FROM = """
    SELECT i.*, k.wrapped AS key, f.wrapped AS file_key
    FROM imports i
    LEFT JOIN vault_keys k ON k.workspace_id = i.workspace_id AND k.subject_id = i.id
    LEFT JOIN vault_keys f ON f.workspace_id = i.workspace_id AND f.subject_id = i.file_id
    """
_FIND = Statement(
    "imports.find", "One import with its keys.", _FROM + "WHERE i.workspace_id = $1 AND i.id = $2"
)
_LOCK = Statement(
    "imports.lock",
    "One import, held until the transaction ends.",
    _FROM + "WHERE i.workspace_id = $1 AND i.id = $2 FOR UPDATE OF i",
)
_FIND_MANY = Statement(
    "imports.some",
    "Some imports with their keys.",
    _FROM + "WHERE i.workspace_id = $1 AND i.id = ANY($2)",
)
_PAGE = Statement(
    "imports.page",
    "A page of imports, the newest first, of some sources and states where they are named.",
    _FROM
    + """
    WHERE i.workspace_id = $1 AND i.received_at IS NOT NULL AND i.source = ANY($2)
      AND ($3::text IS NULL OR i.state = $3)
      AND ($4::timestamptz IS NULL OR (i.created_at, i.id) < ($4, $5::uuid))
    ORDER BY i.created_at DESC, i.id DESC LIMIT $6 OFFSET $7
    """,
)
_COUNT = Statement(
    "imports.count",
    "How many imports are there, counted to a limit?",
    """
    SELECT count(*) FROM (
        SELECT FROM imports i WHERE i.workspace_id = $1 AND i.received_at IS NOT NULL AND i.source = ANY($2)
          AND ($3::text IS NULL OR i.state = $3) LIMIT $4) AS counted
    """,
)
_CHUNK = Statement(
    "imports.chunk",
    "One chunk of an import's bytes.",
    "SELECT sealed FROM import_chunks WHERE workspace_id = $1 AND import_id = $2 AND number = $3",
)


async def find(database: Database, workspace: Workspace, import_id: UUID) -> Import:
    """Return an import; raise NotFound when the workspace has none with this id."""
    return _from_row(await database.fetchrow(_FIND, workspace.id, import_id))


async def find_received(
    database: Database, workspace: Workspace, import_id: UUID, sources: tuple[str, ...] = tuple(PREFIXES)
) -> Import:
    """Return an import from one of these sources whose bytes are complete; raise NotFound otherwise."""
    import_ = await find(database, workspace, import_id)
    if import_.received_at is None or import_.source not in sources:
        raise _not_found()
    return import_


async def find_many(
    database: Database | Transaction, workspace: Workspace, import_ids: Collection[UUID]
) -> list[Import]:
    """Return the imports that exist among these ids."""
    rows = await database.fetch(_FIND_MANY, workspace.id, list(import_ids))
    return [Import.from_row(row) for row in rows]


async def lock(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Return an import locked until the transaction ends; raise NotFound when it does not exist."""
    return _from_row(await tx.fetchrow(_LOCK, workspace.id, import_id))


def _from_row(row: Record | None) -> Import:
    if row is None:
        raise _not_found()
    return Import.from_row(row)


def _not_found() -> NotFound:
    return NotFound(message("This import does not exist."))


async def list_imports(
    database: Database,
    workspace_id: UUID,
    state: str | None,
    after: tuple[datetime, UUID] | None,
    window: tuple[int, int],
) -> list[Import]:
    """Return a page of imports of files, newest first; `window` is limit and offset."""
    moment, last = after or (None, None)
    limit, offset = window
    rows = await database.fetch(_PAGE, workspace_id, list(PREFIXES), state, moment, last, limit, offset)
    return [Import.from_row(row) for row in rows]


async def count(database: Database, workspace_id: UUID, state: str | None, limit: int) -> int:
    """Return the number of imports, counted up to `limit`."""
    total: int = await database.fetchval(_COUNT, workspace_id, list(PREFIXES), state, limit)
    return total


def keys_of(workspace: Workspace, import_: Import) -> Keys:
    """Return the keys of an import, each None where it was dropped."""
    vault, workspace_id = workspace.vault, workspace.id
    return Keys(
        vault.unwrap(import_.key, workspace_id, import_.id) if import_.key else None,
        vault.unwrap(import_.file_key, workspace_id, import_.file_id) if import_.file_key else None,
    )


async def chunks(
    database: Database, workspace: Workspace, import_: Import, first: int = 0
) -> AsyncIterator[bytes]:
    """Yield the decrypted chunks of an import from `first` on; nothing where the file was dropped."""
    key = keys_of(workspace, import_).file
    number = first
    while key is not None:
        sealed = await database.fetchval(_CHUNK, workspace.id, import_.id, number)
        if sealed is None:
            return
        yield key.open(sealed, chunk_context(import_.id, number))
        number += 1
