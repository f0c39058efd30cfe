"""The bounce reader: reads bounces from a Maildir, into which any mail server delivers.

A mail is moved only after its report is stored, so a crash in between reads it again; a repeated report
changes nothing. A mail that is not a bounce stays in the mailbox, flagged for a person.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid5

import structlog

from getbill import companies, followups, quarantine
from getbill.channels.senders import Bounce, read_bounce
from getbill.contacts.callbacks import status_callbacks
from getbill.kit import ids
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.quarantine import INSTALLATION, Item
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

BATCH = 100
# The report comes first in a mail; the returned original ends long before this.
_BYTES_MAX = 2_000_000


async def read_bounces(database: Database, vault: Vault, maildir: Path) -> int:
    """Store the reports of new mails in a Maildir; return how many were moved, at most a batch."""
    processed_count = 0
    paths = await asyncio.to_thread(_new_mails, maildir)
    for path in paths:
        raw = await asyncio.to_thread(_read_mail, path)
        if raw is None:
            # Another worker moved it first.
            continue
        try:
            bounce = read_bounce(raw)
            is_ours = bounce is not None and await _record_bounce(database, vault, bounce)
        except _TooEarlyError:
            continue
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            # Left in the mailbox and flagged, like a mail that is not a bounce.
            is_ours = False
            await quarantine.add_separately(database, _quarantine_item(path), error)
        await asyncio.to_thread(_mark_processed, path, "S" if is_ours else "F")
        processed_count += 1
    return processed_count


class _TooEarlyError(Exception):
    """The message is still being handed over as far as we know; its report is read again later."""


async def _record_bounce(database: Database, vault: Vault, bounce: Bounce) -> bool:
    try:
        workspace_id = ids.read("workspace", bounce.workspace)
        followup_id = ids.read("followup", bounce.followup)
        workspace = await companies.workspace(database, vault, workspace_id)
    except NotFound:
        return False
    has_changed = await status_callbacks.receive_callback(database, workspace, followup_id, bounce.outcome)
    if not has_changed:
        followups_by_id = await followups.find_many(database, workspace, [followup_id])
        if followup_id in followups_by_id and followups_by_id[followup_id].status == "in_progress":
            raise _TooEarlyError
    _log.info("bounce_read", followup=bounce.followup, changed=has_changed)
    return True


def _quarantine_item(path: Path) -> Item:
    return Item(INSTALLATION, "bounce", uuid5(INSTALLATION, path.name))


def _new_mails(maildir: Path) -> Sequence[Path]:
    folder = maildir / "new"
    return sorted(path for path in folder.iterdir() if path.is_file())[:BATCH] if folder.is_dir() else []


def _read_mail(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_BYTES_MAX)
    except FileNotFoundError:
        return None


def _mark_processed(path: Path, flag: str) -> None:
    folder = path.parent.parent / "cur"
    folder.mkdir(exist_ok=True)
    try:
        path.rename(folder / f"{path.name}:2,{flag}")
    except FileNotFoundError:
        _log.debug("bounce_already_moved", name=path.name)
