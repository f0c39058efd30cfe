from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import scenarios, vault
from getbill.channels import AddressKind, Channel, built_in_names, reachable
from getbill.companies import Company, OwnScenario, Workspace
from getbill.kit import calendar, ids
from getbill.kit.calendar import Exclusions, Region
from getbill.kit.clock import WorkspaceClock
from getbill.scenarios import ConditionFacts, Conditions, End, Fallback, Late, Scenario, Start, Step, Unit

STANDARD = scenarios.built_in("standard_3_waves", 1)
COMPANY = Company(
    *(ids.new(), "Acme", None, None, None, "FR", "EUR", "fr", "standard_3_waves", "creditor"),
    datetime(2026, 1, 1, tzinfo=UTC),
)
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
NAMES = st.from_regex(r"[a-z0-9_]{1,20}", fullmatch=True)


def a_workspace(**own: OwnScenario) -> Workspace:
    keys = vault.Vault([vault.Key.new()])
    return Workspace(ids.new(), "sandbox", COMPANY, WorkspaceClock(), keys, vault.Lookup(b"k" * 32), own)


CONDITIONS = st.builds(
    Conditions,
    balance_min=st.none() | st.decimals(0, 1000, places=2),
    age_days_max=st.none() | st.integers(0, 400),
    reached=st.none() | st.booleans(),
    contactable=st.lists(st.sampled_from(AddressKind), max_size=2).map(tuple),
    metadata=st.none()
    | st.dictionaries(NAMES, st.text("abc") | st.integers(-9, 9) | st.booleans(), max_size=2),
)


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
            draw(st.none() | st.sampled_from(["fr", "en"])),
            draw(st.none() | CONDITIONS),
            late=draw(st.none() | st.sampled_from(Late)),
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
    ("due_on", "expected"),
    [
        (None, date(2026, 11, 20)),
        (date(2026, 11, 1), date(2026, 11, 20)),
        (date(2026, 11, 20), date(2026, 11, 21)),
        (date(2026, 12, 31), date(2027, 1, 1)),
    ],
)
def test_day_zero_is_the_later_of_the_start_and_the_day_after_the_due_date(
    due_on: date | None, expected: date
) -> None:
    assert scenarios.day_zero(date(2026, 11, 20), due_on) == expected


def test_a_step_is_due_from_the_start_of_its_day_where_the_debtor_is() -> None:
    start = Start(date(2026, 11, 20), "Indian/Reunion")

    assert scenarios.nominal_instant(STANDARD, STANDARD.steps[1], start) == datetime(
        2026, 11, 22, 20, tzinfo=UTC
    )
    assert scenarios.nominal_instant(STANDARD, STANDARD.end, start) == datetime(2026, 12, 19, 20, tzinfo=UTC)


def test_offsets_count_days_hours_or_business_days() -> None:
    friday = Start(date(2026, 11, 20), "Europe/Paris", Region("FR"))
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


def test_the_steps_after_one_are_those_behind_it() -> None:
    assert STANDARD.after(None) == STANDARD.steps
    assert STANDARD.after("wave_2_call") == STANDARD.steps[3:]
    assert STANDARD.after("wave_3_call") == ()


def test_a_step_falls_back_where_only_the_other_address_is_known() -> None:
    step = replace(STANDARD.steps[0], fallback=Fallback(Channel.SMS, "wave_1_sms"))

    assert step.reaching(reachable("jean@example.com", "+33612345678", postal=False)) == step
    assert step.reaching(reachable(None, "+33123456789", postal=True)) is None
    fallen = step.reaching(reachable(None, "+33612345678", postal=False))
    assert fallen is not None
    assert (fallen.key, fallen.channel, fallen.template) == ("wave_1_email", Channel.SMS, "wave_1_sms")
    assert step.on("sms") == fallen
    assert step.on("email") == step


STANDING = ConditionFacts(
    balance=Decimal(100),
    amount=Decimal(120),
    age_days=40,
    reachable=frozenset({AddressKind.EMAIL}),
    was_reached=True,
    has_answered=False,
    promise="broken",
    metadata={"tier": "gold", "tags": "vip, late"},
)


@pytest.mark.parametrize(
    ("conditions", "unmet"),
    [
        (Conditions(), ()),
        (Conditions(balance_min=Decimal(100), balance_max=Decimal(100), amount_min=Decimal(120)), ()),
        (Conditions(balance_min=Decimal("100.01")), ("balance_min",)),
        (Conditions(amount_max=Decimal(119), age_days_min=41), ("amount_max", "age_days_min")),
        (Conditions(reached=True, answered=False), ()),
        (Conditions(reached=False, answered=True), ("reached", "answered")),
        (Conditions(contactable=(AddressKind.EMAIL,), not_contactable=(AddressKind.PHONE,)), ()),
        (Conditions(contactable=(AddressKind.POSTAL,)), ("contactable",)),
        (Conditions(not_contactable=(AddressKind.EMAIL,)), ("not_contactable",)),
        (Conditions(promise=("none", "broken"), tags=("vip", "late"), not_tags=("v",)), ()),
        (
            Conditions(promise=("open",), tags=("vip", "new"), not_tags=("late",)),
            ("promise", "tags", "not_tags"),
        ),
        (Conditions(metadata={"tier": "gold"}), ()),
        (Conditions(metadata={"tier": "silver", "shop": 1}), ("metadata.tier", "metadata.shop")),
    ],
)
def test_a_condition_holds_or_is_named(conditions: Conditions, unmet: tuple[str, ...]) -> None:
    assert conditions.unmet(STANDING) == unmet


def test_what_is_late_is_dealt_with_by_its_channel_unless_the_step_says() -> None:
    assert [step.when_late.value for step in STANDARD.steps] == [
        *["collapse", "collapse", "skip"],
        *["collapse", "send", "skip"],
    ]
    assert replace(STANDARD.steps[0], late=Late.SEND).when_late == Late.SEND


def test_a_landline_is_called_and_gets_no_text_message() -> None:
    assert reachable(None, "+33123456789", postal=False) == {AddressKind.PHONE}
    assert reachable(None, "+33612345678", postal=False) == {AddressKind.PHONE, AddressKind.MOBILE}


def test_a_step_of_another_version_is_refused() -> None:
    with pytest.raises(LookupError, match="standard_3_waves version 1 has no step wave_9_fax"):
        STANDARD.after("wave_9_fax")


def test_a_scenario_is_one_thing_by_name_and_by_timeline_id() -> None:
    workspace = a_workspace(mine=OwnScenario(1, 3))

    for name in ("standard_3_waves", "gentle_2_waves", "mine"):
        answer = scenarios.scenario_public_id(workspace, name)
        assert scenarios.resolve(workspace, name, None) == name
        assert scenarios.resolve(workspace, None, answer) == name
        assert scenarios.resolve(workspace, name, answer) == name
        assert scenarios.find_name(workspace, answer) == scenarios.find_name(workspace, name) == name
    assert scenarios.scenario_public_id(workspace, "standard_3_waves") == ids.show("timeline", STANDARD.id)
    assert scenarios.resolve(workspace, None, None) == "standard_3_waves"


def test_an_unknown_scenario_and_two_that_differ_are_refused() -> None:
    workspace, other = a_workspace(mine=OwnScenario(1, 1)), a_workspace(mine=OwnScenario(1, 1))

    with pytest.raises(
        scenarios.ScenarioUnknown, match="Valid scenarios: b2b_formal, gentle_2_waves, mine, "
    ):
        scenarios.resolve(workspace, "aggressive", None)
    for timeline_id in ("timeline_0", scenarios.scenario_public_id(other, "mine")):
        with pytest.raises(scenarios.ScenarioUnknown, match="timeline_id"):
            scenarios.resolve(workspace, None, timeline_id)
    with pytest.raises(
        scenarios.ScenarioConflict, match="timeline_id identifies the scenario mine, not aggressive"
    ):
        scenarios.resolve(workspace, "aggressive", scenarios.scenario_public_id(workspace, "mine"))
    with pytest.raises(scenarios.ScenarioUnknown):
        scenarios.built_in("standard_3_waves", 99)


def test_a_debt_made_now_gets_the_present_version() -> None:
    workspace = a_workspace(mine=OwnScenario(1, 3), standard_3_waves=OwnScenario(2, 5))

    versions = [scenarios.version_of(workspace, name) for name in ("mine", "standard_3_waves", "b2b_formal")]

    assert versions == [3, 5, 1]


def test_what_comes_with_getbill_names_texts_there_are() -> None:
    assert {scenario.name for scenario in scenarios.BUILT_IN} == {
        "b2b_formal",
        "gentle_2_waves",
        "standard_3_waves",
        "third_party_fr",
    }
    assert [scenarios.texts_missing(scenario, built_in_names()) for scenario in scenarios.BUILT_IN] == [
        ()
    ] * 4
    assert len({scenario.id for scenario in scenarios.BUILT_IN}) == 4


def test_a_third_party_opens_with_the_letter_of_the_law() -> None:
    opening = scenarios.built_in("third_party_fr").steps[0]

    assert (opening.offset, opening.channel, opening.notices) == (0, Channel.LETTER, ("FR-R124-4",))


def test_a_notice_is_given_by_its_text_and_by_letter_only() -> None:
    opening, first = scenarios.built_in("third_party_fr").steps[:2]
    claiming = replace(STANDARD, steps=(replace(first, notices=("FR-R124-4",)),))
    by_email = replace(STANDARD, steps=(replace(opening, channel=Channel.EMAIL),))
    unknown = replace(
        STANDARD, steps=(replace(first, template="nothing", fallback=Fallback(Channel.SMS, "no")),)
    )

    assert [where for where, _ in scenarios.texts_missing(claiming, built_in_names())] == ["steps.0.notices"]
    assert [where for where, _ in scenarios.texts_missing(by_email, built_in_names())] == ["steps.0.channel"]
    assert [where for where, _ in scenarios.texts_missing(unknown, built_in_names())] == [
        "steps.0.template",
        "steps.0.fallback.template",
    ]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"key": "end"}, ["steps.0.key"]),
        ({"fallback": {"channel": "email", "template": "wave_1_email"}}, ["steps.0.fallback.channel"]),
        ({"notices": ["FR-R124-4"], "fallback": {"channel": "sms", "template": "x"}}, ["steps.0.fallback"]),
        ({"only_if": {"balance_min": 5, "balance_max": 4}}, ["steps.0.only_if.balance_max"]),
        (
            {"only_if": {"contactable": ["email"], "not_contactable": ["email"]}},
            ["steps.0.only_if.not_contactable"],
        ),
        ({"only_if": {"balance_min": -1}}, ["steps.0.only_if.balance_min"]),
        ({"only_if": {"colour": "red"}}, ["steps.0.only_if.colour"]),
        ({"language": "French"}, ["steps.0.language"]),
        ({"late": "never"}, ["steps.0.late"]),
    ],
)
def test_a_step_that_contradicts_itself_is_refused_with_the_place(
    change: dict[str, object], where: list[str]
) -> None:
    data = scenarios.to_data(STANDARD)
    data["steps"][0] |= change

    with pytest.raises(scenarios.ScenarioInvalid) as refused:
        scenarios.from_data(data)

    assert [place for place, _ in refused.value.problems] == where
