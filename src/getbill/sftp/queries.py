"""Queries of files: names and bytes, each opened with the file's own key."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.kit.database import Database, Statement, Transaction
from getbill.sftp.model import CHUNK_BYTES, FILES_MAX, File, Folder, FolderPath, NoSuchPath, State
from getbill.vault import Key

_FILE = """f.id, f.login_id, f.folder, f.name, f.size, f.state, f.written_at, f.import_id, k.wrapped
    FROM sftp_files f JOIN vault_keys k ON k.workspace_id = f.workspace_id AND k.subject_id = f.id"""

_FIND = Statement(
    "sftp.find",
    "The file of a name in one of a login's folders.",
    f"SELECT {_FILE} WHERE f.workspace_id = $1 AND f.login_id = $2 AND f.folder = $3 AND f.name_hash = $4",
)
_FIND_LOCKED = Statement(
    "sftp.find_locked",
    "The file of a name in one of a login's folders, held until the change is made.",
    f"""
    SELECT {_FILE} WHERE f.workspace_id = $1 AND f.login_id = $2 AND f.folder = $3 AND f.name_hash = $4
    FOR UPDATE OF f
    """,
)
_LIST = Statement(
    "sftp.list",
    "What lies in one of a login's folders, the newest first.",
    f"SELECT {_FILE} WHERE f.workspace_id = $1 AND f.login_id = $2 AND f.folder = $3 ORDER BY f.id DESC LIMIT $4",
)
_BY_ID = Statement(
    "sftp.by_id",
    "One file, wherever it lies.",
    f"SELECT {_FILE} WHERE f.workspace_id = $1 AND f.id = $2",
)
_CHUNK = Statement(
    "sftp.chunk",
    "One chunk of a file.",
    "SELECT sealed FROM sftp_chunks WHERE workspace_id = $1 AND file_id = $2 AND number = $3",
)


@dataclass(frozen=True, slots=True)
class KeyedFile:
    """A file with its key."""

    file: File
    key: Key


def _keyed_file(workspace: Workspace, row: Record) -> KeyedFile:
    key = workspace.vault.unwrap(row["wrapped"], workspace.id, row["id"])
    path = FolderPath(Folder(row["folder"]), key.open(row["name"], name_context(row["id"])).decode())
    values = (path, row["size"], State(row["state"]), row["written_at"], row["import_id"])
    return KeyedFile(File(row["id"], row["login_id"], *values), key)


def name_hash(workspace: Workspace, login_id: UUID, path: FolderPath) -> bytes:
    """Return the hash by which a file is found."""
    return workspace.lookup.hash("sftp", f"{login_id}/{path.folder}/{path.name}")


def name_context(file_id: UUID) -> bytes:
    """Return the sealing context of a file's name, which a rename keeps."""
    return b"sftp name" + file_id.bytes


def chunk_context(file_id: UUID, number: int) -> bytes:
    """Return the sealing context of a chunk."""
    return b"sftp chunk" + file_id.bytes + number.to_bytes(4, "big")


async def find(
    database: Database, workspace: Workspace, login_id: UUID, path: FolderPath
) -> KeyedFile | None:
    """Return the file at a path; None if there is none."""
    row = await database.fetchrow(
        _FIND, workspace.id, login_id, path.folder.value, name_hash(workspace, login_id, path)
    )
    return _keyed_file(workspace, row) if row else None


async def find_locked(
    tx: Transaction, workspace: Workspace, login_id: UUID, path: FolderPath
) -> KeyedFile | None:
    """Return the file at a path, locked by the transaction."""
    row = await tx.fetchrow(
        _FIND_LOCKED, workspace.id, login_id, path.folder.value, name_hash(workspace, login_id, path)
    )
    return _keyed_file(workspace, row) if row else None


async def find_by_id(database: Database, workspace: Workspace, file_id: UUID) -> KeyedFile | None:
    """Return a file by id in any folder; None if it is deleted."""
    row = await database.fetchrow(_BY_ID, workspace.id, file_id)
    return _keyed_file(workspace, row) if row else None


async def list_files(
    database: Database, workspace: Workspace, login_id: UUID, folder: Folder, limit: int = FILES_MAX
) -> list[File]:
    """Return the files of a folder, newest first: if the list is cut, the oldest are left out."""
    rows = await database.fetch(_LIST, workspace.id, login_id, folder.value, limit)
    return [_keyed_file(workspace, row).file for row in rows]


async def read_chunk(database: Database, workspace_id: UUID, keyed_file: KeyedFile, number: int) -> bytes:
    """Return the bytes of one chunk; raise NoSuchPath if the file was deleted meanwhile."""
    sealed = await database.fetchval(_CHUNK, workspace_id, keyed_file.file.id, number)
    if sealed is None:
        raise NoSuchPath("The file no longer exists.")
    return keyed_file.key.open(sealed, chunk_context(keyed_file.file.id, number))


async def read_file(database: Database, workspace_id: UUID, keyed_file: KeyedFile) -> AsyncIterator[bytes]:
    """Yield a file's bytes, a chunk at a time."""
    for number in range(-(-keyed_file.file.size // CHUNK_BYTES)):
        yield await read_chunk(database, workspace_id, keyed_file, number)


class SftpDownload:
    """A file being read: one chunk in memory, whatever its size."""

    def __init__(self, database: Database, workspace_id: UUID, keyed_file: KeyedFile) -> None:
        self.file = keyed_file.file
        self._database = database
        self._workspace_id = workspace_id
        self._keyed_file = keyed_file
        self._number = -1
        self._bytes = b""

    async def read(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes from an offset on; none at the end."""
        content = bytearray()
        end = min(offset + size, self.file.size)
        while offset < end:
            number, begin = divmod(offset, CHUNK_BYTES)
            if number != self._number:
                self._bytes = await read_chunk(self._database, self._workspace_id, self._keyed_file, number)
                self._number = number
            part = self._bytes[begin : begin + end - offset]
            if not part:
                break
            content += part
            offset += len(part)
        return bytes(content)
