"""An import whose processes are killed at random: in the end every row is exactly one debt or one finding."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from signal import SIGKILL

import pytest

from cluster import Cluster
from getbill.imports.runs.jobs import ImportSupervisor, child_starter
from getbill.kit import clock
from imports.sender import Sender, csv, row
from installation import Installation, open_installation

ROWS = 8_000
# One at the start, and one after each look that found more rows settled; they are settled by the thousand.
KILLS_MIN = 5
SECONDS = 240.0


@pytest.fixture(scope="module")
async def installation(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation of its own: nobody's worker but the one that is killed goes on with the import."""
    async with open_installation(postgres, "kills", tmp_path_factory.mktemp("kills")) as resource:
        yield resource


def _mixed() -> list[list[str]]:
    """Rows of which every seventh is wrong, and every hundredth repeats another with another amount."""
    rows = []
    for number in range(ROWS):
        if number % 7 == 3:
            rows.append(row(number, **{"Montant dû": "douze"}))
        elif number % 100 == 50:
            rows.append(row(number - 1, **{"Montant dû": "7,00"}))
        else:
            rows.append(row(number))
    return rows


async def test_every_row_is_one_debt_or_one_finding_whatever_is_killed(sender: Sender) -> None:
    dice = random.Random(20_260_104)  # noqa: S311 - when to kill
    import_id = await sender.sent(csv(_mixed()), "?auto=true")
    crew = ImportSupervisor(
        sender.installation.database, sender.installation.vault, child_starter(sender.installation.settings)
    )
    killed, settlement, until = 0, -1, clock.monotonic() + SECONDS

    while (answer := await sender.get(f"/imports/{import_id}"))["doing"] is not None:
        assert clock.monotonic() < until, answer
        await crew.tick()
        children = [item for item in crew.children.values() if item.returncode is None]
        if children and answer["progress"]["rows_done"] > settlement:
            settlement = answer["progress"]["rows_done"]
            await asyncio.sleep(dice.uniform(0, 0.2))
            for process in children:
                with suppress(ProcessLookupError):
                    process.send_signal(SIGKILL)
                    killed += 1
        await asyncio.sleep(0.05)
    await crew.close()

    counts = answer["counts"]
    lines = await sender.rows(
        "SELECT import_line AS line FROM debts WHERE workspace_id = $1 AND import_id IS NOT NULL"
        " UNION ALL SELECT line FROM import_findings WHERE workspace_id = $1 AND outcome <> 'warned'",
        sender.workspace_id,
    )
    events = await sender.rows(
        "SELECT count(*) AS made FROM events WHERE workspace_id = $1 AND kind = 'debt.created'",
        sender.workspace_id,
    )
    contacts = await sender.rows(
        "SELECT count(*) AS planned FROM contacts WHERE workspace_id = $1", sender.workspace_id
    )
    assert (answer["state"], answer["error"]) == ("completed", None)
    assert killed >= KILLS_MIN
    assert sorted(line["line"] for line in lines) == list(range(2, ROWS + 2))
    assert counts["created"] + counts["rejected"] + counts["skipped"] == ROWS
    assert counts["created"] == events[0]["made"] == contacts[0]["planned"]
