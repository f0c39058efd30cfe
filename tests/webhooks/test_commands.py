"""Webhooks from the command line: secrets shown once, refusals as sentences, the log as it grows."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest

from collecting import MASTER_KEY
from commanding import Run, printed
from debts.conftest import WorkspaceApi, read
from getbill import companies, reactions, vault
from getbill.embedded import Server
from getbill.kit import ids
from getbill.kit.database.transactions import open_database
from getbill.migrations.actions import migrate
from webhooks.conftest import Carrier

SOURCE = Path(__file__).parents[2] / "src"
URL = "https://example.com/hooks"


async def test_a_webhook_is_opened_listed_and_its_secret_replaced(
    getbill: Run,
) -> None:
    await printed(getbill("company", "create", "Acme"))
    resource = await getbill(
        *("webhooks", "create", URL, "--event", "debt.created", "--event", "debt.resolved"),
        *("--description", "ERP", "--header", "Authorization: Bearer s3cr3t", "--field", "status"),
        *("--retry-seconds", "5", "--retry-seconds", "60", "--rate-per-second", "20", "--concurrency", "2"),
    )
    endpoint = json.loads(resource.stdout)
    in_sandbox = await printed(getbill("webhooks", "create", "http://127.0.0.1:9/", "--workspace", "sandbox"))
    rotated = await printed(getbill("webhooks", "rotate", endpoint["id"], "--overlap-hours", "1"))
    twice = await getbill("webhooks", "rotate", endpoint["id"])

    assert endpoint["secret"].startswith("whsec_")
    assert resource.stderr == "Store the secret now: it is not shown again.\n"
    assert (endpoint["url"], endpoint["description"]) == (URL, "ERP")
    assert endpoint["events"] == ["debt.created", "debt.resolved"]
    assert (endpoint["headers"], endpoint["fields"]) == (["Authorization"], ["status"])
    assert (endpoint["retry_schedule"], endpoint["rate_per_second"], endpoint["concurrency"]) == (
        [5, 60],
        20,
        2,
    )
    assert rotated["secret"] != endpoint["secret"]
    assert rotated["rotation"]["signature_by"] == "old"
    assert "A rotation of the secret is in progress until" in str(twice.exception)
    (listed,) = await printed(getbill("webhooks", "list"))
    assert listed == {name: value for name, value in rotated.items() if name != "secret"}
    (there,) = await printed(getbill("webhooks", "list", "--workspace", "sandbox"))
    assert there["id"] == in_sandbox["id"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("create", "http://example.com/"),
            "Send an https URL; http is allowed only for the loopback, in a sandbox.",
        ),
        (("create", URL, "--event", "debt.lost"), "There is no event 'debt.lost'."),
        (
            ("create", URL, "--header", "Authorization"),
            "Write a header as \"Name: value\", not 'Authorization'.",
        ),
        (("create", URL, "--header", "Host: here"), "The header Host is set by GetBill"),
        (("create", URL, "--workspace", "attic"), "Acme has no workspace 'attic'."),
        (("list", "--company", "Nobody"), "There is no company named 'Nobody'."),
        (("rotate", "we_x"), "There is no webhook with this id."),
        (("replay", "we_01m804scmte4gbpp4yw1mc91gy"), "Select what to send again"),
        (("replay", "we_01m804scmte4gbpp4yw1mc91gy", "--from", "2024-01-01"), "There is no webhook we_"),
        (("tail", "--webhook", "we_01m804scmte4gbpp4yw1mc91gy"), "There is no webhook we_"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    getbill: Run,
    words: tuple[str, ...],
    expected: str,
) -> None:
    await printed(getbill("company", "create", "Acme"))

    done = await getbill("webhooks", *words)

    assert done.exit_code == 1
    assert expected in str(done.exception)


# As a terminal starts it: tests that run in the background pass on that Ctrl-C is to be ignored.
LISTENING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("getbill", run_name="__main__", alter_sys=True)
"""


@asynccontextmanager
async def command(dsn: str, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `getbill` with some words in a process of its own; it is stopped by Ctrl-C."""
    base = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LISTENING, *words),
        env=base | {"PYTHONPATH": str(SOURCE), "DATABASE_URL": dsn, "GETBILL_MASTER_KEY": MASTER_KEY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(SIGINT)
        try:
            async with asyncio.timeout(10):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


async def place_of(workspace: WorkspaceApi) -> tuple[str, ...]:
    """The options that name a company's sandbox."""
    (row,) = await workspace.rows(
        "SELECT company_id FROM workspaces WHERE workspace_id = $1", workspace.workspace_id
    )
    return ("--company", ids.show("company", row["company_id"]), "--workspace", "sandbox")


async def test_the_log_is_followed_until_ctrl_c(
    dsn: str, workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, retry_schedule=[])
    await workspace.debt()
    await carrier.carry()
    place = await place_of(workspace)

    async with asyncio.timeout(30), command(dsn, "webhooks", "tail", *place) as plain:
        assert plain.stderr is not None
        assert plain.stdout is not None
        assert await plain.stderr.readline() == b"Waiting for new entries. Press Ctrl-C to stop.\n"
        debt = await workspace.debt()
        await carrier.carry()
        first = (await plain.stdout.readline()).decode()
        receiver.answer = answering(500)
        await workspace.debt()
        await carrier.carry()
        second = (await plain.stdout.readline()).decode()
        plain.send_signal(SIGINT)
        ended = await plain.wait()
        left = await plain.stderr.read()

    # What was settled before is not told.
    assert " delivered 204 " in first
    assert first.endswith(
        f" debt.created {receiver.received[1].told['webhook_id']} {debt['id']} {endpoint['id']}\n"
    )
    assert " exhausted 500 " in second
    assert (ended, left) == (130, b"")


async def test_a_range_is_replayed_and_the_replay_followed_as_json(
    dsn: str, workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive())
    await workspace.debt()
    await carrier.carry()
    place = await place_of(workspace)

    async with asyncio.timeout(30):
        tailing = command(dsn, "webhooks", "tail", "--json", "--webhook", endpoint["id"], *place)
        async with tailing as tail:
            assert tail.stderr is not None
            assert tail.stdout is not None
            await tail.stderr.readline()
            words = ("webhooks", "replay", endpoint["id"], "--from", "2024-01-01", *place)
            async with command(dsn, *words) as replay:
                assert replay.stdout is not None
                replayed = json.loads(await replay.stdout.read())
            await carrier.carry()
            followed = json.loads(await tail.stdout.readline())

    assert replayed == {"replayed": 1, "already_pending": 0}
    listed = read(await workspace.get(f"/webhooks/{endpoint['id']}/deliveries"))["data"]
    assert followed == listed[0]
    assert followed["replay"] is True


async def read_line(stream: asyncio.StreamReader) -> bytes:
    """The next line that is for people; what the driver logs is for programs."""
    while (line := await stream.readline()).startswith(b"{"):
        pass
    return line


async def test_following_goes_on_when_the_database_comes_back() -> None:
    # A socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    server = Server(folder, durable=False)
    dsn = await asyncio.to_thread(server.start)
    try:
        await migrate(dsn)
        database = await open_database(dsn, reactions.before_commit, size=1)
        keys = await vault.unlock(database, MASTER_KEY, folder / "key", may_make=True)
        await companies.create(database, keys, "Acme")
        await database.close()

        async with asyncio.timeout(30), command(dsn, "webhooks", "tail") as tail:
            assert tail.stderr is not None
            following = await read_line(tail.stderr)
            await asyncio.to_thread(server.stop)
            away = await read_line(tail.stderr)
            await asyncio.to_thread(server.start)
            back = await read_line(tail.stderr)
            tail.send_signal(SIGINT)
            ended = await tail.wait()
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(folder, ignore_errors=True)

    assert following == b"Waiting for new entries. Press Ctrl-C to stop.\n"
    assert away == b"The database is not available; retrying every second.\n"
    assert back == b"The database is available again.\n"
    assert ended == 130
