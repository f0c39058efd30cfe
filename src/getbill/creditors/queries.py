"""Queries of creditors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.companies import Logo, Workspace
from getbill.creditors.model import Creditor, CreditorProfile, Mandate, seal_context
from getbill.kit import ids, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.vault import Vault

PREFIX: Final = "creditor"
# The columns that `open_creditor` needs: `c` is the creditor's row, `ck` its key's.
COLUMNS = """c.profile AS creditor_profile, ck.wrapped AS creditor_key, c.has_logo AS creditor_has_logo,
    c.mandate_signed_on AS creditor_mandate_signed_on, c.mandate_receives AS creditor_mandate_receives,
    c.version AS creditor_version, c.created_at AS creditor_created_at, c.updated_at AS creditor_updated_at"""
# The creditor of a debt `d`, if it is not the company itself.
JOINS = """
    LEFT JOIN creditors c ON c.workspace_id = d.workspace_id AND c.id = d.creditor_id
    LEFT JOIN vault_keys ck ON ck.workspace_id = d.workspace_id AND ck.subject_id = d.creditor_id
    """

_FROM = f"""
    SELECT c.workspace_id, c.id AS creditor_id, c.name_hash, {COLUMNS}
    FROM creditors c JOIN vault_keys ck ON ck.workspace_id = c.workspace_id AND ck.subject_id = c.id
    WHERE c.workspace_id = $1
    """
_FIND = Statement("creditors.find_creditor", "Creditor with its key.", _FROM + "AND c.id = $2")
_LOCK = Statement(
    "creditors.lock_creditor",
    "Creditor, locked until the transaction ends.",
    _FIND.text + " FOR UPDATE OF c",
)
_FIND_CHOSEN = Statement(
    "creditors.find_chosen",
    "Creditors with these names or ids.",
    _FROM + "AND (c.name_hash = ANY($2) OR c.id = ANY($3))",
)
_LIST = Statement(
    "creditors.list_creditors",
    "Page of creditors, newest first.",
    _FROM
    + """
      AND ($2::timestamptz IS NULL OR (c.created_at, c.id) < ($2, $3))
    ORDER BY c.created_at DESC, c.id DESC LIMIT $4 OFFSET $5
    """,
)
_COUNT = Statement(
    "creditors.count_creditors",
    "Number of creditors, up to a limit.",
    "SELECT count(*) FROM (SELECT FROM creditors WHERE workspace_id = $1 LIMIT $2) AS counted",
)
_TOTALS = Statement(
    "creditors.sum_debts",
    "Totals of the debts owed to a creditor per currency, without erased debts.",
    """
    SELECT currency, count(*) AS debts, sum(amount)::bigint AS amount, sum(balance)::bigint AS balance,
           sum(paid)::bigint AS paid
    FROM debts WHERE workspace_id = $1 AND creditor_id = $2 AND erased_at IS NULL GROUP BY currency ORDER BY currency
    """,
)
_LOGOS = Statement(
    "creditors.find_logos",
    "Logos of creditors.",
    "SELECT creditor_id, media_type, image FROM creditor_logos WHERE workspace_id = $1 AND creditor_id = ANY($2)",
)


@dataclass(frozen=True, slots=True)
class CreditorPageQuery:
    """The position of a page: after a row, or at an offset."""

    limit: int
    offset: int = 0
    after: tuple[datetime, UUID] | None = None


def open_creditor(row: Record, vault: Vault) -> Creditor:
    """Open a creditor from a row that has `COLUMNS`, its id and its workspace's."""
    workspace_id: UUID = row["workspace_id"]
    creditor_id: UUID = row["creditor_id"]
    key = vault.unwrap(row["creditor_key"], workspace_id, creditor_id)
    profile_fields = json.read_texts(
        key.open(row["creditor_profile"], seal_context(workspace_id, creditor_id))
    )
    return Creditor(
        id=creditor_id,
        workspace_id=workspace_id,
        profile=CreditorProfile(**profile_fields),
        key=key,
        mandate=Mandate(row["creditor_mandate_signed_on"], row["creditor_mandate_receives"]),
        has_logo=row["creditor_has_logo"],
        version=row["creditor_version"],
        created_at=row["creditor_created_at"],
        updated_at=row["creditor_updated_at"],
    )


async def find(connection: Database | Transaction, workspace: Workspace, creditor_id: UUID) -> Creditor:
    """Return a creditor; raise NotFound for an unknown id."""
    return _require_creditor(
        await connection.fetchrow(_FIND, workspace.id, creditor_id), workspace, creditor_id
    )


async def lock_creditor(tx: Transaction, workspace: Workspace, creditor_id: UUID) -> Creditor:
    """Return a creditor locked against change and deletion until the transaction ends."""
    return _require_creditor(await tx.fetchrow(_LOCK, workspace.id, creditor_id), workspace, creditor_id)


async def find_chosen(
    connection: Database | Transaction,
    workspace: Workspace,
    hashes: Iterable[bytes],
    creditor_ids: Iterable[UUID],
) -> dict[bytes, Creditor]:
    """Return the creditors with these hashes of names, and those with these ids, by the hash of their name."""
    fetch = connection.peek if isinstance(connection, Transaction) else connection.fetch
    rows = await fetch(_FIND_CHOSEN, workspace.id, list(hashes), list(creditor_ids))
    return {row["name_hash"]: open_creditor(row, workspace.vault) for row in rows}


def _require_creditor(row: Record | None, workspace: Workspace, creditor_id: UUID) -> Creditor:
    if row is None:
        raise NotFound(message("There is no creditor {creditor}.", creditor=ids.show(PREFIX, creditor_id)))
    return open_creditor(row, workspace.vault)


async def list_creditors(database: Database, workspace: Workspace, page: CreditorPageQuery) -> list[Creditor]:
    """Return a page of creditors, newest first."""
    at, identifier = page.after or (None, None)
    rows = await database.fetch(_LIST, workspace.id, at, identifier, page.limit, page.offset)
    return [open_creditor(row, workspace.vault) for row in rows]


async def count(database: Database, workspace_id: UUID, limit: int) -> int:
    """Return how many creditors there are, at most `limit`."""
    total: int = await database.fetchval(_COUNT, workspace_id, limit)
    return total


async def totals_of_creditor(database: Database, workspace_id: UUID, creditor_id: UUID) -> list[Record]:
    """Return, per currency, how many debts are owed to a creditor, and their sums in minor units."""
    return await database.fetch(_TOTALS, workspace_id, creditor_id)


async def logos(tx: Transaction, workspace_id: UUID, creditor_ids: Iterable[UUID]) -> dict[UUID, Logo]:
    """Return the logos of creditors that have one."""
    rows = await tx.fetch(_LOGOS, workspace_id, list(creditor_ids))
    return {row["creditor_id"]: Logo(row["media_type"], row["image"]) for row in rows}
