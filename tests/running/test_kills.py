"""Everything is killed, again and again, while an integrator works: the small chaos test; `bin/bench kills` is the large one."""

from testbed.chaos.scenario_run import Plan, run


def test_whatever_is_killed_nothing_is_lost_or_done_twice_or_out_of_order() -> None:
    report: list[str] = []
    # The first API dies between a change's commit and its answer, the first worker between a POST and its note.
    crash_at = {"api": "access.committed:20", "worker": "webhooks.posted:30"}
    plan = Plan(
        100_000,
        clients=2,
        between_kills=(1.0, 3.0),
        progress_between_kills=30,
        kills_enough=2,
        calm_at=1_000_000,
        crash_at=crash_at,
        patience_seconds=80,
    )

    result = run(plan, report.append)

    assert result.verdict.faults == []
    assert result.verdict.events > 100
    assert min(result.kills[word] for word in ("api", "worker", "postgres")) >= 2
    assert result.falls["api"] >= 1
    assert result.falls["worker"] >= 1
    assert result.verdict.pushed_twice >= 1
