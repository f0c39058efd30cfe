"""Statistics of the bytes above 127 of a file and of its lines."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from getbill.sheets.files.encodings import mixed_encodings
from getbill.sheets.model import Note

_BLOCK = 1024 * 1024
HEAD_BYTES = 64 * 1024
# Number of bytes above 127 examined to compare the encodings, and of invalid UTF-8 bytes that suffice.
_SEEN_MAX = 10_000


class ByteStatistics:
    """Statistics of the bytes above 127: the number of valid UTF-8 characters, and of invalid bytes."""

    def __init__(self) -> None:
        self.well_formed = 0
        self.broken = 0
        self.contexts: Counter[bytes] = Counter()
        # Letters of UTF-8 that were misread as one of these encodings earlier.
        self.twice: Counter[str] = Counter()
        # Replacement characters from an earlier decoding.
        self.lost = 0
        self._pending = b""

    def add(self, block: bytes) -> None:
        """Add the next block of the file."""
        block = self._pending + block
        self._pending = b""
        if block.isascii():
            return
        # A character may be cut by the end of a block: a letter and its neighbours wait for the next block.
        if len(block) > 4:
            block, self._pending = _cut(block)
        high = block.translate(None, _LOW)
        self.lost += high.count(_REPLACEMENT)
        if any(sign in high for sign in _TWICE_SIGNS):
            text = block.decode("utf-8", "replace")
            self.twice.update(
                {codec: mixed_encodings.twice_count(text, codec) for codec in mixed_encodings.TWICE}
            )
        try:
            block.decode("utf-8")
            self.well_formed += len(high.translate(None, _CONTINUING))
        except UnicodeDecodeError:
            self._count_broken(block)

    def finish(self) -> None:
        """Add the pending end of the last block."""
        if self._pending:
            self._count_broken(self._pending)

    @property
    def lost_notes(self) -> tuple[Note, ...]:
        """The note on letters that were lost before the file arrived."""
        return (Note("letters_lost", {"count": self.lost}),) if self.lost else ()

    def _count_broken(self, block: bytes) -> None:
        if self.broken > _SEEN_MAX:
            return
        valid = sum(1 for _ in mixed_encodings.SEQUENCE.finditer(block))
        self.well_formed += valid
        bare = mixed_encodings.SEQUENCE.sub(b"", block)
        self.broken += len(bare) - _ascii_count(bare)
        matches = islice(_CONTEXT.finditer(block), _SEEN_MAX - self.contexts.total())
        self.contexts.update(match[1] for match in matches)


class LineCounts:
    """Number of lines in UTF-8 and in other encodings, with samples of the latter."""

    def __init__(self) -> None:
        self.utf_8 = 0
        self.foreign = 0
        # Whether a line that is not UTF-8 contains UTF-8 letters.
        self.has_both = False
        self.contexts: Counter[bytes] = Counter()
        self.sample = bytearray()

    def add(self, block: bytes) -> None:
        """Count the lines of a block."""
        if block.isascii():
            return
        for line in mixed_encodings.lines(block):
            if line.isascii() or line == codecs.BOM_UTF8:
                continue
            if mixed_encodings.is_utf_8(line):
                self.utf_8 += 1
            else:
                self._add_foreign(line)

    def _add_foreign(self, line: bytes) -> None:
        self.foreign += 1
        self.has_both = self.has_both or mixed_encodings.has_certain_utf_8(line)
        if self.foreign > _SEEN_MAX:
            return
        bare = mixed_encodings.without_certain_utf_8(line)
        self.contexts.update(match[1] for match in _CONTEXT.finditer(bare))
        self.sample += bare[: HEAD_BYTES - len(self.sample)]


def count_lines(file: BinaryIO) -> LineCounts:
    """Count the lines of a file."""
    counts, remainder = LineCounts(), b""
    for block in file_blocks(file):
        whole, remainder = mixed_encodings.split(remainder + block)
        counts.add(whole)
    counts.add(remainder)
    return counts


def file_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the blocks of a file."""
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block


_REPLACEMENT = "\ufffd".encode()
# The first letters of doubly encoded text: in cp1252, mac-roman, cp850.
_TWICE_SIGNS = tuple(sign.encode() for sign in "\u00c3\u00c2\u00e2\u221a\u00ac\u251c\u252c\u201a")
# A byte above 127 with the bytes before and after it.
_CONTEXT = re.compile(rb"(?=((?:^|[\x00-\xff])[\x80-\xff](?:[\x00-\xff]|$)))", re.DOTALL)
_LOW, _HIGH = bytes(range(128)), bytes(range(128, 256))
# The continuation bytes of UTF-8.
_CONTINUING = bytes(range(0x80, 0xC0))


def _cut(block: bytes) -> tuple[bytes, bytes]:
    """Split the block before its last character, so that no UTF-8 character is cut."""
    end = len(block)
    for back in range(1, 5):
        byte = block[end - back]
        if byte < 0x80:
            return block, b""
        if byte >= 0xC0:
            return block[: end - back], block[end - back :]
    return block, b""


def _ascii_count(block: bytes) -> int:
    return len(block.translate(None, _HIGH))
