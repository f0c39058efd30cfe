"""Archives with a single file: gzip, or a zip that is not a workbook, unpacked to an unnamed temporary file.

Unpacking is incremental and never exceeds the limits; entry names are only displayed, and never used as
paths.
"""

import gzip
import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from getbill.sheets.messages import Unreadable
from getbill.sheets.model import ReadLimits

_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_BLOCK = 1024 * 1024
# The end of a zip's directory: number of entries and size (APPNOTE 4.3.16); a comment of 65,535 bytes may
# follow.
_END, _END_SIZE, _COMMENT_MAX = b"PK\x05\x06", 22, 65_535
_ENTRIES_MAX, _DIRECTORY_MAX = 10_000, 4 * 1024 * 1024
_OF_WORKBOOKS = frozenset({"[Content_Types].xml", "content.xml", "mimetype", "_rels/.rels"})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_LOCKED = 1
# Files that operating systems add to archives.
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_NESTED = (_GZIP, b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_TAR, _TAR_AT = b"ustar", 257
_NAMES_SHOWN = 5
_NAME_MAX = 200


Packed = IO[bytes] | gzip.GzipFile


@dataclass(slots=True)
class Member:
    """The one file of an archive: its bytes, and its name in the archive."""

    file: BinaryIO
    name: str


def unpack_member(file: BinaryIO, name: str, limits: ReadLimits) -> Member | None:
    """Return the one file of an archive, which the caller closes; None for a file that is not an archive.

    Raises Unreadable for an archive with no file or several, with a password, nested, damaged or too large.
    """
    file.seek(0)
    head = file.read(4)
    if head == _ZIP and _is_archive(file):
        return _of_zip(file, limits)
    return _of_gzip(file, name, limits) if head.startswith(_GZIP) else None


def _is_archive(file: BinaryIO) -> bool:
    """Return whether a zip has few entries and no workbook; any other is read or refused as a workbook."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _COMMENT_MAX))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        return False
    entries, length = struct.unpack_from("<HI", tail, at + 10)
    if entries > _ENTRIES_MAX or length > _DIRECTORY_MAX:
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
    return not names & _OF_WORKBOOKS and not any(part.startswith(("xl/", "word/", "ppt/")) for part in names)


def _of_zip(file: BinaryIO, limits: ReadLimits) -> Member:
    with zipfile.ZipFile(file) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not _is_litter(info.filename)]
        if len(infos) != 1:
            names = ", ".join(_display_name(info.filename) for info in infos[:_NAMES_SHOWN])
            raise Unreadable(
                "archive_of_several" if infos else "archive_empty", count=len(infos), names=names
            )
        name = _display_name(infos[0].filename)
        if infos[0].flag_bits & _LOCKED:
            raise Unreadable("archive_locked")
        if infos[0].compress_type not in _METHODS:
            raise Unreadable("archive_method", name=name)
        try:
            with archive.open(infos[0]) as packed:
                return Member(_unpack(packed, name, limits), name)
        except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, OSError) as error:
            raise Unreadable("archive_damaged") from error


def _of_gzip(file: BinaryIO, name: str, limits: ReadLimits) -> Member:
    file.seek(0)
    base = _display_name(name)
    inner = base[:-3] if base.lower().endswith(".gz") else base
    try:
        with closing(gzip.GzipFile(fileobj=file)) as packed:
            return Member(_unpack(packed, inner, limits), inner)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise Unreadable("archive_damaged") from error


def _unpack(packed: Packed, name: str, limits: ReadLimits) -> BinaryIO:
    out: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's
    try:
        out.writelines(_limited_blocks(packed, min(limits.bytes_max, limits.unpacked_max)))
        _refuse_nested(out, name)
    except BaseException:
        out.close()
        raise
    return out


def _refuse_nested(file: BinaryIO, name: str) -> None:
    file.seek(0)
    head = file.read(_TAR_AT + len(_TAR))
    if head.startswith(_NESTED) or head[_TAR_AT:] == _TAR or (head[:4] == _ZIP and _is_archive(file)):
        raise Unreadable("archive_nested", name=name)


def _limited_blocks(packed: Packed, limit: int) -> Iterator[bytes]:
    size = 0
    while block := packed.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise Unreadable("archive_too_large", limit=limit)
        yield block


def _is_litter(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return "__MACOSX" in path.parts or path.name.lower() in _LITTER or path.name.startswith("._")


def _display_name(name: str) -> str:
    base = PurePosixPath(name.replace("\\", "/")).name
    return "".join(sign for sign in base if sign.isprintable())[:_NAME_MAX] or "?"
