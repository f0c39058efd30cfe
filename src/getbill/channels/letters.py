"""Printed letters: the sender at the top left, the debtor's address at the window of a French envelope.

Printing is deterministic: the same letter gives the same file, so that a posted letter can be reproduced.
Every page has the legal notices of a French business letter (art. R123-237 C. com.), as the company entered
them.
"""

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import typst

from getbill.kit import json
from getbill.kit.errors import WrongValue
from getbill.kit.messages import message

# NF Z10-011: an address has at most six lines of 38 characters, in capitals except the name.
LINES_MAX = 6
CHARACTERS_MAX = 38

_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")
_SHEET = (files("getbill.channels") / "templates" / "letter.typ").read_bytes()


class AddressTooLong(WrongValue):
    """The address does not fit an envelope's window."""


@dataclass(frozen=True, slots=True)
class Letter:
    """The contents of a letter: `text` with or without the two addresses at its head, printed separately."""

    letterhead: tuple[str, ...]
    address: str
    text: str
    language: str
    subject: str
    written_at: datetime
    imprint: str | None = None

    def paragraphs(self) -> list[str]:
        """Return the text's paragraphs without the addresses."""
        paragraphs = [paragraph.rstrip() for paragraph in _EMPTY_LINES.split(self.text.strip("\n"))]
        heads = {"\n".join(self.letterhead), self.address}
        return [paragraph for paragraph in paragraphs if paragraph.strip() and paragraph not in heads]


def fits_line(text: str) -> bool:
    """Return whether a text certainly takes one line of the window at most, also in capitals."""
    return len(text if text.isascii() else text.upper()) <= CHARACTERS_MAX and text.isprintable()


def fits_window(address: str) -> bool:
    """Return whether an address fits the window."""
    try:
        window(address)
    except AddressTooLong:
        return False
    return True


def window(address: str) -> list[str]:
    """Return the lines of an address for the window; raise AddressTooLong where they do not fit."""
    name, *address_lines = address.split("\n")
    lines = [part for line in (name, *(line.upper() for line in address_lines)) for part in _wrap(line)]
    if len(lines) > LINES_MAX:
        raise AddressTooLong(
            message(
                "An address may have at most {lines} lines of {characters} characters.",
                lines=LINES_MAX,
                characters=CHARACTERS_MAX,
            )
        )
    return lines


def _wrap(line: str) -> list[str]:
    return textwrap.wrap(line, CHARACTERS_MAX, break_on_hyphens=False)


def print_letter(letter: Letter) -> bytes:
    """Return a letter as an archivable PDF (PDF/A-3b); raise AddressTooLong where its address does not fit.

    Takes some hundredths of a second of CPU time: call it from a thread.
    """
    contents = {
        "from": letter.letterhead,
        "to": window(letter.address),
        "paragraphs": letter.paragraphs(),
        "language": letter.language,
        "subject": letter.subject,
        "imprint": letter.imprint or "",
    }
    pdf: bytes = typst.compile(
        _SHEET,
        format="pdf",
        sys_inputs={"letter": json.write(contents).decode()},
        # Only the fonts of the library, so that every machine prints the same.
        ignore_system_fonts=True,
        pdf_standards=["a-3b"],
        timestamp=letter.written_at.replace(microsecond=0),
    )
    return pdf
