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

_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", "un PDF"),
    (b"\x89PNG", "an image", "une image"),
    (b"\xff\xd8\xff", "an image", "une image"),
    (b"GIF8", "an image", "une image"),
    (b"\x1f\x8b", "a compressed archive", "une archive compressée"),
    (b"7z\xbc\xaf", "a compressed archive", "une archive compressée"),
    (b"Rar!", "a compressed archive", "une archive compressée"),
    (b"BZh", "a compressed archive", "une archive compressée"),
    (b"\xfd7zXZ", "a compressed archive", "une archive compressée"),
    (b"\x28\xb5\x2f\xfd", "a compressed archive", "une archive compressée"),
    (b"\x7fELF", "a program", "un programme"),
    (b"MZ", "a program", "un programme"),
    (b"SQLite format 3", "a database", "une base de données"),
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
    for start, english, french in _OTHERS:
        if head.startswith(start) and (len(start) > 2 or b"\0" in head):
            raise _not_a_table(english, french)
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
        raise _not_a_table("an old Office document", "un ancien document Office")


_BLOCK = 1024 * 1024


# A member or another value follows; `{}` alone begins MYOB exports.
_JSON = re.compile(rb"\{\s*\"|\[\s*[{\[\"]|\[\s*[\r\n]")


def _refuse_markup(start: bytes) -> None:
    if start.startswith(_PAGE):
        raise _not_a_table("a web page", "une page web")
    if start.startswith(_MARKUP):
        raise _not_a_table("an XML document", "un document XML")
    if _JSON.match(start):
        raise _not_a_table("a JSON document", "un document JSON")


def _not_a_table(english: str, french: str) -> Unreadable:
    return Unreadable("not_a_table", what={"en": english, "fr": french})
