"""Queries of debts: one, or a page of a list of any size."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from asyncpg import Record

from getbill import creditors, debtors, scenarios
from getbill.companies import Workspace
from getbill.debtors import Debtor
from getbill.debts.model import COLUMNS, CONTACTABLE, Debt, Details, Status, details_context, stable_values
from getbill.kit import ids, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.kit.money import NO_DECIMALS, THREE_DECIMALS
from getbill.scenarios import Scenario

# An erased debt has no key, so none of these finds it. An explicit condition beside the id would let a
# planner without statistics choose a partial index and read all debts of the workspace.
_FROM = f"""
    SELECT d.*, dk.wrapped AS debt_key, {debtors.COLUMNS}, {creditors.COLUMNS}
    FROM debts d
    JOIN vault_keys dk ON dk.workspace_id = d.workspace_id AND dk.subject_id = d.id
    JOIN debtors p ON p.workspace_id = d.workspace_id AND p.id = d.debtor_id
    JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
    {creditors.JOINS}
    """
_FIND = Statement(
    "debts.find_debt",
    "Debt with its debtor and the keys of both.",
    _FROM + "WHERE d.workspace_id = $1 AND d.id = $2",
)
_LOCK = Statement(
    "debts.lock_debts",
    "Debts with their debtors and keys, locked in id order.",
    _FROM + "WHERE d.workspace_id = $1 AND d.id = ANY($2) ORDER BY d.id FOR UPDATE OF d",
)
# An erased debt has no debtor either.
_RELOCK = Statement(
    "debts.relock_debts",
    "Version and debtor of debts read before, locked in id order.",
    """
    SELECT d.id, d.version, p.identity FROM debts d
    JOIN debtors p ON p.workspace_id = d.workspace_id AND p.id = d.debtor_id
    WHERE d.workspace_id = $1 AND d.id = ANY($2) ORDER BY d.id FOR UPDATE OF d
    """,
)
_FIND_REFERENCES = Statement(
    "debts.find_references",
    "Debts with these references.",
    "SELECT id, reference, fingerprint FROM debts WHERE workspace_id = $1 AND reference = ANY($2)"
    " AND undone_at IS NULL",
)

_LISTED = """
    UNION ALL
    SELECT NULL, NULL, NULL, address_hash, false FROM suppressions
    WHERE workspace_id = $1 AND address_hash = ANY($4)
    UNION ALL
    SELECT NULL, consent, NULL, address_hash, false FROM consents
    WHERE workspace_id = $1 AND address_hash = ANY($4) AND withdrawn_at IS NULL
    """
_EXISTING = """
    SELECT id, reference, fingerprint, NULL::bytea AS match, false AS is_person FROM debts
    WHERE workspace_id = $1 AND reference = ANY($2) AND undone_at IS NULL
    UNION ALL
    SELECT debtor_id, NULL, NULL, match, true FROM debtor_matches WHERE workspace_id = $1 AND match = ANY($3)
    """
_FIND_ANY_EXISTING = Statement(
    "debts.find_any_referenced",
    "Whether a list of debts refers to existing references, debtors, suppressions or consents.",
    _EXISTING + _LISTED,
)
_FIND_EXISTING = Statement(
    "debts.find_referenced",
    "Existing references, debtors with their keys, suppressions and consents that a list of debts refers to.",
    f"""
    SELECT e.*, $1::uuid AS workspace_id, {debtors.COLUMNS}
    FROM ({_EXISTING} {_LISTED}) AS e
    LEFT JOIN debtors p ON e.is_person AND p.workspace_id = $1 AND p.id = e.id AND p.erased_at IS NULL
    LEFT JOIN vault_keys pk ON pk.workspace_id = $1 AND pk.subject_id = p.id
    """,
)

_NO_DETAILS = Details()
_columns = itemgetter(*COLUMNS)


async def open_rows(
    connection: Database | Transaction, workspace: Workspace, rows: list[Record]
) -> list[Debt]:
    """Open debts from rows of `_FROM`; load only scenario versions that this process has not cached."""
    versions = await scenarios.load(
        connection, workspace, {(row["scenario"], row["scenario_version"]) for row in rows}
    )
    return [
        _debt_from_row(row, workspace, versions[row["scenario"], row["scenario_version"]]) for row in rows
    ]


def _debt_from_row(row: Record, workspace: Workspace, scenario: Scenario) -> Debt:
    debt_id = row["id"]
    key = workspace.vault.unwrap(row["debt_key"], workspace.id, debt_id)
    sealed = row["details"]
    details = _NO_DETAILS
    if sealed is not None:
        details = Details(**json.read(key.open(sealed, details_context(workspace.id, debt_id))))
    debtor = debtors.from_row(row, workspace.vault)
    debt = Debt(workspace, debtor, key, details, scenario, *_columns(row))
    if debt.creditor_id is not None:
        debt.creditor = creditors.open_creditor(row, workspace.vault)
    debt.status = Status(debt.status)
    if debt.status_before_resolution is not None:
        debt.status_before_resolution = Status(debt.status_before_resolution)
    debt.stored_values = stable_values(debt)
    return debt


async def find(database: Database, workspace: Workspace, debt_id: UUID) -> Debt:
    """Return a debt; raise NotFound for an unknown id or an erased debt."""
    row = await database.fetchrow(_FIND, workspace.id, debt_id)
    if row is None:
        raise _not_found(debt_id)
    return (await open_rows(database, workspace, [row]))[0]


_FIND_MANY = Statement(
    "debts.find_debts",
    "Debts with their debtors and the keys of both.",
    _FROM + "WHERE d.workspace_id = $1 AND d.id = ANY($2)",
)


async def find_many(tx: Transaction, workspace: Workspace, debt_ids: Iterable[UUID]) -> dict[UUID, Debt]:
    """Return the existing ones of some debts by id, without a lock."""
    rows = await tx.peek(_FIND_MANY, workspace.id, list(debt_ids))
    return {debt.id: debt for debt in await open_rows(tx, workspace, rows)}


async def lock(tx: Transaction, workspace: Workspace, debt_id: UUID) -> Debt:
    """Return a debt locked until the transaction ends; raise NotFound for an unknown id."""
    debts = await lock_many(tx, workspace, [debt_id])
    if debt_id not in debts:
        raise _not_found(debt_id)
    debt = debts[debt_id]
    if not workspace.is_live:
        # The sandbox's clock may have been advanced since the caller was loaded.
        tx.now = max(tx.now, debt.updated_at)
    return debt


async def lock_many(
    tx: Transaction, workspace: Workspace, debt_ids: Iterable[UUID], cached: Mapping[UUID, Debt] | None = None
) -> dict[UUID, Debt]:
    """Lock debts in id order and return the existing ones; an object already held is returned as is.

    Of `cached` debts, read and left unchanged by an earlier transaction, only those changed since are read
    again.
    """
    if cached:
        return await _relock(tx, workspace, list(debt_ids), cached)
    rows = await tx.fetch(_LOCK, workspace.id, list(debt_ids))
    # A debt erased while we waited for its lock comes with the key it had when the wait began.
    live_rows = [row for row in rows if row["erased_at"] is None]
    held_debts = {row["id"]: tx.subjects.get(row["id"]) for row in live_rows}
    uncached_rows = [row for row in live_rows if held_debts[row["id"]] is None]
    loaded_debts = {debt.id: debt for debt in await open_rows(tx, workspace, uncached_rows)}
    # One object of a debt in a transaction; one that nothing touches is not written.
    tx.subjects |= loaded_debts
    return {debt_id: debt or loaded_debts[debt_id] for debt_id, debt in held_debts.items()}


async def _relock(
    tx: Transaction, workspace: Workspace, debt_ids: list[UUID], cached: Mapping[UUID, Debt]
) -> dict[UUID, Debt]:
    rows = await tx.fetch(_RELOCK, workspace.id, debt_ids)
    unchanged_debts = {
        row["id"]: cached[row["id"]] for row in rows if _is_unchanged(row, cached.get(row["id"]))
    }
    tx.subjects |= unchanged_debts
    changed_ids = [row["id"] for row in rows if row["id"] not in unchanged_debts]
    return unchanged_debts | (await lock_many(tx, workspace, changed_ids) if changed_ids else {})


def _is_unchanged(row: Record, debt: Debt | None) -> bool:
    if debt is None or row["version"] != debt.version:
        return False
    # Every seal is different: an identical one holds an identical identity.
    is_same: bool = row["identity"] == debt.debtor.sealed
    return is_same


async def find_references(
    connection: Database | Transaction, workspace_id: UUID, references: list[str]
) -> dict[str, tuple[UUID, bytes | None]]:
    """Return which references are in use, with the debt's id and the fingerprint of its body."""
    fetch = connection.peek if isinstance(connection, Transaction) else connection.fetch
    rows = await fetch(_FIND_REFERENCES, workspace_id, references)
    return {row["reference"]: (row["id"], row["fingerprint"]) for row in rows}


@dataclass(frozen=True, slots=True)
class ExistingRecords:
    """The known debts of a workspace by reference (id and fingerprint), and debtors by match hash.

    A shared code maps to None. `people` are these debtors, read without a lock. Also holds the address hashes
    on the suppression list, and those with consents.
    """

    debts: dict[str, tuple[UUID, bytes | None]]
    debtors: dict[bytes, UUID | None]
    people: dict[UUID, Debtor]
    suppressed: frozenset[bytes]
    consents: frozenset[tuple[bytes, str]]


async def find_existing(
    tx: Transaction, workspace: Workspace, references: list[str], people: Iterable[debtors.IdentityHashes]
) -> ExistingRecords:
    """Return which references, people and addresses exist; an optimistic transaction assumes none."""
    people = list(people)
    hashes = [hash_value for person in people for hash_value in person.matches]
    addresses = [hash_value for person in people for hash_value in (person.email, person.phone) if hash_value]
    rows = await tx.assume_none(
        _FIND_ANY_EXISTING, workspace.id, references, hashes, addresses, reading=_FIND_EXISTING
    )
    hash_rows = [row for row in rows if row["match"] is not None]
    address_rows = [row for row in hash_rows if not row["is_person"]]
    return ExistingRecords(
        {row["reference"]: (row["id"], row["fingerprint"]) for row in rows if row["match"] is None},
        {row["match"]: row["id"] for row in hash_rows if row["is_person"]},
        {
            row["debtor_id"]: debtors.from_row(row, workspace.vault)
            for row in {row["debtor_id"]: row for row in rows if row["debtor_key"] is not None}.values()
        },
        frozenset(row["match"] for row in address_rows if row["reference"] is None),
        frozenset((row["match"], row["reference"]) for row in address_rows if row["reference"] is not None),
    )


_PLANNED = Statement(
    "debts.list_planned",
    "Ids of contactable debts after an id, in id order.",
    """
    SELECT id FROM debts WHERE workspace_id = $1 AND id > $2 AND status = ANY($4)
        AND next_action_at IS NOT NULL AND erased_at IS NULL
    ORDER BY id LIMIT $3
    """,
)
_PLANNED_AT_ADDRESS = Statement(
    "debts.list_planned_at_address",
    "Ids of contactable debts of the debtors with an address, after an id, in id order.",
    """
    SELECT d.id FROM debts d
    JOIN debtors p ON p.workspace_id = d.workspace_id AND p.id = d.debtor_id
    WHERE d.workspace_id = $1 AND d.id > $2 AND d.status = ANY($4)
        AND d.next_action_at IS NOT NULL AND d.erased_at IS NULL
        AND p.workspace_id = $1 AND p.lookup @> ARRAY[$5::bytea]
    ORDER BY d.id LIMIT $3
    """,
)


async def planned_ids(
    tx: Transaction, workspace_id: UUID, after: UUID, limit: int, address_hash: bytes | None
) -> list[UUID]:
    """Return ids of debts with a planned contact, after an id, in id order; by default at any address."""
    values = workspace_id, after, limit, list(CONTACTABLE)
    if address_hash is None:
        rows = await tx.fetch(_PLANNED, *values)
    else:
        rows = await tx.fetch(_PLANNED_AT_ADDRESS, *values, address_hash)
    return [row["id"] for row in rows]


def _not_found(debt_id: UUID) -> NotFound:
    return NotFound(message("There is no debt {debt}.", debt=ids.show("debt", debt_id)))


# The condition of each list parameter; {n} is the placeholder of its value.
_SCALE = (
    "(CASE WHEN d.currency = ANY('{{%s}}') THEN 1 WHEN d.currency = ANY('{{%s}}') THEN 1000 ELSE 100 END)"
)
_MINOR = _SCALE % (",".join(sorted(NO_DECIMALS)), ",".join(sorted(THREE_DECIMALS)))
CONDITIONS = {
    "status": "d.status = ANY({n}::text[])",
    "scenario": "d.scenario = {n}::text",
    "reference": "(d.reference = {n}::text AND d.undone_at IS NULL)",
    "currency": "d.currency = {n}::text",
    "amount": f"d.amount = {{n}}::numeric * {_MINOR}",
    "amount_min": f"d.amount >= {{n}}::numeric * {_MINOR}",
    "amount_max": f"d.amount <= {{n}}::numeric * {_MINOR}",
    "due_from": "d.due_on >= {n}::date",
    "due_to": "d.due_on <= {n}::date",
    "created_from": "d.created_at >= {n}::timestamptz",
    "created_to": "d.created_at < {n}::timestamptz",
    "updated_after": "d.updated_at > {n}::timestamptz",
    "creditor": "d.creditor_id = {n}::uuid",
    "debtor": "d.debtor_id = {n}::uuid",
    "q_reference": "(d.reference = {n}::text AND d.undone_at IS NULL)",
    "q_debtor": "EXISTS (SELECT FROM debtors f WHERE f.workspace_id = $1 AND f.id = d.debtor_id"
    " AND f.lookup @> {n}::bytea[])",
}
# Sort orders, each with columns that make a row's position unique.
SORTS = {
    "date": ("d.created_at", "d.id", ">", "ASC"),
    "-date": ("d.created_at", "d.id", "<", "DESC"),
    "amount": ("d.amount", "d.id", ">", "ASC"),
    "-amount": ("d.amount", "d.id", "<", "DESC"),
}
_TYPES = {"date": "timestamptz", "-date": "timestamptz", "amount": "bigint", "-amount": "bigint"}


@dataclass(frozen=True, slots=True)
class DebtFilter:
    """The filter of a list: conditions with their values, an order, and the start of the page."""

    conditions: dict[str, Any]
    sort: str
    limit: int
    offset: int = 0
    after: tuple[datetime | int, UUID] | None = None


@cache
def _conditions(names: tuple[str, ...]) -> str:
    parts = ["d.workspace_id = $1", "d.erased_at IS NULL"]
    numbered = {
        name: CONDITIONS[name].format(n=f"${position}") for position, name in enumerate(names, start=2)
    }
    parts += [condition for name, condition in numbered.items() if not name.startswith("q_")]
    search_conditions = [condition for name, condition in numbered.items() if name.startswith("q_")]
    if search_conditions:
        parts.append("(" + " OR ".join(search_conditions) + ")")
    return " AND ".join(parts)


@cache
def page_statement(names: tuple[str, ...], sort: str, *, is_after: bool) -> Statement:
    """Return the statement of a list with these conditions, in this order."""
    column, tie, operator, direction = SORTS[sort]
    number = len(names) + 2
    where = _conditions(names)
    if is_after:
        where += f" AND ({column}, {tie}) {operator} (${number}::{_TYPES[sort]}, ${number + 1}::uuid)"
        number += 2
    text = f"{_FROM} WHERE {where} ORDER BY {column} {direction}, {tie} {direction} LIMIT ${number} OFFSET ${number + 1}"
    return Statement("debts.list_debts", "Page of debts.", text)


@cache
def count_statement(names: tuple[str, ...]) -> Statement:
    """Return the statement that counts debts with these conditions, up to its last parameter."""
    inner = f"SELECT FROM debts d WHERE {_conditions(names)} LIMIT ${len(names) + 2}"
    return Statement(
        "debts.count_debts",
        "Number of debts that meet the conditions.",
        f"SELECT count(*) FROM ({inner}) AS counted",
    )


async def find_page(database: Database, workspace: Workspace, debt_filter: DebtFilter) -> list[Debt]:
    """Return a page of debts."""
    names = tuple(debt_filter.conditions)
    statement = page_statement(names, debt_filter.sort, is_after=debt_filter.after is not None)
    after = debt_filter.after or ()
    rows = await database.fetch(
        statement,
        workspace.id,
        *debt_filter.conditions.values(),
        *after,
        debt_filter.limit,
        debt_filter.offset,
    )
    return await open_rows(database, workspace, rows)


async def count(database: Database, workspace: Workspace, conditions: dict[str, Any], limit: int) -> int:
    """Return how many debts meet the conditions, counting at most `limit`."""
    total: int = await database.fetchval(
        count_statement(tuple(conditions)), workspace.id, *conditions.values(), limit
    )
    return total


_TOTALS = Statement(
    "debts.sum_by_debtor",
    "Totals of a debtor's debts per currency, without erased debts.",
    """
    SELECT currency, count(*) AS debts, sum(amount)::bigint AS amount, sum(balance)::bigint AS balance,
           sum(paid)::bigint AS paid
    FROM debts WHERE workspace_id = $1 AND debtor_id = $2 AND erased_at IS NULL GROUP BY currency ORDER BY currency
    """,
)


async def totals_of_debtor(database: Database, workspace_id: UUID, debtor_id: UUID) -> list[Record]:
    """Return, per currency, how many debts a debtor has, and their sums in minor units."""
    return await database.fetch(_TOTALS, workspace_id, debtor_id)
