"""The whole calendar of a scenario, composed with the contact rules as the timelines do."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import compliance, scenarios
from getbill.channels import Channel, reachable
from getbill.compliance import Facts, PastContact
from getbill.kit import calendar
from getbill.scenarios import Start

STANDARD = scenarios.built_in("standard_3_waves", 1)
ADDRESSES = st.sampled_from(
    [
        ("FR", "75001", "+33612345678"),
        ("FR", "67000", None),
        ("FR", "97400", None),
        ("FR", None, "+262692123456"),
        ("RE", None, None),
        ("FR", "98701", None),
        ("DE", "10115", None),
        (None, None, "+14155550123"),
    ]
)
CREATED = st.datetimes(
    *(datetime.combine(date(year, 1, 1), time.min) for year in (2024, 2030)), timezones=st.just(UTC)
)


def schedule(facts: Facts, now: datetime, due_on: date | None) -> list[PastContact]:
    """Return the contacts of the scenario for someone with every address who never answers."""
    start = Start(
        scenarios.day_zero(calendar.local_date(now, facts.zones[0]), due_on), facts.zones[0], facts.region
    )
    everyone = reachable("jean.dupont@email.com", "+33612345678", postal=True)
    for step in STANDARD.steps:
        assert step.reaching(everyone) == step
        last_at = facts.contacts[-1].at if facts.contacts else None
        nominal = scenarios.nominal_instant(STANDARD, step, start, last_at)
        due_at = compliance.next_allowed(facts.with_notices(step.notices), step.channel, max(now, nominal))
        assert due_at is not None
        address = facts.email_hash if step.channel == Channel.EMAIL else facts.phone_hash
        facts = replace(facts, contacts=(*facts.contacts, PastContact(step.channel, due_at, address)))
        now = due_at
    return list(facts.contacts)


@given(address=ADDRESSES, now=CREATED, due_in=st.none() | st.integers(-400, 400))
def test_no_contact_of_a_schedule_is_on_a_closed_day_or_hour_wherever_the_debtor_may_be(
    address: tuple[str | None, str | None, str | None], now: datetime, due_in: int | None
) -> None:
    facts = Facts(
        calendar.zones_of(*address),
        calendar.region_of(*address[:2]),
        email_hash=b"email",
        phone_hash=b"phone",
        exclusions=STANDARD.exclusions,
    )
    due_on = None if due_in is None else now.date() + timedelta(days=due_in)

    contacts = schedule(facts, now, due_on)

    assert [contact.channel for contact in contacts] == [step.channel for step in STANDARD.steps]
    for contact in contacts:
        for zone in facts.zones:
            local = contact.at.astimezone(ZoneInfo(zone))
            assert not calendar.is_excluded(local.date(), facts.region, STANDARD.exclusions)
            assert 8 <= local.hour < 20
            assert due_on is None or local.date() > due_on
    days = [calendar.local_date(contact.at, facts.zones[0]) for contact in contacts]
    assert days == sorted(set(days))
    assert contacts[0].at >= now


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (
            "2026-11-20T15:30",
            ["11-20T15:30", "11-23T10:00", "11-27T10:00", "11-30T08:00", "12-07T08:00", "12-10T10:00"],
        ),
        (
            "2026-03-27T21:00",
            ["03-30T08:00", "03-31T10:00", "04-03T10:00", "04-07T08:00", "04-13T08:00", "04-16T10:00"],
        ),
    ],
)
def test_the_calendar_of_a_debt_in_paris(created: str, expected: list[str]) -> None:
    facts = Facts(email_hash=b"email", phone_hash=b"phone", exclusions=STANDARD.exclusions)
    now = datetime.fromisoformat(created).replace(tzinfo=ZoneInfo("Europe/Paris"))

    contacts = schedule(facts, now, date(2026, 1, 15))

    assert [
        f"{contact.at.astimezone(ZoneInfo('Europe/Paris')):%m-%dT%H:%M}" for contact in contacts
    ] == expected
