"""The workspace is the tenant: it leads every key of what belongs to it, and every statement is held to one."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import product
from re import findall
from types import ModuleType

import asyncpg
import pytest
from pglast import parse_sql
from pglast.visitors import Visitor

from architecture.source import modules
from architecture.tenancy import loose_tables
from getbill.debts.queries import CONDITIONS, SORTS, count_statement, page_statement
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
    "access_log": "partitioned by day; also lines of callers nobody knows",
    "contact_stop": "stops contact of the whole installation",
    "vault_master": "which master key the database belongs to",
    "vault_holders": "processes work for all workspaces",
    "heartbeats": "workers work for all workspaces",
    "alembic_version": "the revision of the database",
    "pgqueuer": "the queue of the installation's own jobs",
    "pgqueuer_log": "as pgqueuer",
    "pgqueuer_schedules": "as pgqueuer",
    "pgqueuer_statistics": "as pgqueuer",
}
# Statements that cross workspaces on purpose; each with the reason.
ALL_WORKSPACES = {
    "access.prune_answers": "maintenance: answers older than a day go, whoever got them",
    "debts.list_erasures": "after a restore every erasure is repeated",
    "events.list_streams": "how far every stream has come is written beside the database",
    "sandbox.list_due": "as kit.list_due_work, by each sandbox's own clock",
    "imports.list_expired": "maintenance: files and findings go after thirty days, whoever's",
    "kit.list_due_work": "the index itself: which workspaces have work that is due",
    "health.count_backlog": "counts what waits, over the whole installation",
    "health.measure_deliveries": "as health.count_backlog",
    "webhooks.end_rotations": "maintenance: old secrets go, whoever's",
    "sftp.list_expired": "maintenance: what lay in folders for thirty days goes, whoever's",
    "sftp.cut_abandoned": "maintenance: what a dead process left open is cut off, whoever's",
    "contacts.find_settled_quarantined": "a worker clears whatever failed and is settled, whoever's",
    "quarantine.list_due": "a worker tries again whatever is due, whoever's",
    "quarantine.list_items": "an operator sees the quarantine of the whole installation",
    "quarantine.count_by_kind": "as health.count_backlog",
    "quarantine.list_workspaces": "a worker skips every workspace that cannot be opened",
    "quarantine.list_recovered": "as quarantine.list_due",
    "vault.list_stale_keys": "a new master key rewraps everybody's keys",
    "vault.count_stale_keys": "as vault.list_stale_keys",
    "vault.find_status": "one master key seals everybody, and is rotated once anybody was erased",
    "vault.find_living": "residue is looked for in the files of all",
    "vault.list_erased": "as vault.find_living",
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


@cache
def loaded() -> list[ModuleType]:
    # Alembic's environment runs when it is imported; `__main__` is the program.
    skipped = ("migrations.env", "__main__")
    return [
        import_module(f"getbill.{module.dotted}".rstrip("."))
        for module in modules()
        if module.dotted not in skipped
    ]


def statements() -> Iterator[Statement]:
    """Every statement of ours, those composed from a list's filters too."""
    seen: dict[str, Statement] = {}
    for module in loaded():
        for value in vars(module).values():
            for item in (
                value.values()
                if isinstance(value, dict)
                else value
                if isinstance(value, list | tuple)
                else [value]
            ):
                if isinstance(item, Statement):
                    assert seen.setdefault(item.name, item) is item, f"Two statements are called {item.name}."
    yield from seen.values()
    for names in [(), *((name,) for name in CONDITIONS), tuple(CONDITIONS)]:
        yield count_statement(names)
        for sort, is_after in product(SORTS, (False, True)):
            yield page_statement(names, sort, is_after=is_after)


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


async def test_every_statement_fits_the_schema(catalog) -> None:
    wrong = []

    for statement in statements():
        try:
            for text in filter(None, (statement.text, statement.many)):
                await catalog.prepare(text)
        except asyncpg.PostgresError as error:
            wrong.append(f"{statement.name}: {error}")

    assert not wrong, "\n".join(wrong)


async def test_every_statement_is_held_to_one_workspace(tables) -> None:
    tenants = {table for table, is_tenant in tables.items() if is_tenant} - NO_TENANT.keys()
    crossing = set()
    wrong = []

    for statement in statements():
        if result := loose_tables(statement.text, tenants):
            crossing.add(statement.name)
            if statement.name not in ALL_WORKSPACES:
                wrong.append(f"{statement.name}: {'; '.join(result)}")

    assert not wrong, "Compare workspace_id, or say why in ALL_WORKSPACES:\n" + "\n".join(wrong)
    assert crossing == ALL_WORKSPACES.keys(), "ALL_WORKSPACES names statements that are held, or gone."


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


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("SELECT * FROM debts WHERE workspace_id = $1 AND id = $2", 0),
        ("SELECT * FROM debts WHERE id = $1", 1),
        ("SELECT * FROM debts WHERE workspace_id = $1 OR id = $2", 1),
        ("SELECT * FROM debts d JOIN events e ON e.debt_id = d.id WHERE d.workspace_id = $1", 1),
        ("SELECT * FROM debts d JOIN events e USING (workspace_id) WHERE d.workspace_id = $1", 0),
        ("SELECT * FROM debts WHERE (workspace_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))", 0),
        (
            "SELECT * FROM debts d WHERE d.workspace_id = $1 AND EXISTS (SELECT FROM events e WHERE e.debt_id = d.id)",
            1,
        ),
        (
            "SELECT (SELECT max(id) FROM events e WHERE e.workspace_id = d.workspace_id) FROM debts d WHERE d.workspace_id = $1",
            0,
        ),
        (
            "SELECT (SELECT 1 FROM events e WHERE e.workspace_id = d.workspace_id AND e.workspace_id = $1) FROM debts d",
            1,
        ),
        ("WITH due AS (SELECT * FROM debts) SELECT * FROM due", 1),
        (
            "WITH due AS (SELECT * FROM debts WHERE workspace_id = $1) UPDATE events e SET x = 1 FROM due WHERE e.workspace_id = due.workspace_id",
            0,
        ),
        ("INSERT INTO events (id) VALUES ($1)", 1),
        ("DELETE FROM events USING debts WHERE events.workspace_id = $1", 1),
        ("SELECT * FROM companies", 0),
    ],
)
def test_the_reading_tells_held_from_loose(text: str, loose: int) -> None:
    assert len(loose_tables(text, {"debts", "events"})) == loose


def test_a_statement_for_many_takes_the_same_values() -> None:
    def values(text: str) -> int:
        return max(map(int, findall(r"\$(\d+)", text)), default=0)

    wrong = [
        statement.name
        for statement in statements()
        if statement.many and values(statement.many) != values(statement.text)
    ]

    assert not wrong, "One row or many, the values are the same: " + ", ".join(wrong)
