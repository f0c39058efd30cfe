from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Indian/Reunion",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Beirut",
)
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


def test_france_has_eleven_public_holidays() -> None:
    assert calendar.holidays_of(Region("FR"), 2026) == {
        date(2026, 1, 1),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 5, 8),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 7, 14),
        date(2026, 8, 15),
        date(2026, 11, 1),
        date(2026, 11, 11),
        date(2026, 12, 25),
    }


@pytest.mark.parametrize(
    ("country", "postal_code", "place"),
    [
        (None, None, Region("FR")),
        ("fr", "75001", Region("FR")),
        ("FR", "67000", Region("FR", "6AE")),
        ("FR", "57000", Region("FR", "57")),
        ("FR", "97400", Region("FR", "974")),
        ("RE", None, Region("FR", "974")),
        ("FR", "98800", Region("FR", "988")),
        ("DE", "67059", Region("DE")),
    ],
)
def test_a_place_is_country_and_department(
    country: str | None, postal_code: str | None, place: Region
) -> None:
    assert calendar.region_of(country, postal_code) == place


@pytest.mark.parametrize(
    "prefix", ["971", "972", "973", "974", "975", "976", "977", "978", "984", "986", "987", "988"]
)
def test_every_overseas_territory_keeps_the_abolition_or_its_own_days(prefix: str) -> None:
    place = calendar.region_of("FR", f"{prefix}00")

    assert date(2026, 7, 14) in calendar.holidays_of(place, 2026)
    assert calendar.zones_of("FR", f"{prefix}00", None) != ("Europe/Paris",)


def test_alsace_rests_on_good_friday() -> None:
    good_friday = date(2026, 4, 3)

    assert good_friday in calendar.holidays_of(calendar.region_of("FR", "67000"), 2026)
    assert good_friday not in calendar.holidays_of(calendar.region_of("FR", "75001"), 2026)


def test_a_country_whose_holidays_are_not_known_still_has_weekends() -> None:
    nowhere = Region("XX")

    assert calendar.holidays_of(nowhere, 2026) == frozenset()
    assert calendar.is_excluded(date(2026, 1, 3), nowhere, Exclusions())


def test_the_weekend_is_the_countrys_own() -> None:
    friday = date(2026, 6, 12)

    assert calendar.is_excluded(friday, Region("SA"), Exclusions())
    assert not calendar.is_excluded(friday, Region("FR"), Exclusions())


@pytest.mark.parametrize(
    ("country", "postal_code", "phone", "zones"),
    [
        (None, None, None, ("Europe/Paris",)),
        ("FR", None, None, ("Europe/Paris",)),
        ("FR", "75001", "+262692123456", ("Europe/Paris",)),
        ("FR", None, "+262692123456", ("Europe/Paris", "Indian/Mayotte", "Indian/Reunion")),
        ("FR", "97110", None, ("America/Guadeloupe",)),
        ("FR", "97200", None, ("America/Martinique",)),
        ("FR", "97400", None, ("Indian/Reunion",)),
        ("FR", "98701", None, ("Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier")),
        ("MQ", None, None, ("America/Martinique",)),
        (None, None, "+262692123456", ("Indian/Mayotte", "Indian/Reunion")),
        (None, None, "+33639980012", ("Europe/Paris",)),
        ("DE", "10115", None, ("Europe/Berlin", "Europe/Busingen")),
    ],
)
def test_the_zones_are_every_place_the_debtor_may_live(
    country: str | None, postal_code: str | None, phone: str | None, zones: tuple[str, ...]
) -> None:
    assert calendar.zones_of(country, postal_code, phone) == zones


def test_business_days_pass_over_weekends_and_holidays() -> None:
    thursday = date(2026, 4, 2)

    assert calendar.add_business_days(thursday, 2, Region("FR")) == date(2026, 4, 7)
    assert calendar.add_business_days(thursday, 2, Region("FR", "6AE")) == date(2026, 4, 8)
    assert calendar.add_business_days(date(2026, 4, 4), 0, Region("FR")) == date(2026, 4, 7)


@given(day=DAYS, subdivision=st.sampled_from([None, "6AE", "974"]))
def test_an_open_day_is_never_excluded_and_never_earlier(day: date, subdivision: str | None) -> None:
    place = Region("FR", subdivision)

    resource = calendar.open_day(day, place, Exclusions())

    assert resource >= day
    assert not calendar.is_excluded(resource, place, Exclusions())
    assert all(
        calendar.is_excluded(day + timedelta(days=passed), place, Exclusions())
        for passed in range((resource - day).days)
    )


def test_when_the_clock_is_put_forward_the_instant_is_that_of_the_change() -> None:
    assert calendar.at_local(date(2026, 3, 29), time(2, 30), "Europe/Paris") == datetime(
        2026, 3, 29, 1, 0, tzinfo=UTC
    )


def test_when_the_clock_is_put_back_the_first_time_counts() -> None:
    assert calendar.at_local(date(2026, 10, 25), time(2, 30), "Europe/Paris") == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


@given(day=DAYS, minutes=st.integers(0, 1439), zone=st.sampled_from(ZONES))
def test_a_local_time_is_shown_or_just_passed(day: date, minutes: int, zone: str) -> None:
    clock = time(minutes // 60, minutes % 60)

    instant = calendar.at_local(day, clock, zone)

    answer = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    a_second_before = (instant - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert answer >= datetime.combine(day, clock)
    assert a_second_before < datetime.combine(day, clock)
