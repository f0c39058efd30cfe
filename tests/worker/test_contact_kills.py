"""Workers and database are killed while messages leave: the small chaos test; `bin/bench contact-kills` is the large one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import Cluster
from getbill.settings import Settings
from installation import Installation, open_installation
from testbed.contact_chaos.judge import MADE
from testbed.contact_chaos.scenario_run import Plan, RunSetup, run
from testbed.contact_chaos.workers import POINTS
from testbed.installation import prepared_installation


@pytest.mark.parametrize("spoils_journals", [False, True])
def test_whoever_is_killed_nobody_is_contacted_twice_or_forgotten(*, spoils_journals: bool) -> None:
    report: list[str] = []
    with prepared_installation() as base:
        stage = RunSetup(
            Settings(data_dir=base.folder).with_dsn(base.dsn), base.folder / "chaos", base.server
        )
        stage.folder.mkdir()
        plan = Plan(debts=20, kills=30, paid=3, between_kills=1, patience_seconds=240, has_groups=True)
        plan = replace(plan, spoils_journals=spoils_journals)
        result = asyncio.run(run(plan, stage, report.append))

    assert result.before.faults == []
    assert result.after.faults == []
    assert result.kills.total() == 30
    assert result.kills["postgres"] >= 3
    assert result.falls >= 1
    # Decided by what was received, nothing is unknown any more.
    assert result.after.ends["unknown"] == 0
    assert sum(result.after.ends[state] for state in MADE) == result.after.received


@pytest.fixture(scope="module")
async def own_installation(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    async with open_installation(
        postgres, "contact_kills", tmp_path_factory.mktemp("contacts")
    ) as installation:
        yield installation


# What must have happened before somebody comes to a point: another died where it left something behind.
BEFORE = {
    "contacts.released": "contacts.claimed",
    "contacts.journals_read": "contacts.prepared",
    "contacts.reclaimed": "contacts.prepared",
    "contacts.looked_up": "contacts.prepared",
    # With a message in hand whose gateway can be asked.
    "contacts.replanning": "contacts.prepared:3",
    "contacts.replanned": "contacts.prepared:3",
}


@pytest.mark.parametrize("has_groups", [False, True])
@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_at_a_named_point_leaves_no_contact_twice_or_lost(
    own_installation: Installation, tmp_path: Path, point: str, *, has_groups: bool
) -> None:
    before = [BEFORE[point]] if point in BEFORE else []
    plan = Plan(debts=3, kills=0, workers=1, crash_at=(*before, point), patience_seconds=40)
    plan = replace(plan, has_groups=has_groups)

    result = await run(plan, RunSetup(own_installation.settings, tmp_path), print)

    assert result.falls == len(plan.crash_at)
    assert result.before.faults == []
    assert result.after.faults == []
    assert result.after.ends["unknown"] == 0
