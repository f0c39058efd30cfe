"""A debt's timeline over HTTP: what was done, what is ahead, the rule behind each instant; and next_action_at."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import collecting
from calls import Site
from collecting import JEAN, LYON, ContactWorkspace, WorkspaceEngine
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
async def sandbox(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


async def timeline(sandbox: ContactWorkspace, debt_id: str) -> dict[str, Any]:
    answered = await sandbox.get(f"/debts/{debt_id}/timeline")
    assert answered.status == 200, answered.body
    return answered.json()


def rules(reasons: list[dict[str, Any]]) -> list[str]:
    return [reason["rule"] for reason in reasons]


async def test_a_new_debt_s_whole_calendar_is_told_with_the_rules_behind_it(
    sandbox: ContactWorkspace,
) -> None:
    await sandbox.engine.set_clock("2026-01-02 20:00")  # a Friday night
    debt = (await sandbox.post("/debts", DEBT)).json()

    answer = await timeline(sandbox, debt["id"])

    assert answer["past"] == []
    assert (answer["started_on"], answer["timezones"], answer["stopped_by"]) == (
        "2026-01-02",
        ["Europe/Paris"],
        None,
    )
    assert [(step["step"], step["due_at"]) for step in answer["planned"]] == [
        ("wave_1_email", "2026-01-05T07:00:00Z"),
        ("wave_1_sms", "2026-01-06T09:00:00Z"),
        ("wave_2_call", "2026-01-09T09:00:00Z"),
        ("wave_2_email", "2026-01-12T07:00:00Z"),
        ("wave_3_letter", None),
        ("wave_3_call", "2026-01-22T09:00:00Z"),
        ("end", "2026-01-31T23:00:00Z"),
    ]
    first, sms, _, _, letter, _, _ = answer["planned"]
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
        "way_out": None,
    }
    assert rules(sms["moved_by"]) == ["SCENARIO-SPACING", "FR-TEL-POLICY-HOURS"]
    assert [reason["says"] for reason in letter["blocked_by"]] == ["There is no postal address."]


async def test_what_was_done_is_told_and_what_is_ahead_is_what_then_happens(
    sandbox: ContactWorkspace,
) -> None:
    await sandbox.engine.set_clock("2026-01-05 09:00")
    debt = (await sandbox.post("/debts", DEBT)).json()
    foreseen = (await timeline(sandbox, debt["id"]))["planned"]

    await sandbox.engine.run_until("2026-01-09 10:00")
    between = await timeline(sandbox, debt["id"])
    await sandbox.engine.run_until("2026-03-01 09:00")
    after = await timeline(sandbox, debt["id"])

    assert [(step["step"], step["state"]) for step in between["past"]] == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "delivered"),
    ]
    assert between["planned"] == foreseen[2:]
    assert between["next_action_at"] == between["planned"][0]["due_at"]
    result = [(step["step"], step["due_at"]) for step in after["past"] if step["state"] != "skipped"]
    assert result == [(item["step"], item["due_at"]) for item in foreseen if item["due_at"]]
    assert (after["planned"], after["stopped_by"]) == ([], "the debt is unresolved")


async def test_a_held_debt_has_nothing_ahead(sandbox: ContactWorkspace) -> None:
    debt = (await sandbox.post("/debts", DEBT)).json()
    await sandbox.post(f"/debts/{debt['id']}/hold", {})

    answer = await timeline(sandbox, debt["id"])

    assert (answer["planned"], answer["stopped_by"]) == ([], "the debt is on_hold")
    assert [step["state"] for step in answer["past"]] == ["stopped"]


async def test_a_condition_that_does_not_hold_and_a_rule_that_never_will_are_told(
    sandbox: ContactWorkspace,
) -> None:
    await sandbox.engine.set_clock("2026-01-05 09:00")
    step = {"key": "first", "offset": 0, "channel": "email", "template": "wave_1_email"}
    rich = {
        "key": "rich",
        "offset": 2,
        "channel": "sms",
        "template": "wave_1_sms",
        "only_if": {"balance_min": 9999},
    }
    await sandbox.post("/scenarios", {"name": "ours", "steps": [step, rich], "end": {"offset": 9}})
    creditor = (
        await sandbox.post("/creditors", {"name": "Garage Martin", "mandate_signed_on": "2026-01-02"})
    ).json()
    debt = (await sandbox.post("/debts", DEBT | {"scenario": "ours", "creditor_id": creditor["id"]})).json()

    answer = await timeline(sandbox, debt["id"])
    await sandbox.call("PUT", "/company/collector", {"collector": "third_party"})
    preview = (await sandbox.post("/scenarios/ours/preview", {"debt_id": debt["id"]})).json()

    (condition,) = answer["planned"][1]["blocked_by"]
    assert (condition["rule"], condition["says"]) == (
        "SCENARIO-CONDITION",
        "The condition balance_min is not satisfied.",
    )
    assert [item["due_at"] for item in preview["planned"][:2]] == [None, None]
    assert rules(preview["planned"][0]["blocked_by"]) == ["FR-LETTER"]
    assert preview["planned"][0]["blocked_by"][0]["basis"] == "law"


async def test_a_preview_reads_an_idempotency_key_though_it_needs_none(sandbox: ContactWorkspace) -> None:
    path, request = "/scenarios/gentle_2_waves/preview", {"debt": DEBT}

    read = await sandbox.post(path, request, Idempotency_Key="one")
    refused = await sandbox.post(path, request, Idempotency_Key="x" * 256)

    assert read.status == 200, read.body
    assert (refused.status, refused.json()["type"]) == (400, "/problems/idempotency-key-unreadable")


async def test_a_preview_tells_of_a_body_that_is_not_stored(sandbox: ContactWorkspace) -> None:
    await sandbox.engine.set_clock("2026-01-05 09:00")

    answered = await sandbox.post("/scenarios/gentle_2_waves/preview", {"debt": DEBT})
    step = {"key": "only", "offset": 1, "channel": "sms", "template": "wave_1_sms"}
    attempt = {"debt": DEBT, "version": {"steps": [step], "end": {"offset": 4}}}
    other = await sandbox.post("/scenarios/gentle_2_waves/preview", attempt)

    assert [item["step"] for item in answered.json()["planned"]] == [
        "wave_1_email",
        "wave_1_sms",
        "wave_2_email",
        "wave_2_letter",
        "end",
    ]
    assert [(item["step"], item["due_at"]) for item in other.json()["planned"]] == [
        ("only", "2026-01-06T09:00:00Z"),
        ("end", "2026-01-08T23:00:00Z"),
    ]
    assert other.json()["scenario_version"] == 2
    assert (await sandbox.get("/debts")).json()["data"] == []
    assert (await sandbox.get("/scenarios/gentle_2_waves")).json()["version"] == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"debt_id": "debt_1", "debt": DEBT}, ""),
        ({"debt": {"amount": -1, "reference": "F-1", "debtor": {"name": "Jean"}}}, "/debt/amount"),
        ({"debt": {"amount": 1, "reference": "F-1"}}, "/debt/debtor/name"),
        ({"debt": DEBT, "version": {"steps": [], "end": {"offset": 4}}}, "/version/steps"),
    ],
)
async def test_a_preview_of_nothing_sensible_is_refused(
    sandbox: ContactWorkspace, body: dict[str, Any], pointer: str
) -> None:
    answered = await sandbox.post("/scenarios/gentle_2_waves/preview", body)

    assert answered.status == 422
    assert [error["pointer"] for error in answered.json()["errors"]] == [pointer]


async def held_to_its_word(workspace: WorkspaceEngine, debt_id: Any) -> None:
    debt = await workspace.find(debt_id)
    ahead = [
        row["due_at"]
        for row in await workspace.database.pool.fetch(
            "SELECT due_at FROM contacts WHERE debt_id = $1 AND state IN ('planned', 'claimed')", debt_id
        )
    ]
    assert ahead == ([debt.next_action_at] if debt.is_contactable else [])
    assert (debt.next_action_at is not None) == debt.is_contactable


async def change(workspace: WorkspaceEngine, debt: Debt, chance: random.Random) -> None:
    """Do one thing to a debt that may be done to it; refusals change nothing."""
    match chance.randrange(8):
        case 0:
            await workspace.change(
                debt.id, debts.enter_money, "payment", -chance.choice([1000, debt.balance or 1])
            )
        case 1 if debt.status in {"pending", "in_progress"}:
            await workspace.change(debt.id, debts.hold, None)
        case 2 if debt.status in {"on_hold", "unresolved"}:
            await workspace.change(debt.id, debts.resume)
        case 3:
            await workspace.learn(debt.id, postal_code=chance.choice(["75001", "97400"]), country="FR")
        case 4:
            await workspace.learn(debt.id, email=f"{ids.new().hex}@example.com")
        case 5 if debt.status == "resolved":
            await workspace.change(debt.id, debts.enter_money, "refund", 5000)
        case _:
            snapshot = await workspace.snapshot()
            name = chance.choice(["gentle_2_waves", "b2b_formal", "standard_3_waves"])
            async with workspace.database.transaction(snapshot.now()) as tx:
                locked = await debts.lock(tx, snapshot, debt.id)
                await debts.update(tx, snapshot, locked, debts.DebtChange({}, {}, {"scenario": name}))


@pytest.mark.parametrize("seed", range(6))
async def test_next_action_at_is_when_the_one_planned_contact_is_due_whatever_happens(
    workspace: WorkspaceEngine, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    await workspace.set_clock("2026-03-20 09:00")  # the clock of Paris changes on the 29th
    debt = await workspace.debt(chance.choice([LYON, JEAN, replace(JEAN, email=None)]))
    now = (await workspace.snapshot()).now()

    for _ in range(12):
        now += timedelta(hours=chance.randrange(1, 120))
        await workspace.run_until(f"{now:%Y-%m-%d %H:%M}")
        await held_to_its_word(workspace, debt.id)
        await change(workspace, await workspace.find(debt.id), chance)
        await held_to_its_word(workspace, debt.id)
