"""The stream from the command line: as it comes, for people and for programs, until Ctrl-C."""

import asyncio
from signal import SIGINT
from typing import Any

import pytest

from collecting import House
from commanding import Run, made
from getbill import events
from getbill.kit import clock, ids, json
from webhooks.test_commands import command


async def place_of(house: House) -> tuple[str, ...]:
    """The options that name a house's company and sandbox."""
    workspace = await house.place.workspace()
    return ("--company", ids.show("company", workspace.company.id), "--workspace", "sandbox")


async def said(dsn: str, house: House, *words: str) -> tuple[list[str], str]:
    """What a tail of what is there printed."""
    async with (
        asyncio.timeout(30),
        command(dsn, "events", "tail", *await place_of(house), "--no-follow", *words) as done,
    ):
        out, err = await done.communicate()
    assert done.returncode == 0, err.decode()
    return out.decode().splitlines(), err.decode()


async def test_what_is_there_is_printed_for_people_and_for_programs(
    dsn: str, house: House, open_debt: Any, sequence: Any, pull: Any
) -> None:
    debt = await open_debt(amount=120, reference="F-1")
    other = await open_debt()
    await house.post(f"/debts/{debt['id']}/payments", {"amount": 120})
    await house.call("DELETE", f"/debts/{other['id']}")
    await sequence()
    told = (await pull())["data"]

    as_json, _ = await said(dsn, house, "--after", "start", "--json")
    plain, _ = await said(
        dsn, house, "--after", "start", "--event", "debt.resolved", "--event", "debt.deleted"
    )
    of_debt, _ = await said(dsn, house, "--after", told[0]["webhook_id"], "--debt", debt["id"])
    none, _ = await said(dsn, house)

    assert [json.read(line.encode()) for line in as_json] == told
    assert [line.split() for line in plain] == [
        [told[4]["timestamp"], "debt.resolved", debt["id"], "#4", "F-1", "resolved", "0.00", "EUR"],
        [told[5]["timestamp"], "debt.deleted", other["id"], "#2", "erased"],
    ]
    assert [line.split()[3] for line in of_debt] == ["#2", "#3", "#4"]
    assert none == []


async def test_a_place_that_is_no_more_is_said(
    dsn: str, house: House, open_debt: Any, sequence: Any, pull: Any
) -> None:
    await open_debt()
    await sequence()
    old = (await pull())["next_cursor"]
    async with house.place.database.transaction(clock.wall()) as tx:
        await events.begin_epoch(tx, house.place.id)

    lines, err = await said(dsn, house, "--after", old)

    assert len(lines) == 1
    assert "from the beginning of epoch 2." in err


async def test_the_stream_is_followed_until_ctrl_c(
    dsn: str, house: House, open_debt: Any, sequence: Any
) -> None:
    async with (
        asyncio.timeout(30),
        command(dsn, "events", "tail", *await place_of(house), "--json") as following,
    ):
        assert following.stderr is not None
        assert following.stdout is not None
        assert await following.stderr.readline() == b"Waiting for new entries. Press Ctrl-C to stop.\n"
        debts = []
        found = []
        for _ in range(2):
            debts.append((await open_debt())["id"])
            await sequence()
            found.append(json.read(await following.stdout.readline())["data"]["debt_id"])
        following.send_signal(SIGINT)
        left = await following.stderr.read()
        ended = await following.wait()

    assert found == debts
    assert (ended, left) == (130, b"")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--event", "debt.lost"), "There is no event 'debt.lost'."),
        (("--debt", "debt_x"), "There is no debt with this id."),
        (("--after", "nonsense"), "The cursor does not belong to this list"),
        (("--workspace", "attic"), "Acme has no workspace 'attic'."),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    getbill: Run,
    words: tuple[str, ...],
    told: str,
) -> None:
    await made(getbill("company", "create", "Acme"))

    done = await getbill("events", "tail", "--no-follow", *words)

    assert done.exit_code == 1
    assert told in str(done.exception)
