"""The journal of erasures: a file beside the database, so that a restored backup cannot bring anybody back.

The worker copies every erasure into it, one JSON line each; at each start what the journal knows and the database
does not is erased again. Losing power between an erasure and its line costs nothing: the next round writes it.
"""

import os
from pathlib import Path
from uuid import UUID

import structlog

from getbill import companies
from getbill.debts.erasure import erase
from getbill.debts.queries import lock
from getbill.kit import json
from getbill.kit.db import Database, Statement
from getbill.kit.errors import NotFound
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

_ERASED = Statement(
    "debts.erased",
    "Every erasure this database knows of, over all workspaces.",
    "SELECT workspace_id, subject_id, kind, erased_at FROM erasures WHERE kind = 'debt' ORDER BY erased_at",
)


def _lines(path: Path) -> set[tuple[UUID, UUID]]:
    if not path.exists():
        return set()
    found = set()
    for line in filter(None, path.read_bytes().splitlines()):
        try:
            members = json.read(line)
            found.add((UUID(members["workspace_id"]), UUID(members["debt_id"])))
        except (json.MalformedJson, KeyError, ValueError):
            # A line cut by a crash: its erasure is still in the database and is written again below.
            _log.warning("erasure_journal_line_broken", path=path.name)
    return found


async def write_journal(database: Database, path: Path) -> int:
    """Append the erasures that the journal lacks, safely on disk; return how many."""
    known = _lines(path)
    rows = [
        row for row in await database.fetch(_ERASED) if (row["workspace_id"], row["subject_id"]) not in known
    ]
    if rows:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            for row in rows:
                line = {
                    "workspace_id": str(row["workspace_id"]),
                    "debt_id": str(row["subject_id"]),
                    "erased_at": json.instant(row["erased_at"]),
                }
                # The line end comes first, so that a line cut short never spoils the one after it.
                file.write(b"\n" + json.write(line))
            file.flush()
            os.fsync(file.fileno())
    return len(rows)


async def erase_again(database: Database, vault: Vault, path: Path) -> int:
    """Erase what the journal says was erased and the database, restored from a backup, still has; return how many."""
    known = {(row["workspace_id"], row["subject_id"]) for row in await database.fetch(_ERASED)}
    done = 0
    for workspace_id, debt_id in sorted(_lines(path) - known):
        try:
            workspace = await companies.workspace(database, vault, workspace_id)
            async with database.transaction(workspace.now()) as tx:
                await erase(tx, workspace, await lock(tx, workspace, debt_id))
        except NotFound:
            continue
        done += 1
    return done
