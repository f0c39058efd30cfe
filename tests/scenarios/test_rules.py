from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import scenarios
from getbill.channels import AddressKind, Channel, reachable
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Place
from getbill.scenarios import End, Scenario, Start, StartMode, Step, Unit

STANDARD = scenarios.built_in("standard_3_waves", 1)
EVERYONE = reachable("jean.dupont@email.com", "+33612345678", postal=True)
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
NAMES = st.from_regex(r"[a-z0-9_]{1,20}", fullmatch=True)


@st.composite
def scenarios_of_any_kind(draw: st.DrawFn) -> Scenario:
    offsets = sorted(draw(st.lists(st.integers(0, 400), min_size=1, max_size=8)))
    waves = sorted(draw(st.lists(st.integers(1, 5), min_size=len(offsets), max_size=len(offsets))))
    unit = draw(st.sampled_from(Unit))
    steps = tuple(
        Step(
            f"step_{position}",
            wave,
            offset,
            draw(st.sampled_from(Channel)),
            draw(NAMES),
            unit,
            ("FR-R124-4",),
        )
        for position, (offset, wave) in enumerate(zip(offsets, waves, strict=True))
    )
    exclusions = Exclusions(draw(st.booleans()), draw(st.booleans()), tuple(draw(st.lists(DAYS, max_size=3))))
    end = End(offsets[-1] + draw(st.integers(0, 60)), unit)
    return Scenario(draw(st.uuids()), draw(NAMES), draw(st.integers(1, 9)), steps, end, exclusions)


def test_standard_3_waves_is_what_was_published() -> None:
    planned = [(step.wave, step.offset, step.channel.value) for step in STANDARD.steps]

    assert planned == [
        (1, 0, "email"),
        (1, 3, "sms"),
        (2, 7, "ai_call"),
        (2, 8, "email"),
        (3, 15, "letter"),
        (3, 20, "ai_call"),
    ]
    assert STANDARD.end.offset == 30
    assert STANDARD.end.action == "ask_to_escalate"
    assert STANDARD.exclusions == Exclusions(weekends=True, public_holidays=True)


@given(scenario=scenarios_of_any_kind())
def test_a_stored_scenario_comes_back_as_it_was(scenario: Scenario) -> None:
    assert scenarios.from_data(scenarios.to_data(scenario)) == scenario


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"colour": "red"}, "colour"),
        ({"version": 0}, "version"),
        ({"steps": []}, "steps"),
        ({"end": {"offset": 19}}, "end.offset"),
    ],
)
def test_a_scenario_that_could_not_run_is_refused_with_the_place(
    change: dict[str, object], where: str
) -> None:
    with pytest.raises(scenarios.ScenarioInvalid) as refused:
        scenarios.from_data(scenarios.to_data(STANDARD) | change)

    assert [place for place, _ in refused.value.problems] == [where]


def test_every_problem_of_a_scenario_is_told_at_once() -> None:
    data = scenarios.to_data(STANDARD)
    data["steps"][1] |= {"key": "wave_1_email", "wave": 3}
    data["steps"][3]["offset"] = 5

    with pytest.raises(scenarios.ScenarioInvalid) as refused:
        scenarios.from_data(data)

    assert [place for place, _ in refused.value.problems] == ["steps.1.key", "steps.2.wave", "steps.3.offset"]


@pytest.mark.parametrize(
    ("due_on", "mode", "expected"),
    [
        (None, StartMode.IMMEDIATE, date(2026, 11, 20)),
        (None, StartMode.NEXT_DAY, date(2026, 11, 21)),
        (date(2026, 11, 1), StartMode.IMMEDIATE, date(2026, 11, 20)),
        (date(2026, 11, 20), StartMode.IMMEDIATE, date(2026, 11, 21)),
        (date(2026, 12, 31), StartMode.NEXT_DAY, date(2027, 1, 1)),
    ],
)
def test_day_zero_is_the_later_of_creation_and_the_day_after_the_due_date(
    due_on: date | None, mode: StartMode, expected: date
) -> None:
    assert scenarios.day_zero(date(2026, 11, 20), due_on, mode) == expected


def test_a_step_is_due_from_the_start_of_its_day_where_the_debtor_is() -> None:
    start = Start(date(2026, 11, 20), "Indian/Reunion")

    assert scenarios.nominal_instant(STANDARD, STANDARD.steps[1], start) == datetime(
        2026, 11, 22, 20, tzinfo=UTC
    )
    assert scenarios.nominal_instant(STANDARD, STANDARD.end, start) == datetime(2026, 12, 19, 20, tzinfo=UTC)


def test_offsets_count_days_hours_or_business_days() -> None:
    friday = Start(date(2026, 11, 20), "Europe/Paris", Place("FR"))
    step = STANDARD.steps[1]

    in_hours = scenarios.nominal_instant(STANDARD, replace(step, offset=30, unit=Unit.HOURS), friday)
    in_business_days = scenarios.nominal_instant(STANDARD, replace(step, unit=Unit.BUSINESS_DAYS), friday)

    assert in_hours == datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert in_business_days == datetime(2026, 11, 24, 23, tzinfo=UTC)


@given(on=DAYS, late=st.integers(0, 20))
def test_two_contacts_are_never_made_on_one_day(on: date, late: int) -> None:
    start = Start(on)
    call, email = STANDARD.steps[2], STANDARD.steps[3]
    called_at = scenarios.nominal_instant(STANDARD, call, start) + timedelta(days=late, hours=10)

    nominal = scenarios.nominal_instant(STANDARD, email, start, called_at)

    assert calendar.local_date(nominal, start.zone) > calendar.local_date(called_at, start.zone)
    assert nominal >= scenarios.nominal_instant(STANDARD, email, start)


def test_steps_are_taken_in_order_to_the_end() -> None:
    taken = [scenarios.first_step(STANDARD, EVERYONE).step]
    while taken[-1] is not None:
        taken.append(scenarios.next_step(STANDARD, taken[-1].key, EVERYONE).step)

    assert tuple(taken[:-1]) == STANDARD.steps


def test_a_step_without_its_address_is_skipped_with_the_reason() -> None:
    only_email = reachable("jean.dupont@email.com", None, postal=False)

    step, skipped = scenarios.next_step(STANDARD, "wave_1_email", only_email)

    assert step == STANDARD.steps[3]
    assert [(skip.step.key, skip.reason) for skip in skipped] == [
        ("wave_1_sms", "no mobile number"),
        ("wave_2_call", "no phone number"),
    ]


def test_someone_without_any_address_has_every_step_skipped() -> None:
    step, skipped = scenarios.first_step(STANDARD, frozenset())

    assert step is None
    assert tuple(skip.step for skip in skipped) == STANDARD.steps


def test_a_landline_is_called_and_gets_no_text_message() -> None:
    assert reachable(None, "+33123456789", postal=False) == {AddressKind.PHONE}
    assert reachable(None, "+33612345678", postal=False) == {AddressKind.PHONE, AddressKind.MOBILE}


def test_a_step_of_another_version_is_refused() -> None:
    with pytest.raises(LookupError, match="standard_3_waves version 1 has no step wave_9_fax"):
        scenarios.next_step(STANDARD, "wave_9_fax", EVERYONE)


def test_a_scenario_is_one_thing_by_name_and_by_timeline_id() -> None:
    assert scenarios.resolve(None, None) == STANDARD
    assert scenarios.resolve("standard_3_waves", None) == STANDARD
    assert scenarios.resolve(None, STANDARD.id) == STANDARD
    assert scenarios.resolve("standard_3_waves", STANDARD.id) == STANDARD


def test_an_unknown_scenario_and_two_that_differ_are_refused() -> None:
    with pytest.raises(scenarios.ScenarioUnknown, match="there are standard_3_waves"):
        scenarios.resolve("aggressive", None)
    with pytest.raises(scenarios.ScenarioUnknown, match="timeline_id"):
        scenarios.resolve(None, UUID(int=0))
    with pytest.raises(scenarios.ScenarioConflict, match="timeline_id is the scenario standard_3_waves"):
        scenarios.resolve("aggressive", STANDARD.id)
    with pytest.raises(scenarios.ScenarioUnknown):
        scenarios.built_in("standard_3_waves", 99)
