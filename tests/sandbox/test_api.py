"""A sandbox's clock over HTTP, with a worker that carries out what falls due."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import ContactWorkspace, at
from getbill import companies
from getbill.kit import clock, ids
from getbill.sandbox import actions, jobs, queries

MONDAY = "2026-01-05 09:00"
BODY = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-2024-0847",
}


async def created(workspace: ContactWorkspace, **changes: Any) -> dict[str, Any]:
    answered = await workspace.post("/debts", BODY | {"reference": str(ids.new())} | changes)
    assert answered.status == 201
    return answered.json()


async def advance(workspace: ContactWorkspace, **by: Any) -> Answer:
    return await workspace.post("/sandbox/clock/advance", by)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_thirty_days_pass_and_everything_due_has_happened(
    workspace: ContactWorkspace, worker: None
) -> None:
    await workspace.engine.set_clock(MONDAY)
    debt = await created(workspace)

    # The last call, of day 20, falls on a Sunday: the end, ten days after it, is a day later too.
    answered = await advance(workspace, days=31)

    assert answered.status == 200
    answer = answered.json()
    assert answer | {"id": None, "url": None} == {
        "id": None,
        "status": "done",
        "started_from": "2026-01-05T09:00:00Z",
        "target": "2026-02-05T09:00:00Z",
        "now": "2026-02-05T09:00:00Z",
        "contacts": 6,
        "url": None,
    }
    debt_id = ids.read("debt", debt["id"])
    rows = await workspace.engine.contacts(debt_id)
    assert [(row["step"], row["sent_at"]) for row in rows if row["sent_at"]] == [
        ("wave_1_email", at("2026-01-05 09:00")),
        ("wave_1_sms", at("2026-01-08 09:00")),
        ("wave_2_call", at("2026-01-12 09:00")),
        ("wave_2_email", at("2026-01-13 07:00")),
        ("wave_3_call", at("2026-01-26 09:00")),
    ]
    assert (await workspace.get(f"/debts/{debt['id']}")).json()["status"] == "unresolved"
    assert await queries.is_quiet(workspace.engine.database, workspace.engine.id)


async def test_each_event_carries_the_instant_its_contact_was_due_at(
    workspace: ContactWorkspace, worker: None
) -> None:
    await workspace.engine.set_clock(MONDAY)
    debt = await created(workspace)

    await advance(workspace, days=4)

    rows = await workspace.engine.database.pool.fetch(
        "SELECT kind, occurred_at FROM events WHERE debt_id = $1 ORDER BY sequence",
        ids.read("debt", debt["id"]),
    )
    assert [tuple(row) for row in rows] == [
        ("debt.created", at(MONDAY)),
        ("followup.created", at(MONDAY)),
        *[(kind, at(MONDAY)) for kind in ("debt.contacted", "debt.status_changed", "followup.completed")],
        ("followup.created", at("2026-01-08 09:00")),
        ("debt.contacted", at("2026-01-08 09:00")),
        ("followup.completed", at("2026-01-08 09:00")),
    ]


async def test_the_clock_goes_on_from_where_it_was_put(workspace: ContactWorkspace, worker: None) -> None:
    before = (await workspace.get("/sandbox/clock")).json()

    answered = await advance(workspace, days=2, hours=3)

    after = (await workspace.get("/sandbox/clock")).json()
    assert answered.status == 200
    assert after["ahead_seconds"] == 51 * 3600
    assert after["is_frozen"] is False
    assert after["advance"] is None
    moved = instant(after["now"]) - instant(before["now"])
    assert timedelta(hours=51) <= moved < timedelta(hours=51, minutes=1)
    answer = (await created(workspace))["created_at"]
    assert instant(answer) >= instant(after["now"])


async def test_a_frozen_clock_stands_still_again_at_its_target(
    workspace: ContactWorkspace, worker: None
) -> None:
    await workspace.engine.set_clock(MONDAY)

    await advance(workspace, hours=12)

    answer = (await workspace.get("/sandbox/clock")).json()
    assert (answer["now"], answer["is_frozen"]) == ("2026-01-05T21:00:00Z", True)


async def test_an_ordinary_sandbox_debt_is_contacted_without_anybody_moving_the_clock(
    workspace: ContactWorkspace, worker: None
) -> None:
    await workspace.engine.set_clock(MONDAY)
    debt = await created(workspace)

    for _ in range(100):
        contacted_at = (await workspace.get(f"/debts/{debt['id']}")).json()["contacted_at"]
        if contacted_at:
            break
        await asyncio.sleep(0.05)

    assert contacted_at == "2026-01-05T09:00:00Z"


async def test_a_sandbox_is_visited_when_something_is_due_by_its_own_clock(site: Site) -> None:
    ahead, behind, idle = [await collecting.open_sandbox(site) for _ in range(3)]
    for workspace, clock_at in (
        (ahead, "2026-01-05 09:00"),
        (behind, "2026-01-05 05:00"),
        (idle, "2026-01-05 09:00"),
    ):
        await workspace.engine.set_clock(clock_at)
    for workspace in (ahead, behind):
        await workspace.engine.debt()
    await ahead.engine.set_clock("2026-01-05 09:00")

    result = [found async for found in queries.due(ahead.engine.database)]

    mine = {workspace.engine.id for workspace in (ahead, behind, idle)}
    assert mine & set(result) == {ahead.engine.id}


async def test_what_was_planned_while_contact_was_stopped_is_due_once_it_is_switched_on(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine = workspace.engine
    await engine.set_clock(MONDAY)
    debt = await engine.debt()

    async def switch(mode: str) -> None:
        async with engine.database.transaction(clock.wall()) as tx:
            await companies.switch(tx, engine.id, companies.ContactChanges(mode))

    await switch(companies.STOPPED)
    await jobs.send_due(engine.context, lambda: True)
    await engine.postpone()
    before = await engine.ledger(debt.id)
    await switch(companies.ON)
    await jobs.send_due(engine.context, lambda: True)

    assert before == [("wave_1_email", "planned")]
    assert (await engine.ledger(debt.id))[0] == ("wave_1_email", "delivered")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"days": 0},
        {"days": -1},
        {"days": 367},
        {"days": 366, "hours": 1},
        {"days": "30"},
        {"days": True},
        {"days": 1.5},
        {"weeks": 1},
    ],
)
async def test_a_move_that_makes_no_sense_is_refused_and_the_clock_stays(
    workspace: ContactWorkspace, body: dict[str, Any]
) -> None:
    await workspace.engine.set_clock(MONDAY)

    answered = await advance(workspace, **body)

    assert answered.status == 422
    assert (await workspace.get("/sandbox/clock")).json()["now"] == "2026-01-05T09:00:00Z"


async def test_the_clock_is_moved_once_at_a_time(
    workspace: ContactWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.sandbox.api._WAIT_SECONDS", 0.1)
    first = await advance(workspace, days=1)

    second = await advance(workspace, days=1)

    assert first.status == 202
    assert second.status == 409
    problem = second.json()
    assert problem["type"] == "/problems/clock-advance-running"
    assert problem["url"] == first.json()["url"] == first.headers["location"]


async def test_what_takes_longer_is_asked_for_at_its_url(
    workspace: ContactWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.sandbox.api._WAIT_SECONDS", 0.1)
    begun = (await advance(workspace, days=1)).json()
    running = (await workspace.get(begun["url"].removeprefix("/external-api/v1"))).json()

    async with collecting.working(workspace.engine.database, workspace.engine.context):
        for _ in range(100):
            answer = (await workspace.get(begun["url"].removeprefix("/external-api/v1"))).json()
            if answer["status"] == "done":
                break
            await asyncio.sleep(0.05)

    assert running["status"] == "running"
    assert (answer["status"], answer["now"]) == ("done", begun["target"])
    assert (await advance_status(workspace, "advance_00000000000000000000000000")).status == 404


async def advance_status(workspace: ContactWorkspace, advance_id: str) -> Answer:
    return await workspace.get(f"/sandbox/clock/advances/{advance_id}")


async def test_live_time_cannot_be_moved(site: Site) -> None:
    live = await collecting.open_live(site)

    answered = [await advance(live, days=1), await live.get("/sandbox/clock")]

    assert [answer.status for answer in answered] == [403, 403]
    assert answered[0].json()["type"] == "/problems/sandbox-only"
    rows = await live.engine.database.pool.fetch(
        "SELECT * FROM clock_advances WHERE workspace_id = $1", live.engine.id
    )
    assert rows == []


async def test_another_company_sees_nothing_of_a_move(
    workspace: ContactWorkspace, site: Site, worker: None
) -> None:
    stranger = await collecting.open_sandbox(site)
    answer = (await advance(workspace, hours=1)).json()

    assert (await advance_status(stranger, answer["id"])).status == 404
    assert (await stranger.get("/sandbox/clock")).json()["ahead_seconds"] == 0


async def test_a_move_whose_worker_was_killed_is_finished_by_the_next(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock(MONDAY)
    debt = await created(workspace)
    database, context = workspace.engine.database, workspace.engine.context
    snapshot = await workspace.engine.snapshot()
    async with database.transaction(snapshot.now()) as tx:
        begun = await actions.start_advance(tx, snapshot, timedelta(days=5))
    lost = await actions.claim(database, workspace.engine.id, clock.wall() + timedelta(seconds=60))
    assert lost is not None
    reached = await jobs._advance_to_next(context, lost, lambda: True)
    assert reached is not None
    await database.pool.execute(
        "UPDATE clock_advances SET lease_until = $2 WHERE id = $1",
        lost.id,
        clock.wall() - timedelta(seconds=1),
    )

    async with collecting.working(database, context):
        for _ in range(100):
            clock_advance = await queries.find_clock_advance(database, snapshot, begun.id)
            if clock_advance.done_at:
                break
            await asyncio.sleep(0.05)

    assert clock_advance.done_at is not None
    assert await workspace.engine.followups(ids.read("debt", debt["id"])) == [
        ("email", "delivered"),
        ("sms", "delivered"),
    ]
    # The one that was thought dead comes back and moves nothing.
    assert await actions.reach(database, reached, at("2026-01-06 09:00"), 0, clock.wall()) is None
    assert (await workspace.engine.snapshot()).now() == at("2026-01-10 09:00")


async def test_a_move_waits_for_what_a_dead_worker_had_in_hand(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock(MONDAY)
    debt = await created(workspace)
    database = workspace.engine.database
    await database.pool.execute(
        "UPDATE contacts SET state = 'claimed', fence = 1, lease_until = $2 WHERE workspace_id = $1",
        workspace.engine.id,
        clock.wall() + timedelta(seconds=0.5),
    )

    async with collecting.working(database, workspace.engine.context):
        answered = await advance(workspace, days=1)

    assert answered.status == 200
    assert await workspace.engine.ledger(ids.read("debt", debt["id"])) == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "planned"),
    ]


async def test_a_debt_created_while_the_clock_is_moved_starts_where_it_stands(
    workspace: ContactWorkspace,
) -> None:
    await workspace.engine.set_clock(MONDAY)
    snapshot = await workspace.engine.snapshot()
    async with workspace.engine.database.transaction(snapshot.now()) as tx:
        await actions.start_advance(tx, snapshot, timedelta(days=5))

    debt = await created(workspace)

    assert debt["created_at"] == "2026-01-05T09:00:00Z"


async def test_days_of_hundreds_of_debts_pass_in_seconds(workspace: ContactWorkspace, worker: None) -> None:
    await workspace.engine.set_clock(MONDAY)
    for number in range(60):
        person = {
            "name": f"Debtor {number}",
            "email": f"d{number}@example.com",
            "phone": f"+3363998{number:04}",
        }
        await created(workspace, debtor=person)
    before = clock.monotonic()

    answered = await advance(workspace, days=31)

    took = clock.monotonic() - before
    assert answered.status == 200
    assert took < 15
    unresolved = await workspace.engine.database.pool.fetchval(
        "SELECT count(*) FROM debts WHERE workspace_id = $1 AND status = 'unresolved'", workspace.engine.id
    )
    assert unresolved == 60
