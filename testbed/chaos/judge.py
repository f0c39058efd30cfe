"""The judge: what was committed beside what was pulled and what was pushed. No I/O.

Everything committed is pulled once, in the order of the stream; pushed at least once to every endpoint that follows
it; and of one debt never started before what came before it. Whatever else is found is a fault, in a sentence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from testbed.webhook_receiver import ReceivedPost

# Of each kind of fault so many are told one by one.
_TOLD_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class CommittedEvent:
    """An event as the database has it; `subject` is the debt it is about."""

    webhook_id: str
    subject: str
    sequence: int
    kind: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """An endpoint: its path at the receiver, the kinds it asked for, and the place after which it follows."""

    path: str
    kinds: frozenset[str]
    after: int

    def is_due(self, event: CommittedEvent) -> bool:
        """Say whether an event is pushed to it."""
        return event.kind in self.kinds and event.position is not None and event.position > self.after


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found: the faults, and how often an integrator got something again."""

    events: int
    due: int
    pushed_twice: int
    # Of those, how many began after something later of the same debt had begun.
    late_repeats: int
    faults: list[str]


def judge(
    committed: Sequence[CommittedEvent],
    pulled: Sequence[str],
    followed: Sequence[Subscription],
    began: Sequence[ReceivedPost],
) -> Verdict:
    """Judge a run by all that was committed, in the order of the stream, and all that came, in the order it did."""
    by_path: dict[str, list[ReceivedPost]] = {entry.path: [] for entry in followed}
    for item in began:
        by_path.setdefault(item.path, []).append(item)
    due = {entry.path: [event for event in committed if entry.is_due(event)] for entry in followed}
    faults = [*_of_stream(committed), *_of_pull(committed, pulled)]
    for path, pushes in by_path.items():
        faults += (f"{path}: {fault}" for fault in _of_push(due.get(path, []), pushes))
    distinct = {path: {entry.webhook_id for entry in pushes} for path, pushes in by_path.items()}
    return Verdict(
        events=len(committed),
        due=sum(map(len, due.values())),
        pushed_twice=len(began) - sum(map(len, distinct.values())),
        late_repeats=sum(map(_late_repeats, by_path.values())),
        faults=faults,
    )


def _of_stream(committed: Sequence[CommittedEvent]) -> Iterator[str]:
    """Yield what is wrong with the stream itself: places without gaps, and every debt's history in order."""
    yield from _told("has no place in the stream", [entry for entry in committed if entry.position is None])
    places = [entry for entry in committed if entry.position is not None]
    yield from _told(
        "does not stand in its place",
        [entry for place, entry in enumerate(places, start=1) if entry.position != place],
    )
    last: Counter[str] = Counter()
    astray = []
    for item in places:
        if item.sequence != last[item.subject] + 1:
            astray.append(item)
        last[item.subject] = item.sequence
    yield from _told("does not follow its debt's last event in the stream", astray)


def _of_pull(committed: Sequence[CommittedEvent], pulled: Sequence[str]) -> Iterator[str]:
    names = [item.webhook_id for item in committed]
    if list(pulled) == names:
        return
    times = Counter(pulled)
    yield from _told("was never pulled", [item for item in committed if not times[item.webhook_id]])
    yield from _told("was pulled more than once", [name for name, count in times.items() if count > 1])
    yield from _told("was pulled and is not in the database", times.keys() - set(names))
    places = {name: place for place, name in enumerate(names)}
    base = [name for name in pulled if name in places]
    behind = [later for earlier, later in pairwise(base) if places[later] < places[earlier]]
    yield from _told("was pulled after what follows it", behind)


def _of_push(due: Sequence[CommittedEvent], began: Sequence[ReceivedPost]) -> Iterator[str]:
    """Yield what is wrong with what came to one endpoint."""
    expected = {entry.webhook_id: entry for entry in due}
    before = _previous(due)
    firsts = {entry.webhook_id: entry for entry in reversed(began)}
    yield from _told("was never pushed", [entry for entry in due if entry.webhook_id not in firsts])
    yield from _told("was pushed and is not due", firsts.keys() - expected.keys())
    yield from _told("came with a wrong signature", [entry for entry in began if not entry.is_signed])
    yield from _told(
        "names another previous_sequence than the last that was due",
        [
            entry
            for entry in began
            if before.get(entry.webhook_id, entry.previous_sequence) != entry.previous_sequence
        ],
    )
    order: dict[str, list[ReceivedPost]] = {}
    for item in sorted(firsts.values(), key=lambda first: first.at):
        order.setdefault(item.subject, []).append(item)
    early = [
        earlier
        for lane in order.values()
        for earlier, later in pairwise(lane)
        if later.sequence < earlier.sequence
    ]
    yield from _told("began before what precedes it", early)


def _previous(due: Sequence[CommittedEvent]) -> dict[str, int | None]:
    """Return for each event due to an endpoint the sequence of the debt's last one that was due there."""
    last: dict[str, int] = {}
    result = {}
    for item in due:
        result[item.webhook_id] = last.get(item.subject)
        last[item.subject] = item.sequence
    return result


def _late_repeats(began: Sequence[ReceivedPost]) -> int:
    """Count what began again after something later of the same debt had begun."""
    highest: dict[str, int] = {}
    seen: set[str] = set()
    late = 0
    for item in began:
        late += item.webhook_id in seen and item.sequence < highest.get(item.subject, 0)
        seen.add(item.webhook_id)
        highest[item.subject] = max(item.sequence, highest.get(item.subject, 0))
    return late


def _told(what: str, wrong: Iterable[object]) -> Iterator[str]:
    result = list(wrong)
    for item in result[:_TOLD_MAX]:
        yield f"{_name(item)} {what}"
    if len(result) > _TOLD_MAX:
        yield f"... and {len(result) - _TOLD_MAX:,} more: {what}"


def _name(item: object) -> str:
    if isinstance(item, CommittedEvent | ReceivedPost):
        return f"{item.webhook_id} ({item.subject} {item.sequence})"
    return str(item)
