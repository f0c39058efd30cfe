"""Encodings by name, also of files whose lines have several or were encoded twice."""

import codecs
import re
from dataclasses import dataclass

from getbill.sheets.files.encodings import mixed_encodings
from getbill.sheets.messages import Unreadable
from getbill.sheets.model import Note

DISPLAY_NAMES = {"utf-8-sig": "utf-8", "utf-8": "utf-8", "mac_roman": "mac-roman", "iso8859-1": "latin-1"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding: its display name, its codec, and the doubts about the file."""

    name: str
    codec: str
    errors: str = "replace"

    # Whether another encoding fits about as well, or none does.
    is_doubtful: bool = False
    # The letters that another encoding would decode differently, as displayed.
    readings: str = ""
    # Notes on a file whose lines have several encodings.
    remarks: tuple[Note, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes on the encoding for a person."""
        facts = {"encoding": self.name, "readings": self.readings}
        doubt = (Note("encoding_doubtful", facts),) if self.is_doubtful else ()
        return self.remarks + doubt

    def text(self, head: bytes) -> str:
        """Return the beginning of a file as text."""
        return head.decode(self.codec, self.errors)


def line_encoding(foreign: str, twice: str) -> Encoding:
    """Return the encoding of UTF-8 with lines in another encoding, or with letters that were encoded twice."""
    parts = (("mixed", foreign), ("twice", twice))
    name = "-".join(["utf-8", *(f"{how}-{DISPLAY_NAMES.get(codec, codec)}" for how, codec in parts if codec)])
    return Encoding(name, mixed_encodings.codec(foreign, twice))


_OF_LINES = re.compile(r"utf-8(?:-mixed-(.+?))?(?:-twice-(.+))?")


def encoding_named(name: str) -> Encoding:
    """Return the encoding that a person named; raise `Unreadable` for an unknown one."""
    if (parts := _OF_LINES.fullmatch(name)) and any(parts.groups()):
        return line_encoding(*(encoding_named(part).codec if part else "" for part in parts.groups()))
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # a bytes-to-bytes codec, such as base64, encodes no text
    except LookupError:
        raise Unreadable("encoding_unknown", encoding=name) from None
    display = DISPLAY_NAMES.get(codec, codec)
    # A byte order mark is not text, even where a person named the encoding.
    return Encoding(
        display, "utf-8-sig" if codec == "utf-8" else codec, FOREIGN_BYTES if codec == "utf-8" else "replace"
    )


def display_name(codec: str) -> str:
    """Return the display name of an encoding."""
    return DISPLAY_NAMES.get(codec, codec)


def double_encoding_name(codec: str) -> str:
    """Return the display name of an encoding for texts that were misread through another one."""
    return line_encoding("", codec).name


def double_encoding_of(name: str | None) -> str:
    """Return the encoding through which text was misread, from the combined name; empty if none."""
    parts = _OF_LINES.fullmatch(name or "")
    return encoding_named(parts[2]).codec if parts and parts[2] else ""


def encoder_for(name: str | None) -> codecs.IncrementalEncoder:
    """Return an encoder for a file in this encoding, by default UTF-8 with its byte order mark.

    The mark lets Excel recognise UTF-8; a character missing from the encoding becomes a question mark.
    """
    return codecs.getincrementalencoder(encoding_named(name or "utf-8").codec)("replace")


FOREIGN_BYTES = "getbill.foreign"


def _foreign(error: UnicodeError) -> tuple[str, int]:
    """Return the decoding of invalid bytes in a UTF-8 file as Windows text."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace"), error.end


codecs.register_error(FOREIGN_BYTES, _foreign)
