"""SFTP requests of one client, mapped to the folders of its login.

Parts of the protocol that are missing here (links, locks, server-side copies) are not supported. The
invariant: a client can reach only the folders of its own login.
"""

import stat
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast

import asyncssh
import structlog
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE, FXP_OPENDIR
from asyncssh.packet import SSHPacket
from asyncssh.sftp import MAX_SFTP_READ_LEN, SFTPServerHandler

from getbill.kit import clock
from getbill.sftp import credentials, model, queries
from getbill.sftp.actions import Folders, SftpUpload
from getbill.sftp.model import File, Folder, FolderPath, State, parse_path
from getbill.sftp.queries import SftpDownload

_log = structlog.get_logger(__name__)

_LISTINGS_MAX: Final = 32
_VERSION: Final = 3
_WRITES: Final = FXF_WRITE | FXF_APPEND
_EXTENSIONS: Final = [
    (b"posix-rename@openssh.com", b"1"),
    (b"fsync@openssh.com", b"1"),
    (b"limits@openssh.com", b"1"),
]

P = ParamSpec("P")
T = TypeVar("T")
Handle = SftpUpload | SftpDownload


def _supported_handlers() -> dict[int | bytes, Any]:
    handlers = SFTPServerHandler._packet_handlers  # noqa: SLF001 no public way to restrict the protocol
    extensions = {name for name, _ in _EXTENSIONS}
    return {kind: answer for kind, answer in handlers.items() if isinstance(kind, int) or kind in extensions}


class SftpProtocol(SFTPServerHandler):
    """The SFTP protocol without links, locks and server-side copies."""

    def __init__(
        self, session: "Session", reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]
    ) -> None:
        super().__init__(session, reader, writer, _VERSION)
        self._session = session

    async def _cleanup(self, exc: Exception | None) -> None:
        # A file still open now was not closed by the client: the connection broke off.
        self._session.is_cut = True
        await super()._cleanup(exc)

    async def _process_opendir(self, packet: SSHPacket) -> bytes:
        if len(self._dir_handles) >= _LISTINGS_MAX:
            raise asyncssh.SFTPFailure("Too many folders are being listed in this session.")
        return await super()._process_opendir(packet)

    _extensions = _EXTENSIONS
    _packet_handlers = _supported_handlers() | {FXP_OPENDIR: cast("Any", _process_opendir)}


def _translates_errors(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Translate refusals to SFTP errors; log our own failures and report them without details."""

    @wraps(method)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except model.NoSuchPath as refusal:
            raise asyncssh.SFTPNoSuchFile(str(refusal)) from None
        except model.NotAllowed as refusal:
            raise asyncssh.SFTPPermissionDenied(str(refusal)) from None
        except model.SftpRefused as refusal:
            raise asyncssh.SFTPFailure(str(refusal)) from None
        except asyncssh.SFTPError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, a client learns no internal details
            _log.error("sftp_request_failed", error=type(error).__name__, exc_info=error)
            raise asyncssh.SFTPFailure("An internal error occurred; retry.") from None

    return wrapper


def _requires_login(method: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """Translate errors as `_translates_errors` does, after checking that the login is not revoked."""

    @wraps(method)
    async def wrapper(session: "Session", *args: Any, **kwargs: Any) -> T:
        await session.check_login()
        return await method(session, *args, **kwargs)

    return _translates_errors(wrapper)


class Session(asyncssh.SFTPServer):
    """The SFTP session of one client."""

    def __init__(self, channel: Any, folders: Folders, *, may_read: bool = True) -> None:
        super().__init__(channel)
        self._may_read = may_read
        self.is_cut = False
        self._folders = folders
        self._handles: set[Handle] = set()
        self._checked_at = clock.monotonic()

    def format_user(self, uid: int | None) -> str:  # noqa: ARG002 one owner for all
        """Return the owner shown in listings."""
        return "getbill"

    def format_group(self, gid: int | None) -> str:  # noqa: ARG002 as above
        """Return the group shown in listings."""
        return "getbill"

    @_requires_login
    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Handle:  # noqa: ARG002 modes are fixed
        """Open a file for reading or for writing, not for both."""
        if len(self._handles) >= self._folders.limits.files_open_max:
            raise asyncssh.SFTPFailure("Too many files are open in this session.")
        target = parse_path(path)
        handle: Handle
        if pflags & _WRITES:
            handle = await self._folders.write(
                target,
                creates=bool(pflags & FXF_CREAT),
                truncates=bool(pflags & FXF_TRUNC),
                is_new=bool(pflags & FXF_EXCL),
            )
            handle.appends = bool(pflags & FXF_APPEND)
        else:
            self._refuse_unread()
            keyed_file = await self._find_file(target)
            handle = SftpDownload(self._folders.database, self._folders.workspace.id, keyed_file)
        self._handles.add(handle)
        return handle

    @_requires_login
    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read from a file."""
        if not isinstance(file_obj, SftpDownload):
            raise model.NotAllowed("The file was opened for writing.")
        self._refuse_unread()
        return await file_obj.read(offset, min(size, MAX_SFTP_READ_LEN))

    @_requires_login
    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write to a file."""
        upload = _upload(file_obj)
        await upload.write(upload.size if upload.appends else offset, data)
        return len(data)

    @_translates_errors
    async def close(self, file_obj: object) -> None:
        """Close a file: it is whole from then on, unless the connection broke off."""
        self._handles.discard(file_obj)
        if not isinstance(file_obj, SftpUpload):
            return
        try:
            await file_obj.close(State.CUT if self.is_cut else State.WHOLE)
        except model.SftpRefused:
            # The client is gone, and its other open files must be closed too.
            if not self.is_cut:
                raise

    @_requires_login
    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return the attributes of a file or folder."""
        target = parse_path(path)
        return (
            _attributes((await self._find_file(target)).file)
            if target.name
            else _folder_attributes(target.folder)
        )

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return the attributes of a file or folder; there are no links."""
        return await self.stat(path)

    @_requires_login
    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Return the attributes of an open file."""
        if isinstance(file_obj, SftpDownload):
            return _attributes(file_obj.file)
        return asyncssh.SFTPAttrs(size=_upload(file_obj).size, permissions=stat.S_IFREG | 0o640)

    @_requires_login
    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Ignore modes and times, which clients send after every upload; refuse to truncate by name."""
        await self.stat(path)
        if attrs.size is not None:
            raise model.NotAllowed("Open a file for writing to truncate it.")

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Do what setstat does; there are no links."""
        await self.setstat(path, attrs)

    @_requires_login
    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Truncate an open file; ignore modes and times."""
        if attrs.size is not None:
            await _upload(file_obj).truncate(attrs.size)

    async def scandir(self, path: bytes) -> Any:
        """List a folder."""
        for name in await self._names(path):
            yield name

    @_requires_login
    async def _names(self, path: bytes) -> list[asyncssh.SFTPName]:
        target = parse_path(path)
        if target.name:
            raise model.NoSuchPath("The folder does not exist.")
        folders = self._folders
        files = await queries.list_files(folders.database, folders.workspace, folders.login_id, target.folder)
        subfolders = [folder for folder in Folder if folder] if target.folder is Folder.ROOT else []
        return [
            *(asyncssh.SFTPName(name, attrs=_folder_attributes(target.folder)) for name in (b".", b"..")),
            *(
                asyncssh.SFTPName(entry.value.encode(), attrs=_folder_attributes(entry))
                for entry in subfolders
            ),
            *(asyncssh.SFTPName(entry.path.name.encode(), attrs=_attributes(entry)) for entry in files),
        ]

    @_requires_login
    async def realpath(self, path: bytes) -> bytes:
        """Return the canonical path."""
        return model.format_path(parse_path(path)).encode()

    @_requires_login
    async def remove(self, path: bytes) -> None:
        """Delete a file."""
        await self._folders.remove(parse_path(path))

    @_requires_login
    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file to a free name."""
        await self._folders.rename(parse_path(oldpath), parse_path(newpath), replaces=False)

    @_requires_login
    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, replacing any file of that name."""
        await self._folders.rename(parse_path(oldpath), parse_path(newpath), replaces=True)

    @_requires_login
    async def fsync(self, file_obj: object) -> None:
        """Store all received bytes."""
        await _upload(file_obj).flush()

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002 it is refused
        """Refuse: the folders are fixed."""
        raise asyncssh.SFTPPermissionDenied("Folders cannot be changed: upload files to incoming/.")

    async def rmdir(self, path: bytes) -> None:  # noqa: ARG002 it is refused
        """Refuse: the folders are fixed."""
        raise asyncssh.SFTPPermissionDenied("Folders cannot be changed.")

    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 it is refused
        """Refuse: there are no links."""
        raise asyncssh.SFTPOpUnsupported("Links are not supported.")

    async def readlink(self, path: bytes) -> bytes:  # noqa: ARG002 it is refused
        """Refuse: there are no links."""
        raise asyncssh.SFTPOpUnsupported("Links are not supported.")

    async def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 it is refused
        """Refuse: there are no links."""
        raise asyncssh.SFTPOpUnsupported("Links are not supported.")

    async def _find_file(self, path: FolderPath) -> queries.KeyedFile:
        folders = self._folders
        keyed_file = await queries.find(folders.database, folders.workspace, folders.login_id, path)
        if keyed_file is None or not path.name:
            raise model.NoSuchPath("The file does not exist.")
        return keyed_file

    async def check_login(self) -> None:
        """Close the session if its login was revoked; checked every few seconds at most."""
        folders = self._folders
        if clock.monotonic() - self._checked_at < folders.limits.login_check_seconds:
            return
        self._checked_at = clock.monotonic()
        login = await credentials.find_login(folders.database, folders.workspace.id, folders.login_id)
        if login.revoked_at is not None:
            self.connection.close()
            raise model.NotAllowed("This login is revoked.")
        self._may_read = login.may_read

    def _refuse_unread(self) -> None:
        if not self._may_read:
            raise model.NotAllowed(
                "No creator or rotator of this login may read debts any more: rotate it with a credential that may."
            )


def _upload(handle: object) -> SftpUpload:
    if not isinstance(handle, SftpUpload):
        raise model.NotAllowed("The file was opened for reading.")
    return handle


def _attributes(file: File) -> asyncssh.SFTPAttrs:
    mode = 0o640 if file.path.folder.takes_files else 0o440
    at = int(file.written_at.timestamp())
    return asyncssh.SFTPAttrs(
        size=file.size, uid=0, gid=0, permissions=stat.S_IFREG | mode, atime=at, mtime=at, nlink=1
    )


def _folder_attributes(folder: Folder) -> asyncssh.SFTPAttrs:
    mode = 0o750 if folder.takes_files else 0o550
    return asyncssh.SFTPAttrs(size=0, uid=0, gid=0, permissions=stat.S_IFDIR | mode, nlink=1)
