"""The judge of chaos tests: whatever is lost, doubled or turned round in a good run, it says so."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from testbed.chaos.judge import CommittedEvent, Subscription, Verdict, judge
from testbed.webhook_receiver import ReceivedPost

# The histories of three debts, as they stand in the stream.
COMMITTED = [
    CommittedEvent(f"wh_{place}", f"debt_{place % 3}", place // 3 + 1, kind, place + 1)
    for place, kind in enumerate(["debt.created"] * 3 + ["debt.updated"] * 6 + ["debt.resolved"] * 3)
]
PULLED = [item.webhook_id for item in COMMITTED]
ENDS = Subscription("/ends", frozenset({"debt.created", "debt.resolved"}), 0)


def began_for(followed: Subscription) -> list[ReceivedPost]:
    last: dict[str, int] = {}
    came = []
    for at, item in enumerate(entry for entry in COMMITTED if followed.is_due(entry)):
        before = last.get(item.subject)
        came.append(
            ReceivedPost(
                at, followed.path, item.webhook_id, item.subject, item.sequence, before, is_signed=True
            )
        )
        last[item.subject] = item.sequence
    return came


BEGAN = began_for(ENDS)
places = st.integers(0, len(COMMITTED) - 1)
pushes = st.integers(0, len(BEGAN) - 1)


def of_pushes(began: list[ReceivedPost]) -> Verdict:
    return judge(COMMITTED, PULLED, [ENDS], began)


def test_a_good_run_has_no_fault() -> None:
    verdict = of_pushes(BEGAN)

    assert verdict == Verdict(events=12, due=6, pushed_twice=0, late_repeats=0, faults=[])


@given(places)
def test_an_event_that_was_not_pulled_is_a_fault(place: int) -> None:
    assert judge(COMMITTED, PULLED[:place] + PULLED[place + 1 :], [ENDS], BEGAN).faults == [
        f"wh_{place} ({COMMITTED[place].subject} {COMMITTED[place].sequence}) was never pulled"
    ]


@given(places, places)
def test_an_event_that_was_pulled_twice_or_elsewhere_is_a_fault(place: int, other: int) -> None:
    doubled = [*PULLED[:other], PULLED[place], *PULLED[other:]]
    moved = PULLED[:]
    moved.insert(other, moved.pop(place))

    assert f"wh_{place} was pulled more than once" in judge(COMMITTED, doubled, [ENDS], BEGAN).faults
    assert bool(judge(COMMITTED, moved, [ENDS], BEGAN).faults) == (place != other)


@given(places)
def test_an_event_without_its_place_in_the_stream_is_a_fault(place: int) -> None:
    lost = COMMITTED[:place] + COMMITTED[place + 1 :] + [replace(COMMITTED[place], position=None)]

    assert "has no place in the stream" in judge(lost, PULLED, [ENDS], BEGAN).faults[0]


@given(pushes)
def test_a_push_that_never_came_is_a_fault_and_one_that_came_twice_is_counted(place: int) -> None:
    lost = of_pushes(BEGAN[:place] + BEGAN[place + 1 :])
    doubled = of_pushes([*BEGAN[: place + 1], replace(BEGAN[place], at=place + 0.5), *BEGAN[place + 1 :]])

    assert "was never pushed" in lost.faults[0]
    assert (doubled.faults, doubled.pushed_twice, doubled.late_repeats) == ([], 1, 0)


def test_a_push_that_began_before_what_precedes_it_is_a_fault() -> None:
    early = [replace(BEGAN[3], at=-1.0), *BEGAN[:3], *BEGAN[4:]]

    assert of_pushes(early).faults == ["/ends: wh_9 (debt_0 4) began before what precedes it"]


def test_a_repeat_after_something_later_is_counted_apart() -> None:
    verdict = of_pushes([*BEGAN, replace(BEGAN[0], at=99.0)])

    assert (verdict.faults, verdict.pushed_twice, verdict.late_repeats) == ([], 1, 1)


@given(pushes)
def test_a_wrong_signature_or_chain_is_a_fault(place: int) -> None:
    forged, unchained = BEGAN[:], BEGAN[:]
    forged[place] = replace(forged[place], is_signed=False)
    unchained[place] = replace(unchained[place], previous_sequence=77)

    assert "came with a wrong signature" in of_pushes(forged).faults[0]
    assert "names another previous_sequence" in of_pushes(unchained).faults[0]


def test_a_push_that_nobody_asked_for_is_a_fault() -> None:
    stray = replace(BEGAN[0], at=99.0, webhook_id="wh_4", sequence=2, previous_sequence=1)

    assert of_pushes([*BEGAN, stray]).faults[0] == "/ends: wh_4 was pushed and is not due"
