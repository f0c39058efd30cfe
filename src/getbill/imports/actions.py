"""Intake of an import's bytes: sealed chunk by chunk as they arrive, an import only when complete.

Until all bytes have arrived there is a draft, which the API does not show; a restarted draft drops the
earlier bytes.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from getbill import vault
from getbill.companies import Workspace
from getbill.imports import moves, queries
from getbill.imports.model import (
    BYTES_MAX,
    FILE_KEPT,
    FileEmpty,
    FileTooLarge,
    Import,
    ImportOptions,
    ImportSuperseded,
    LeaseLost,
    Task,
    chunk_context,
)
from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import message
from getbill.vault import Key

# Minimum size of a sealed chunk: rows that PostgreSQL stores easily, and a small memory footprint.
_PIECE_BYTES = 512 * 1024

_BEGIN = Statement(
    "imports.upsert_draft",
    "Insert a draft, or restart an unfinished one; nothing if its upload is complete.",
    """
    INSERT INTO imports AS i (workspace_id, id, file_id, source, sender, name, language, is_auto, is_dry_run, mode,
                              on_duplicate, grace_hours, created_at, drop_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (workspace_id, id) DO UPDATE SET fence = i.fence + 1 WHERE i.received_at IS NULL
    RETURNING fence, file_id
    """,
)
DELETE_CHUNKS = Statement(
    "imports.delete_chunks",
    "Delete the bytes of an import.",
    "DELETE FROM import_chunks WHERE workspace_id = $1 AND import_id = $2",
)
_INSERT_CHUNK = Statement(
    "imports.insert_chunk",
    "Insert a chunk of an import's bytes, unless another upload restarted the draft.",
    """
    INSERT INTO import_chunks (workspace_id, import_id, number, sealed)
    SELECT $1, $2, $3, $4
    WHERE EXISTS (SELECT FROM imports i WHERE i.workspace_id = $1 AND i.id = $2 AND i.fence = $5
                  AND i.received_at IS NULL FOR SHARE)
    RETURNING number
    """,
)
_FINISH = Statement(
    "imports.finish_upload",
    "Finish the upload of a draft that has its first task.",
    """
    UPDATE imports i SET received_at = $4, size = $5, digest = $6, rows_total = $7,
        same_as = (SELECT o.id FROM imports o WHERE o.workspace_id = $1 AND o.digest = $6 AND o.received_at IS NOT NULL
                   AND o.id <> $2 ORDER BY o.created_at DESC LIMIT 1)
    WHERE i.workspace_id = $1 AND i.id = $2 AND i.fence = $3 AND i.received_at IS NULL
    RETURNING id
    """,
)
_SET_OPTIONS = Statement(
    "imports.set_options",
    "Set the options of a draft, once its form is complete.",
    """
    UPDATE imports SET name = $4, sender = $5, language = $6, is_auto = $7, is_dry_run = $8, mode = $9,
        on_duplicate = $10, grace_hours = coalesce($11, grace_hours)
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND received_at IS NULL
    """,
)
_LOCK_DRAFT = Statement(
    "imports.lock_draft",
    "Lock a draft whose fence still holds.",
    "SELECT id FROM imports WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND received_at IS NULL FOR UPDATE",
)
DELETE_DRAFT = Statement(
    "imports.delete_draft",
    "Delete an unfinished upload.",
    "DELETE FROM imports WHERE workspace_id = $1 AND id = $2 AND received_at IS NULL",
)


@dataclass(slots=True)
class ImportDraft:
    """An import whose bytes are still arriving."""

    workspace: Workspace
    id: UUID
    file_id: UUID
    fence: int
    key: Key
    pieces: int = 0
    size: int = 0
    _sha: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> bytes:
        """SHA-256 digest of the bytes received, to recognise the same file."""
        return self._sha.digest()

    async def store_chunk(self, database: Database, piece: bytes) -> None:
        """Seal and store the next chunk; raise ImportSuperseded when the upload was restarted elsewhere."""
        sealed = self.key.seal(piece, chunk_context(self.id, self.pieces))
        primary_key = self.workspace.id, self.id
        if await database.fetchval(_INSERT_CHUNK, *primary_key, self.pieces, sealed, self.fence) is None:
            raise ImportSuperseded(message("A later upload of this import has started."))
        self._sha.update(piece)
        self.pieces += 1
        self.size += len(piece)


async def begin_draft(
    database: Database, workspace: Workspace, options: ImportOptions, import_id: UUID | None = None
) -> ImportDraft | None:
    """Begin a draft, under the caller's own id where one is given.

    An unfinished draft with that id is restarted; None means that all of its bytes have already arrived.
    """
    import_id = import_id or ids.new()
    async with database.transaction(workspace.now()) as tx:
        file_id = ids.new()
        grace = workspace.grace_hours if options.grace_hours is None else options.grace_hours
        row = await tx.fetchrow(
            _BEGIN,
            workspace.id,
            import_id,
            file_id,
            options.source,
            options.sender,
            options.name,
            options.language,
            options.is_auto,
            options.is_dry_run,
            options.mode,
            options.on_duplicate,
            grace,
            tx.now,
            clock.wall() + FILE_KEPT,
        )
        if row is None:
            return None
        if row["file_id"] == file_id:
            vault.make_key(tx, workspace.vault, workspace.id, import_id)
            key = vault.make_key(tx, workspace.vault, workspace.id, file_id)
            return ImportDraft(workspace, import_id, file_id, row["fence"], key)
        await tx.execute(DELETE_CHUNKS, workspace.id, import_id)
        file_key = queries.keys_of(workspace, await queries.lock(tx, workspace, import_id)).file
        assert file_key is not None  # noqa: S101 - a draft's key is made with it and goes with it
        return ImportDraft(workspace, import_id, row["file_id"], row["fence"], file_key)


async def receive(
    database: Database, draft: ImportDraft, stream: AsyncIterator[bytes], bytes_max: int = BYTES_MAX
) -> None:
    """Receive a file's bytes; drop the draft when they do not arrive complete.

    Raises FileTooLarge, FileEmpty or ImportSuperseded, and any error of the stream.
    """
    try:
        await _receive_chunks(database, draft, stream, bytes_max)
    except BaseException:
        await drop_draft(database, draft)
        raise


async def _receive_chunks(
    database: Database, draft: ImportDraft, stream: AsyncIterator[bytes], bytes_max: int
) -> None:
    buffer = bytearray()
    async for part in stream:
        buffer += part
        if draft.size + len(buffer) > bytes_max:
            raise FileTooLarge(message("The file has more than {bytes_max} bytes.", bytes_max=bytes_max))
        if len(buffer) >= _PIECE_BYTES:
            await draft.store_chunk(database, bytes(buffer))
            buffer.clear()
    if buffer:
        await draft.store_chunk(database, bytes(buffer))
    if not draft.size:
        raise FileEmpty(message("The file is empty. Send it again."))


async def drop_draft(database: Database, draft: ImportDraft) -> None:
    """Drop a draft with its bytes, unless it was already dropped or restarted elsewhere."""
    async with database.transaction(draft.workspace.now()) as tx:
        primary_key = draft.workspace.id, draft.id
        if await tx.fetchval(_LOCK_DRAFT, *primary_key, draft.fence) is not None:
            await tx.execute(DELETE_CHUNKS, *primary_key)
            await tx.execute(DELETE_DRAFT, *primary_key)
            await vault.drop_key(tx, draft.workspace.id, draft.id)
            await vault.drop_key(tx, draft.workspace.id, draft.file_id)


async def finish_draft(
    tx: Transaction, draft: ImportDraft, *, task: Task = Task.READ, rows_total: int | None = None
) -> Import:
    """Turn a draft whose bytes are complete into an import with its first task, and return it."""
    workspace = draft.workspace
    digest = workspace.lookup.hash("file", draft.sha256.hex())
    superseded = ImportSuperseded(message("A later upload of this import has started."))
    try:
        await moves.receive(tx, (workspace.id, draft.id), draft.fence, task)
    except LeaseLost:
        raise superseded from None
    values = (workspace.id, draft.id, draft.fence, tx.now, draft.size, digest, rows_total)
    if await tx.fetchval(_FINISH, *values) is None:
        raise superseded
    return await queries.lock(tx, workspace, draft.id)


async def set_options(tx: Transaction, draft: ImportDraft, options: ImportOptions) -> None:
    """Set the options of a draft, where they were not known when it began."""
    await tx.execute(
        _SET_OPTIONS,
        draft.workspace.id,
        draft.id,
        draft.fence,
        options.name,
        options.sender,
        options.language,
        options.is_auto,
        options.is_dry_run,
        options.mode,
        options.on_duplicate,
        options.grace_hours,
    )


async def create(
    database: Database,
    workspace: Workspace,
    stream: AsyncIterator[bytes],
    options: ImportOptions,
    *,
    import_id: UUID | None = None,
    bytes_max: int = BYTES_MAX,
) -> Import:
    """Receive a file and queue it for reading; a repeated `import_id` returns the complete import."""
    draft = await begin_draft(database, workspace, options, import_id)
    if draft is None:
        assert import_id is not None  # noqa: S101 - only an id of the caller's own can be known
        return await queries.find(database, workspace, import_id)
    await receive(database, draft, stream, bytes_max)
    async with database.transaction(workspace.now()) as tx:
        return await finish_draft(tx, draft)
