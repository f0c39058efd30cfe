"""The journal of erasures: a file beside the database, so that a restored backup cannot bring anybody back.

The worker copies every erasure into it, one JSON line each; at each start what the journal knows and the database
does not is erased again. Losing power between an erasure and its line costs nothing: the next round writes it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from asyncpg import Record

from getbill import access, companies, quarantine
from getbill.debts.erasure import erase
from getbill.debts.queries import lock
from getbill.kit import journals, json
from getbill.kit.db import Database, Statement
from getbill.kit.errors import NotFound
from getbill.quarantine import Item
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

_ERASED = Statement(
    "debts.erased",
    "Erasures of debts from an instant on, over all workspaces.",
    """
    SELECT workspace_id, subject_id, erased_at FROM erasures
    WHERE kind = 'debt' AND erased_at >= $1 ORDER BY erased_at, subject_id
    """,
)
_VOID = Statement(
    "debts.void",
    "Make void whatever contact of a debt is planned, without opening what is sealed of it.",
    "UPDATE debts SET contact_epoch = contact_epoch + 1 WHERE workspace_id = $1 AND id = $2",
)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
# A transaction may commit after a later one did: each round looks back this far.
_OVERLAP = timedelta(hours=1)

Line = tuple[UUID, UUID]


class Journal:
    """The file of erasures, as one process writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _lines(path)
        self._since = _EVER

    async def write(self, database: Database) -> int:
        """Append the erasures that the file lacks, safely on disk; return how many."""
        rows = await database.fetch(_ERASED, self._since)
        new = [row for row in rows if (row["workspace_id"], row["subject_id"]) not in self._known]
        if new:
            self._append(new)
        if rows:
            self._since = max(_EVER, rows[-1]["erased_at"] - _OVERLAP)
        return len(new)

    def _append(self, rows: list[Record]) -> None:
        journals.append(
            self._path,
            (
                {
                    "workspace_id": str(row["workspace_id"]),
                    "debt_id": str(row["subject_id"]),
                    "erased_at": json.instant(row["erased_at"]),
                }
                for row in rows
            ),
        )
        self._known.update((row["workspace_id"], row["subject_id"]) for row in rows)

    async def erase_again(self, database: Database, vault: Vault) -> int:
        """Erase what the file says was erased and a restored database still has; return how many."""
        erased = {(row["workspace_id"], row["subject_id"]) for row in await database.fetch(_ERASED, _EVER)}
        done = 0
        for workspace_id, debt_id in sorted(self._known - erased):
            try:
                workspace = await companies.workspace(database, vault, workspace_id)
                async with database.transaction(workspace.now()) as tx:
                    await erase(tx, workspace, await lock(tx, workspace, debt_id))
                    await access.forget_answers(tx, workspace_id, debt_id)
            except NotFound:
                # Younger than the backup that was restored: there is nothing to erase.
                continue
            except Exception as error:
                if quarantine.is_passing(error):
                    raise
                # Whom it names is not contacted meanwhile: what was planned for the debt is void.
                await database.execute(_VOID, workspace_id, debt_id)
                item = Item(workspace_id, "erasure", debt_id)
                await quarantine.put_alone(database, item, error)
                continue
            done += 1
        return done


def _lines(path: Path) -> set[Line]:
    found = set()
    for members in journals.read(path):
        try:
            found.add((UUID(members["workspace_id"]), UUID(members["debt_id"])))
        except (KeyError, ValueError):
            # A line that is none of ours; what a crash cut off is in the database and is written again.
            _log.warning("erasure_journal_line_broken", path=path.name)
    return found
