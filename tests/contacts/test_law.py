"""Whatever the history: no contact is made outside the hours, days and caps, by an oracle of its own."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from asyncpg import Record

from collecting import JEAN, WorkspaceEngine
from getbill import compliance, debts
from getbill.debtors import Identity

# Easter Monday, Labour Day, Victory Day, Ascension; the clock of Paris changes on 29 March.
HOLIDAYS = {date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 8), date(2026, 5, 14)}
PEOPLE = [
    (JEAN, ["Europe/Paris"]),
    (replace(JEAN, name="Reine Payet", postal_code="97400", country="FR"), ["Indian/Reunion"]),
    (
        # A number of Réunion: those of Mayotte begin with 269 and 639.
        Identity("Marie Hoarau", email="marie@example.com", phone="+262692123456"),
        ["Indian/Reunion"],
    ),
]
TO_PHONE = {"sms", "ai_call", "whatsapp"}


async def contacts_made(workspace: WorkspaceEngine) -> list[Record]:
    return await workspace.database.pool.fetch(
        "SELECT debt_id, channel, sent_at, address_hash, is_leader FROM contacts WHERE workspace_id = $1 AND sent_at IS NOT NULL"
        " ORDER BY sent_at",
        workspace.id,
    )


def is_open(channel: str, local: datetime) -> bool:
    if local.weekday() > 4 or local.date() in HOLIDAYS:
        return False
    minutes = local.hour * 60 + local.minute
    if channel in TO_PHONE:
        return 600 <= minutes < 780 or 840 <= minutes < 1200
    return 480 <= minutes < 1200


def most_within(instants: list[datetime], span: timedelta) -> int:
    return max((sum(first <= other < first + span for other in instants) for first in instants), default=0)


@pytest.mark.parametrize("seed", range(5))
async def test_no_contact_is_ever_made_outside_the_rules(workspace: WorkspaceEngine, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    await workspace.set_clock("2026-03-20 09:00")
    now = (await workspace.snapshot()).now()
    zones_of, stopped_at = {}, {}

    for _ in range(14):
        identity, zones = chance.choice(PEOPLE)
        scenario = chance.choice(["standard_3_waves", "b2b_formal", "gentle_2_waves"])
        debt = await workspace.debt(identity, scenario=scenario)
        zones_of[debt.id] = zones
        now += timedelta(minutes=chance.randrange(30, 7000))
        if chance.random() < 0.3:
            # Nobody was there for a while: what is due is looked at late, at any hour.
            await workspace.set_clock(f"{now:%Y-%m-%d %H:%M}")
            await workspace.send_due()
        await workspace.run_until(f"{now:%Y-%m-%d %H:%M}")
        if chance.random() < 0.15 and not stopped_at:
            snapshot = await workspace.snapshot()
            email, _ = debts.hashes_of(snapshot, identity)
            assert email is not None
            async with workspace.database.transaction(now) as tx:
                await compliance.suppress(tx, workspace.id, "email", email, "stop")
            stopped_at[email] = now
    await workspace.run_until("2026-06-30 09:00")

    contacts = await contacts_made(workspace)
    assert len(contacts) > 10
    for row in contacts:
        for zone in zones_of[row["debt_id"]]:
            assert is_open(row["channel"], row["sent_at"].astimezone(ZoneInfo(zone))), (row, zone)
        if row["address_hash"] in stopped_at:
            assert row["sent_at"] < stopped_at[row["address_hash"]]
    for debt_id in zones_of:
        calls = [
            row["sent_at"] for row in contacts if row["debt_id"] == debt_id and row["channel"] in TO_PHONE
        ]
        assert most_within(calls, timedelta(days=30)) <= 4
    for address in {row["address_hash"] for row in contacts} - {None}:
        # A message about several debts is one contact there.
        to_it = [row["sent_at"] for row in contacts if row["address_hash"] == address and row["is_leader"]]
        assert most_within(to_it, timedelta(days=7)) <= 4
