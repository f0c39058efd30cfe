"""Writes to the folders: one chunk at a time, by the session that last opened the file.

Each full chunk is stored, sealed, so an interrupted upload resumes where it stopped. A session that lost a
file to another one writes nothing more into it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from asyncpg import UniqueViolationError

from getbill import vault
from getbill.companies import Workspace
from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.sftp import pickup, queries
from getbill.sftp.model import (
    CHUNK_BYTES,
    FILES_MAX,
    NAME_BYTES_MAX,
    File,
    Folder,
    FolderPath,
    NameTaken,
    NoRoom,
    NoSuchPath,
    NotAllowed,
    SftpLimits,
    State,
    TakenOver,
    is_finished,
    timestamped_name,
    transition,
)
from getbill.sftp.queries import KeyedFile, chunk_context, name_context, name_hash

_INSERT = Statement(
    "sftp.insert_file",
    "Insert a file.",
    """
    INSERT INTO sftp_files (workspace_id, id, login_id, folder, name_hash, name, state, writer, written_at, import_id,
        is_finished)
    VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10)
    """,
)
_COUNT = Statement(
    "sftp.count_files",
    "Number of files of a login.",
    "SELECT count(*) FROM sftp_files WHERE workspace_id = $1 AND login_id = $2",
)
_REOPEN = Statement(
    "sftp.reopen_file",
    "Reopen a file for a new writer.",
    """
    UPDATE sftp_files SET writer = $3, state = 'open', written_at = $4, asked_at = NULL, size = $5, room = $5
    WHERE workspace_id = $1 AND id = $2 AND state IN ('open', 'cut', 'whole')
    """,
)
_RESIZE = Statement(
    "sftp.resize_file",
    "Truncate a file, if the writer still holds it.",
    "UPDATE sftp_files SET size = $4 WHERE workspace_id = $1 AND id = $2 AND writer = $3 RETURNING id",
)
_CUT_CHUNKS = Statement(
    "sftp.delete_chunks",
    "Delete the chunks of a file from a number on.",
    "DELETE FROM sftp_chunks WHERE workspace_id = $1 AND file_id = $2 AND number >= $3",
)
_LOCK_LOGIN = Statement(
    "sftp.lock_login",
    "Lock a login while its space is allotted.",
    "SELECT id FROM sftp_logins WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE",
)
_RESERVE_SPACE = Statement(
    "sftp.reserve_space",
    "Reserve space for a file, at most what its login has left, if the writer still holds it.",
    """
    UPDATE sftp_files f SET room = least($6, $7 - o.room)
    FROM (SELECT coalesce(sum(room), 0)::bigint AS room FROM sftp_files
          WHERE workspace_id = $1 AND login_id = $4 AND id <> $2) AS o
    WHERE f.workspace_id = $1 AND f.id = $2 AND f.writer = $3 AND $7 - o.room >= $5
    RETURNING f.room
    """,
)
_STORE = Statement(
    "sftp.store_chunk",
    "Store a chunk, if the writer still holds the file.",
    """
    WITH held AS (
        UPDATE sftp_files SET size = $5, written_at = $6
        WHERE workspace_id = $1 AND id = $2 AND writer = $3
        RETURNING workspace_id, id)
    INSERT INTO sftp_chunks (workspace_id, file_id, number, sealed)
    SELECT held.workspace_id, held.id, $4::integer, $7::bytea FROM held WHERE held.workspace_id = $1
    ON CONFLICT (workspace_id, file_id, number) DO UPDATE SET sealed = excluded.sealed
    RETURNING number
    """,
)
_IS_WRITER = Statement(
    "sftp.is_writer",
    "Whether a writer still holds a file.",
    "SELECT id FROM sftp_files WHERE workspace_id = $1 AND id = $2 AND writer = $3",
)
_CLOSE = Statement(
    "sftp.close_file",
    "Close a file that is complete or was cut off.",
    """
    UPDATE sftp_files SET state = $4, writer = NULL, written_at = $5, room = size
    WHERE workspace_id = $1 AND id = $2 AND writer = $3 AND state = 'open' RETURNING id
    """,
)
_MOVE = Statement(
    "sftp.move_file",
    "Rename or move a file from one state to another; its writer keeps it unless its state changes.",
    """
    UPDATE sftp_files SET folder = $3, name_hash = $4, name = $5, state = $6, written_at = $7,
        is_finished = $8, asked_at = NULL, lease_until = NULL, writer = CASE WHEN state = $6 THEN writer END,
        room = CASE WHEN state = $6 THEN room ELSE size END
    WHERE workspace_id = $1 AND id = $2 AND state = $9 RETURNING id
    """,
)
_RENAME_REPLACED = Statement(
    "sftp.rename_replaced",
    "Rename a file whose name a later one takes; it is still imported.",
    "UPDATE sftp_files SET name_hash = $3, name = $4 WHERE workspace_id = $1 AND id = $2",
)
_DELETE = Statement(
    "sftp.delete_file",
    "Delete a file.",
    "DELETE FROM sftp_files WHERE workspace_id = $1 AND id = $2",
)
_TRIES = 3
# Space is reserved in steps of this size, so the folders are summed up once per step.
_RESERVED_BYTES = 16 * 1024 * 1024
T = TypeVar("T")
_TAKEN_OVER = "Another session is writing this file."


class SftpUpload:
    """A file being written: one chunk in memory, whatever its size; the rest is stored."""

    def __init__(self, folders: "Folders", keyed_file: KeyedFile, writer: UUID, size: int = 0) -> None:
        self.size = self._reserved = size
        # Whether every write goes to the end, whatever offset the client sends.
        self.appends = False
        self._folders = folders
        self._keyed_file = keyed_file
        self._writer = writer
        self._number = -1
        self._bytes = bytearray()
        self._is_dirty = False
        # A client closes a file even after a refused write; the file is then incomplete.
        self._has_refused_write = False

    @property
    def file_id(self) -> UUID:
        """The id of the file."""
        return self._keyed_file.file.id

    async def write(self, offset: int, data: bytes) -> None:
        """Write bytes at an offset up to the end; raise NoRoom or TakenOver."""
        if offset > self.size:
            raise NotAllowed("A file must be written without gaps.")
        if offset + len(data) > self._folders.limits.file_bytes_max:
            self._has_refused_write = True
            raise NoRoom(f"A file has at most {self._folders.limits.file_bytes_max} bytes here.")
        remaining = memoryview(data)
        while remaining:
            number, begin = divmod(offset, CHUNK_BYTES)
            await self._load_chunk(number)
            part = remaining[: CHUNK_BYTES - begin]
            self._bytes[begin : begin + len(part)] = part
            self._is_dirty = True
            offset += len(part)
            self.size = max(self.size, offset)
            remaining = remaining[len(part) :]

    async def truncate(self, size: int) -> None:
        """Truncate the file to a size it already has."""
        if size > self.size:
            raise NotAllowed("A file must be written without gaps.")
        number, begin = divmod(size, CHUNK_BYTES)
        await self._load_chunk(number)
        folders, file_key = self._folders, (self._folders.workspace.id, self._keyed_file.file.id)
        async with folders.database.transaction(clock.wall()) as tx:
            if await tx.fetchval(_RESIZE, *file_key, self._writer, size) is None:
                raise TakenOver(_TAKEN_OVER)
            await tx.execute(_CUT_CHUNKS, *file_key, number + (1 if begin else 0))
        del self._bytes[begin:]
        self.size = size
        self._is_dirty = bool(self._bytes)

    async def flush(self) -> None:
        """Store pending bytes; raise NoRoom if the folders are full, TakenOver if another session writes."""
        if not self._is_dirty:
            return
        folders, file_id = self._folders, self._keyed_file.file.id
        file_key = (folders.workspace.id, file_id, self._writer)
        if self.size > self._reserved:
            async with folders.database.transaction(clock.wall()) as tx:
                await self._reserve_space(tx)
        sealed = self._keyed_file.key.seal(bytes(self._bytes), chunk_context(file_id, self._number))
        # All other chunks are stored: with this one, the file is stored up to its end.
        stored_number = await folders.database.fetchval(
            _STORE, *file_key, self._number, self.size, clock.wall(), sealed
        )
        if stored_number is None:
            raise TakenOver(_TAKEN_OVER)
        self._is_dirty = False

    async def close(self, state: State = State.WHOLE) -> None:
        """Finish writing with a state: whole, cut off, or kept by us; raise what `flush` raises."""
        if self._has_refused_write and state == State.WHOLE:
            state = State.CUT
        try:
            await self.flush()
        except NoRoom:
            await self._release_file(State.CUT)
            raise
        await self._release_file(state)

    async def _reserve_space(self, tx: Transaction) -> None:
        folders, quota = self._folders, self._folders.limits.quota_bytes
        file_key = (folders.workspace.id, self._keyed_file.file.id, self._writer)
        await tx.execute(_LOCK_LOGIN, folders.workspace.id, folders.login_id)
        row = (folders.login_id, self.size, self.size + _RESERVED_BYTES, quota)
        room = await tx.fetchval(_RESERVE_SPACE, *file_key, *row)
        if room is None:
            if await tx.fetchval(_IS_WRITER, *file_key) is None:
                raise TakenOver(_TAKEN_OVER)
            raise NoRoom(f"The folders of this login hold at most {quota} bytes.")
        self._reserved = room

    async def _release_file(self, state: State) -> None:
        folders = self._folders
        now, state = clock.wall(), transition(State.OPEN, state)
        row = (folders.workspace.id, self._keyed_file.file.id, self._writer, state, now)
        async with folders.database.transaction(now) as tx:
            if await tx.fetchval(_CLOSE, *row) is None:
                raise TakenOver(_TAKEN_OVER)
            pickup.note_written(tx, folders.workspace.id, now)

    async def _load_chunk(self, number: int) -> None:
        if number == self._number:
            return
        await self.flush()
        is_stored = number * CHUNK_BYTES < self.size
        folders = self._folders
        content = (
            await queries.read_chunk(folders.database, folders.workspace.id, self._keyed_file, number)
            if is_stored
            else b""
        )
        self._number, self._bytes = number, bytearray(content)


class Folders:
    """The folders of one login in one session."""

    def __init__(self, database: Database, workspace: Workspace, login_id: UUID, limits: SftpLimits) -> None:
        self.database = database
        self.workspace = workspace
        self.login_id = login_id
        self.limits = limits

    async def write(
        self, path: FolderPath, *, creates: bool = True, truncates: bool = True, is_new: bool = False
    ) -> SftpUpload:
        """Open a file for writing, creating it if missing; an earlier writer loses it."""
        _check_folder(path)
        _check_name(path)
        return await self.transact(
            lambda tx: self._open_file(tx, path, creates=creates, truncates=truncates, is_new=is_new)
        )

    async def transact(self, action: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run an action in a transaction, and again if another session took a name concurrently."""
        for _ in range(_TRIES):
            try:
                async with self.database.transaction(clock.wall()) as tx:
                    return await action(tx)
            except UniqueViolationError:
                # The next attempt sees it.
                continue
        raise NameTaken("This name is repeatedly taken by other sessions.")

    async def _open_file(
        self, tx: Transaction, path: FolderPath, *, creates: bool, truncates: bool, is_new: bool
    ) -> SftpUpload:
        keyed_file = await queries.find_locked(tx, self.workspace, self.login_id, path)
        writer = ids.new()
        if keyed_file is None:
            if not creates:
                raise NoSuchPath("The file does not exist.")
            return SftpUpload(self, await self.insert(tx, path, writer=writer), writer)
        if is_new:
            raise NameTaken("A file with this name already exists.")
        if truncates and keyed_file.file.is_complete:
            await self._rename_replaced(tx, keyed_file)
            return SftpUpload(self, await self.insert(tx, path, writer=writer), writer)
        _check_not_importing(keyed_file)
        size = 0 if truncates else keyed_file.file.size
        if truncates:
            await tx.execute(_CUT_CHUNKS, self.workspace.id, keyed_file.file.id, 0)
        await tx.execute(_REOPEN, self.workspace.id, keyed_file.file.id, writer, clock.wall(), size)
        return SftpUpload(self, keyed_file, writer, size)

    async def create_report(self, path: FolderPath, import_id: UUID) -> SftpUpload:
        """Open a report for writing, under another name if its own is taken."""
        writer = ids.new()

        async def create(tx: Transaction) -> SftpUpload:
            free_path = await self.free_path(tx, path)
            return SftpUpload(
                self, await self.insert(tx, free_path, writer=writer, import_id=import_id), writer
            )

        return await self.transact(create)

    async def free_name(self, tx: Transaction, name: str, placements: Sequence[tuple[Folder, str]]) -> str:
        """Return a name that is free with each suffix in its folder: the given one, or a variant."""
        for folder, ending in placements:
            if await queries.find_locked(
                tx, self.workspace, self.login_id, FolderPath(folder, name + ending)
            ):
                return timestamped_name(name, clock.wall())
        return name

    async def free_path(self, tx: Transaction, path: FolderPath) -> FolderPath:
        """Return a free path for one of our files: the given one, or a variant."""
        if await queries.find_locked(tx, self.workspace, self.login_id, path) is None:
            return path
        return FolderPath(path.folder, timestamped_name(path.name, clock.wall()))

    async def _rename_replaced(self, tx: Transaction, keyed_file: KeyedFile) -> None:
        """Rename a complete file to free its name for a later file; both are imported."""
        path = FolderPath(
            keyed_file.file.path.folder, timestamped_name(keyed_file.file.path.name, clock.wall())
        )
        name = keyed_file.key.seal(path.name.encode(), name_context(keyed_file.file.id))
        await tx.execute(_RENAME_REPLACED, self.workspace.id, keyed_file.file.id, self._hash(path), name)

    async def insert(
        self, tx: Transaction, path: FolderPath, *, writer: UUID | None = None, import_id: UUID | None = None
    ) -> KeyedFile:
        """Create an empty file at a free path; raise NoRoom if there are too many files."""
        files_count = await tx.fetchval(_COUNT, self.workspace.id, self.login_id)
        if files_count >= FILES_MAX and path.folder.takes_files:
            raise NoRoom(f"The folders of this login hold at most {FILES_MAX} files.")
        file_id = ids.new()
        key = vault.make_key(tx, self.workspace.vault, self.workspace.id, file_id)
        row = (self.workspace.id, file_id, self.login_id, path.folder.value, self._hash(path))
        name = key.seal(path.name.encode(), name_context(file_id))
        now = clock.wall()
        await tx.execute(_INSERT, *row, name, writer, now, import_id, is_finished(path.name))
        return KeyedFile(File(file_id, self.login_id, path, 0, State.OPEN, now, import_id), key)

    async def rename(self, old_path: FolderPath, new_path: FolderPath, *, replaces: bool) -> None:
        """Rename a file; an incomplete one counts as whole then, since the client declares it finished."""
        _check_folder(old_path)
        _check_folder(new_path)
        _check_name(new_path)
        await self.transact(lambda tx: self._rename(tx, old_path, new_path, replaces=replaces))

    async def _rename(
        self, tx: Transaction, old_path: FolderPath, new_path: FolderPath, *, replaces: bool
    ) -> None:
        keyed_file = await queries.find_locked(tx, self.workspace, self.login_id, old_path)
        if keyed_file is None:
            raise NoSuchPath("The file does not exist.")
        _check_not_importing(keyed_file)
        existing_file = await queries.find_locked(tx, self.workspace, self.login_id, new_path)
        if existing_file is not None and existing_file.file.id != keyed_file.file.id:
            if not replaces:
                raise NameTaken("A file with this name already exists.")
            if existing_file.file.is_complete:
                await self._rename_replaced(tx, existing_file)
            else:
                await drop(tx, self.workspace.id, existing_file.file.id)
        state = State.WHOLE if keyed_file.file.is_cut(clock.wall()) else keyed_file.file.state
        await self.move(tx, keyed_file, new_path, state)

    async def move(self, tx: Transaction, keyed_file: KeyedFile, new_path: FolderPath, state: State) -> None:
        """Move a file to a free path; raise TakenOver if it is no longer in the state it was read in."""
        name = keyed_file.key.seal(new_path.name.encode(), name_context(keyed_file.file.id))
        row = (
            self.workspace.id,
            keyed_file.file.id,
            new_path.folder.value,
            self._hash(new_path),
            name,
            transition(keyed_file.file.state, state),
        )
        now = clock.wall()
        values = (now, is_finished(new_path.name), keyed_file.file.state)
        if await tx.fetchval(_MOVE, *row, *values) is None:
            raise TakenOver(_TAKEN_OVER)
        pickup.note_written(tx, self.workspace.id, now)

    async def remove(self, path: FolderPath) -> None:
        """Delete a file and its key, unless it is being imported."""
        if not path.name:
            raise NotAllowed("Folders cannot be changed.")
        async with self.database.transaction(clock.wall()) as tx:
            keyed_file = await queries.find_locked(tx, self.workspace, self.login_id, path)
            if keyed_file is None:
                raise NoSuchPath("The file does not exist.")
            _check_not_importing(keyed_file)
            await drop(tx, self.workspace.id, keyed_file.file.id)

    def _hash(self, path: FolderPath) -> bytes:
        return name_hash(self.workspace, self.login_id, path)


async def drop(tx: Transaction, workspace_id: UUID, file_id: UUID) -> None:
    """Delete a file with its chunks and its key."""
    await tx.execute(_DELETE, workspace_id, file_id)
    await tx.execute(_CUT_CHUNKS, workspace_id, file_id, 0)
    await vault.drop_key(tx, workspace_id, file_id)


def _check_folder(path: FolderPath) -> None:
    if not path.name:
        raise NotAllowed("Folders cannot be changed.")
    if not path.folder.takes_files:
        raise NotAllowed(f"Nothing is put into {path.folder.value}/: drop files into incoming/.")


def _check_name(path: FolderPath) -> None:
    if len(path.name.encode()) > NAME_BYTES_MAX:
        raise NotAllowed(f"A name has at most {NAME_BYTES_MAX} bytes.")


def _check_not_importing(keyed_file: KeyedFile) -> None:
    if keyed_file.file.state is State.TAKEN:
        raise NotAllowed("The file is being imported; it is moved to processed/ or rejected/ automatically.")
