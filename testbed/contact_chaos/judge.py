"""The judge of contacts: the ledger beside what the providers received. No I/O.

Received is within accepted or unknown, accepted is within received, nothing is received twice, and every step that was
planned is accounted for: accepted, failed, unknown, skipped with its reason, or stopped.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

# The provider took it; nobody knows; it did not leave.
TAKEN: Final = frozenset({"accepted", "delivered", "answered", "bounced"})
MADE: Final = TAKEN | {"unknown"}
OPEN: Final = frozenset({"planned", "claimed", "sending"})
END: Final = "review"
# The status of a followup by the state of its last try; what is skipped or stopped may have none.
_STATUS: Final = {
    "accepted": {"sent"},
    "delivered": {"delivered"},
    "answered": {"deal_not_found"},
    "bounced": {"failed"},
    "unknown": {"on_hold"},
    "failed": {"failed"},
    "skipped": {"cancelled"},
    "stopped": {"cancelled"},
}
_TOLD_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of the ledger: one try of one step. `key` is what its provider knows it by."""

    debt: str
    run: int
    step: str
    attempt: int
    channel: str
    state: str
    reason: str | None
    key: str | None
    # What the provider knows the message by that covered it: its own key, or that of its group's leader.
    message: str | None = None

    @property
    def delivery(self) -> str | None:
        """The key of the message that covered it."""
        return self.message or self.key


@dataclass(frozen=True, slots=True)
class Followup:
    """A followup as the creditor reads it, and whether it counts as having reached the debtor."""

    debt: str
    status: str
    is_reached: bool
    is_complete: bool
    crossed_by: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider received: when, and under which key."""

    at: float
    key: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known after a run."""

    tries: Sequence[Attempt]
    told: Mapping[str, Followup]
    received: Sequence[Receipt]
    # Keys of the contacts a person is asked about.
    asked: frozenset[str]
    # How many events of a kind there are of a debt.
    events: Mapping[tuple[str, str], int]
    # Debts that were paid, and when everybody could know.
    paid: Mapping[str, float] = field(default_factory=dict)
    # The steps each debt's scenario has.
    steps: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found, and how many messages, or steps that were none, ended how."""

    faults: list[str]
    ends: Counter[str]
    received: int
    # Why steps are unknown: channel and reason.
    doubts: Counter[str] = field(default_factory=Counter)


def judge(evidence: Evidence) -> Verdict:
    """Judge the ledger by what was received."""
    last = _last_tries(evidence.tries)
    faults = [
        *_of_groups(last),
        *_of_receipts(evidence, last),
        *_of_ledger(evidence, last),
        *_of_followups(evidence, last),
        *_of_payments(evidence, last),
    ]
    # A message that covered several steps counts once.
    messages = {
        (item.message or _name(item), item.state): item for item in last.values() if item.channel != END
    }
    ends = Counter(item.state for item in messages.values())
    doubts = Counter(
        f"{item.channel}: {item.reason}" for item in messages.values() if item.state == "unknown"
    )
    return Verdict(faults, ends, len(evidence.received), doubts)


def _last_tries(tries: Iterable[Attempt]) -> dict[tuple[str, int, str], Attempt]:
    """Return the try that decides on each step of each run: one that was made, else the last."""
    last: dict[tuple[str, int, str], Attempt] = {}
    for item in sorted(tries, key=lambda entry: entry.attempt):
        place = (item.debt, item.run, item.step)
        if place not in last or last[place].state not in MADE:
            last[place] = item
    return last


def _of_groups(last: Mapping[tuple[str, int, str], Attempt]) -> Iterator[str]:
    groups: dict[str, set[str]] = {}
    for item in last.values():
        if item.message is not None:
            groups.setdefault(item.message, set()).add(item.state)
    yield from _tell(
        "covered steps in different states",
        (f"{message} ({sorted(states)})" for message, states in groups.items() if len(states) > 1),
    )


def _of_receipts(evidence: Evidence, last: Mapping[tuple[str, int, str], Attempt]) -> Iterator[str]:
    times = Counter(message.key for message in evidence.received)
    yield from _tell("was received twice", (key for key, count in times.items() if count > 1))
    sent = [(item.delivery, item) for item in last.values() if item.delivery]
    yield from _tell("was received and is not in the ledger", times.keys() - {key for key, _ in sent})
    yield from _tell(
        "was received and is neither accepted nor unknown",
        (
            f"{key} ({item.state}: {item.reason})"
            for key, item in sent
            if times[key] and item.state not in MADE
        ),
    )
    yield from _tell(
        "is accepted and was not received",
        (key for key, item in sent if item.state in TAKEN and not times[key]),
    )


def _of_ledger(evidence: Evidence, last: Mapping[tuple[str, int, str], Attempt]) -> Iterator[str]:
    yield from _tell("came to no end", (_name(item) for item in evidence.tries if item.state in OPEN))
    yield from _tell(
        "was passed over without a reason",
        (_name(item) for item in evidence.tries if item.state == "skipped" and not item.reason),
    )
    result = Counter((item.debt, item.run, item.step) for item in evidence.tries if item.state in MADE)
    yield from _tell("was done twice", (str(place) for place, count in result.items() if count > 1))
    seen: dict[str, set[str]] = {}
    for debt, _, step in last:
        seen.setdefault(debt, set()).add(step)
    yield from _tell(
        "lacks steps of its scenario",
        (
            f"{debt} ({sorted(evidence.steps - steps)})"
            for debt, steps in seen.items()
            if debt not in evidence.paid and evidence.steps - steps
        ),
    )
    yield from _tell(
        "was stopped, and nobody paid",
        (_name(item) for item in last.values() if item.state == "stopped" and item.debt not in evidence.paid),
    )


def _of_followups(evidence: Evidence, last: Mapping[tuple[str, int, str], Attempt]) -> Iterator[str]:
    for item in last.values():
        if item.key is None or item.state not in _STATUS:
            continue
        report = evidence.told.get(item.key)
        if report is None or report.status not in _STATUS[item.state]:
            yield f"{_name(item)} is {item.state}, and its followup {report.status if report else 'is gone'}"
    unknown = {entry.delivery for entry in last.values() if entry.state == "unknown" and entry.delivery}
    yield from _tell("is unknown and nobody is asked", unknown - evidence.asked)
    yield from _tell("is asked about and is not unknown", evidence.asked - unknown)
    reached = Counter(entry.debt for entry in evidence.told.values() if entry.is_reached)
    complete = Counter(entry.debt for entry in evidence.told.values() if entry.is_complete)
    # One that was complete is announced again if it bounced after all.
    bounced = Counter(entry.debt for entry in last.values() if entry.state == "bounced")
    for kind, counted, again in (
        ("debt.contacted", reached, Counter()),
        ("followup.completed", complete, bounced),
    ):
        yield from _tell(
            f"has another number of {kind} than of followups that call for one",
            (
                debt
                for debt in {entry.debt for entry in evidence.told.values()}
                if not 0 <= evidence.events.get((debt, kind), 0) - counted[debt] <= again[debt]
            ),
        )


def _of_payments(evidence: Evidence, last: Mapping[tuple[str, int, str], Attempt]) -> Iterator[str]:
    keys_by_delivery: dict[str | None, list[str]] = {}
    for item in last.values():
        if item.key is not None:
            keys_by_delivery.setdefault(item.delivery, []).append(item.key)
    for message in evidence.received:
        for key in keys_by_delivery.get(message.key, ()):
            report = evidence.told.get(key)
            if (
                report
                and report.debt in evidence.paid
                and message.at > evidence.paid[report.debt]
                and report.crossed_by != "payment"
            ):
                yield f"{key} was received after the payment and is not listed as crossed"


def _name(attempt: Attempt) -> str:
    return f"{attempt.debt} {attempt.run} {attempt.step} {attempt.attempt} ({attempt.key})"


def _tell(what: str, wrong: Iterable[str]) -> Iterator[str]:
    result = list(wrong)
    for item in result[:_TOLD_MAX]:
        yield f"{item} {what}"
    if len(result) > _TOLD_MAX:
        yield f"... and {len(result) - _TOLD_MAX:,} more: {what}"
