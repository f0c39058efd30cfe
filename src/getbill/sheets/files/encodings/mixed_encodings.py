"""Decoder for files written by several programs: UTF-8 with a single-byte encoding, or doubly encoded UTF-8.

Each line is decoded by its own bytes. The decoder is a named codec, so that a stored layout decodes the file
in exactly the same way again.
"""

import codecs
import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_PREFIX, _BETWEEN, _NONE = "getbill_lines", "_x_", "none"
# A block without a line end is decoded as it is from this size on; such a line is refused for its length.
_PIECE_MAX = 4 * 1024 * 1024
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

# RFC 3629 section 4, without sequences that only hostile text contains.
SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
# Certain UTF-8, even in a line that is not UTF-8: no word of a single-byte encoding looks like this.
_SURE = re.compile(
    rb"[\xc2\xc3][\x80-\xbf]|\xc5[\x92\x93\xa0\xa1\xb8\xbd\xbe]|\xe2\x80[\x80-\xbb]|\xe2\x82[\xa0-\xbf]"
)
# Letters and symbols of European texts. A capital before a no-break space, valid UTF-8 by chance, is none of
# these.
_EUROPEAN = re.compile(
    "[\u00a0-\u017f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u1e00-\u1eff\u2000-\u2044\u20a0-\u20c0\u2116\u2122\ufeff\ufffd]"
)
_OTHER_SCRIPT_MIN = 3
# The encodings as which UTF-8 is misread, the likeliest first.
TWICE = ("cp1252", "mac_roman", "cp850")
_LEADS = bytes(range(0xC2, 0xC6))


def is_utf_8(line: bytes) -> bool:
    """Return whether a line with bytes above 127 is UTF-8, not single-byte text that is valid by chance."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return (
        bool(_EUROPEAN.search(text)) or len(text) - len(text.encode("ascii", "ignore")) >= _OTHER_SCRIPT_MIN
    )


def has_certain_utf_8(line: bytes) -> bool:
    """Return whether a line that is not UTF-8 contains UTF-8 letters."""
    return bool(_SURE.search(line))


def without_certain_utf_8(line: bytes) -> bytes:
    """Return a line that is not UTF-8 without its UTF-8 letters."""
    return _SURE.sub(b"", line)


def split(block: bytes) -> tuple[bytes, bytes]:
    """Split a block after its last complete line."""
    at = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
    return (block, b"") if not at and len(block) > _PIECE_MAX else (block[:at], block[at:])


def lines(block: bytes) -> list[bytes]:
    """Return the lines of a block with their ends."""
    return _LINE.findall(block)


@lru_cache
def twice_pattern(codec: str) -> re.Pattern[str]:
    """Return a pattern of UTF-8 characters of two or three bytes misread in this encoding."""
    continuation = _characters(codec, bytes(range(0x80, 0xC0)))
    if codec == "cp1252":
        # As latin-1 decodes them.
        continuation += "\x80-\x9f"
    long, middle = _characters(codec, b"\xe2"), _characters(codec, b"\x80\x82")
    return re.compile(f"[{_characters(codec, _LEADS)}][{continuation}]|{long}[{middle}][{continuation}]")


def twice_count(text: str, codec: str) -> int:
    """Count the letters that can only be UTF-8 misread in this encoding: `Ã¨`, and not `Ã` before a blank."""
    matches = twice_pattern(codec).findall(text)
    return sum(1 for letters in matches if not (letters[-1].isspace() or letters.isalpha()))


def mend(text: str, codec: str) -> str:
    """Return a text with every doubly encoded letter restored."""
    return twice_pattern(codec).sub(lambda match: _decode_once(match[0], codec), text)


def _decode_once(letters: str, codec: str) -> str:
    try:
        return b"".join(_byte(letter, codec) for letter in letters).decode("utf-8")
    except UnicodeError:
        return letters


def _byte(letter: str, codec: str) -> bytes:
    # Software that reads cp1252 keeps its five undefined bytes unchanged.
    return letter.encode("latin-1") if 0x80 <= ord(letter) < 0xA0 else letter.encode(codec)


def _characters(codec: str, signs: bytes) -> str:
    characters = (bytes([sign]).decode(codec, "ignore") or chr(sign) for sign in signs)
    return re.escape("".join(characters))


class LineDecoder(codecs.BufferedIncrementalDecoder):
    """Line decoder: UTF-8 where a line is UTF-8, else the foreign encoding; then restores double encoding."""

    foreign = ""
    twice = ""

    def _buffer_decode(self, input: "Buffer", errors: str, final: bool) -> tuple[str, int]:  # noqa: A002, ARG002
        data = bytes(input)
        block, remainder = (data, b"") if final else split(data)
        if block.isascii():
            return block.decode("ascii"), len(block)
        text = (
            "".join(map(self._decode_line, lines(block)))
            if self.foreign
            else block.decode("utf-8", "replace")
        )
        return (mend(text, self.twice) if self.twice else text), len(data) - len(remainder)

    def _decode_line(self, line: bytes) -> str:
        line = line.removeprefix(codecs.BOM_UTF8)
        if line.isascii():
            return line.decode("ascii")
        if is_utf_8(line):
            return line.decode("utf-8")
        parts = _SURE.split(line)
        sure = (match.decode("utf-8") for match in _SURE.findall(line))
        between = (part.decode(self.foreign, "replace") for part in parts)
        return "".join(chain.from_iterable(zip(between, chain(sure, ("",)), strict=True)))


def codec(foreign: str, twice: str) -> str:
    """Return the name of the codec for these encodings, each empty where unused."""
    return _BETWEEN.join((_PREFIX, foreign or _NONE, twice or _NONE))


def _codec_info(name: str) -> codecs.CodecInfo | None:
    if not name.startswith(_PREFIX):
        return None
    parts = ("" if part == _NONE else part for part in name.split(_BETWEEN)[1:])
    foreign, twice = parts

    class Decoder(LineDecoder):
        pass

    Decoder.foreign, Decoder.twice = foreign, twice
    return codecs.CodecInfo(
        encode=codecs.lookup("utf-8").encode,
        decode=lambda data, errors="strict": (Decoder(errors).decode(bytes(data), final=True), len(data)),
        incrementaldecoder=Decoder,
        incrementalencoder=codecs.lookup("utf-8-sig").incrementalencoder,
        name=name,
    )


codecs.register(_codec_info)
