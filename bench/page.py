"""`page`: a page by cursor deep in a dataset of 1,000,000 debts, beside the first page.

The dataset is real: every debt and debtor with a key of their own, sealed by the product's own functions, written by
COPY. What a list does not read (match hashes, events, contacts) is left out, and its indexes are built after the rows.
The deep pages follow one another from the 900,000th debt on.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import asyncpg

from bench.figures import Figure, alternate
from getbill import companies, debtors, reactions, vault
from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database.transactions import open_database
from getbill.vault import Key
from testbed.debtors import new_debt
from testbed.installation import Api, PreparedInstallation, api, prepared_installation

_DEBTS = 1_000_000
_DEEP = 900_000
_BATCH = 20_000
_CALLS = 40
_MOST = 1.3

_COLUMNS = {
    "vault_keys": "workspace_id subject_id wrapped",
    "debtors": "workspace_id id identity lookup created_at updated_at",
    "debts": "workspace_id id debtor_id reference fingerprint status currency amount balance due_on scenario "
    "scenario_version started_on next_action_at event_sequence created_at updated_at",
}
_INDEXES = """
SELECT format('%I', c.relname) AS name, pg_get_indexdef(i.indexrelid) AS made_by
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY($1::regclass[]) AND NOT i.indisprimary
"""

Rows = dict[str, list[tuple[Any, ...]]]


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return a figure for pages of 20 and one for pages of 100."""
    with prepared_installation() as base:
        began = time.monotonic()
        asyncio.run(_fill(base))
        say(f"{_DEBTS:,} debts written in {time.monotonic() - began:.0f} s")
        with api(base) as ours:
            cursor = ours.call(f"/debts?limit=100&page={_DEEP // 100}")["pagination"]["next_cursor"]
            pages = Pages(ours)
            result = []
            for limit, name in ((20, "page"), (100, "page-100")):
                deep, first = _rounds(pages, limit, cursor)
                say(f"pages of {limit} debts, ms each:")
                pairs = alternate(deep, first, say)
                result.append(pairs.figure(name, "ms a page", _MOST, is_more_better=False))
            pages.close()
    return result


class Pages:
    """One connection that asks for one page after the other."""

    def __init__(self, ours: Api) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", ours.port)
        self._headers = {"Authorization": f"Bearer {ours.token}"}

    def ask(self, query: str, limit: int) -> tuple[float, str]:
        """Return how many milliseconds a page took, and the cursor after it."""
        began = time.perf_counter()
        self._connection.request("GET", f"/external-api/v1/debts?{query}", headers=self._headers)
        content = self._connection.getresponse().read()
        milliseconds = (time.perf_counter() - began) * 1000
        page = json.loads(content)
        assert len(page["data"]) == limit, page
        return milliseconds, page["pagination"]["next_cursor"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


Measure = Callable[[int], float]


def _rounds(pages: Pages, limit: int, cursor: str) -> tuple[Measure, Measure]:
    """Return what measures a deep page and what measures the first, each the average of some calls."""
    place = cursor

    def deep(_number: int) -> float:
        nonlocal place
        total = 0.0
        for _ in range(_CALLS):
            milliseconds, place = pages.ask(f"limit={limit}&cursor={place}", limit)
            total += milliseconds
        return total / _CALLS

    def first(_number: int) -> float:
        return sum(pages.ask(f"limit={limit}", limit)[0] for _ in range(_CALLS)) / _CALLS

    return deep, first


async def _fill(base: PreparedInstallation) -> None:
    """Write the dataset into the live workspace."""
    database = await open_database(base.dsn, reactions.before_commit, size=2)
    unlocked = await vault.unlock(database, None, base.folder / "master.key")
    live = await database.pool.fetchval("SELECT workspace_id FROM workspaces WHERE kind = 'live'")
    workspace = await companies.workspace(database, unlocked, live)
    connection = await asyncpg.connect(base.dsn)
    indexes = await connection.fetch(_INDEXES, list(_COLUMNS))
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    # Foreign keys hold by the way the rows are made; checking them would take a third of the time.
    await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
    written = None
    for rows in _batches(workspace):
        if written is not None:
            await written
        written = asyncio.create_task(_write(connection, rows))
        await asyncio.sleep(0)
    assert written is not None
    await written
    for index in indexes:
        await connection.execute(index["made_by"])
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    await database.close()


async def _write(connection: "asyncpg.Connection[Any]", rows: Rows) -> None:
    for table, columns in _COLUMNS.items():
        await connection.copy_records_to_table(table, records=rows[table], columns=columns.split())


def _batches(workspace: Workspace) -> Iterator[Rows]:
    result = _debts(workspace)
    while batch := list(islice(result, _BATCH)):
        yield {table: [row for item in batch for row in item[table]] for table in _COLUMNS}


def _debts(workspace: Workspace) -> Iterator[Rows]:
    """Make the rows of each debt of the dataset, a second apart, the oldest first."""
    began = datetime.now(UTC) - timedelta(seconds=_DEBTS)
    live, lookup = workspace.id, workspace.lookup
    for number in range(_DEBTS):
        body = json.loads(new_debt(number))
        person = body["debtor"]
        debt_id, debtor_id, key = ids.new(), ids.new(), Key.new()
        at = began + timedelta(seconds=number)
        words = [lookup.hash("word", word) for word in debtors.comparable_words(person["name"])]
        hashes = [*words, lookup.hash("email", person["email"]), lookup.hash("phone", person["phone"])]
        sealed = key.seal(json.dumps(person).encode(), debtors.seal_context(live, debtor_id))
        minor = round(body["amount"] * 100)
        fixed = (
            "pending",
            "EUR",
            minor,
            minor,
            date(2024, 1, 15),
            body["scenario"],
            1,
            at.date(),
            at,
            1,
            at,
            at,
        )
        yield {
            "vault_keys": [
                (live, debtor_id, workspace.vault.wrap(key, live, debtor_id)),
                (live, debt_id, workspace.vault.wrap(Key.new(), live, debt_id)),
            ],
            "debtors": [(live, debtor_id, sealed, hashes, at, at)],
            "debts": [(live, debt_id, debtor_id, body["reference"], hashes[0], *fixed)],
        }
