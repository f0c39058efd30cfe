"""File type detection from content: a text, a workbook, or an unsupported type."""

import re
from pathlib import PurePath
from typing import BinaryIO, Literal

from getbill.sheets.messages import Unreadable
from getbill.sheets.model import Note

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The name of the encrypted part of a password-protected workbook, in an OLE directory (MS-OFFCRYPTO 1.3.1).
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OLD_WORKBOOKS = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book"))

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"SQLite format 3", "database"),
)
_PAGE = (b"<!doctype html", b"<html", b"<table", b"<head")
_MARKUP = (b"<?xml", b"<!doctype", b"<soap", b"<ofx")
_HEAD = 4_096


def kind_of(file: BinaryIO, size: int) -> Literal["csv", "xlsx"]:
    """Return the type as which the file is read; raise `Unreadable` for a file that is not a table."""
    file.seek(0)
    head = file.read(_HEAD)
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise Unreadable("empty")
    if head.startswith(_ZIP):
        return "xlsx"
    if head.startswith(_OLE):
        _refuse_locked(file, size)
        return "xlsx"
    for start, kind in _OTHERS:
        if head.startswith(start) and (len(start) > 2 or b"\0" in head):
            raise Unreadable("not_a_table", kind)
    _refuse_markup(head.removeprefix(b"\xef\xbb\xbf").lstrip().lower())
    return "csv"


def extension_notes(name: str, kind: Literal["csv", "xlsx"]) -> tuple[Note, ...]:
    """Return a note where the file name's extension does not match the content."""
    extension = PurePath(name).suffix.lower()
    promised = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xlsx"}
    if promised.get(extension, kind) == kind:
        return ()
    return (Note("other_extension", {"extension": extension, "kind": kind.upper()}),)


def _refuse_locked(file: BinaryIO, size: int) -> None:
    """Raise for an OLE container that is locked or holds no workbook."""
    file.seek(0)
    # The directory of a container may be anywhere, so its names are searched in the whole file.
    has_workbook = False
    tail = b""
    for _ in range(size // _BLOCK + 1):
        block = tail + file.read(_BLOCK)
        if _ENCRYPTED in block:
            raise Unreadable("password")
        has_workbook = has_workbook or any(name in block for name in _OLD_WORKBOOKS)
        tail = block[-64:]
    if not has_workbook:
        raise Unreadable("not_a_table", "old_office")


_BLOCK = 1024 * 1024


# A member or another value follows; `{}` alone begins MYOB exports.
_JSON = re.compile(rb"\{\s*\"|\[\s*[{\[\"]|\[\s*[\r\n]")


def _refuse_markup(start: bytes) -> None:
    if start.startswith(_PAGE):
        raise Unreadable("not_a_table", "web_page")
    if start.startswith(_MARKUP):
        raise Unreadable("not_a_table", "xml")
    if _JSON.match(start):
        raise Unreadable("not_a_table", "json")
