"""The history of a debtor: who changed, split or merged them, when, and which fields and debts it concerned.

It holds ids and names of fields only, so that nothing erased survives in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from getbill.access import Actor
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction

Action = Literal["updated", "split", "split_from", "merged"]

_INSERT = Statement(
    "debtors.insert_history",
    "Insert an entry of a debtor's history.",
    """
    INSERT INTO debtor_history (workspace_id, debtor_id, id, action, at, actor, actor_id, other_id, fields, debt_ids)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    """,
)
_LIST = Statement(
    "debtors.list_history",
    "The newest entries of a debtor's history.",
    """
    SELECT action, at, actor, actor_id, other_id, fields, debt_ids FROM debtor_history
    WHERE workspace_id = $1 AND debtor_id = $2 ORDER BY id DESC LIMIT $3
    """,
)
_SPLIT_OFF = Statement(
    "debtors.find_split_debts",
    "Those of some debts that were split off from a debtor.",
    """
    SELECT debt_id FROM unnest($3::uuid[]) AS debt_id
    WHERE EXISTS (SELECT FROM debtor_history h WHERE h.workspace_id = $1 AND h.debtor_id = $2
        AND h.action = 'split' AND debt_id = ANY(h.debt_ids))
    """,
)
_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a debtor; the program itself has no actor."""

    action: Action
    at: datetime
    actor: Actor | None = None
    other_id: UUID | None = None
    fields: tuple[str, ...] = ()
    debt_ids: tuple[UUID, ...] = ()


def add_history(tx: Transaction, workspace_id: UUID, debtor_id: UUID, entry: HistoryEntry) -> None:
    """Add an entry to the history of a debtor whose row is there."""
    actor = entry.actor
    tx.defer(
        _INSERT,
        workspace_id,
        debtor_id,
        ids.new(),
        entry.action,
        entry.at,
        actor.kind if actor else None,
        actor.id if actor else None,
        entry.other_id,
        list(entry.fields),
        list(entry.debt_ids),
    )


async def list_history(database: Database, workspace_id: UUID, debtor_id: UUID) -> list[HistoryEntry]:
    """Return the history of a debtor, newest first."""
    rows = await database.fetch(_LIST, workspace_id, debtor_id, _SHOWN_MAX)
    return [
        HistoryEntry(
            row["action"],
            row["at"],
            Actor(row["actor"], row["actor_id"]) if row["actor"] else None,
            row["other_id"],
            tuple(row["fields"]),
            tuple(row["debt_ids"]),
        )
        for row in rows
    ]


async def split_off(
    tx: Transaction, workspace_id: UUID, debtor_id: UUID, debt_ids: Sequence[UUID]
) -> frozenset[UUID]:
    """Return those of some debts that were split off from a debtor."""
    rows = await tx.fetch(_SPLIT_OFF, workspace_id, debtor_id, list(debt_ids))
    return frozenset(row["debt_id"] for row in rows)
