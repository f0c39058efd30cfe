"""Retries of quarantined items, requested by a person or automatic when due.

One table maps the kind of an item to its retry. An item that fails again is quarantined for longer; one that
does not is removed after a while, with its todo.
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


async def requeue_contact(tx: Transaction, entry: QuarantineEntry) -> None:
    """Schedule a contact again."""
    await contacts.requeue_contact(tx, entry.workspace_id, entry.subject_id)


async def retry_lookup(tx: Transaction, entry: QuarantineEntry) -> None:
    """Query a provider again for the status of a contact."""
    await contacts.retry_lookup(tx, entry.workspace_id, entry.subject_id)


async def enqueue_event(tx: Transaction, entry: QuarantineEntry) -> None:
    """Enqueue an event for its endpoints."""
    await webhooks.enqueue_event(tx, entry.workspace_id, entry.subject_id)


async def mend_stream(tx: Transaction, entry: QuarantineEntry) -> None:
    """Resume a stream after its last event."""
    await streams.mend(tx, entry.workspace_id)


async def requeue_import(tx: Transaction, entry: QuarantineEntry) -> None:
    """Requeue an import."""
    await imports.requeue_import(tx, entry.workspace_id, entry.subject_id)


async def requeue_file(tx: Transaction, entry: QuarantineEntry) -> None:
    """Requeue an uploaded file for pickup."""
    await sftp.requeue_file(tx, entry.workspace_id, entry.subject_id)


async def requeue_jobs(tx: Transaction, _entry: QuarantineEntry) -> None:
    """Requeue the held jobs."""
    await webhooks.requeue_notifications(tx)


# Kinds not listed here are picked up by their loop as soon as they leave the quarantine.
TABLE: Mapping[str, Requeue] = {
    "contact": requeue_contact,
    "sending": retry_lookup,
    "event": enqueue_event,
    "stream": mend_stream,
    "import": requeue_import,
    "file": requeue_file,
    "job": requeue_jobs,
}


async def requeue(tx: Transaction, entry: QuarantineEntry, workspace: Workspace | None) -> None:
    """Requeue an item in the transaction; a delivery needs its workspace."""
    act = TABLE.get(entry.kind)
    if act is not None:
        await act(tx, entry)
    elif entry.kind == "delivery" and workspace is not None:
        await webhooks.retry_delivery(tx, workspace, entry.subject_id)
    await quarantine.mark_retried(tx, entry)


async def retry(database: Database, vault: Vault, entry: QuarantineEntry) -> bool:
    """Retry an item in a transaction of its own, and return whether that worked.

    If it fails, the item is quarantined for longer.
    """
    try:
        workspace = await _workspace(database, vault, entry)
        async with database.transaction(workspace.now() if workspace else clock.wall()) as tx:
            await requeue(tx, entry, workspace)
    except Exception as error:
        if quarantine.is_transient(error):
            raise
        await quarantine.add_separately(database, entry.item, error)
        return False
    _log.info("item_requeued", kind=entry.kind, subject=str(entry.subject_id))
    return True


async def _workspace(database: Database, vault: Vault, entry: QuarantineEntry) -> Workspace | None:
    if entry.workspace_id == INSTALLATION or entry.kind not in {"delivery", "workspace"}:
        return None
    # For a suspended workspace: an error that still keeps it from being loaded is raised here.
    return await companies.workspace(database, vault, entry.workspace_id)


async def retry_due(database: Database, vault: Vault) -> int:
    """Retry the items that are due, remove those that succeeded, and return the number of retries."""
    await contacts.clear_settled(database)
    await quarantine.remove_proven(database)
    due = await quarantine.due(database, clock.wall())
    return sum([await retry(database, vault, entry) for entry in due])
