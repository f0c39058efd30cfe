"""The decision on a due contact, without a database: each of its words, and that it changes nothing."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collecting import JEAN
from debts.test_rules import WORKSPACE, a_debt
from getbill import debts, scenarios
from getbill.channels import Channel, WordingBroken
from getbill.compliance import PastContact
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import TRANSITIONS, Contact, ContactCannotMove, State
from getbill.contacts.sending.decision import (
    Case,
    Decision,
    End,
    Means,
    Postpone,
    Rehearse,
    Restart,
    ReviewBalance,
    Send,
    SetAside,
    Skip,
    Stop,
    decide,
    decide_all,
)
from getbill.contacts.sending.rendering import RenderContext
from getbill.debts import Debt
from getbill.kit import ids
from getbill.kit.messages import message
from getbill.templates import TemplateSet

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday, 10:00 in Paris
SUNDAY = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MEANS = Means(RenderContext(TemplateSet({})))
STEPS = [step.key for step in scenarios.built_in("standard_3_waves", 1).steps]
EMAIL_HASH, PHONE_HASH = b"e" * 32, b"p" * 32


def case_of(
    debt: Debt | None = None,
    step: str = "wave_1_email",
    past: ContactHistory | None = None,
    **contact_fields: Any,
) -> Case:
    debt = debt or a_debt(identity=JEAN)
    channel = debts.REVIEW if step == debts.END else debt.running_scenario.find_step(step).channel
    contact = Contact(
        workspace_id=debt.workspace_id,
        debt_id=debt.id,
        run=1,
        step=step,
        attempt=1,
        channel=str(channel),
        state=State.CLAIMED,
        due_at=NOW,
        is_live=False,
        contact_epoch=0,
        created_at=NOW,
    )
    for name, value in contact_fields.items():
        setattr(contact, name, value)
    return Case(contact, debt, past or ContactHistory(hashes=(EMAIL_HASH, PHONE_HASH)), ids.new())


def in_dry_run(debt: Debt) -> Debt:
    return replace(debt, workspace=replace(WORKSPACE, contact="dry_run"))


def test_a_due_contact_is_sent_with_its_message() -> None:
    decision = decide(case_of(), MEANS, NOW)

    assert isinstance(decision, Send)
    assert (decision.message.address, decision.message.channel) == (JEAN.email, Channel.EMAIL)
    assert "100,00" in decision.message.text


def test_the_contact_of_an_erased_debt_is_stopped() -> None:
    assert decide(replace(case_of(), debt=None, history=None), MEANS, NOW) == Stop()


@pytest.mark.parametrize("status", ["on_hold", "payment_plan", "resolved", "escalated", "archived"])
def test_a_contact_stops_with_its_debt(status: str) -> None:
    assert decide(case_of(a_debt(status=status)), MEANS, NOW) == Stop(f"the debt is {status}")


def test_a_contact_of_an_earlier_epoch_stops() -> None:
    case = case_of(a_debt(contact_epoch=1))

    assert decide(case, MEANS, NOW) == Stop("the debt is pending")


def test_a_contact_waits_while_another_one_of_its_debt_is_being_sent() -> None:
    case = case_of(past=ContactHistory(is_sending=True))

    assert decide(case, MEANS, NOW) == Postpone(NOW + timedelta(minutes=1), "another contact is in progress")


@pytest.mark.parametrize("step", ["wave_1_email", debts.END])
def test_a_balance_below_the_minimum_is_reviewed_and_looked_at_again_a_day_later(step: str) -> None:
    small, enough = (a_debt(identity=JEAN, balance=balance) for balance in (99, 100))
    past = ContactHistory(passed_steps=set(STEPS) if step == debts.END else set())

    decision = decide(case_of(small, step, past), MEANS, NOW)

    assert decision == ReviewBalance(NOW + timedelta(days=1), "the balance is below the minimum")
    assert isinstance(decide(case_of(enough, step, past), MEANS, NOW), Send | End)


def test_after_a_dry_run_a_debt_starts_from_a_new_day_0() -> None:
    case = case_of(a_debt(started_on=date(2026, 1, 5)), past=ContactHistory(rehearsed_steps={"wave_1_email"}))

    assert decide(case, MEANS, NOW) == Restart(NOW.date())


def test_after_a_dry_run_a_debt_that_was_really_contacted_keeps_its_day_0() -> None:
    past = ContactHistory(rehearsed_steps={"wave_1_sms"}, contacted_steps={"wave_1_email"})

    assert decide(case_of(past=past), MEANS, NOW) == Restart(None)


def test_a_dry_run_rehearses() -> None:
    assert decide(case_of(in_dry_run(a_debt(identity=JEAN))), MEANS, NOW) == Rehearse()


def test_the_end_of_a_scenario_ends_it() -> None:
    past = ContactHistory(passed_steps=set(STEPS))

    assert decide(case_of(step=debts.END, past=past), MEANS, NOW) == End()


def test_a_dry_run_never_ends() -> None:
    case = case_of(in_dry_run(a_debt()), debts.END, ContactHistory(passed_steps=set(STEPS)))

    assert decide(case, MEANS, NOW) == Postpone(NOW + timedelta(days=1), "dry run")


def test_the_end_gives_way_to_a_step_whose_address_was_added() -> None:
    past = ContactHistory(passed_steps={"wave_1_email"})

    assert decide(case_of(step=debts.END, past=past), MEANS, NOW) == Stop(
        "an address was added", is_replanned=True
    )


def test_a_step_without_an_address_is_skipped() -> None:
    case = case_of(a_debt(identity=replace(JEAN, email=None)))

    assert decide(case, MEANS, NOW) == Skip("no e-mail address", is_late=False)


def test_a_step_without_a_provider_is_skipped() -> None:
    workspace = replace(WORKSPACE, provided_channels=frozenset({"sms"}))
    case = case_of(replace(a_debt(identity=JEAN), workspace=workspace))

    assert decide(case, MEANS, NOW) == Skip("no provider for email", is_late=False)


def test_a_contact_on_a_sunday_is_postponed_to_the_first_allowed_instant() -> None:
    decision = decide(case_of(), MEANS, SUNDAY)

    assert isinstance(decision, Postpone)
    assert SUNDAY < decision.at <= NOW
    assert not decision.is_late


def test_a_suppressed_address_is_never_contacted() -> None:
    past = ContactHistory(hashes=(EMAIL_HASH, PHONE_HASH), suppressed=frozenset({EMAIL_HASH}))

    decision = decide(case_of(past=past), MEANS, NOW)

    assert isinstance(decision, Skip)
    assert decision.reason.startswith(debts.NEVER)


def test_a_message_that_cannot_be_rendered_is_set_aside() -> None:
    wording = SimpleNamespace(render=lambda *_: (_ for _ in ()).throw(broken()))
    means = replace(MEANS, render_context=RenderContext(wording))  # type: ignore[arg-type]

    decision = decide(case_of(), means, NOW)

    assert isinstance(decision, SetAside)
    assert "wave_1_email" in str(decision.reason)


def broken() -> Exception:
    return WordingBroken(message("The template is broken."))


def test_each_message_counts_for_the_persons_other_debts() -> None:
    cases = [case_of(step="wave_1_sms") for _ in range(3)]

    decisions = decide_all(cases, MEANS, NOW)

    assert [type(decision) for decision in decisions] == [Send, Send, Send]
    for case in cases:
        assert case.history is not None
        assert Counter(past.same_case for past in case.history.contacts) == {True: 1, False: 2}


def test_a_cap_reached_by_one_debt_holds_the_persons_next_one_back() -> None:
    made = tuple(
        PastContact(Channel.AI_CALL, NOW - timedelta(days=days), PHONE_HASH, same_case=False)
        for days in (1, 2, 3)
    )
    cases = [
        case_of(step="wave_2_call", past=ContactHistory(contacts=made, hashes=(EMAIL_HASH, PHONE_HASH)))
        for _ in range(2)
    ]

    first, second = decide_all(cases, MEANS, NOW)

    assert isinstance(first, Send)
    assert isinstance(second, Postpone)


STATE_OF = {
    Send: State.SENDING,
    Rehearse: State.REHEARSED,
    Skip: State.SKIPPED,
    Postpone: State.PLANNED,
    Stop: State.STOPPED,
    Restart: State.STOPPED,
    End: State.ACCEPTED,
    SetAside: State.SET_ASIDE,
}
_debts = st.builds(
    a_debt,
    status=st.sampled_from(debts.STATUSES),
    contact_epoch=st.integers(0, 1),
    identity=st.builds(
        replace,
        st.just(JEAN),
        email=st.sampled_from([None, JEAN.email]),
        phone=st.sampled_from([None, JEAN.phone, "+4930123456"]),
    ),
    started_on=st.dates(date(2026, 1, 1), date(2026, 3, 10)),
)
_histories = st.builds(
    ContactHistory,
    hashes=st.just((EMAIL_HASH, PHONE_HASH)),
    suppressed=st.sets(st.sampled_from([EMAIL_HASH, PHONE_HASH])).map(frozenset),
    passed_steps=st.sets(st.sampled_from(STEPS)),
    contacted_steps=st.sets(st.sampled_from(STEPS)),
    rehearsed_steps=st.sets(st.sampled_from(STEPS), max_size=1),
    is_sending=st.booleans(),
)
_instants = st.datetimes(datetime(2026, 2, 20), datetime(2026, 4, 20)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(
    debt=_debts,
    past=_histories,
    step=st.sampled_from([*STEPS, debts.END]),
    now=_instants,
    is_dry_run=st.booleans(),
)
def test_a_decision_changes_nothing_and_is_always_the_same(
    debt: Debt, past: ContactHistory, step: str, now: datetime, is_dry_run: bool
) -> None:
    case = case_of(in_dry_run(debt) if is_dry_run else debt, step, past)
    contact_before, history_before, debt_before = case.contact.snapshot(), deepcopy(past), _facts(case)

    decision = decide(case, MEANS, now)

    assert decide(case, MEANS, now) == decision
    assert (case.contact.snapshot(), past, _facts(case)) == (contact_before, history_before, debt_before)
    _assert_in_order(decision, now)


def _facts(case: Case) -> list[Any]:
    assert case.debt is not None
    return [
        getattr(case.debt, name) for name in ("status", "started_on", "next_action_at", "run", "is_changed")
    ]


def _assert_in_order(decision: Decision, now: datetime) -> None:
    for state in (State.PLANNED, State.CLAIMED):
        assert STATE_OF[type(decision)] in TRANSITIONS[state]
    if isinstance(decision, Postpone):
        assert decision.at > now


@given(walk=st.lists(st.sampled_from(State), max_size=12))
def test_a_walk_through_states_never_leaves_the_table(walk: list[State]) -> None:
    contact = case_of().contact
    for to in walk:
        before = State(contact.state)
        if to in TRANSITIONS[before]:
            contact.transition(to)
            assert contact.state == to
        else:
            with pytest.raises(ContactCannotMove):
                contact.transition(to)
            assert contact.state == before
