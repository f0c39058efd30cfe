"""Readiness checks: the parts that must be available before debts can be created and worked on.

The parts depend on one another: if the database does not answer, no other part is checked or reported.
"""

import asyncio
from dataclasses import dataclass

import asyncpg
from asyncpg import Record

from getbill import migrations, quarantine
from getbill.embedded import Outage
from getbill.health.actions import ALIVE_WITHIN
from getbill.kit import clock, database
from getbill.kit.database import DATABASE_ERRORS, Database, Statement
from getbill.kit.exit_errors import CannotRun
from getbill.vault import Vault, master_key_status

WITHIN_SECONDS = 2.0

_PARTS = Statement(
    "health.find_components",
    "Revision of the database, number of live workers, and whether a company exists.",
    """
    SELECT (SELECT version_num FROM alembic_version) AS revision,
           (SELECT count(*) FROM heartbeats WHERE seen_at > $1) AS workers,
           EXISTS (SELECT FROM companies) AS has_company
    """,
)
_BACKLOG = Statement(
    "health.count_backlog",
    "Number of events, contacts, deliveries and imports that wait for workers, over all workspaces.",
    """
    SELECT (SELECT count(*) FROM heartbeats WHERE seen_at > $1) AS workers,
           (SELECT count(*) FROM events WHERE position IS NULL) AS events_unsequenced,
           (SELECT coalesce(sum(position - reacted), 0) FROM streams WHERE reacted < position)::bigint
               AS events_unreacted,
           (SELECT count(*) FROM contacts WHERE state = 'planned' AND is_live AND due_at <= $2) AS contacts_due,
           (SELECT count(*) FROM contacts WHERE state IN ('claimed', 'sending')) AS contacts_under_way,
           (SELECT count(*) FROM webhook_deliveries) AS deliveries_pending
    """,
)


@dataclass(frozen=True, slots=True)
class Check:
    """The check of one part of the installation, with the remedy if it is not ready."""

    name: str
    way_out: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the part needs no action."""
        return self.way_out is None


async def checks(database: Database, outage: Outage | None = None) -> list[Check]:
    """Return every check in order of dependency.

    The outage, if a supervisor keeps one, states why the database is down.
    """
    if outage is not None and (reason := outage.sentence()):
        return [Check("database", reason)]
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            row = await database.fetchrow(_PARTS, clock.wall() - ALIVE_WITHIN)
    except asyncpg.UndefinedTableError:
        return [Check("database"), _migrations(None)]
    except DATABASE_ERRORS as error:
        return [Check("database", outage_reason(error))]
    assert row is not None  # noqa: S101 - the statement always answers one row
    return [Check("database"), _migrations(row["revision"]), *_worker_and_company(row)]


def outage_reason(error: Exception) -> str:
    """Return why the database is down, in one sentence."""
    if isinstance(error, CannotRun):
        return str(error)
    if isinstance(error, asyncpg.CannotConnectNowError):
        return "The database is starting and recovering from its last shutdown."
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "The database accepts no more connections: raise its max_connections or lower GETBILL_DATABASE_CONNECTIONS."
    if database.is_disk_full(error):
        return "The disk is full: free space on the database's volume."
    return f"The database is not responding ({type(error).__name__})."


def _migrations(revision: str | None) -> Check:
    if revision == migrations.HEAD:
        return Check("migrations")
    at = f"at {revision}" if revision else "empty"
    return Check("migrations", f"The database is {at}, not {migrations.HEAD}: run `getbill migrate`.")


def _worker_and_company(row: Record) -> list[Check]:
    worker, company = bool(row["workers"]), bool(row["has_company"])
    return [
        Check("worker", None if worker else "No worker heartbeat: start `getbill worker`."),
        Check("company", None if company else "No company exists: run `getbill company create`."),
    ]


async def notes(database: Database) -> list[str]:
    """Return notes that do not affect readiness but need attention; none if the database does not answer."""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            aside = await quarantine.counts(database)
    except DATABASE_ERRORS:
        return []
    many = [f"{number} {kind}" for kind, number in aside.items()]
    return [f"Quarantined after failures: {', '.join(many)}. Run `getbill quarantine list`."] if many else []


async def due(database: Database, vault: Vault, erasure_days: int) -> str | None:
    """Return the action due on the master key and since when, if any, while everything is ready."""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            return (await master_key_status(database, vault, erasure_days)).notice
    except DATABASE_ERRORS:
        return None


async def backlog(database: Database) -> dict[str, int]:
    """Return the workers' backlog, by kind."""
    now = clock.wall()
    async with asyncio.timeout(WITHIN_SECONDS):
        row = await database.fetchrow(_BACKLOG, now - ALIVE_WITHIN, now)
    return dict(row or {})
