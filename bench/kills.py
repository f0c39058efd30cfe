"""`kills`: 100,000 events while API, worker and database are each killed every few seconds.

Everything committed has to be pulled once and in order, pushed at least once, and never started out of order for a
debt; whatever else is found fails the figure and is told. The figure is how many deliveries came twice. Fewer events:
`BENCH_KILLS_EVENTS=5000 bin/bench kills`.
"""

import os
from collections.abc import Callable

from bench.figures import Figure
from testbed.chaos.scenario_run import Plan, run

_EVENTS = 100_000


class PromiseBroken(RuntimeError):
    """Something was lost, or came out of order."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    plan = Plan(int(os.environ.get("BENCH_KILLS_EVENTS", _EVENTS)))
    result = run(plan, say)
    verdict = result.verdict
    for fault in verdict.faults:
        say(fault)
    say(
        f"{verdict.events:,} events and {verdict.due:,} deliveries in {result.seconds:.0f} s, {result.kills} killed,"
        f" {sum(result.again.values()):,} calls made again ({result.again}); {verdict.late_repeats} of those pushed"
        " twice came after something later of their debt"
    )
    if verdict.faults:
        raise PromiseBroken(f"{len(verdict.faults)} faults, told above.")
    return [
        Figure(
            "kills", verdict.pushed_twice, verdict.due, "deliveries pushed twice", None, is_more_better=False
        )
    ]
