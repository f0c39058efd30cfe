"""`deliver`: webhooks to a sink on the loopback, signed and logged, beside a bare aiohttp loop.

Both post the same bytes to the same sink and insert the same rows of the log into the same database. Ours also
claims each delivery, opens its event, signs it, checks its address, keeps its lane in order and settles it.
"""

import asyncio
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.figures import Figure, alternate
from getbill import access, companies, debts, events, reactions, vault, webhooks
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database, open_database
from getbill.kit.money import Money
from getbill.settings import Settings
from getbill.vault import Vault
from getbill.webhooks import fan_out, model, secret_rotation
from testbed.installation import PreparedInstallation, free_port, prepared_installation, process, settings

ENDPOINTS = 10
EVENTS = 1500
AT_ONCE = ENDPOINTS * model.CONCURRENCY_DEFAULT
_TARGET = 0.5

_LIVE = "SELECT workspace_id FROM workspaces WHERE kind = 'live'"
_OWED = """
SELECT d.workspace_id, d.endpoint_id, d.event_id, d.debt_id, d.kind, d.position, d.sequence, d.previous_sequence,
    d.fields, d.is_replay, e.occurred_at, e.data, k.wrapped
FROM webhook_deliveries d JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id
JOIN vault_keys k ON k.workspace_id = d.workspace_id AND k.subject_id = d.debt_id
ORDER BY d.position, d.endpoint_id
"""
_LOGGED = (
    "SELECT (SELECT count(*) FROM webhook_log), (SELECT count(*) FROM webhook_attempts WHERE status = 204)"
)


class RowsMissing(RuntimeError):
    """A side did not log what it delivered."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    port = free_port()
    with (
        prepared_installation() as base,
        process([sys.executable, "-m", "testbed.webhook_sink", str(port)], settings(base.folder, port)),
    ):
        ready = base.folder / "ready.pickle"
        asyncio.run(_open(base, f"http://127.0.0.1:{port}/hooks"))
        asyncio.run(_owe(base))
        ready.write_bytes(pickle.dumps(asyncio.run(_ready(base))))
        # The first round's own, which warms both sides up.
        _run(base, "bench.dispatch_round", {"folder": str(base.folder)})
        _run(base, "bench.bare_webhooks", {"ready": str(ready), "at_once": AT_ONCE})
        pairs = alternate(_ours(base), _bare(base, ready), say)
    return [pairs.figure("deliver", "deliveries a second", _TARGET, is_more_better=True)]


def _ours(base: PreparedInstallation) -> Callable[[int], float]:
    def one_round(_number: int) -> float:
        asyncio.run(_owe(base))
        return _run(base, "bench.dispatch_round", {"folder": str(base.folder)})

    return one_round


def _bare(base: PreparedInstallation, ready: Path) -> Callable[[int], float]:
    return lambda _number: _run(base, "bench.bare_webhooks", {"ready": str(ready), "at_once": AT_ONCE})


def _run(base: PreparedInstallation, module: str, job: dict[str, Any]) -> float:
    """Run one side and return its deliveries a second; refuse one that logged less than it delivered."""
    before = asyncio.run(_logged(base.dsn))
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(job | {"dsn": base.dsn}).encode(),
        env=settings(base.folder, 1),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    due = ENDPOINTS * EVENTS
    after = asyncio.run(_logged(base.dsn))
    if [more - less for more, less in zip(after, before, strict=True)] != [due, due]:
        raise RowsMissing(f"{module} logged {before} before and {after} after {due} deliveries.")
    return due / float(json.loads(done.stdout.splitlines()[-1])["seconds"])


async def _logged(dsn: str) -> list[int]:
    database = await open_database(dsn, reactions.before_commit, size=2)
    row = await database.pool.fetchrow(_LOGGED)
    await database.close()
    assert row is not None
    return list(row.values())


@dataclass(slots=True)
class _Setup:
    database: Database
    vault: Vault
    workspace: Workspace


async def _set_up(base: PreparedInstallation) -> _Setup:
    chosen = Settings(data_dir=base.folder).with_dsn(base.dsn)
    database = await open_database(base.dsn, reactions.before_commit, size=8)
    unlocked = await vault.unlock(database, chosen.master_key_text, chosen.key_file)
    live = await database.pool.fetchval(_LIVE)
    return _Setup(database, unlocked, await companies.workspace(database, unlocked, live))


async def _open(base: PreparedInstallation, url: str) -> None:
    """Open the endpoints, and debts whose creation they are told."""
    setup = await _set_up(base)
    database, workspace = setup.database, setup.workspace
    await webhooks.keep_partitions(database, clock.wall())
    for _ in range(ENDPOINTS):
        async with database.transaction(workspace.now()) as tx:
            await webhooks.create(
                tx, workspace, webhooks.NewEndpoint(url, ("debt.created",)), access.OPERATOR
            )
    for number in range(EVENTS):
        person = Identity(name=f"Jean Dupont {number}", email=f"jean{number}@example.com")
        new = NewDebt(person, Money(234000, "EUR"), f"F-{number}", "standard_3_waves", Details())
        async with database.transaction(workspace.now()) as tx:
            await debts.create(tx, workspace, new)
    while await events.sequence(database, workspace.id):
        pass
    await database.close()


async def _owe(base: PreparedInstallation) -> None:
    """Have every event be owed to every endpoint, whatever was delivered before."""
    setup = await _set_up(base)
    async with setup.database.transaction(clock.wall()) as tx:
        await fan_out.enqueue_range(tx, fan_out.FanOutRange(setup.workspace.id, 0, 1 << 40))
    await setup.database.pool.execute("VACUUM ANALYZE webhook_deliveries")
    await setup.database.close()


async def _ready(base: PreparedInstallation) -> list[Any]:
    """Return what is owed as it will be posted: URL, headers, body, and the values of the log's rows."""
    setup = await _set_up(base)
    url = await setup.database.pool.fetchval("SELECT min(url) FROM webhook_endpoints")
    ready = []
    for row in await setup.database.pool.fetch(_OWED):
        key = setup.vault.unwrap(row["wrapped"], row["workspace_id"], row["debt_id"])
        data = events.data_json(row["data"], key, row["workspace_id"], row["event_id"], row["debt_id"])
        body = model.delivery_body(SimpleNamespace(**row), data)
        signing = secret_rotation.SigningSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")
        headers = {"Content-Type": "application/json", "User-Agent": "GetBill-Webhooks/1"}
        headers |= secret_rotation.signature_headers(
            signing, ids.show("wh", row["event_id"]), 1_767_607_200, body
        )
        ready.append((url, headers, body, tuple(row.values())[:7]))
    await setup.database.close()
    return ready
