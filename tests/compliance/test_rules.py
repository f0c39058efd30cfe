from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import compliance
from getbill.channels import Channel
from getbill.compliance import Basis, Collector, Facts, Hours, Party, PastContact, Rule, Rulebook, Severity
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region

PHONE, EMAIL = b"phone", b"email"
CONSENTS = frozenset({(PHONE, "artificial_voice")})
TO_PHONE = (Channel.AI_CALL, Channel.SMS, Channel.WHATSAPP)
PARIS = Facts(email_hash=EMAIL, phone_hash=PHONE)
WHERE = st.sampled_from(
    [
        (("Europe/Paris",), Region("FR")),
        (("Europe/Paris",), Region("FR", "6AE")),
        (("Indian/Reunion",), Region("FR", "974")),
        (("Europe/Paris", "Indian/Mayotte", "Indian/Reunion"), Region("FR")),
        (("Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier"), Region("FR", "987")),
        (("America/New_York", "America/Los_Angeles"), Region("US")),
        (("Asia/Jerusalem",), Region("IL")),
        (("Australia/Lord_Howe",), Region("AU")),
    ]
)
FIRST, LAST = (datetime.combine(date(year, 1, 1), time.min) for year in (2024, 2031))
INSTANTS = st.one_of(
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    # Around the changes of the clock, where hours are skipped or come twice.
    st.builds(
        lambda day, seconds: datetime.combine(day, time.min, UTC) + timedelta(seconds=seconds),
        st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1)]),
        st.integers(-86_400, 2 * 86_400),
    ),
)
CHANNELS = st.sampled_from(Channel)


def at(text: str) -> datetime:
    """An instant on the clock of Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Paris"))


@given(where=WHERE, channel=CHANNELS, not_before=INSTANTS)
def test_a_contact_never_lands_on_a_forbidden_hour_or_day_in_any_candidate_zone(
    where: tuple[tuple[str, ...], Region], channel: Channel, not_before: datetime
) -> None:
    zones, place = where

    allowed_at = compliance.next_allowed(
        Facts(zones, place, phone_hash=PHONE, consents=CONSENTS), channel, not_before
    )

    assert allowed_at is not None
    for zone in zones:
        local = allowed_at.astimezone(ZoneInfo(zone))
        assert local.date() not in calendar.holidays_of(place, local.year)
        assert local.weekday() not in calendar.weekend_of(place.country)
        if channel in TO_PHONE:
            assert time(10) <= local.time() < time(13) or time(14) <= local.time() < time(20)
        else:
            assert time(8) <= local.time() < time(20)


@given(where=WHERE, channel=CHANNELS, not_before=INSTANTS)
def test_the_next_instant_is_not_earlier_is_allowed_and_stays_where_it_is(
    where: tuple[tuple[str, ...], Region], channel: Channel, not_before: datetime
) -> None:
    facts = Facts(*where, phone_hash=PHONE, consents=CONSENTS)

    allowed_at = compliance.next_allowed(facts, channel, not_before)

    assert allowed_at is not None
    assert allowed_at >= not_before
    assert compliance.next_allowed(facts, channel, allowed_at) == allowed_at
    assert compliance.evaluate(facts, channel, allowed_at).is_allowed


@given(where=WHERE, channel=CHANNELS, not_before=INSTANTS)
def test_nothing_earlier_was_allowed(
    where: tuple[tuple[str, ...], Region], channel: Channel, not_before: datetime
) -> None:
    facts = Facts(*where, phone_hash=PHONE, consents=CONSENTS)
    allowed_at = compliance.next_allowed(facts, channel, not_before)
    assert allowed_at is not None

    passed_over = []
    probe = not_before
    while probe < allowed_at:
        passed_over.append(compliance.evaluate(facts, channel, probe))
        probe += timedelta(minutes=97)

    assert not any(verdict.is_allowed for verdict in passed_over)
    assert all(verdict.next_allowed_at == allowed_at for verdict in passed_over)


@given(channel=CHANNELS, earlier=INSTANTS, later=INSTANTS)
def test_waiting_longer_never_brings_a_contact_forward(
    channel: Channel, earlier: datetime, later: datetime
) -> None:
    earlier, later = sorted((earlier, later))

    first, second = (compliance.next_allowed(PARIS, channel, instant) for instant in (earlier, later))

    assert first is not None
    assert second is not None
    assert first <= second


@given(wishes=st.lists(st.tuples(CHANNELS, st.integers(0, 96)), max_size=40), start=INSTANTS)
def test_caps_hold_whatever_the_history(wishes: list[tuple[Channel, int]], start: datetime) -> None:
    facts, clock = PARIS, start
    for channel, hours in wishes:
        allowed_at = compliance.next_allowed(facts, channel, clock + timedelta(hours=hours))
        assert allowed_at is not None
        clock = allowed_at
        address = {Channel.EMAIL: EMAIL, Channel.LETTER: None}.get(channel, PHONE)
        facts = replace(facts, contacts=(*facts.contacts, PastContact(channel, allowed_at, address)))

    to_phone = [contact.at for contact in facts.contacts if contact.channel in TO_PHONE]
    to_email = [contact.at for contact in facts.contacts if contact.channel == Channel.EMAIL]
    assert most_within(to_phone, timedelta(days=30)) <= 4
    assert most_within(to_email, timedelta(days=7)) <= 4


def most_within(instants: list[datetime], span: timedelta) -> int:
    return max((sum(first <= other < first + span for other in instants) for first in instants), default=0)


@given(
    contacts=st.lists(
        st.tuples(st.sampled_from([Channel.SMS, Channel.EMAIL]), INSTANTS, st.booleans()), max_size=12
    ),
    not_before=INSTANTS,
)
def test_caps_hold_also_beside_contacts_that_come_later(
    contacts: list[tuple[Channel, datetime, bool]], not_before: datetime
) -> None:
    history = tuple(
        PastContact(channel, instant, PHONE if channel == Channel.SMS else EMAIL, same_case)
        for channel, instant, same_case in contacts
    )
    within_before = most_within([c.at for c in history if c.channel == Channel.EMAIL], timedelta(days=7))

    allowed_at = compliance.next_allowed(replace(PARIS, contacts=history), Channel.EMAIL, not_before)

    assert allowed_at is not None
    emails = [*(c.at for c in history if c.channel == Channel.EMAIL), allowed_at]
    assert most_within(emails, timedelta(days=7)) <= max(4, within_before)


def test_an_ordinary_evening_waits_for_the_next_morning() -> None:
    evening = at("2026-11-19T21:30")

    assert compliance.next_allowed(PARIS, Channel.EMAIL, evening) == at("2026-11-20T08:00")
    assert compliance.next_allowed(PARIS, Channel.SMS, evening) == at("2026-11-20T10:00")
    assert compliance.next_allowed(PARIS, Channel.LETTER, evening) == at("2026-11-20T08:00")


def test_a_call_at_lunch_waits_for_the_afternoon_and_is_told_why() -> None:
    verdict = compliance.evaluate(PARIS, Channel.AI_CALL, at("2026-11-20T13:00"))

    assert not verdict.is_allowed
    assert [(failing.rule.id, failing.until) for failing in verdict.failed_rules] == [
        ("FR-TEL-POLICY-HOURS", at("2026-11-20T14:00"))
    ]
    assert verdict.next_allowed_at == at("2026-11-20T14:00")


def test_every_rule_against_a_contact_is_told_with_its_own_instant() -> None:
    saturday_night = at("2026-04-04T23:00")

    verdict = compliance.evaluate(PARIS, Channel.SMS, saturday_night)

    assert [(failing.rule.id, failing.until) for failing in verdict.failed_rules] == [
        ("POLICY-DAYS", at("2026-04-07T00:00")),
        ("FR-TEL-POLICY-HOURS", at("2026-04-06T10:00")),
    ]
    assert verdict.next_allowed_at == at("2026-04-07T10:00")


def test_good_friday_is_a_holiday_in_alsace_alone() -> None:
    good_friday = at("2026-04-03T11:00")
    alsace = replace(PARIS, region=Region("FR", "6AE"))

    assert compliance.evaluate(PARIS, Channel.SMS, good_friday).is_allowed
    assert compliance.next_allowed(alsace, Channel.SMS, good_friday) == at("2026-04-07T10:00")


def test_the_scenarios_own_days_are_kept_beside_the_rules() -> None:
    facts = replace(
        PARIS, exclusions=Exclusions(weekends=False, public_holidays=False, dates=(date(2026, 11, 20),))
    )

    verdict = compliance.evaluate(facts, Channel.EMAIL, at("2026-11-20T12:00"))

    assert [failing.rule.basis for failing in verdict.failed_rules] == [Basis.SCENARIO]
    assert verdict.next_allowed_at == at("2026-11-23T08:00")


def test_a_fifth_call_or_message_of_a_case_waits_until_the_first_is_30_days_old() -> None:
    sent_at = [at(f"2026-11-{day}T11:00") for day in ("02", "10", "16", "19")]
    history = tuple(PastContact(Channel.SMS, instant, b"another number") for instant in sent_at)

    verdict = compliance.evaluate(replace(PARIS, contacts=history), Channel.AI_CALL, at("2026-11-20T11:00"))

    assert [failing.rule.id for failing in verdict.failed_rules] == ["FR-TEL-POLICY-CAP"]
    assert verdict.next_allowed_at == at("2026-12-02T11:00")


def test_an_address_is_contacted_four_times_in_a_week_over_all_cases() -> None:
    sent_at = [at(f"2026-11-{day}T09:00") for day in ("16", "17", "18", "19")]
    of_other_cases = tuple(PastContact(Channel.EMAIL, instant, EMAIL, same_case=False) for instant in sent_at)
    facts = replace(PARIS, contacts=of_other_cases)
    friday = at("2026-11-20T09:00")

    assert compliance.next_allowed(facts, Channel.EMAIL, friday) == at("2026-11-23T09:00")
    assert compliance.evaluate(facts, Channel.SMS, at("2026-11-20T10:00")).is_allowed
    assert compliance.evaluate(facts, Channel.LETTER, friday).is_allowed


def test_a_third_party_in_france_sends_nothing_before_its_letter() -> None:
    facts = replace(PARIS, collector=Collector.THIRD_PARTY)
    monday = at("2026-11-16T11:00")

    for channel in Channel:
        verdict = compliance.evaluate(facts, channel, monday)
        assert [failing.rule.id for failing in verdict.failed_rules] == ["FR-LETTER"]
        assert verdict.next_allowed_at is None
        assert verdict.failed_rules[0].rule.basis == Basis.LAW

    assert compliance.evaluate(
        facts.with_notices((compliance.LETTER_R124_4,)), Channel.LETTER, monday
    ).is_allowed
    abroad = replace(facts, region=Region("ES"), zones=("Europe/Madrid",))
    assert compliance.evaluate(abroad, Channel.EMAIL, monday).is_allowed
    german = replace(facts, region=Region("DE"), zones=("Europe/Berlin",))
    verdict = compliance.evaluate(german, Channel.EMAIL, monday)
    assert [failing.rule.id for failing in verdict.failed_rules] == ["DE-13A"]


def test_an_artificial_voice_calls_the_united_states_only_with_consent() -> None:
    facts = Facts(("America/New_York",), Region("US"), collector=Collector.THIRD_PARTY, phone_hash=PHONE)
    noon = datetime(2026, 11, 17, 16, tzinfo=UTC)

    verdict = compliance.evaluate(facts, Channel.AI_CALL, noon)

    assert [failing.rule.id for failing in verdict.failed_rules] == ["US-TCPA"]
    assert compliance.evaluate(replace(facts, consents=CONSENTS), Channel.AI_CALL, noon).is_allowed
    rest = replace(facts, consents=frozenset({(b"another number", "artificial_voice")}))
    assert not compliance.evaluate(rest, Channel.AI_CALL, noon).is_allowed
    assert compliance.evaluate(facts, Channel.SMS, noon).is_allowed


def test_a_channel_counts_by_the_address_it_uses_and_a_letter_by_none() -> None:
    counted = {channel: compliance.hash_for(channel, EMAIL, PHONE) for channel in Channel}

    assert counted == dict.fromkeys(TO_PHONE, PHONE) | {Channel.EMAIL: EMAIL, Channel.LETTER: None}


def test_a_suppressed_address_is_never_contacted_and_others_are() -> None:
    facts = replace(PARIS, suppressed=frozenset({EMAIL}))
    monday = at("2026-11-16T11:00")

    verdict = compliance.evaluate(facts, Channel.EMAIL, monday)

    assert [(failing.rule.id, failing.until) for failing in verdict.failed_rules] == [
        ("POLICY-SUPPRESSION", None)
    ]
    assert verdict.next_allowed_at is None
    for channel in (Channel.SMS, Channel.LETTER):
        assert compliance.evaluate(facts, channel, monday).is_allowed


@given(channel=CHANNELS, not_before=INSTANTS)
def test_the_rules_that_move_a_contact_lead_to_where_it_is_allowed(
    channel: Channel, not_before: datetime
) -> None:
    moves = compliance.rule_moves(PARIS, channel, not_before)

    assert (moves[-1].until if moves else not_before) == compliance.next_allowed(PARIS, channel, not_before)
    assert [move.until for move in moves] == sorted(move.until for move in moves if move.until)


def test_law_and_policy_are_kept_apart_and_law_is_of_a_country() -> None:
    law = {rule.id: rule.jurisdiction for rule in compliance.STANDARD.rules if rule.basis == Basis.LAW}

    assert law == {
        "BE-XIX-2": "BE",
        "FR-LETTER": "FR",
        "DE-13A": "DE",
        "US-HOURS": "US",
        "US-7IN7": "US",
        "US-TCPA": "US",
    }
    assert all(rule.source and rule.reviewed_on >= rule.valid_from for rule in compliance.STANDARD.rules)


def test_zones_without_a_common_hour_need_a_person() -> None:
    russia = Facts(("Europe/Kaliningrad", "Asia/Kamchatka"), Region("RU"))

    assert compliance.next_allowed(russia, Channel.AI_CALL, at("2026-11-16T11:00")) is None


@given(instant=INSTANTS)
def test_a_rule_binds_only_between_its_dates_its_party_and_when_it_blocks(instant: datetime) -> None:
    never = Rule(
        id="NEVER",
        says="Nobody calls a business in that year.",
        channels=(Channel.AI_CALL,),
        limit=Hours((1,), ((time(0), time(0, 1)),)),
        source="a test",
        basis=Basis.GUIDANCE,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
        reviewed_on=date(2026, 1, 1),
        party=Party.BUSINESS,
    )
    business = replace(PARIS, party=Party.BUSINESS)
    on_monday = instant.astimezone(ZoneInfo("Europe/Paris"))
    within = on_monday.isoweekday() == 1 and on_monday.time() < time(0, 1)

    binds = compliance.evaluate(business, Channel.AI_CALL, instant, Rulebook((never,)))
    warned = compliance.evaluate(
        business, Channel.AI_CALL, instant, Rulebook((replace(never, severity=Severity.WARN),))
    )

    assert binds.is_allowed is (instant.year != 2026 or within)
    assert warned.is_allowed
    assert compliance.evaluate(PARIS, Channel.AI_CALL, instant, Rulebook((never,))).is_allowed


def test_every_rule_is_dated_sourced_and_comes_back_from_storage() -> None:
    for rule in compliance.STANDARD.rules:
        assert compliance.from_data(compliance.to_data(rule)) == rule
        assert rule.source
        assert rule.valid_from <= rule.reviewed_on


def test_the_version_of_a_rulebook_changes_with_its_rules() -> None:
    stricter = Rulebook((replace(compliance.STANDARD.rules[0], reviewed_on=date(2027, 1, 1)),))

    assert len(compliance.STANDARD.version) == 16
    assert Rulebook(compliance.STANDARD.rules).version == compliance.STANDARD.version
    assert stricter.version != compliance.STANDARD.version


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        compliance.next_allowed(PARIS, Channel.EMAIL, at("2026-11-20T09:00").replace(tzinfo=None))
