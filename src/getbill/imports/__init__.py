"""Imports: a creditor's list of debts on its way into the book, by a batch, a file or SFTP.

Every row ends as exactly one debt or one finding, whatever is killed on the way; a wrong list can be taken back.
"""

from getbill.imports.actions import begin, create
from getbill.imports.batch import Checkers
from getbill.imports.batch import router as batch_router
from getbill.imports.model import (
    BYTES_MAX,
    WAKE,
    FileEmpty,
    FileTooLarge,
    Import,
    ImportSuperseded,
    OnDuplicate,
    Wanted,
    show,
)
from getbill.imports.queries import find
from getbill.imports.reports.sender_report import account, columns, rows_to_correct, said_of_rows
from getbill.imports.reports.summaries import summaries
from getbill.imports.rows.failures import put_back
from getbill.imports.rows.snapshots import erase as erase_changes
from getbill.imports.runs.erasure import erase
from getbill.imports.runs.jobs import Crew, drop_expired, starter
from getbill.imports.runs.tasks import run as carry_out
from getbill.imports.runs.user_decisions import MappingNotCertain, change_mapping, confirm, discard

__all__ = [
    "BYTES_MAX",
    "WAKE",
    "Checkers",
    "Crew",
    "FileEmpty",
    "FileTooLarge",
    "Import",
    "ImportSuperseded",
    "MappingNotCertain",
    "OnDuplicate",
    "Wanted",
    "account",
    "batch_router",
    "begin",
    "carry_out",
    "change_mapping",
    "columns",
    "confirm",
    "create",
    "discard",
    "drop_expired",
    "erase",
    "erase_changes",
    "find",
    "put_back",
    "rows_to_correct",
    "said_of_rows",
    "show",
    "starter",
    "summaries",
]
