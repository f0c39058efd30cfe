"""Mappings confirmed for a sender's files: the same layout is read the same way again without questions.

The sender's last layout is stored with it, so that a changed layout is noticed before anything is imported.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports import moves
from getbill.kit import json
from getbill.kit.database import Database, Statement, Transaction
from getbill.mapping import Mapping

_UPSERT = Statement(
    "imports.upsert_mapping",
    "Insert or replace the saved mapping of a sender's layout.",
    """
    INSERT INTO import_mappings (workspace_id, sender, signature, mapping, confirmed_by, confirmed_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (workspace_id, sender, signature) DO UPDATE
    SET mapping = excluded.mapping, confirmed_by = excluded.confirmed_by, confirmed_at = excluded.confirmed_at
    """,
)
_FIND = Statement(
    "imports.find_mapping",
    "Saved mapping of a sender's layout, or else the latest mapping of that sender.",
    """
    SELECT signature, mapping FROM import_mappings WHERE workspace_id = $1 AND sender = $2
    ORDER BY (signature = $3) DESC, confirmed_at DESC LIMIT 1
    """,
)


_LOCK_LAYOUT = Statement(
    "imports.lock_layout",
    "Lock a sender's layout against other confirmations.",
    "SELECT pg_advisory_xact_lock($1)",
)
_IS_CONFIRMED = Statement(
    "imports.is_confirmed",
    "Whether a sender's layout has a saved mapping.",
    "SELECT EXISTS (SELECT FROM import_mappings WHERE workspace_id = $1 AND sender = $2 AND signature = $3)",
)
_ALL = Statement(
    "imports.list_mappings",
    "Saved mappings of a workspace.",
    "SELECT sender, signature, mapping FROM import_mappings WHERE workspace_id = $1",
)
_DELETE = Statement(
    "imports.delete_mapping",
    "Delete a saved mapping.",
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
    await tx.execute(_LOCK_LAYOUT, int.from_bytes(digest[:8], signed=True))


async def read_again(
    tx: Transaction, workspace_id: UUID, layout_key: tuple[str, str], confirmed_id: UUID
) -> None:
    """Queue the other waiting files of a newly confirmed layout to be read again, in the same transaction."""
    await _lock_layout(tx, workspace_id, layout_key)
    await moves.read_again(tx, workspace_id, layout_key, confirmed_id)


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
    tx.defer(_UPSERT, workspace.id, *layout_key, sealed, by, tx.now)


async def find_mapping(database: Database, workspace: Workspace, sender: str, signature: str) -> SavedMapping:
    """Return the saved mapping of a sender's files."""
    row = await database.fetchrow(_FIND, workspace.id, sender, signature)
    if row is None:
        return SavedMapping(None, None)
    stored = json.read(workspace.vault.open(row["mapping"], _context(workspace.id, sender, row["signature"])))
    if row["signature"] == signature:
        return SavedMapping(Mapping.from_json(stored["mapping"]), None)
    return SavedMapping(None, sheets.Layout.from_json(stored["layout"]))


async def delete_mappings(tx: Transaction, workspace: Workspace, is_of_person: Callable[[str], bool]) -> None:
    """Delete every layout with a header that names a person: a data row was mistaken for the header."""
    for row in await tx.fetch(_ALL, workspace.id):
        layout_key = row["sender"], row["signature"]
        stored = json.read(workspace.vault.open(row["mapping"], _context(workspace.id, *layout_key)))
        if any(is_of_person(column["header"]) for column in stored["layout"]["columns"]):
            await tx.execute(_DELETE, workspace.id, *layout_key)
