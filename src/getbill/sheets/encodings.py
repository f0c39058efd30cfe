"""How the letters of a file are written as bytes, decided over all of the file and not its beginning.

A file that is UTF-8 throughout is UTF-8. Where it is not, the encodings an ERP writes are compared by what
each makes of the bytes above 127: the right one puts letters inside words and signs beside amounts.
"""

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from getbill.sheets.model import Note
from getbill.sheets.words import Unreadable

_BLOCK = 1024 * 1024
_HEAD = 64 * 1024
# Bytes above 127 looked at to tell the encodings apart, and how many that break UTF-8 are enough to know.
_SEEN_MAX = 10_000
# Of the bytes above 127, how many may break UTF-8 in a file that is UTF-8 with foreign lines in it.
_FOREIGN_SHARE = 0.2

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In the order of how often they come; the first wins a tie, and reads iso8859-1 alike.
_SINGLE_BYTE = ("cp1252", "mac_roman", "cp850", "iso8859-15", "cp1250")
# What programs of today no longer write weighs less.
_SELDOM = {"cp850": 0.8}
_NAMES = {
    "utf-8-sig": "utf-8",
    "utf-8": "utf-8",
    "mac_roman": "mac-roman",
    "iso8859-1": "latin-1",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding: its name for people, its codec, and whether foreign bytes stand in a UTF-8 file."""

    name: str
    codec: str
    errors: str = "replace"

    # Whether the letters read make sense in any of the encodings tried.
    is_doubtful: bool = False
    is_mixed: bool = False

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a person should know about it."""
        if self.is_mixed:
            return (Note("mixed_encoding"),)
        return (Note("encoding_doubtful", {"encoding": self.name}),) if self.is_doubtful else ()

    def text(self, head: bytes) -> str:
        """Return the beginning of a file as text."""
        return head.decode(self.codec, self.errors)


def detect(file: BinaryIO) -> Encoding:
    """Return the encoding of the whole file."""
    file.seek(0)
    head = file.read(_HEAD)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(_NAMES.get(codec, codec), codec, _FOREIGN if codec == "utf-8-sig" else "replace")
    if wide := _without_mark(head):
        return Encoding(wide, wide)
    seen = _Seen()
    file.seek(0)
    while block := file.read(_BLOCK):
        seen.add(block)
    seen.end()
    if not seen.broken:
        return Encoding("utf-8", "utf-8")
    if seen.well_formed and seen.broken <= _FOREIGN_SHARE * (seen.broken + seen.well_formed):
        return Encoding("utf-8", "utf-8", _FOREIGN, is_mixed=True)
    fits = {
        codec: _plausibility(codec, seen.contexts) * _SELDOM.get(codec, 1)
        + _KNOWN_WEIGHT * _known_words(codec, head)
        for codec in _SINGLE_BYTE
    }
    codec = max(_SINGLE_BYTE, key=lambda name: (fits[name], -_SINGLE_BYTE.index(name)))
    return Encoding(_NAMES.get(codec, codec), codec, is_doubtful=fits[codec] <= 0)


def named(name: str) -> Encoding:
    """Return the encoding a person named; raise `Unreadable` for one that does not exist."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # a codec of bytes, such as base64, encodes no text
    except LookupError:
        raise Unreadable("encoding_unknown", encoding=name) from None
    shown = _NAMES.get(codec, codec)
    # A mark at the beginning is no letter, whoever named the encoding.
    return Encoding(
        shown, "utf-8-sig" if codec == "utf-8" else codec, _FOREIGN if codec == "utf-8" else "replace"
    )


def writer(name: str | None) -> codecs.IncrementalEncoder:
    """Return what writes a file in this encoding, UTF-8 with its mark when none is said.

    With the mark Excel reads UTF-8 as such; a letter the encoding lacks becomes a question mark.
    """
    return codecs.getincrementalencoder(named(name or "utf-8").codec)("replace")


def _without_mark(head: bytes) -> str | None:
    """Return UTF-16 when every other byte of the head is NUL, as in western text without a mark."""
    half = len(head) // 2
    if half < 2 or b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None


class _Seen:
    """What the bytes above 127 say: how many characters are well-formed UTF-8, how many bytes are not."""

    def __init__(self) -> None:
        self.well_formed = 0
        self.broken = 0
        self.contexts: Counter[bytes] = Counter()
        self._rest = b""

    def add(self, block: bytes) -> None:
        """Look at the next block of the file."""
        block = self._rest + block
        self._rest = b""
        if block.isascii():
            return
        # A character may be cut by the end of a block: a letter and its neighbours wait for the next.
        if len(block) > 4:
            block, self._rest = _cut(block)
        try:
            self.well_formed += _characters(block.decode("utf-8"))
        except UnicodeDecodeError:
            self._count_broken(block)

    def end(self) -> None:
        """Look at what waited for a next block."""
        if self._rest:
            self._count_broken(self._rest)

    def _count_broken(self, block: bytes) -> None:
        if self.broken > _SEEN_MAX + self.well_formed:
            return
        valid = sum(1 for _ in _SEQUENCE.finditer(block))
        self.well_formed += valid
        bare = _SEQUENCE.sub(b"", block)
        self.broken += len(bare) - _ascii_count(bare)
        seen = islice(_CONTEXT.finditer(block), _SEEN_MAX - self.contexts.total())
        self.contexts.update(match[1] for match in seen)


# RFC 3629 section 4, without what only hostile text writes.
_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}",
)
# A byte above 127 with the one before and the one after.
_CONTEXT = re.compile(rb"(?=((?:^|[\x00-\xff])[\x80-\xff](?:[\x00-\xff]|$)))", re.DOTALL)
_HIGH = bytes(range(128, 256))


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


def _characters(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


# How often western letters come, in the languages the exports are in; capitals come less.
_LETTERS = {
    **dict.fromkeys("é", 12),
    **dict.fromkeys("èàüöä", 8),
    **dict.fromkeys("çêñßôîóíá", 6),
    **dict.fromkeys("ïëâûúùœå", 4),
    **dict.fromkeys("æøìòãõÿěščřžýłąęśżźćńőű", 3),
    **dict.fromkeys("ÉÈÀÇÖÜÄÊÔÎÑÓÍÁÚŠŽŁ", 3),
    **dict.fromkeys("ÂÏËÛÙŒÅÆØ", 2),
}
_BESIDE_DIGITS = "€£\u00a0°"
# A file may have no accent but in its header.
_KNOWN_WEIGHT = 20
_WORD = re.compile(r"\w*[^\W\d_a-z]\w*")
_NUMBER_SIGN = re.compile(r"\bn[\u00b0\u00ba]")
_KNOWN = frozenset(
    (
        "référence", "références", "réf", "prénom", "prénoms", "société", "téléphone", "tél", "numéro", "échéance",
        "échéances", "éch", "dû", "dûe", "créance", "créances", "débiteur", "débiteurs", "émission", "libellé",
        "règlement", "réglé", "civilité", "privé", "année", "payé", "facturé", "âgée", "généré", "général",
        "größe", "straße", "fällig", "fälligkeit", "fälligkeitsdatum", "währung", "übrig", "rückstand", "länge",
        "teléfono", "número", "dirección", "población", "país", "código", "móvil", "año", "razón", "españa",
        "città", "società", "è", "già", "località", "één", "coördinaten",
    )
)  # fmt: skip
_QUOTES = "\u2019\u2018"
_PUNCTUATION = f"{_QUOTES}\u201c\u201d\u2013\u2014«»…°€£\u00a0§²"


def _plausibility(codec: str, contexts: Counter[bytes]) -> int:
    total = 0
    for context, count in contexts.items():
        try:
            text = context.decode(codec)
        except UnicodeDecodeError:
            total -= 30 * count
            continue
        total += _fit(text, context) * count
    return total


def _known_words(codec: str, head: bytes) -> int:
    """Count the words that heads of columns have and that show only in the right encoding."""
    text = head.decode(codec, "replace").casefold()
    return sum(1 for word in _WORD.findall(text) if word in _KNOWN) + len(_NUMBER_SIGN.findall(text))


def _fit(text: str, context: bytes) -> int:
    """Weigh one character above 127 between its neighbours, as decoded."""
    at = 1 if len(text) > 1 and (len(text) == 3 or context[-1] > 127) else 0
    sign, before, after = text[at], text[at - 1] if at else " ", text[at + 1] if at + 1 < len(text) else " "
    if sign in _LETTERS:
        weight = _LETTERS[sign]
        # A capital inside a word of small letters, or a letter in a number, is the wrong reading.
        if sign.isupper() and (
            before.islower() or (before.isupper() and after.islower() and after.isascii())
        ):
            return -8
        if before.isdigit() and after.isdigit():
            return -8
        return -4 if _is_misspelt(sign, after) else weight
    if sign in _PUNCTUATION:
        if sign in _BESIDE_DIGITS and (before.isdigit() or after.isdigit()):
            return 8
        return -4 if before.isalpha() and after.isalpha() and sign not in f"{_QUOTES}\u00a0" else 3
    return -15 if not sign.isprintable() or ord(sign) < 0xA0 else -5


def _is_misspelt(sign: str, after: str) -> bool:
    """Tell whether no word of the western languages goes on like this."""
    if sign in "çÇñÑ":
        return after.isascii() and after.isalpha() and after.lower() not in "aeiouy"
    return (sign in "ìòù" and after.isalpha()) or (sign in "êö" and not after.isalpha())


_FOREIGN = "getbill.foreign"


def _foreign(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are not UTF-8 in a UTF-8 file as Windows writes them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace"), error.end


codecs.register_error(_FOREIGN, _foreign)
