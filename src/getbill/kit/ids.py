"""Identifiers: UUIDv7 internally, TypeID style externally.

Externally, an id is a prefix that names its concept and 26 characters of Crockford's base 32
(`debt_01h455vb4pex5vsknk084sn02q`, the encoding of the TypeID specification 0.3). It is opaque to callers; a
wrong prefix or a malformed suffix never reaches the database.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto

from getbill.kit.errors import NotFound
from getbill.kit.messages import message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
# The same digits as `int` names them; any other character becomes one that `int` refuses.
_TO_BASE_32 = dict.fromkeys(range(128), "!") | str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
# Nouns for concepts whose prefix is not a word.
_NOUNS = {
    "advance": message("clock advance"),
    "batch": message("batch"),
    "client": message("client"),
    "company": message("company"),
    "consent": message("consent"),
    "creditor": message("creditor"),
    "debt": message("debt"),
    "debtor": message("debtor"),
    "followup": message("followup"),
    "import": message("import"),
    "key": message("key"),
    "sftp": message("SFTP login"),
    "suppression": message("suppression"),
    "todo": message("todo"),
    "wd": message("delivery"),
    "we": message("webhook"),
    "wh": message("event"),
    "workspace": message("workspace"),
}
_SHIFTS = range(120, -1, -10)


def new_text() -> str:
    """Return a new identifier of something that is only named by it, never stored."""
    return str(uuid_utils.uuid7())


def new() -> UUID:
    """Return a new identifier; identifiers sort by creation time."""
    # The type that rows come with: its bytes are at hand when it is written.
    return pgproto.UUID(uuid_utils.uuid7().bytes)


def first_at(moment: datetime) -> UUID:
    """Return the least identifier that `new` could make at an instant: a time range is an id range.

    RFC 9562 section 5.7: the first 48 bits are milliseconds since 1970.
    """
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=max(milliseconds, 0) << 80)


def time_of(identifier: UUID) -> datetime:
    """Return the creation time of an identifier of `new`, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)


# A change repeats the same few ids in each of its events.
@lru_cache(maxsize=4096)
def show(prefix: str, identifier: UUID) -> str:
    """Return the external form of an identifier."""
    number = identifier.int
    return prefix + "_" + "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])


def read(prefix: str, text: str) -> UUID:
    """Parse an identifier that `show` returned; raise NotFound for anything else."""
    tail = text.removeprefix(prefix + "_")
    if len(tail) == 26 and len(text) == len(prefix) + 27 and tail.isascii():
        try:
            return UUID(int=int(tail.translate(_TO_BASE_32), 32))
        except ValueError:
            # A character outside the alphabet, or more than 128 bits.
            pass
    raise NotFound(message("There is no {called} with this id.", called=_NOUNS.get(prefix, prefix)))
