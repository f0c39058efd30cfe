"""Imports: lists of debts sent by a creditor as a batch, a file or over SFTP.

Every row ends as exactly one debt or one finding, even after a crash; an import can be undone.
"""

from getbill.imports.actions import begin_draft, create
from getbill.imports.batch import Checkers
from getbill.imports.batch import router as batch_router
from getbill.imports.model import (
    BYTES_MAX,
    WAKE,
    FileEmpty,
    FileTooLarge,
    Import,
    ImportOptions,
    ImportSuperseded,
    OnDuplicate,
    State,
    public_id,
)
from getbill.imports.queries import find
from getbill.imports.reports.sender_report import (
    build_report,
    describe_columns,
    first_findings,
    rows_to_correct,
)
from getbill.imports.reports.summaries import summaries
from getbill.imports.rows.failures import requeue_import
from getbill.imports.rows.snapshots import erase as erase_changes
from getbill.imports.runs.erasure import erase
from getbill.imports.runs.jobs import ImportSupervisor, child_starter, drop_expired
from getbill.imports.runs.tasks import run as run_import
from getbill.imports.runs.user_decisions import MappingNotCertain, change_mapping, confirm, discard
