"""Mappings confirmed for a sender's files: the same layout is read the same way again without questions.

The sender's last layout is stored with it, so that a changed layout is noticed before anything is imported.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports.model import WAKE
from getbill.kit import json
from getbill.kit.database import Database, Statement, Transaction
from getbill.mapping import Mapping

_REMEMBER = Statement(
    "imports.remember",
    "Remember how a sender's files of a layout are read.",
    """
    INSERT INTO import_mappings (workspace_id, sender, signature, mapping, confirmed_by, confirmed_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (workspace_id, sender, signature) DO UPDATE
    SET mapping = excluded.mapping, confirmed_by = excluded.confirmed_by, confirmed_at = excluded.confirmed_at
    """,
)
_RECALL = Statement(
    "imports.recall",
    "How are a sender's files of a layout read? Else: what did the latest layout of this sender look like?",
    """
    SELECT signature, mapping FROM import_mappings WHERE workspace_id = $1 AND sender = $2
    ORDER BY (signature = $3) DESC, confirmed_at DESC LIMIT 1
    """,
)


_HOLD = Statement(
    "imports.hold_layout",
    "Whoever else confirms this sender's layout, or finds it unknown, waits until the transaction ends.",
    "SELECT pg_advisory_xact_lock($1)",
)
_IS_CONFIRMED = Statement(
    "imports.is_layout_known",
    "Did somebody confirm this sender's layout?",
    "SELECT EXISTS (SELECT FROM import_mappings WHERE workspace_id = $1 AND sender = $2 AND signature = $3)",
)
_READ_AGAIN = Statement(
    "imports.read_again",
    "Files of a layout that somebody confirms now are read again, unless a person has begun to say how, or does so now,"
    " or somebody in it was erased: its samples would be shown again.",
    """
    UPDATE imports SET state = 'uploaded', task = 'read', tries = 0, leased_until = NULL
    WHERE workspace_id = $1 AND id = ANY (ARRAY(
        SELECT id FROM imports WHERE workspace_id = $1 AND sender = $2 AND signature = $3 AND id <> $4
          AND state IN ('needs_mapping', 'mapped') AND is_auto AND NOT is_changed
          AND NOT is_unwanted
        FOR UPDATE SKIP LOCKED))
    """,
)


_ALL = Statement(
    "imports.mappings",
    "How are files of every sender and layout read?",
    "SELECT sender, signature, mapping FROM import_mappings WHERE workspace_id = $1",
)
_FORGET = Statement(
    "imports.forget_mapping",
    "Ask again how a sender's files of a layout are read.",
    "DELETE FROM import_mappings WHERE workspace_id = $1 AND sender = $2 AND signature = $3",
)


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """The saved mapping of a sender for this layout, else the layout of their earlier files."""

    mapping: Mapping | None
    layout_before: sheets.Layout | None


def _context(workspace_id: UUID, sender: str, signature: str) -> bytes:
    return f"mapping\x00{sender}\x00{signature}".encode() + workspace_id.bytes


async def is_confirmed(tx: Transaction, workspace_id: UUID, layout_key: tuple[str, str]) -> bool:
    """Return whether a sender's layout is confirmed; if not, no other transaction can confirm it now."""
    await _lock_layout(tx, workspace_id, layout_key)
    exists: bool = await tx.fetchval(_IS_CONFIRMED, workspace_id, *layout_key)
    return exists


async def _lock_layout(tx: Transaction, workspace_id: UUID, layout_key: tuple[str, str]) -> None:
    digest = hashlib.sha256(_context(workspace_id, *layout_key)).digest()
    await tx.execute(_HOLD, int.from_bytes(digest[:8], signed=True))


async def read_again(
    tx: Transaction, workspace_id: UUID, layout_key: tuple[str, str], confirmed_id: UUID
) -> None:
    """Queue the other waiting files of a newly confirmed layout to be read again, in the same transaction."""
    await _lock_layout(tx, workspace_id, layout_key)
    await tx.execute(_READ_AGAIN, workspace_id, *layout_key, confirmed_id)
    tx.channels_to_notify.add(WAKE)


def save_mapping(
    tx: Transaction,
    workspace: Workspace,
    layout_key: tuple[str, str],
    reading: tuple[Mapping, sheets.Layout],
    by: UUID | None,
) -> None:
    """Save the mapping of a sender's files with this signature when the transaction is sent."""
    mapping, layout = reading
    # Only the column names: a line above the header may name people, and so may an example cell.
    bare_layout = sheets.Layout(
        kind=layout.kind,
        columns=layout.columns,
        header_line=layout.header_line,
        data_line=layout.data_line,
        width=layout.width,
    )
    content = json.write({"mapping": mapping.without_examples().to_json(), "layout": bare_layout.to_json()})
    sealed = workspace.vault.seal(content, _context(workspace.id, *layout_key))
    tx.defer(_REMEMBER, workspace.id, *layout_key, sealed, by, tx.now)


async def find_mapping(database: Database, workspace: Workspace, sender: str, signature: str) -> SavedMapping:
    """Return the saved mapping of a sender's files."""
    row = await database.fetchrow(_RECALL, workspace.id, sender, signature)
    if row is None:
        return SavedMapping(None, None)
    stored = json.read(workspace.vault.open(row["mapping"], _context(workspace.id, sender, row["signature"])))
    if row["signature"] == signature:
        return SavedMapping(Mapping.from_json(stored["mapping"]), None)
    return SavedMapping(None, sheets.Layout.from_json(stored["layout"]))


async def forget_mappings(tx: Transaction, workspace: Workspace, is_of_person: Callable[[str], bool]) -> None:
    """Delete every layout with a header that names a person: a data row was mistaken for the header."""
    for row in await tx.fetch(_ALL, workspace.id):
        layout_key = row["sender"], row["signature"]
        stored = json.read(workspace.vault.open(row["mapping"], _context(workspace.id, *layout_key)))
        if any(is_of_person(column["header"]) for column in stored["layout"]["columns"]):
            await tx.execute(_FORGET, workspace.id, *layout_key)
