"""Imports: a creditor's list of debts on its way into the book, by a batch, a file or SFTP.

Every row ends as exactly one debt or one finding, whatever is killed on the way; a wrong list can be taken back.
"""

from getbill.imports.accounts import account, columns, rejected_rows, said_of_rows
from getbill.imports.actions import Draft, begin, create, drop, finish, receive
from getbill.imports.batch import Checkers
from getbill.imports.batch import router as batch_router
from getbill.imports.deciding import (
    MappingNotCertain,
    change_mapping,
    confirm,
    correct,
    discard,
    erase,
    start,
    undo,
)
from getbill.imports.jobs import Crew, Start, drop_expired, starter
from getbill.imports.model import (
    BYTES_MAX,
    CHUNK_ROWS,
    WAKE,
    FileEmpty,
    FileTooLarge,
    Import,
    ImportCannotMove,
    ImportSuperseded,
    Wanted,
    show,
)
from getbill.imports.queries import find, lock

__all__ = [
    "BYTES_MAX",
    "CHUNK_ROWS",
    "WAKE",
    "Checkers",
    "Crew",
    "Draft",
    "FileEmpty",
    "FileTooLarge",
    "Import",
    "ImportCannotMove",
    "ImportSuperseded",
    "MappingNotCertain",
    "Start",
    "Wanted",
    "account",
    "batch_router",
    "begin",
    "change_mapping",
    "columns",
    "confirm",
    "correct",
    "create",
    "discard",
    "drop",
    "drop_expired",
    "erase",
    "find",
    "finish",
    "lock",
    "receive",
    "rejected_rows",
    "said_of_rows",
    "show",
    "start",
    "starter",
    "undo",
]
