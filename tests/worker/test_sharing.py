"""Several workers on one database: they share what is due, and each contact leaves by one of them."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import collecting
from cluster import Cluster
from collecting import WorkspaceEngine
from gateway import Exchange, exchanging
from getbill import debts
from getbill.channels import Channel
from getbill.debtors import Identity
from getbill.kit import json
from getbill.kit.database.transactions import Database
from getbill.scenarios import actions
from getbill.settings import Settings
from installation import Installation, open_installation
from testbed import fault_injection

MANY = 300
TEXT = {"key": "text", "offset": 0, "channel": "sms", "template": "wave_1_sms"}


@pytest.fixture
async def own_installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    async with open_installation(postgres, "sharing", tmp_path) as installation:
        yield installation


def settings_for(own_installation: Installation, exchange: Exchange, folder: Path) -> Settings:
    """Return the settings of a worker whose text messages go to a gateway that no other worker uses."""
    folder.mkdir()
    report = exchange.settings(Channel.SMS).model_dump(mode="json")
    report["secret"] = exchange.secret
    (folder / "gateways.json").write_bytes(json.write([report]))
    return own_installation.settings.model_copy(
        update={"data_dir": folder, "gateways_file": folder / "gateways.json", "database_connections": 8}
    )


async def open_engine(own_installation: Installation) -> WorkspaceEngine:
    """Return a live workspace on a Monday morning, with a scenario that is one text message."""
    workspace = await collecting.new_engine(own_installation.database, own_installation.vault, live=True)
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        content = {"name": "text", "steps": [{"wave": 1} | TEXT], "end": {"offset": 9}}
        await actions.create(tx, snapshot, content)
    await workspace.set_clock("2026-01-05 09:00")
    return workspace


async def fill(workspace: WorkspaceEngine) -> None:
    """Open debts whose one text message is due at once."""
    snapshot = await workspace.snapshot()
    people = (Identity(f"Jean {number}", phone=f"+3361{number:07}") for number in range(MANY))
    async with workspace.database.transaction(snapshot.now()) as tx:
        await debts.create_many(tx, snapshot, [collecting.new_debt(who, scenario="text") for who in people])


async def count(database: Database, sql: str, name: int) -> None:
    """Wait until a count is what is wanted: other processes are at work, and all one can do is look."""
    async with asyncio.timeout(60):
        while await database.pool.fetchval(sql) != name:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_two_workers_share_what_is_due_and_send_each_message_once(
    own_installation: Installation, tmp_path: Path
) -> None:
    workspace = await open_engine(own_installation)
    async with AsyncExitStack() as stack:
        exchanges = [await stack.enter_async_context(exchanging()) for _ in range(2)]
        workers = [
            fault_injection.start_worker(settings_for(own_installation, exchange, tmp_path / str(number)))
            for number, exchange in enumerate(exchanges)
        ]
        try:
            await count(own_installation.database, "SELECT count(*) FROM heartbeats", 2)
            await fill(workspace)
            await count(
                own_installation.database,
                "SELECT count(*) FROM contacts WHERE state = 'accepted' AND step = 'text'",
                MANY,
            )
        finally:
            for worker in workers:
                worker.terminate()
            ends = [await fault_injection.exit_status(worker) for worker in workers]

    by_worker = [[message["id"] for message in exchange.delivered] for exchange in exchanges]
    assert set(ends) <= {0, -signal.SIGTERM}
    assert min(len(sent) for sent in by_worker) > 0
    assert len({*by_worker[0], *by_worker[1]}) == len(by_worker[0]) + len(by_worker[1]) == MANY
    assert {message["to"] for exchange in exchanges for message in exchange.delivered} == {
        f"+3361{number:07}" for number in range(MANY)
    }
