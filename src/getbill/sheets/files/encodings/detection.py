"""Encoding detection over the whole file, not only its beginning.

A file that is valid UTF-8 is UTF-8, and so is each such line of a mixed file. Otherwise the encodings that
ERP systems write are compared by how they decode the bytes above 127: the right one puts letters inside words
and symbols beside amounts.
"""

import codecs
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

from getbill.sheets.files.encodings import code_pages, mixed_encodings
from getbill.sheets.files.encodings.byte_statistics import (
    HEAD_BYTES,
    ByteStatistics,
    LineCounts,
    count_lines,
    file_blocks,
)
from getbill.sheets.files.encodings.names import (
    DISPLAY_NAMES,
    FOREIGN_BYTES,
    Encoding,
    display_name,
    line_encoding,
)
from getbill.sheets.files.encodings.western import (
    HIGH_WORD,
    KNOWN_WEIGHT,
    SELDOM,
    SINGLE_BYTE,
    known_words,
    plausibility,
)
from getbill.sheets.model import Note

# With fewer letters than this, each line is checked for being UTF-8 rather than valid by chance.
_FEW = 100
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect(file: BinaryIO) -> Encoding:
    """Return the encoding of the whole file, with one per line where they differ."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    has_mark = False
    for mark, codec in _MARKS:
        if head.startswith(mark):
            has_mark = codec == "utf-8-sig"
            if not has_mark:
                return Encoding(DISPLAY_NAMES.get(codec, codec), codec)
            break
    if unmarked := _without_mark(head):
        return Encoding(unmarked, unmarked)
    statistics = ByteStatistics()
    for block in file_blocks(file):
        statistics.add(block)
    statistics.finish()
    if statistics.broken or (0 < statistics.well_formed < _FEW and not has_mark):
        lines = count_lines(file)
        if not (has_mark or lines.utf_8):
            single = _detect_single_byte(statistics.contexts or lines.contexts, head)
            if not lines.has_both or _is_of_one_page(single, statistics):
                return single
        if lines.foreign:
            return _mixed_encoding(lines, statistics)
    codec = "utf-8-sig" if has_mark else "utf-8"
    return _double_encoding("", statistics) or Encoding(
        "utf-8", codec, FOREIGN_BYTES if has_mark else "replace", remarks=statistics.lost_notes
    )


def _detect_single_byte(contexts: Counter[bytes], sample: bytes) -> Encoding:
    words = Counter(HIGH_WORD.findall(sample))
    fits = {
        codec: plausibility(codec, contexts) * SELDOM.get(codec, 1) + KNOWN_WEIGHT * known_words(codec, words)
        for codec in SINGLE_BYTE
    }
    western = max(SINGLE_BYTE, key=lambda name: (fits[name], -SINGLE_BYTE.index(name)))
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


def _is_of_one_page(encoding: Encoding, statistics: "ByteStatistics") -> bool:
    """Return whether apparent UTF-8 among other letters is chance, as in Ukrainian and Romanian."""
    is_chance = statistics.well_formed * 5 < statistics.broken
    return is_chance and not encoding.is_doubtful and encoding.codec not in SINGLE_BYTE


def _mixed_encoding(lines: "LineCounts", statistics: "ByteStatistics") -> Encoding:
    """Return the encoding of a file with lines in UTF-8 and lines in another encoding."""
    foreign = _detect_single_byte(lines.contexts, bytes(lines.sample))
    note = Note("mixed_encoding", {"encoding": foreign.name, "count": lines.foreign, "others": lines.utf_8})
    encoding = _double_encoding(foreign.codec, statistics) or line_encoding(foreign.codec, "")
    # A few letters of valid UTF-8 may be two letters of another page by chance: `ĂŞ` in Romanian.
    is_chance = foreign.codec not in SINGLE_BYTE and statistics.well_formed * 2 <= statistics.broken
    return replace(
        encoding,
        is_doubtful=foreign.is_doubtful or is_chance,
        readings=foreign.readings,
        remarks=(note, *encoding.remarks),
    )


def _double_encoding(foreign: str, statistics: "ByteStatistics") -> Encoding | None:
    """Return the encoding of a file with doubly encoded letters, None where it has none."""
    codec = max(mixed_encodings.TWICE, key=lambda name: statistics.twice[name])
    if not statistics.twice[codec]:
        return None
    note = Note(
        "encoded_twice", {"encoding": DISPLAY_NAMES.get(codec, codec), "count": statistics.twice[codec]}
    )
    return replace(line_encoding(foreign, codec), remarks=(note, *statistics.lost_notes))


def detect_double_encoding(texts: Iterable[str]) -> str:
    """Return the encoding as which UTF-8 was misread before these texts were saved; empty if none."""
    text = "\n".join(text for text in texts if not text.isascii())
    counts = {codec: mixed_encodings.twice_count(text, codec) for codec in mixed_encodings.TWICE}
    best = max(counts, key=lambda codec: counts[codec])
    return best if counts[best] else ""


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
