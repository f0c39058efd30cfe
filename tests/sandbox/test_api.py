"""A sandbox's clock over HTTP, with a worker that carries out what falls due."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import House, at
from getbill.kit import clock, ids
from getbill.sandbox import actions, jobs, queries

MONDAY = "2026-01-05 09:00"
BODY = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-2024-0847",
}


async def created(house: House, **changes: Any) -> dict[str, Any]:
    answered = await house.post("/debts", BODY | {"reference": str(ids.new())} | changes)
    assert answered.status == 201
    return answered.json()


async def advance(house: House, **by: Any) -> Answer:
    return await house.post("/sandbox/clock/advance", by)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_thirty_days_pass_and_everything_due_has_happened(house: House, worker: None) -> None:
    await house.place.set_clock(MONDAY)
    debt = await created(house)

    answered = await advance(house, days=30)

    assert answered.status == 200
    shown = answered.json()
    assert shown | {"id": None, "url": None} == {
        "id": None,
        "status": "done",
        "started_from": "2026-01-05T09:00:00Z",
        "target": "2026-02-04T09:00:00Z",
        "now": "2026-02-04T09:00:00Z",
        "contacts": 6,
        "url": None,
    }
    debt_id = ids.read("debt", debt["id"])
    rows = await house.place.contacts(debt_id)
    assert [(row["step"], row["sent_at"]) for row in rows if row["sent_at"]] == [
        ("wave_1_email", at("2026-01-05 09:00")),
        ("wave_1_sms", at("2026-01-08 09:00")),
        ("wave_2_call", at("2026-01-12 09:00")),
        ("wave_2_email", at("2026-01-13 07:00")),
        ("wave_3_call", at("2026-01-26 09:00")),
    ]
    assert (await house.get(f"/debts/{debt['id']}")).json()["status"] == "unresolved"
    assert await queries.is_quiet(house.place.database, house.place.id)


async def test_each_event_carries_the_instant_its_contact_was_due_at(house: House, worker: None) -> None:
    await house.place.set_clock(MONDAY)
    debt = await created(house)

    await advance(house, days=4)

    rows = await house.place.database.pool.fetch(
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


async def test_the_clock_goes_on_from_where_it_was_put(house: House, worker: None) -> None:
    before = (await house.get("/sandbox/clock")).json()

    answered = await advance(house, days=2, hours=3)

    after = (await house.get("/sandbox/clock")).json()
    assert answered.status == 200
    assert after["ahead_seconds"] == 51 * 3600
    assert after["is_frozen"] is False
    assert after["advance"] is None
    moved = instant(after["now"]) - instant(before["now"])
    assert timedelta(hours=51) <= moved < timedelta(hours=51, minutes=1)
    shown = (await created(house))["created_at"]
    assert instant(shown) >= instant(after["now"])


async def test_a_frozen_clock_stands_still_again_at_its_target(house: House, worker: None) -> None:
    await house.place.set_clock(MONDAY)

    await advance(house, hours=12)

    shown = (await house.get("/sandbox/clock")).json()
    assert (shown["now"], shown["is_frozen"]) == ("2026-01-05T21:00:00Z", True)


async def test_an_ordinary_sandbox_debt_is_contacted_without_anybody_moving_the_clock(
    house: House, worker: None
) -> None:
    await house.place.set_clock(MONDAY)
    debt = await created(house)

    for _ in range(100):
        contacted_at = (await house.get(f"/debts/{debt['id']}")).json()["contacted_at"]
        if contacted_at:
            break
        await asyncio.sleep(0.05)

    assert contacted_at == "2026-01-05T09:00:00Z"


async def test_a_sandbox_is_visited_when_something_is_due_by_its_own_clock(site: Site) -> None:
    ahead, behind, idle = [await collecting.house(site) for _ in range(3)]
    for house, clock_at in (
        (ahead, "2026-01-05 09:00"),
        (behind, "2026-01-05 05:00"),
        (idle, "2026-01-05 09:00"),
    ):
        await house.place.set_clock(clock_at)
    for house in (ahead, behind):
        await house.place.debt()
    await ahead.place.set_clock("2026-01-05 09:00")

    found = await queries.due(ahead.place.database)

    mine = {house.place.id for house in (ahead, behind, idle)}
    assert mine & set(found) == {ahead.place.id}


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
    house: House, body: dict[str, Any]
) -> None:
    await house.place.set_clock(MONDAY)

    answered = await advance(house, **body)

    assert answered.status == 422
    assert (await house.get("/sandbox/clock")).json()["now"] == "2026-01-05T09:00:00Z"


async def test_the_clock_is_moved_once_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getbill.sandbox.api._WAIT_SECONDS", 0.1)
    first = await advance(house, days=1)

    second = await advance(house, days=1)

    assert first.status == 202
    assert second.status == 409
    problem = second.json()
    assert problem["type"] == "/problems/clock-advance-running"
    assert problem["url"] == first.json()["url"] == first.headers["location"]


async def test_what_takes_longer_is_asked_for_at_its_url(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.sandbox.api._WAIT_SECONDS", 0.1)
    begun = (await advance(house, days=1)).json()
    running = (await house.get(begun["url"].removeprefix("/external-api/v1"))).json()

    async with collecting.working(house.place.database, house.place.desk):
        for _ in range(100):
            shown = (await house.get(begun["url"].removeprefix("/external-api/v1"))).json()
            if shown["status"] == "done":
                break
            await asyncio.sleep(0.05)

    assert running["status"] == "running"
    assert (shown["status"], shown["now"]) == ("done", begun["target"])
    assert (await advance_status(house, "advance_00000000000000000000000000")).status == 404


async def advance_status(house: House, advance_id: str) -> Answer:
    return await house.get(f"/sandbox/clock/advances/{advance_id}")


async def test_live_time_cannot_be_moved(site: Site) -> None:
    live = await collecting.live_house(site)

    answered = [await advance(live, days=1), await live.get("/sandbox/clock")]

    assert [one.status for one in answered] == [403, 403]
    assert answered[0].json()["type"] == "/problems/sandbox-only"
    rows = await live.place.database.pool.fetch(
        "SELECT * FROM clock_advances WHERE workspace_id = $1", live.place.id
    )
    assert rows == []


async def test_another_company_sees_nothing_of_a_move(house: House, site: Site, worker: None) -> None:
    stranger = await collecting.house(site)
    shown = (await advance(house, hours=1)).json()

    assert (await advance_status(stranger, shown["id"])).status == 404
    assert (await stranger.get("/sandbox/clock")).json()["ahead_seconds"] == 0


async def test_a_move_whose_worker_was_killed_is_finished_by_the_next(house: House) -> None:
    await house.place.set_clock(MONDAY)
    debt = await created(house)
    database, desk = house.place.database, house.place.desk
    workspace = await house.place.workspace()
    async with database.transaction(workspace.now()) as tx:
        begun = await actions.start_advance(tx, workspace, timedelta(days=5))
    lost = await actions.claim(database, clock.wall() + timedelta(seconds=60))
    assert lost is not None
    reached = await jobs._advance_to_next(desk, lost, lambda: True)
    assert reached is not None
    await database.pool.execute(
        "UPDATE clock_advances SET lease_until = $2 WHERE id = $1",
        lost.id,
        clock.wall() - timedelta(seconds=1),
    )

    async with collecting.working(database, desk):
        for _ in range(100):
            found = await queries.find_clock_advance(database, workspace, begun.id)
            if found.done_at:
                break
            await asyncio.sleep(0.05)

    assert found.done_at is not None
    assert await house.place.followups(ids.read("debt", debt["id"])) == [
        ("email", "delivered"),
        ("sms", "delivered"),
    ]
    # The one that was thought dead comes back and moves nothing.
    assert await actions.reach(database, reached, at("2026-01-06 09:00"), 0, clock.wall()) is None
    assert (await house.place.workspace()).now() == at("2026-01-10 09:00")


async def test_a_move_waits_for_what_a_dead_worker_had_in_hand(house: House) -> None:
    await house.place.set_clock(MONDAY)
    debt = await created(house)
    database = house.place.database
    await database.pool.execute(
        "UPDATE contacts SET state = 'claimed', fence = 1, lease_until = $2 WHERE workspace_id = $1",
        house.place.id,
        clock.wall() + timedelta(seconds=0.5),
    )

    async with collecting.working(database, house.place.desk):
        answered = await advance(house, days=1)

    assert answered.status == 200
    assert await house.place.ledger(ids.read("debt", debt["id"])) == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "planned"),
    ]


async def test_a_debt_created_while_the_clock_is_moved_starts_where_it_stands(house: House) -> None:
    await house.place.set_clock(MONDAY)
    workspace = await house.place.workspace()
    async with house.place.database.transaction(workspace.now()) as tx:
        await actions.start_advance(tx, workspace, timedelta(days=5))

    debt = await created(house)

    assert debt["created_at"] == "2026-01-05T09:00:00Z"


async def test_days_of_hundreds_of_debts_pass_in_seconds(house: House, worker: None) -> None:
    await house.place.set_clock(MONDAY)
    for number in range(60):
        person = {
            "name": f"Debtor {number}",
            "email": f"d{number}@example.com",
            "phone": f"+3363998{number:04}",
        }
        await created(house, debtor=person)
    before = clock.monotonic()

    answered = await advance(house, days=30)

    took = clock.monotonic() - before
    assert answered.status == 200
    assert took < 15
    unresolved = await house.place.database.pool.fetchval(
        "SELECT count(*) FROM debts WHERE workspace_id = $1 AND status = 'unresolved'", house.place.id
    )
    assert unresolved == 60
