import csv
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

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
        # The numbering plan tells the territory: 0692 is La Réunion, 0639 Mayotte.
        ("FR", None, "+262692123456", ("Indian/Reunion",)),
        ("FR", None, "+262639012345", ("Indian/Mayotte",)),
        ("FR", None, "+590690123456", ("America/Guadeloupe",)),
        ("FR", None, "+68987123456", ("Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier")),
        ("FR", None, "+14155550123", ("Europe/Paris", "America/Los_Angeles")),
        ("FR", "97110", None, ("America/Guadeloupe",)),
        ("FR", "97200", None, ("America/Martinique",)),
        ("FR", "97400", None, ("Indian/Reunion",)),
        ("FR", "98701", None, ("Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier")),
        ("MQ", None, None, ("America/Martinique",)),
        (None, None, "+262692123456", ("Indian/Reunion",)),
        (None, None, "+33639980012", ("Europe/Paris",)),
        ("DE", "10115", None, ("Europe/Berlin", "Europe/Busingen")),
        ("US", "10001", None, ("America/New_York",)),
        ("us", "94105-1234", None, ("America/Los_Angeles",)),
        ("US", "37402", None, ("America/New_York", "America/Chicago")),
        ("US", "96799", None, ("Pacific/Pago_Pago",)),
        ("US", None, "+14155550123", ("America/Los_Angeles",)),
        # Address and area code differ: either may be where the consumer is (12 CFR 1006.6, comment 6(b)(1)-2).
        ("US", "10001", "+14155550123", ("America/New_York", "America/Los_Angeles")),
        ("US", "10001", "+12125550123", ("America/New_York",)),
        ("US", "10001", "+33612345678", ("America/New_York",)),
        ("US", "10001", "+17875550123", ("America/New_York", "America/Puerto_Rico")),
        # A postcode that is none tells nothing; the number does.
        ("US", "1000", "+14155550123", ("America/Los_Angeles",)),
        ("US", None, "+17875550123", ("America/Puerto_Rico",)),
        ("CA", "v5k 0a1", None, ("America/Vancouver",)),
        ("CA", "V0B 1G0", None, ("America/Edmonton", "America/Creston", "America/Vancouver")),
        ("CA", None, "+19025550123", ("America/Halifax",)),
        ("RU", "690001", "+79161234567", ("Asia/Vladivostok",)),
        ("RU", None, "+74232234567", ("Asia/Vladivostok",)),
        ("BR", "69900-000", None, ("America/Rio_Branco",)),
        ("BR", None, "+5568999999999", ("America/Rio_Branco",)),
        ("AU", "6000", "+61412345678", ("Australia/Perth",)),
        ("AU", "0872", None, ("Australia/Darwin", "Australia/Adelaide", "Australia/Perth")),
        ("MX", "22000", None, ("America/Tijuana",)),
        ("MX", None, "+526641234567", ("America/Tijuana",)),
        ("ES", "35001", None, ("Atlantic/Canary",)),
        ("PT", "9500-100", None, ("Atlantic/Azores",)),
        ("ID", "99111", None, ("Asia/Jayapura",)),
        ("NZ", "8016", None, ("Pacific/Chatham",)),
        ("CL", "2770000", None, ("Pacific/Easter",)),
        ("KZ", "010000", "+77172123456", ("Asia/Almaty",)),
        ("CD", None, "+243812345678", ("Africa/Kinshasa", "Africa/Lubumbashi")),
    ],
)
def test_the_zones_are_every_place_the_debtor_may_live(
    country: str | None, postal_code: str | None, phone: str | None, zones: tuple[str, ...]
) -> None:
    assert calendar.zones_of(country, postal_code, phone) == zones


@pytest.mark.parametrize("phone", [None, "+18005551234"])
def test_every_zone_is_possible_only_where_nothing_tells(phone: str | None) -> None:
    assert len(calendar.zones_of("US", None, phone)) == 29


def test_the_zones_of_postcodes_are_zones_that_there_are() -> None:
    lines = files("getbill.kit.zones").joinpath("postcodes.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))

    assert {zone for row in rows for zone in row["zones"].split()} <= zoneinfo.available_timezones()


@pytest.mark.parametrize("territory", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_of_each_country_narrows_its_zones_and_never_leaves_none(territory: str) -> None:
    """The examples of the phonenumbers library: numbers that nobody chose here."""
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        number = phonenumbers.example_number_for_type(territory, kind)
        if number is None or phonenumbers.region_code_for_number(number) != territory:
            continue
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        by_number = calendar.zones_of(territory, None, e164)

        assert by_number
        assert len(by_number) <= max(1, len(calendar.zones_of(territory, None, None)))


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
