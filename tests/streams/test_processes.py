"""The stream as the running processes tell it: the same as is pushed, at once, and let go of at a stop."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path
from signal import SIGTERM

import aiohttp

import make
from getbill import events
from getbill.kit import clock, json
from installation import METRICS_TOKEN
from processes import SOURCE


async def test_what_is_pulled_is_what_was_pushed(running_workspace) -> None:
    await running_workspace.subscribe(*events.KINDS)
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)
    await running_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await running_workspace.settle()

    page = await running_workspace.get("/events?limit=1000")

    pushed = [
        {name: value for name, value in message.items() if name != "previous_sequence"}
        for message in running_workspace.receiver.received
    ]
    assert pushed == page["data"]
    assert [message["previous_sequence"] for message in running_workspace.receiver.received] == [
        None,
        *range(1, len(pushed)),
    ]


async def test_who_waits_hears_of_a_commit_at_once(running_workspace) -> None:
    cursor = (await running_workspace.get("/events?after=now"))["next_cursor"]
    waiting = asyncio.create_task(running_workspace.get(f"/events?wait=30&after={cursor}"))

    debt = await running_workspace.post("/debts", make.debt())
    begun = clock.monotonic()
    page = await asyncio.wait_for(waiting, 10)

    # Commit, wake, place, wake, answer; the nets under them would take a second or more each.
    assert clock.monotonic() - begun < 3
    assert [event["data"]["debt_id"] for event in page["data"]] == [debt["id"]]


async def test_an_api_that_is_stopped_answers_who_waits_and_ends(
    installation, company, tmp_path: Path
) -> None:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "GETBILL_DATA_DIR": str(tmp_path)}
    environment |= {
        "DATABASE_URL": installation.settings.dsn,
        "GETBILL_MASTER_KEY": installation.settings.master_key.get_secret_value(),
        "GETBILL_DATABASE_CONNECTIONS": "3",
        "GETBILL_METRICS_TOKEN": METRICS_TOKEN,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "getbill", "api", "--listen-fd", str(bound.fileno())),
        env=environment,
        pass_fds=[bound.fileno()],
        stderr=DEVNULL,
    )
    headers = {"Authorization": f"Bearer {company.key}"}
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession(url, headers=headers) as session:
            await _until(session, "/healthz", "ok")
            waiting = asyncio.create_task(session.get("/external-api/v1/events?after=now&wait=30"))
            await _until(session, "/metrics", "getbill_events_waiting 1.0", METRICS_TOKEN)

            process.send_signal(SIGTERM)
            begun = clock.monotonic()
            answered = await waiting
            page = json.read(await answered.read())
            ended = await process.wait()

        assert (answered.status, page["data"], page["has_more"]) == (200, [], False)
        assert clock.monotonic() - begun < 5
        assert ended in {0, -SIGTERM}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        bound.close()


async def _until(session: aiohttp.ClientSession, path: str, text: str, token: str | None = None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    while True:
        try:
            async with session.get(path, headers=headers) as answered:
                if text in await answered.text():
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)
