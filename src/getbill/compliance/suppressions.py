"""The suppression list: addresses that opted out, belong to another person, or bounce.

Stored as keyed hashes only, so that the list can outlive the debts and the people it is about. An address is
listed once, for the first reason given; only a caller who may speak for the debtor removes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

PREFIX = "suppression"

_INSERT = Statement(
    "compliance.insert_suppression",
    "Insert a suppression, unless the address has one.",
    """
    INSERT INTO suppressions (workspace_id, address_hash, id, kind, reason, created_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (workspace_id, address_hash) DO NOTHING
    """,
)
_OF = Statement(
    "compliance.find_suppressed",
    "Those of these addresses that are suppressed.",
    "SELECT address_hash FROM suppressions WHERE workspace_id = $1 AND address_hash = ANY($2)",
)
_BY_ADDRESS = Statement(
    "compliance.find_suppression",
    "Suppression of an address.",
    "SELECT id, kind, reason, created_at FROM suppressions WHERE workspace_id = $1 AND address_hash = $2",
)
_LIST = Statement(
    "compliance.list_suppressions",
    "Suppressions, newest first.",
    """
    SELECT id, kind, reason, created_at FROM suppressions
    WHERE workspace_id = $1 AND ($2::bytea IS NULL OR address_hash = $2)
    ORDER BY created_at DESC, id DESC LIMIT $3
    """,
)
_DELETE = Statement(
    "compliance.delete_suppression",
    "Delete a suppression.",
    "DELETE FROM suppressions WHERE workspace_id = $1 AND id = $2 RETURNING id, kind, reason, created_at, address_hash",
)


@dataclass(frozen=True, slots=True)
class SuppressedAddress:
    """An entry of the list: kind of address, reason and time; never the address."""

    id: UUID
    kind: str
    reason: str
    created_at: datetime


async def suppress(
    tx: Transaction, workspace_id: UUID, kind: str, address_hash: bytes, reason: str
) -> SuppressedAddress:
    """Add an address to the list and return its entry; an existing one is unchanged."""
    await tx.execute(_INSERT, workspace_id, address_hash, ids.new(), kind, reason, tx.now)
    row = await tx.fetchrow(_BY_ADDRESS, workspace_id, address_hash)
    assert row is not None  # noqa: S101 - inserted, or there before
    return _suppression_of_row(row)


async def suppressed_hashes(tx: Transaction, workspace_id: UUID, hashes: Iterable[bytes]) -> frozenset[bytes]:
    """Return the given hashes that are on the list."""
    rows = await tx.fetch(_OF, workspace_id, list(hashes))
    return frozenset(row["address_hash"] for row in rows)


async def suppressed_addresses(
    database: Database, workspace_id: UUID, limit: int, address_hash: bytes | None = None
) -> list[SuppressedAddress]:
    """Return the newest entries of the list, or the one of an address."""
    return [
        _suppression_of_row(row) for row in await database.fetch(_LIST, workspace_id, address_hash, limit)
    ]


async def lift(tx: Transaction, workspace_id: UUID, suppression_id: UUID) -> tuple[SuppressedAddress, bytes]:
    """Remove an address from the list and return its entry and hash; raise NotFound for an unknown id."""
    row = await tx.fetchrow(_DELETE, workspace_id, suppression_id)
    if row is None:
        raise NotFound(
            message("There is no suppression {suppression}.", suppression=ids.show(PREFIX, suppression_id))
        )
    return _suppression_of_row(row), row["address_hash"]


def hash_of(workspace: Workspace, email: str | None, phone: str | None) -> bytes:
    """Return the keyed hash of a normalised e-mail address or phone number, as for debtors."""
    if email:
        return workspace.lookup.hash("email", email.lower())
    return workspace.lookup.hash("phone", phone or "")


def _suppression_of_row(row: Record) -> SuppressedAddress:
    return SuppressedAddress(row["id"], row["kind"], row["reason"], row["created_at"])
