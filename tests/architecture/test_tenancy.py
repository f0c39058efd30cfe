"""The workspace is the tenant: it leads every key of what belongs to it, and every statement is held to one."""

import re
from re import findall

import asyncpg
import pytest
from pglast import parse_sql
from pglast.visitors import Visitor

from architecture.distribution import named_tables, undistributable, written_tables
from architecture.plans import scans
from architecture.source import modules
from architecture.statements import names_in_source, statements
from architecture.tenancy import loose_tables
from getbill.kit.database.transactions import Statement

# Tables that belong to no workspace, or are looked up before one is known; each with the reason.
NO_TENANT = {
    "companies": "owns the workspaces",
    "users": "belong to a company, with all its workspaces",
    "workspaces": "is the tenant; its key is workspace_id itself",
    "clients": "found by client_id before the workspace is known",
    "api_keys": "found by hash before the workspace is known",
    "token_families": "belong to a client, and are found before the workspace is known",
    "refresh_tokens": "found by hash before the workspace is known",
    "revoked_tokens": "found by the token's id, in any workspace",
    "sftp_logins": "found by user name before the workspace is known",
    "sftp_host_keys": "are the installation's",
    "signing_keys": "sign for the whole installation",
    "rate_counts": "count a credential or a sandbox for a minute",
    "anonymous_log": "lines of requests without a caller",
    "contact_stop": "stops contact of the whole installation",
    "contact_providers": "one row: the channels with a provider in the installation's settings",
    "vault_master": "which master key the database belongs to",
    "vault_holders": "processes work for all workspaces",
    "heartbeats": "workers work for all workspaces",
    "alembic_version": "the revision of the database",
    "maintenance": "one row: when the installation's maintenance is due",
}
# Statements that read all workspaces on purpose, by kind; each with the reason.
ALL_WORKSPACES = {
    "number": {
        "health.count_backlog": "gauges count what waits, over the whole installation",
        "health.measure_deliveries": "as health.count_backlog",
        "quarantine.count_by_kind": "as health.count_backlog",
        "vault.count_stale_keys": "which workspaces a rotation of the master key still has to visit",
        "vault.find_first_erasure": "one master key seals everybody, and is rotated once anybody was erased",
    },
    "unlocked list": {
        "contacts.find_settled_quarantined": "each item is resolved in its workspace",
        "debts.list_erasures": "the journal beside the database has the erasures of all",
        "events.find_streams": "one poll of an API process serves all its waiting readers",
        "kit.list_due_work": "the index of due work itself",
        "sandbox.list_due": "as kit.list_due_work, by each sandbox's own clock",
        "webhooks.list_notifiable": "rarely anything; each e-mail is claimed in its workspace",
        "events.list_streams": "the end of every stream is written beside the database",
        "quarantine.list_due": "rarely anything; each item is retried in its workspace",
        "quarantine.list_recovered": "as quarantine.list_due; each item is removed in its workspace",
        "quarantine.list_workspaces": "a worker skips every workspace that cannot be opened",
    },
    "command of an operator": {
        "quarantine.list_items": "`getbill quarantine list` shows the whole installation",
        "vault.find_living": "`getbill vault residue` searches the files of all",
        "vault.list_erased": "as vault.find_living",
    },
}

_KEYS = """
SELECT t.relname AS table_name, i.relname AS key_name,
       array_agg(a.attname::text ORDER BY k.place) AS columns
FROM pg_index x
JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (number, place)
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
WHERE (x.indisunique OR x.indisprimary) AND NOT t.relispartition
GROUP BY t.relname, i.relname
"""
_REFERENCES = """
SELECT t.relname AS table_name, c.conname AS key_name, f.relname AS target,
       array_agg(a.attname::text ORDER BY k.place) AS columns, array_agg(b.attname::text ORDER BY k.place) AS targets
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid
JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (one, other, place)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.one
JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = k.other
WHERE c.contype = 'f' AND NOT t.relispartition
GROUP BY t.relname, c.conname, f.relname
"""
_TABLES = """
SELECT c.relname AS table_name, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
       AND a.attname = 'workspace_id' AND a.attnotnull) AS is_tenant
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


@pytest.fixture(scope="module")
async def catalog(dsn: str):
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def tables(catalog) -> dict[str, bool]:
    return {row["table_name"]: row["is_tenant"] for row in await catalog.fetch(_TABLES)}


async def test_every_table_belongs_to_a_workspace_or_says_why_not(tables) -> None:
    wrong = [table for table, is_tenant in tables.items() if not is_tenant and table not in NO_TENANT]

    assert not wrong, f"Give {wrong} a workspace_id NOT NULL, or a reason in NO_TENANT."
    assert NO_TENANT.keys() <= tables.keys(), "NO_TENANT names tables that are gone."


async def test_the_workspace_leads_every_unique_key(catalog) -> None:
    rows = await catalog.fetch(_KEYS)

    wrong = [
        f"{row['key_name']} {row['columns']}"
        for row in rows
        if row["table_name"] not in NO_TENANT and row["columns"][0] != "workspace_id"
    ]

    assert len(rows) > 20
    assert not wrong, f"Begin these keys with workspace_id: {wrong}"


async def test_the_workspace_leads_every_reference(catalog) -> None:
    rows = await catalog.fetch(_REFERENCES)

    wrong = [
        f"{row['key_name']} {row['columns']} -> {row['target']} {row['targets']}"
        for row in rows
        if row["table_name"] not in NO_TENANT
        and (row["columns"][0], row["targets"][0]) != ("workspace_id", "workspace_id")
    ]

    assert len(rows) > 10
    assert not wrong, f"Begin these references with workspace_id on both sides: {wrong}"


def test_every_statement_says_what_it_is_for() -> None:
    packages = {module.concept for module in modules()}

    for statement in statements():
        assert statement.name.split(".")[0] in packages, f"{statement.name} begins with no package's name"
        assert statement.sentence.endswith("."), f"{statement.name}: its sentence has no end"
        assert "?" not in statement.sentence, f"{statement.name} asks; say what the statement does"


def test_what_a_statement_writes_for_many_rows_takes_the_values_of_one() -> None:
    for statement in statements():
        if statement.many is not None:
            item, many = (
                {int(result) for result in re.findall(r"\$(\d+)", text)}
                for text in (statement.text, statement.many)
            )
            assert item == many, f"{statement.name}: `many` takes other values than `text`"


def test_every_statement_in_the_source_is_read_here() -> None:
    read = {statement.name for statement in statements()}

    wrong = names_in_source() - read - {"kit.change_partition"}  # DDL, made for each day

    assert not wrong, f"statements() finds these nowhere: {sorted(wrong)}"


async def test_every_statement_fits_the_schema(catalog) -> None:
    wrong = []

    for statement in statements():
        try:
            for text in filter(None, (statement.text, statement.many)):
                await catalog.prepare(text)
        except asyncpg.PostgresError as error:
            wrong.append(f"{statement.name}: {error}")

    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def tenants(tables) -> set[str]:
    return {table for table, is_tenant in tables.items() if is_tenant} - NO_TENANT.keys()


def exempt() -> dict[str, str]:
    return {name: reason for kind in ALL_WORKSPACES.values() for name, reason in kind.items()}


def texts(statement: Statement) -> list[str]:
    """The text for one row, and the one for many if there is one."""
    return [text for text in (statement.text, statement.many) if text is not None]


def test_every_statement_is_held_to_one_workspace(tenants) -> None:
    allowed = exempt().keys()
    crossing = set()
    wrong = []

    for statement in statements():
        for text in texts(statement):
            if result := loose_tables(text, tenants):
                crossing.add(statement.name)
                if statement.name not in allowed:
                    wrong.append(f"{statement.name}: {'; '.join(result)}")

    assert not wrong, (
        "Compare workspace_id with one parameter, or give a reason in ALL_WORKSPACES:\n" + "\n".join(wrong)
    )
    assert crossing == allowed, "Exemptions name statements that are held, or gone."


def test_what_reads_all_workspaces_can_be_distributed(tenants) -> None:
    names = exempt()
    wrong = [
        f"{statement.name} {result}"
        for statement in statements()
        if statement.name in names
        for text in texts(statement)
        for result in undistributable(text, tenants)
    ]

    assert not wrong, "List what is due without a lock, then write in each workspace:\n" + "\n".join(wrong)


def test_no_write_of_a_table_without_a_workspace_reads_one_that_has_one(tenants) -> None:
    wrong = [
        statement.name
        for statement in statements()
        for text in texts(statement)
        if written_tables(text) & NO_TENANT.keys() and named_tables(text) & tenants
    ]

    assert not wrong, f"Read in a statement of its own what a reference table is to hold: {wrong}"


async def test_every_scan_of_a_plan_looks_at_one_workspace(catalog, tenants) -> None:
    skipped = exempt().keys()
    wrong, scanned = [], set()

    for statement in statements():
        if statement.name in skipped:
            continue
        for text in texts(statement):
            for table, conditions in await scans(catalog, text):
                scanned.add(table)
                if table in tenants and not re.search(r"\bworkspace_id = \$\d", conditions):
                    wrong.append(f"{statement.name} scans {table} by ({conditions})")

    assert len(scanned & tenants) > 20
    assert not wrong, "\n".join(wrong)


def test_no_statement_reads_the_databases_clock() -> None:
    reading = {statement.name for statement in statements() if _reads_the_clock(statement.text)}

    assert not reading, f"Hand the instant over as a parameter: {sorted(reading)}"


def _reads_the_clock(text: str) -> bool:
    class Clocks(Visitor):
        found = False

        def visit_SQLValueFunction(self, _ancestors, node) -> None:  # noqa: N802 - pglast calls it so
            self.found |= "DATE" in node.op.name or "TIME" in node.op.name

        def visit_FuncCall(self, _ancestors, node) -> None:  # noqa: N802 - as above
            self.found |= node.funcname[-1].sval in {
                "now",
                "clock_timestamp",
                "statement_timestamp",
                "timeofday",
            }

    clocks = Clocks()
    clocks(parse_sql(text))
    return clocks.found


def test_a_statement_for_many_takes_the_same_values() -> None:
    def values(text: str) -> int:
        return max(map(int, findall(r"\$(\d+)", text)), default=0)

    wrong = [
        statement.name
        for statement in statements()
        if statement.many and values(statement.many) != values(statement.text)
    ]

    assert not wrong, "One row or many, the values are the same: " + ", ".join(wrong)
