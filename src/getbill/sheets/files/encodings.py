"""Encoding detection over the whole file, not only its beginning.

A file that is valid UTF-8 is UTF-8, and so is each such line of a mixed file. Otherwise the encodings that
ERP systems write are compared by how they decode the bytes above 127: the right one puts letters inside words
and symbols beside amounts.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from getbill.kit.text.word_lists import WordLists
from getbill.sheets.files import code_pages, mixed_encodings
from getbill.sheets.messages import Unreadable
from getbill.sheets.model import Note

_BLOCK = 1024 * 1024
_HEAD = 64 * 1024
# Number of bytes above 127 examined to compare the encodings, and of invalid UTF-8 bytes that suffice.
_SEEN_MAX = 10_000
# With fewer letters than this, each line is checked for being UTF-8 rather than valid by chance.
_FEW = 100

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In order of frequency; the first wins a tie, and decodes iso8859-1 the same way.
_SINGLE_BYTE = ("cp1252", "mac_roman", "cp850", "iso8859-15")
# Encodings that current software no longer writes have less weight.
_SELDOM = {"cp850": 0.8}
_NAMES = {"utf-8-sig": "utf-8", "utf-8": "utf-8", "mac_roman": "mac-roman", "iso8859-1": "latin-1"}


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


def detect(file: BinaryIO) -> Encoding:
    """Return the encoding of the whole file, with one per line where they differ."""
    file.seek(0)
    head = file.read(_HEAD)
    has_mark = False
    for mark, codec in _MARKS:
        if head.startswith(mark):
            has_mark = codec == "utf-8-sig"
            if not has_mark:
                return Encoding(_NAMES.get(codec, codec), codec)
            break
    if unmarked := _without_mark(head):
        return Encoding(unmarked, unmarked)
    statistics = _ByteStatistics()
    for block in _file_blocks(file):
        statistics.add(block)
    statistics.finish()
    if statistics.broken or (0 < statistics.well_formed < _FEW and not has_mark):
        lines = _count_lines(file)
        if not (has_mark or lines.utf_8):
            single = _detect_single_byte(statistics.contexts or lines.contexts, head)
            if not lines.has_both or _is_of_one_page(single, statistics):
                return single
        if lines.foreign:
            return _mixed_encoding(lines, statistics)
    codec = "utf-8-sig" if has_mark else "utf-8"
    return _double_encoding("", statistics) or Encoding(
        "utf-8", codec, _FOREIGN if has_mark else "replace", remarks=statistics.lost_notes
    )


def _detect_single_byte(contexts: Counter[bytes], sample: bytes) -> Encoding:
    words = Counter(_HIGH_WORD.findall(sample))
    fits = {
        codec: _plausibility(codec, contexts) * _SELDOM.get(codec, 1)
        + _KNOWN_WEIGHT * _known_words(codec, words)
        for codec in _SINGLE_BYTE
    }
    western = max(_SINGLE_BYTE, key=lambda name: (fits[name], -_SINGLE_BYTE.index(name)))
    reading = code_pages.decide_code_page(western, contexts, sample)
    codec = reading.page
    is_poor = codec == western and fits[codec] <= 0 if reading.is_poor is None else reading.is_poor
    is_doubtful = bool(reading.rival) or is_poor
    return Encoding(display_name(codec), codec, is_doubtful=is_doubtful, readings=_readings(reading))


def _readings(reading: code_pages.CodePageReading) -> str:
    """Return the letters in doubt in both encodings, without words: `: ø è (cp1252) / ř č (cp1250)`."""
    if not reading.rival:
        return ""
    read, otherwise = reading.letters
    return f": {read} ({display_name(reading.page)}) / {otherwise} ({display_name(reading.rival)})"


def _is_of_one_page(encoding: Encoding, statistics: "_ByteStatistics") -> bool:
    """Return whether apparent UTF-8 among other letters is chance, as in Ukrainian and Romanian."""
    is_chance = statistics.well_formed * 5 < statistics.broken
    return is_chance and not encoding.is_doubtful and encoding.codec not in _SINGLE_BYTE


def _mixed_encoding(lines: "_LineCounts", statistics: "_ByteStatistics") -> Encoding:
    """Return the encoding of a file with lines in UTF-8 and lines in another encoding."""
    foreign = _detect_single_byte(lines.contexts, bytes(lines.sample))
    note = Note("mixed_encoding", {"encoding": foreign.name, "count": lines.foreign, "others": lines.utf_8})
    encoding = _double_encoding(foreign.codec, statistics) or _line_encoding(foreign.codec, "")
    # A few letters of valid UTF-8 may be two letters of another page by chance: `ĂŞ` in Romanian.
    is_chance = foreign.codec not in _SINGLE_BYTE and statistics.well_formed * 2 <= statistics.broken
    return replace(
        encoding,
        is_doubtful=foreign.is_doubtful or is_chance,
        readings=foreign.readings,
        remarks=(note, *encoding.remarks),
    )


def _double_encoding(foreign: str, statistics: "_ByteStatistics") -> Encoding | None:
    """Return the encoding of a file with doubly encoded letters, None where it has none."""
    codec = max(mixed_encodings.TWICE, key=lambda name: statistics.twice[name])
    if not statistics.twice[codec]:
        return None
    note = Note("encoded_twice", {"encoding": _NAMES.get(codec, codec), "count": statistics.twice[codec]})
    return replace(_line_encoding(foreign, codec), remarks=(note, *statistics.lost_notes))


def _line_encoding(foreign: str, twice: str) -> Encoding:
    parts = (("mixed", foreign), ("twice", twice))
    name = "-".join(["utf-8", *(f"{how}-{_NAMES.get(codec, codec)}" for how, codec in parts if codec)])
    return Encoding(name, mixed_encodings.codec(foreign, twice))


_OF_LINES = re.compile(r"utf-8(?:-mixed-(.+?))?(?:-twice-(.+))?")


def encoding_named(name: str) -> Encoding:
    """Return the encoding that a person named; raise `Unreadable` for an unknown one."""
    if (parts := _OF_LINES.fullmatch(name)) and any(parts.groups()):
        return _line_encoding(*(encoding_named(part).codec if part else "" for part in parts.groups()))
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # a bytes-to-bytes codec, such as base64, encodes no text
    except LookupError:
        raise Unreadable("encoding_unknown", encoding=name) from None
    display = _NAMES.get(codec, codec)
    # A byte order mark is not text, even where a person named the encoding.
    return Encoding(
        display, "utf-8-sig" if codec == "utf-8" else codec, _FOREIGN if codec == "utf-8" else "replace"
    )


def detect_double_encoding(texts: Iterable[str]) -> str:
    """Return the encoding as which UTF-8 was misread before these texts were saved; empty if none."""
    text = "\n".join(text for text in texts if not text.isascii())
    counts = {codec: mixed_encodings.twice_count(text, codec) for codec in mixed_encodings.TWICE}
    best = max(counts, key=lambda codec: counts[codec])
    return best if counts[best] else ""


def display_name(codec: str) -> str:
    """Return the display name of an encoding."""
    return _NAMES.get(codec, codec)


def double_encoding_name(codec: str) -> str:
    """Return the display name of an encoding for texts that were misread through another one."""
    return _line_encoding("", codec).name


def double_encoding_of(name: str | None) -> str:
    """Return the encoding through which text was misread, from the combined name; empty if none."""
    parts = _OF_LINES.fullmatch(name or "")
    return encoding_named(parts[2]).codec if parts and parts[2] else ""


def encoder_for(name: str | None) -> codecs.IncrementalEncoder:
    """Return an encoder for a file in this encoding, by default UTF-8 with its byte order mark.

    The mark lets Excel recognise UTF-8; a character missing from the encoding becomes a question mark.
    """
    return codecs.getincrementalencoder(encoding_named(name or "utf-8").codec)("replace")


def _without_mark(head: bytes) -> str | None:
    """Return UTF-16 when every other byte of the head is NUL, as in western text without a BOM."""
    half = len(head) // 2
    if half < 2 or b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None


class _ByteStatistics:
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


class _LineCounts:
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
        self.sample += bare[: _HEAD - len(self.sample)]


def _count_lines(file: BinaryIO) -> _LineCounts:
    counts, remainder = _LineCounts(), b""
    for block in _file_blocks(file):
        whole, remainder = mixed_encodings.split(remainder + block)
        counts.add(whole)
    counts.add(remainder)
    return counts


def _file_blocks(file: BinaryIO) -> Iterator[bytes]:
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


# Frequencies of western letters in the languages of the exports; capitals are rarer.
_LETTERS = {
    **dict.fromkeys("é", 12),
    **dict.fromkeys("èàüöä", 8),
    **dict.fromkeys("çêñßôîóíá", 6),
    **dict.fromkeys("ïëâûúùœå", 4),
    **dict.fromkeys("æøìòãõÿěščřžýłąęśżźćńőű", 3),
    **dict.fromkeys("ÉÈÀÇÖÜÄÊÔÎÑÓÍÁÚŠŽŁÒÌÙÃÕ", 3),
    **dict.fromkeys("ÂÏËÛÙŒÅÆØ", 2),
}
_BESIDE_DIGITS = "€£\u00a0°"
# A file may have accents in its header only.
_KNOWN_WEIGHT = 20
_WORD = re.compile(r"\w*[^\W\d_a-z]\w*")
_HIGH_WORD = re.compile(rb"\w*[\x80-\xff][\w\x80-\xff]*")
_NUMBER_SIGN = re.compile(r"\bn[\u00b0\u00ba]")
_LISTS = WordLists(Path(__file__).with_name("encodings.toml"))
_KNOWN = frozenset(_LISTS.words("known", "words", str.casefold))
_QUOTES = "\u2019\u2018"
_OPENING, _CLOSING = "\u201c«", "\u201d»"
_PUNCTUATION = f"{_QUOTES}\u201c\u201d\u2013\u2014«»…°€£\u00a0§²"


def _plausibility(codec: str, contexts: Counter[bytes]) -> int:
    texts, at, total = b"".join(contexts).decode(codec, "replace"), 0, 0
    for context, count in contexts.items():
        text = texts[at : at + len(context)]
        at += len(context)
        total += (-30 if "\ufffd" in text else _fit(text, context)) * count
    return total


def _known_words(codec: str, words: Counter[bytes]) -> int:
    """Count the words of column headers that are legible only in the right encoding."""
    text = b"\n".join(words).decode(codec, "replace").casefold()
    if _KNOWN.isdisjoint(_WORD.findall(text)) and not _NUMBER_SIGN.search(text):
        return 0
    return sum(count * _known_in(word) for word, count in zip(text.split("\n"), words.values(), strict=True))


def _known_in(text: str) -> int:
    return sum(word in _KNOWN for word in _WORD.findall(text)) + len(_NUMBER_SIGN.findall(text))


def _fit(text: str, context: bytes) -> int:
    """Return a score for one decoded character above 127 between its neighbours."""
    at = 1 if len(text) > 1 and (len(text) == 3 or context[-1] > 127) else 0
    sign, before, after = text[at], text[at - 1] if at else " ", text[at + 1] if at + 1 < len(text) else " "
    if sign in _LETTERS:
        weight = _LETTERS[sign]
        # A capital inside a lower-case word, or a letter in a number, shows a wrong decoding.
        if sign.isupper() and (
            before.islower() or (before.isupper() and after.islower() and after.isascii())
        ):
            return -8
        if before.isdigit() and after.isdigit():
            return -8
        return -4 if _is_misspelt(sign, after) else weight
    if sign in _PUNCTUATION:
        return _fit_of_sign(sign, before, after)
    return -15 if not sign.isprintable() or ord(sign) < 0xA0 else -5


def _fit_of_sign(sign: str, before: str, after: str) -> int:
    if sign in _BESIDE_DIGITS and (before.isdigit() or after.isdigit()):
        return 8
    if (sign in _OPENING and before.isalpha()) or (sign in _CLOSING and after.isalpha()):
        return -4
    return -4 if before.isalpha() and after.isalpha() and sign not in f"{_QUOTES}\u00a0" else 3


def _is_misspelt(sign: str, after: str) -> bool:
    """Return whether no word of the western languages continues like this."""
    if sign in "çÇñÑ":
        return after.isascii() and after.isalpha() and after.lower() not in "aeiouy"
    return (sign in "ìòù" and after.isalpha()) or (sign in "êö" and not after.isalpha())


_FOREIGN = "getbill.foreign"


def _foreign(error: UnicodeError) -> tuple[str, int]:
    """Return the decoding of invalid bytes in a UTF-8 file as Windows text."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace"), error.end


codecs.register_error(_FOREIGN, _foreign)
