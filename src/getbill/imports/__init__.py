"""Imports: a creditor's list of debts on its way into the book, by a batch, a file or SFTP.

Every row ends as exactly one debt or one finding, whatever is killed on the way; a wrong list can be taken back.
"""

from getbill.imports.accounts import account, columns, rows_to_correct, said_of_rows
from getbill.imports.actions import Draft, begin, create, drop, finish, receive
from getbill.imports.answers import problem
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
from getbill.imports.reports import blocks
from getbill.imports.reports import rejected as rejected_rows
from getbill.imports.tasks import run as carry_out

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
    "blocks",
    "carry_out",
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
    "problem",
    "receive",
    "rejected_rows",
    "rows_to_correct",
    "said_of_rows",
    "show",
    "start",
    "starter",
    "undo",
]
