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
from getbill.quarantine import INSTALLATION, Aside
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

PutBack = Callable[[Transaction, Aside], Awaitable[object]]


async def plan_again(tx: Transaction, aside: Aside) -> None:
    """Plan a contact again."""
    await contacts.put_back(tx, aside.workspace_id, aside.subject_id)


async def ask_again(tx: Transaction, aside: Aside) -> None:
    """Have a provider asked once more what became of a contact."""
    await contacts.ask_again(tx, aside.workspace_id, aside.subject_id)


async def owe_again(tx: Transaction, aside: Aside) -> None:
    """Owe an event to those who asked for it."""
    await webhooks.owe_again(tx, aside.workspace_id, aside.subject_id)


async def mend_stream(tx: Transaction, aside: Aside) -> None:
    """Have a stream go on after its last event."""
    await streams.mend(tx, aside.workspace_id)


async def import_again(tx: Transaction, aside: Aside) -> None:
    """Have an import worked on again."""
    await imports.put_back(tx, aside.workspace_id, aside.subject_id)


async def take_again(tx: Transaction, aside: Aside) -> None:
    """Have a dropped file taken again."""
    await sftp.put_back(tx, aside.workspace_id, aside.subject_id)


async def queue_again(tx: Transaction, _aside: Aside) -> None:
    """Have the jobs done that the queue holds."""
    await webhooks.queue_again(tx)


# What is not named here is looked at again by its loop as soon as it stands aside no longer.
TABLE: Mapping[str, PutBack] = {
    "contact": plan_again,
    "sending": ask_again,
    "event": owe_again,
    "stream": mend_stream,
    "import": import_again,
    "file": take_again,
    "job": queue_again,
}


async def put_back(tx: Transaction, aside: Aside, workspace: Workspace | None) -> None:
    """Put something back in the transaction; a delivery needs the workspace that it is of."""
    act = TABLE.get(aside.kind)
    if act is not None:
        await act(tx, aside)
    elif aside.kind == "delivery" and workspace is not None:
        await webhooks.send_again(tx, workspace, aside.subject_id)
    await quarantine.retried(tx, aside)


async def retry(database: Database, vault: Vault, aside: Aside) -> bool:
    """Put one thing back in a transaction of its own; where that fails it stays aside for longer. Tells whether it went."""
    try:
        workspace = await _workspace(database, vault, aside)
        async with database.transaction(workspace.now() if workspace else clock.wall()) as tx:
            await put_back(tx, aside, workspace)
    except Exception as error:
        if quarantine.is_passing(error):
            raise
        await quarantine.put_alone(database, aside.item, error)
        return False
    _log.info("put_back", kind=aside.kind, subject=str(aside.subject_id))
    return True


async def _workspace(database: Database, vault: Vault, aside: Aside) -> Workspace | None:
    if aside.workspace_id == INSTALLATION or aside.kind not in {"delivery", "workspace"}:
        return None
    # Of a workspace that was left alone: whatever still keeps it from being read is raised here.
    return await companies.workspace(database, vault, aside.workspace_id)


async def retry_due(database: Database, vault: Vault) -> int:
    """Put back what is to be tried again by itself, forget what went well, and return how much was put back."""
    await streams.set_missing_aside(database)
    await contacts.settled(database)
    await quarantine.forget_proven(database)
    due = await quarantine.due(database, clock.wall())
    return sum([await retry(database, vault, one) for one in due])
