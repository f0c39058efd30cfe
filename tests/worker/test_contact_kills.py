"""Workers and database are killed while messages leave: the small ordeal; `bin/bench contact-kills` is the great one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bench.contacts.course import Plan, Stage, play
from bench.contacts.judge import MADE
from bench.contacts.workers import POINTS
from bench.installation import home

from cluster import Cluster
from getbill.settings import Settings
from installation import Installation, open_installation


def test_whoever_is_killed_nobody_is_contacted_twice_or_forgotten() -> None:
    told: list[str] = []
    with home() as base:
        stage = Stage(Settings(data_dir=base.folder).with_dsn(base.dsn), base.folder / "ordeal", base.server)
        stage.folder.mkdir()
        plan = Plan(debts=20, kills=30, paid=3, between_kills=1, patience_seconds=240)
        ordeal = asyncio.run(play(plan, stage, told.append))

    assert ordeal.before.faults == []
    assert ordeal.after.faults == []
    assert ordeal.kills.total() == 30
    assert ordeal.kills["postgres"] >= 3
    assert ordeal.falls >= 1
    # Decided by what was received, nothing is unknown any more.
    assert ordeal.after.ends["unknown"] == 0
    assert sum(ordeal.after.ends[state] for state in MADE) == ordeal.after.received


@pytest.fixture(scope="module")
async def house(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with open_installation(postgres, "contact_kills", tmp_path_factory.mktemp("contacts")) as opened:
        yield opened


# What must have happened before somebody comes to a point: another died where it left something behind.
BEFORE = {
    "contacts.released": "contacts.claimed",
    "contacts.reclaimed": "contacts.prepared",
    "contacts.looked_up": "contacts.prepared",
    # With a message in hand whose gateway can be asked.
    "contacts.replanning": "contacts.prepared:3",
    "contacts.replanned": "contacts.prepared:3",
}


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_at_a_named_point_leaves_no_contact_twice_or_lost(
    house: Installation, tmp_path: Path, point: str
) -> None:
    before = [BEFORE[point]] if point in BEFORE else []
    plan = Plan(debts=3, kills=0, workers=1, crash_at=(*before, point), patience_seconds=40)

    ordeal = await play(plan, Stage(house.settings, tmp_path), print)

    assert ordeal.falls == len(plan.crash_at)
    assert ordeal.before.faults == []
    assert ordeal.after.faults == []
    assert ordeal.after.ends["unknown"] == 0
