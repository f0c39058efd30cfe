"""`tick`: what a worker's look for something due costs with 1,000,000 contacts planned, beside 1,000; none is due.

A tick is one turn of each loop that looks for contacts: live ones, sandboxes', clocks in motion, and what dead workers
left. Half of the contacts are live, half are in a sandbox. Each side has a durable cluster and a process of its own, on
one machine and in turn; both databases have been vacuumed.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import asyncpg

from bench import datasets
from bench.figures import Figure, alternate
from testbed.installation import PreparedInstallation, prepared_installation, settings

_PLANNED = 1_000_000
_FEW = 1_000
_TICKS = 200
_TARGET = 2.0
# One debt of the workspace, again and again with another id: the tick reads nothing else of it.
_DEBTS = """
INSERT INTO debts (workspace_id, id, debtor_id, reference, status, currency, amount, balance, paid, scenario,
    scenario_version, started_on, next_action_at, event_sequence, created_at, updated_at)
SELECT workspace_id, gen_random_uuid(), debtor_id, 'again ' || number, status, currency, amount, balance, paid, scenario,
    scenario_version, started_on, now() + interval '1 day' + number * interval '1 second', 1, created_at, updated_at
FROM debts, generate_series(1, $2) AS number WHERE workspace_id = $1 AND reference = 'F-1'
"""
_CONTACTS = """
INSERT INTO contacts (workspace_id, debt_id, step, channel, state, due_at, is_live, contact_epoch, created_at)
SELECT d.workspace_id, d.id, 'wave_1_email', 'email', 'planned', d.next_action_at, $2, 0, d.created_at
FROM debts d WHERE d.workspace_id = $1 AND d.reference LIKE 'again %'
"""
_WORK = """
INSERT INTO work (workspace_id, kind, id, due_at)
SELECT workspace_id, CASE WHEN is_live THEN 'contacts' ELSE 'sandbox_contacts' END, gen_random_uuid(), min(due_at)
FROM contacts WHERE state = 'planned' GROUP BY workspace_id, is_live
"""
_OTHERS = "UPDATE contacts SET state = 'stopped' WHERE state = 'planned'"


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    many = int(os.environ.get("BENCH_TICK_CONTACTS", _PLANNED))
    with prepared_installation() as few, prepared_installation() as lots:
        asyncio.run(_plan(few, _FEW))
        asyncio.run(_plan(lots, many))
        say(f"{many} contacts are planned")
        pairs = alternate(lambda _: _ticks(lots), lambda _: _ticks(few), say)
    return [pairs.figure("tick", "ms each", _TARGET, is_more_better=False)]


async def _plan(base: PreparedInstallation, many: int) -> None:
    """Have so many contacts planned for tomorrow and later, and nothing else."""
    connection = await asyncpg.connect(base.dsn)
    await connection.execute(_OTHERS)
    for kind in ("live", "sandbox"):
        async with datasets.open_dataset(base, kind) as dataset:
            await dataset.fill(list(datasets.people(1, 1)), 1)
            # What refers to what is known to be right, and a million look-ups of it are not the figure.
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(_OTHERS)
            await connection.execute(_DEBTS, dataset.workspace_id, many // 2)
    for kind in ("live", "sandbox"):
        async with datasets.open_dataset(base, kind) as dataset:
            await connection.execute(_CONTACTS, dataset.workspace_id, kind == "live")
    await connection.execute("DELETE FROM work")
    await connection.execute(_WORK)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _ticks(base: PreparedInstallation) -> float:
    """Return the milliseconds of a tick."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.loop_pacing"],
        input=json.dumps({"folder": str(base.folder), "dsn": base.dsn, "ticks": _TICKS}).encode(),
        env=settings(base.folder, 1),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    stdout: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return float(stdout["milliseconds"])
