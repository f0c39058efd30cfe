"""A debt's timeline over HTTP: what was done, what is ahead, the rule behind each instant; and next_action_at."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import collecting
from calls import Site
from collecting import JEAN, LYON, House, Place
from getbill import debts
from getbill.debts import Debt
from getbill.kit import ids

DEBT: dict[str, Any] = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-1",
}


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("plan")) as site:
        yield site


@pytest.fixture
async def house(site: Site) -> House:
    return await collecting.house(site)


async def timeline(house: House, debt_id: str) -> dict[str, Any]:
    answered = await house.get(f"/debts/{debt_id}/timeline")
    assert answered.status == 200, answered.body
    return answered.json()


def rules(reasons: list[dict[str, Any]]) -> list[str]:
    return [reason["rule"] for reason in reasons]


async def test_a_new_debt_s_whole_calendar_is_told_with_the_rules_behind_it(house: House) -> None:
    await house.place.set_clock("2026-01-02 20:00")  # a Friday night
    debt = (await house.post("/debts", DEBT)).json()

    shown = await timeline(house, debt["id"])

    assert shown["past"] == []
    assert (shown["started_on"], shown["timezones"], shown["stopped_by"]) == (
        "2026-01-02",
        ["Europe/Paris"],
        None,
    )
    assert [(one["step"], one["due_at"]) for one in shown["planned"]] == [
        ("wave_1_email", "2026-01-05T07:00:00Z"),
        ("wave_1_sms", "2026-01-06T09:00:00Z"),
        ("wave_2_call", "2026-01-09T09:00:00Z"),
        ("wave_2_email", "2026-01-12T07:00:00Z"),
        ("wave_3_letter", None),
        ("wave_3_call", "2026-01-22T09:00:00Z"),
        ("end", "2026-01-31T23:00:00Z"),
    ]
    first, sms, _, _, letter, _, _ = shown["planned"]
    assert first["nominal_at"] == "2026-01-01T23:00:00Z"
    assert rules(first["moved_by"]) == [
        "NOT-IN-THE-PAST",
        "POLICY-WRITTEN-HOURS",
        "SCENARIO-DAYS",
        "POLICY-WRITTEN-HOURS",
    ]
    assert first["moved_by"][-1] == {
        "rule": "POLICY-WRITTEN-HOURS",
        "says": "E-mails and letters: 8:00 to 20:00 where the debtor is.",
        "basis": "product_policy",
        "source": "product policy",
        "until": "2026-01-05T07:00:00Z",
    }
    assert rules(sms["moved_by"]) == ["SCENARIO-SPACING", "FR-TEL-POLICY-HOURS"]
    assert [reason["says"] for reason in letter["blocked_by"]] == ["There is no postal address."]


async def test_what_was_done_is_told_and_what_is_ahead_is_what_then_happens(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    debt = (await house.post("/debts", DEBT)).json()
    foreseen = (await timeline(house, debt["id"]))["planned"]

    await house.place.run_until("2026-01-09 10:00")
    between = await timeline(house, debt["id"])
    await house.place.run_until("2026-03-01 09:00")
    after = await timeline(house, debt["id"])

    assert [(one["step"], one["state"]) for one in between["past"]] == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "delivered"),
    ]
    assert between["planned"] == foreseen[2:]
    assert between["next_action_at"] == between["planned"][0]["due_at"]
    made = [(one["step"], one["due_at"]) for one in after["past"] if one["state"] != "skipped"]
    assert made == [(one["step"], one["due_at"]) for one in foreseen if one["due_at"]]
    assert (after["planned"], after["stopped_by"]) == ([], "the debt is unresolved")


async def test_a_held_debt_has_nothing_ahead(house: House) -> None:
    debt = (await house.post("/debts", DEBT)).json()
    await house.post(f"/debts/{debt['id']}/hold", {})

    shown = await timeline(house, debt["id"])

    assert (shown["planned"], shown["stopped_by"]) == ([], "the debt is on_hold")
    assert [one["state"] for one in shown["past"]] == ["stopped"]


async def test_a_condition_that_does_not_hold_and_a_rule_that_never_will_are_told(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    step = {"key": "first", "offset": 0, "channel": "email", "template": "wave_1_email"}
    rich = {
        "key": "rich",
        "offset": 2,
        "channel": "sms",
        "template": "wave_1_sms",
        "only_if": {"balance_min": 9999},
    }
    await house.post("/scenarios", {"name": "ours", "steps": [step, rich], "end": {"offset": 9}})
    debt = (await house.post("/debts", DEBT | {"scenario": "ours"})).json()

    shown = await timeline(house, debt["id"])
    await house.place.database.pool.execute(
        "UPDATE companies SET collector = 'third_party' WHERE id = $1",
        (await house.place.workspace()).company.id,
    )
    house.site.app.state.gate.authenticator.invalidate_all()
    preview = (await house.post("/scenarios/ours/preview", {"debt_id": debt["id"]})).json()

    (condition,) = shown["planned"][1]["blocked_by"]
    assert (condition["rule"], condition["says"]) == (
        "SCENARIO-CONDITION",
        "The condition balance_min is not satisfied.",
    )
    assert [one["due_at"] for one in preview["planned"][:2]] == [None, None]
    assert rules(preview["planned"][0]["blocked_by"]) == ["FR-LETTER"]
    assert preview["planned"][0]["blocked_by"][0]["basis"] == "law"


async def test_a_preview_reads_an_idempotency_key_though_it_needs_none(house: House) -> None:
    path, asked = "/scenarios/gentle_2_waves/preview", {"debt": DEBT}

    read = await house.post(path, asked, Idempotency_Key="one")
    refused = await house.post(path, asked, Idempotency_Key="x" * 256)

    assert read.status == 200, read.body
    assert (refused.status, refused.json()["type"]) == (400, "/problems/idempotency-key-unreadable")


async def test_a_preview_tells_of_a_body_that_is_not_stored(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")

    answered = await house.post("/scenarios/gentle_2_waves/preview", {"debt": DEBT})
    step = {"key": "only", "offset": 1, "channel": "sms", "template": "wave_1_sms"}
    tried = {"debt": DEBT, "version": {"steps": [step], "end": {"offset": 4}}}
    other = await house.post("/scenarios/gentle_2_waves/preview", tried)

    assert [one["step"] for one in answered.json()["planned"]] == [
        "wave_1_email",
        "wave_1_sms",
        "wave_2_email",
        "wave_2_letter",
        "end",
    ]
    assert [(one["step"], one["due_at"]) for one in other.json()["planned"]] == [
        ("only", "2026-01-06T09:00:00Z"),
        ("end", "2026-01-08T23:00:00Z"),
    ]
    assert other.json()["scenario_version"] == 2
    assert (await house.get("/debts")).json()["data"] == []
    assert (await house.get("/scenarios/gentle_2_waves")).json()["version"] == 1


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, ""),
        ({"debt_id": "debt_1", "debt": DEBT}, ""),
        ({"debt": {"amount": -1, "reference": "F-1", "debtor": {"name": "Jean"}}}, "/debt/amount"),
        ({"debt": {"amount": 1, "reference": "F-1"}}, "/debt/debtor/name"),
        ({"debt": DEBT, "version": {"steps": [], "end": {"offset": 4}}}, "/version/steps"),
    ],
)
async def test_a_preview_of_nothing_sensible_is_refused(
    house: House, asked: dict[str, Any], pointer: str
) -> None:
    answered = await house.post("/scenarios/gentle_2_waves/preview", asked)

    assert answered.status == 422
    assert [error["pointer"] for error in answered.json()["errors"]] == [pointer]


async def held_to_its_word(place: Place, debt_id: Any) -> None:
    debt = await place.find(debt_id)
    ahead = [
        row["due_at"]
        for row in await place.database.pool.fetch(
            "SELECT due_at FROM contacts WHERE debt_id = $1 AND state IN ('planned', 'claimed')", debt_id
        )
    ]
    assert ahead == ([debt.next_action_at] if debt.is_contactable else [])
    assert (debt.next_action_at is not None) == debt.is_contactable


async def change(place: Place, debt: Debt, chance: random.Random) -> None:
    """Do one thing to a debt that may be done to it; refusals change nothing."""
    match chance.randrange(8):
        case 0:
            await place.change(
                debt.id, debts.enter_money, "payment", -chance.choice([1000, debt.balance or 1])
            )
        case 1 if debt.status in {"pending", "in_progress"}:
            await place.change(debt.id, debts.hold, None)
        case 2 if debt.status in {"on_hold", "unresolved"}:
            await place.change(debt.id, debts.resume)
        case 3:
            await place.learn(debt.id, postal_code=chance.choice(["75001", "97400"]), country="FR")
        case 4:
            await place.learn(debt.id, email=f"{ids.new().hex}@example.com")
        case 5 if debt.status == "resolved":
            await place.change(debt.id, debts.enter_money, "refund", 5000)
        case _:
            workspace = await place.workspace()
            name = chance.choice(["gentle_2_waves", "b2b_formal", "standard_3_waves"])
            async with place.database.transaction(workspace.now()) as tx:
                held = await debts.lock(tx, workspace, debt.id)
                await debts.update(tx, workspace, held, debts.DebtChange({}, {}, {"scenario": name}))


@pytest.mark.parametrize("seed", range(6))
async def test_next_action_at_is_when_the_one_planned_contact_is_due_whatever_happens(
    sandbox: Place, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    await sandbox.set_clock("2026-03-20 09:00")  # the clock of Paris changes on the 29th
    debt = await sandbox.debt(chance.choice([LYON, JEAN, replace(JEAN, email=None)]))
    now = (await sandbox.workspace()).now()

    for _ in range(12):
        now += timedelta(hours=chance.randrange(1, 120))
        await sandbox.run_until(f"{now:%Y-%m-%d %H:%M}")
        await held_to_its_word(sandbox, debt.id)
        await change(sandbox, await sandbox.find(debt.id), chance)
        await held_to_its_word(sandbox, debt.id)
