"""Putting back what was set aside: by a person's word, or by itself when its time has come.

One table from the kind of what failed to how it is put back. What fails again is set aside again, for longer; what does not
is forgotten after a while, with its question.
"""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from getbill import companies, contacts, imports, quarantine, sftp, streams, webhooks
from getbill.companies import Workspace
from getbill.kit import clock
from getbill.kit.database import Database, Transaction
from getbill.quarantine import INSTALLATION, QuarantineEntry
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

Requeue = Callable[[Transaction, QuarantineEntry], Awaitable[object]]


async def plan_again(tx: Transaction, entry: QuarantineEntry) -> None:
    """Plan a contact again."""
    await contacts.requeue_contact(tx, entry.workspace_id, entry.subject_id)


async def ask_again(tx: Transaction, entry: QuarantineEntry) -> None:
    """Have a provider asked once more what became of a contact."""
    await contacts.retry_lookup(tx, entry.workspace_id, entry.subject_id)


async def enqueue_event(tx: Transaction, entry: QuarantineEntry) -> None:
    """Owe an event to those who asked for it."""
    await webhooks.enqueue_event(tx, entry.workspace_id, entry.subject_id)


async def mend_stream(tx: Transaction, entry: QuarantineEntry) -> None:
    """Have a stream go on after its last event."""
    await streams.mend(tx, entry.workspace_id)


async def import_again(tx: Transaction, entry: QuarantineEntry) -> None:
    """Have an import worked on again."""
    await imports.requeue_import(tx, entry.workspace_id, entry.subject_id)


async def pick_up_again(tx: Transaction, entry: QuarantineEntry) -> None:
    """Have a dropped file taken again."""
    await sftp.requeue_file(tx, entry.workspace_id, entry.subject_id)


async def queue_again(tx: Transaction, _entry: QuarantineEntry) -> None:
    """Have the jobs done that the queue holds."""
    await webhooks.requeue_notifications(tx)


# What is not named here is looked at again by its loop as soon as it stands aside no longer.
TABLE: Mapping[str, Requeue] = {
    "contact": plan_again,
    "sending": ask_again,
    "event": enqueue_event,
    "stream": mend_stream,
    "import": import_again,
    "file": pick_up_again,
    "job": queue_again,
}


async def requeue(tx: Transaction, entry: QuarantineEntry, workspace: Workspace | None) -> None:
    """Put something back in the transaction; a delivery needs the workspace that it is of."""
    act = TABLE.get(entry.kind)
    if act is not None:
        await act(tx, entry)
    elif entry.kind == "delivery" and workspace is not None:
        await webhooks.retry_delivery(tx, workspace, entry.subject_id)
    await quarantine.mark_retried(tx, entry)


async def retry(database: Database, vault: Vault, entry: QuarantineEntry) -> bool:
    """Put one thing back in a transaction of its own; where that fails it stays aside for longer. Tells whether it went."""
    try:
        workspace = await _workspace(database, vault, entry)
        async with database.transaction(workspace.now() if workspace else clock.wall()) as tx:
            await requeue(tx, entry, workspace)
    except Exception as error:
        if quarantine.is_transient(error):
            raise
        await quarantine.add_separately(database, entry.item, error)
        return False
    _log.info("put_back", kind=entry.kind, subject=str(entry.subject_id))
    return True


async def _workspace(database: Database, vault: Vault, entry: QuarantineEntry) -> Workspace | None:
    if entry.workspace_id == INSTALLATION or entry.kind not in {"delivery", "workspace"}:
        return None
    # Of a workspace that was left alone: whatever still keeps it from being read is raised here.
    return await companies.workspace(database, vault, entry.workspace_id)


async def retry_due(database: Database, vault: Vault) -> int:
    """Put back what is to be tried again by itself, forget what went well, and return how much was put back."""
    await streams.set_missing_aside(database)
    await contacts.clear_settled(database)
    await quarantine.remove_proven(database)
    due = await quarantine.due(database, clock.wall())
    return sum([await retry(database, vault, entry) for entry in due])
