"""What was confirmed for a sender's files: the same layout again is read the same way without asking.

The layout that a sender used last is kept with it, so that a changed one is noticed before anything is imported.
"""

from dataclasses import dataclass
from uuid import UUID

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports.mapping import Mapping
from getbill.kit import json
from getbill.kit.db import Database, Statement, Transaction

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


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is remembered of a sender: of this very layout its mapping, else how the files used to look."""

    mapping: Mapping | None
    layout_before: sheets.Layout | None


def _context(workspace_id: UUID, sender: str, signature: str) -> bytes:
    return f"mapping\x00{sender}\x00{signature}".encode() + workspace_id.bytes


def remember(
    tx: Transaction,
    workspace: Workspace,
    place: tuple[str, str],
    read: tuple[Mapping, sheets.Layout],
    by: UUID | None,
) -> None:
    """Have remembered, at the edge, how files of a sender and signature are read."""
    found, layout = read
    # Only what names columns: a line above the header may name people, and so may a cell that is an example.
    bare = sheets.Layout(
        kind=layout.kind,
        columns=layout.columns,
        header_line=layout.header_line,
        data_line=layout.data_line,
        width=layout.width,
    )
    plain = json.write({"mapping": found.scrubbed().to_json(), "layout": bare.to_json()})
    sealed = workspace.vault.seal(plain, _context(workspace.id, *place))
    tx.defer(_REMEMBER, workspace.id, *place, sealed, by, tx.now)


async def recall(database: Database, workspace: Workspace, sender: str, signature: str) -> Recalled:
    """Return what is remembered of a sender's files."""
    row = await database.fetchrow(_RECALL, workspace.id, sender, signature)
    if row is None:
        return Recalled(None, None)
    stored = json.read(workspace.vault.open(row["mapping"], _context(workspace.id, sender, row["signature"])))
    if row["signature"] == signature:
        return Recalled(Mapping.from_json(stored["mapping"]), None)
    return Recalled(None, sheets.Layout.from_json(stored["layout"]))
