"""`contact-kills`: 1,000 contacts by real SMTP and HTTP while workers and database are killed 200 times.

Every other three debts are of one person, whose messages are about all of them. Leases last a second. What the providers received is the truth: nothing twice, nothing lost, the ledger within it and it
within the ledger; whatever else is found fails the figure and is told. The figure is how many contacts a person had to
be asked about: those that were on the wire when their worker was killed, and those of a provider that hung up and cannot
be asked. Fewer kills: `BENCH_CONTACT_KILLS=40 bin/bench contact-kills`; with the journals of hand-overs cut, deleted, copied
and swapped all along: `BENCH_CONTACT_SPOIL=1`.
"""

import asyncio
import os
from collections.abc import Callable

from bench.figures import Figure
from getbill.settings import Settings
from testbed.contact_chaos.scenario_run import ContactRunResult, Plan, RunSetup, run
from testbed.installation import prepared_installation

_KILLS = 200
_CONTACTS_A_KILL = 5
_CONTACTS_A_DEBT = 6
# Of 960 steps, at most 60 were in doubt.
_TARGET_SHARE = 60 / 960


class PromiseBroken(RuntimeError):
    """Somebody was contacted twice, or forgotten, or the ledger says otherwise."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    kills = int(os.environ.get("BENCH_CONTACT_KILLS", _KILLS))
    count = -(-kills * _CONTACTS_A_KILL // _CONTACTS_A_DEBT)
    with prepared_installation() as base:
        stage = RunSetup(
            Settings(data_dir=base.folder).with_dsn(base.dsn), base.folder / "chaos", base.server
        )
        stage.folder.mkdir()
        plan = Plan(
            count,
            kills,
            paid=count // 10,
            spoils_journals=bool(os.environ.get("BENCH_CONTACT_SPOIL")),
            has_groups=True,
        )
        result = asyncio.run(run(plan, stage, say))
    _report(result, count, say)
    faults = result.before.faults + result.after.faults
    if faults:
        raise PromiseBroken(f"{len(faults)} faults, told above.")
    request = result.before.ends["unknown"]
    return [
        Figure(
            "contact-kills",
            request,
            result.before.ends.total(),
            "contacts a person is asked about",
            _TARGET_SHARE,
            is_more_better=False,
        )
    ]


def _report(result: ContactRunResult, count: int, say: Callable[[str], None]) -> None:
    before, after = result.before, result.after
    for fault in (*before.faults, *after.faults):
        say(fault)
    say(
        f"{count} debts, {before.ends.total():,} steps, {dict(result.kills)} killed and {result.falls} more died at a named"
        f" point, in {result.seconds:.0f} s"
    )
    say(
        f"{before.received:,} messages received, {result.crossed} crossed a payment; steps ended {dict(before.ends)}"
    )
    for reason, number in before.doubts.most_common():
        say(f"{number} unknown: {reason}")
    say(f"after a person's decisions: {after.received:,} received; steps ended {dict(after.ends)}")
