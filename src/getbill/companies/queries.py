"""Queries for companies, workspaces and users."""

from uuid import UUID

from asyncpg import Record

from getbill.companies.collectors import with_collector_file
from getbill.companies.model import Company, OwnScenario, User, Workspace
from getbill.kit import json
from getbill.kit.clock import WorkspaceClock
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message
from getbill.vault import Lookup, Vault

_WORKSPACE = Statement(
    "companies.find_workspace",
    "Workspace with its company.",
    """
    SELECT w.workspace_id, w.kind, w.clock_offset, w.frozen_at, w.own_scenarios, w.grace_hours, w.collector_file,
        w.minimum_balance, w.writes_off_small_balances,
        CASE WHEN EXISTS (SELECT FROM contact_stop) THEN 'stopped' ELSE w.contact END AS contact,
        CASE WHEN w.kind = 'live' THEN (SELECT channels FROM contact_providers) END AS provided_channels, c.*
    FROM workspaces w JOIN companies c ON c.id = w.company_id WHERE w.workspace_id = $1
    """,
)
_WORKSPACES = Statement(
    "companies.list_company_workspaces",
    "Workspaces of a company, the live one first.",
    "SELECT workspace_id, kind, name FROM workspaces WHERE company_id = $1 ORDER BY kind, created_at",
)
_ALL_WORKSPACES = Statement(
    "companies.list_workspaces",
    "Workspaces of the installation.",
    "SELECT workspace_id FROM workspaces ORDER BY workspace_id",
)
_COMPANY = Statement("companies.find_company", "Company.", "SELECT * FROM companies WHERE id = $1")
_DEMO = Statement(
    "companies.find_demo_company",
    "Demo company created at the first start.",
    "SELECT id FROM companies WHERE is_demo",
)
_COMPANIES_BY_NAME = Statement(
    "companies.list_companies",
    "Companies with a name, or all companies, oldest first.",
    "SELECT * FROM companies WHERE $1::text IS NULL OR name = $1 ORDER BY created_at, id",
)
_USERS = Statement(
    "companies.list_users",
    "Users of a company, oldest first.",
    """
    SELECT id, company_id, email, first_name, last_name, role, is_active, last_seen_at, created_at
    FROM users WHERE company_id = $1 ORDER BY created_at, id
    """,
)


_USER = Statement(
    "companies.find_user",
    "User with this e-mail address.",
    """
    SELECT id, company_id, email, first_name, last_name, role, is_active, last_seen_at, created_at
    FROM users WHERE lower(email) = lower($1)
    """,
)


def lookup_context(company_id: UUID) -> bytes:
    """Return the context that a company's look-up key is sealed for."""
    return b"lookup" + company_id.bytes


def _company(row: Record) -> Company:
    fields = {name: row[name] for name in Company.__slots__}
    address, zones = tuple(row["address"]), frozenset(row["refused_zones"])
    return Company(**fields | {"address": address, "refused_zones": zones})


async def workspace(database: Database, vault: Vault, workspace_id: UUID) -> Workspace:
    """Load a workspace; raise NotFound if it does not exist."""
    row = await database.fetchrow(_WORKSPACE, workspace_id)
    if row is None:
        raise NotFound(message("This workspace does not exist."))
    workspace_company = _company(row)
    secret = vault.open(row["lookup_key"], lookup_context(workspace_company.id))
    clock = WorkspaceClock(row["clock_offset"], row["frozen_at"])
    own_scenarios = {
        name: OwnScenario(*pair) for name, pair in json.read(row["own_scenarios"].encode()).items()
    }
    return Workspace(
        id=workspace_id,
        kind=row["kind"],
        company=with_collector_file(workspace_company, row["collector_file"]),
        clock=clock,
        vault=vault,
        lookup=Lookup(secret),
        own_scenarios=own_scenarios,
        contact=row["contact"],
        grace_hours=row["grace_hours"],
        provided_channels=None if row["provided_channels"] is None else frozenset(row["provided_channels"]),
        minimum_balance=row["minimum_balance"],
        writes_off_small_balances=row["writes_off_small_balances"],
    )


async def workspaces_of(database: Database, company_id: UUID) -> list[tuple[UUID, str, str]]:
    """Return id, kind and name of each of a company's workspaces, the live one first."""
    rows = await database.fetch(_WORKSPACES, company_id)
    return [(row["workspace_id"], row["kind"], row["name"]) for row in rows]


async def workspace_ids(database: Database | Transaction) -> list[UUID]:
    """Return the ids of every workspace of the installation."""
    return [row["workspace_id"] for row in await database.fetch(_ALL_WORKSPACES)]


async def company(database: Database, company_id: UUID) -> Company:
    """Load a company; raise NotFound if it does not exist."""
    row = await database.fetchrow(_COMPANY, company_id)
    if row is None:
        raise NotFound(message("This company does not exist."))
    return _company(row)


async def user(database: Database, email: str) -> User:
    """Return the member of staff with an e-mail address; raise NotFound if there is none."""
    row = await database.fetchrow(_USER, email)
    if row is None:
        raise NotFound(
            message("There is no user {email}. `getbill user list` shows the users.", email=excerpt(email))
        )
    return User(**dict(row))


async def companies(database: Database, name: str | None = None) -> list[Company]:
    """Return the companies with a name, or all of them, the oldest first."""
    return [_company(row) for row in await database.fetch(_COMPANIES_BY_NAME, name)]


async def demo_company_id(database: Database) -> UUID | None:
    """Return the id of the demo company, if there is one."""
    company_id: UUID | None = await database.fetchval(_DEMO)
    return company_id


async def users(database: Database, company_id: UUID) -> list[User]:
    """Return a company's staff, the oldest first."""
    return [User(**dict(row)) for row in await database.fetch(_USERS, company_id)]


async def admins(tx: Transaction, company_id: UUID) -> list[User]:
    """Return a company's active administrators."""
    users = [User(**dict(row)) for row in await tx.fetch(_USERS, company_id)]
    return [user for user in users if user.role == "admin" and user.is_active]
