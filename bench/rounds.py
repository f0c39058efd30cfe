"""One round of load against a server, and what its process spent on it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.installation import ROOT

CONNECTIONS = 16
SECONDS = 4.0
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two servers under load."""

    name: str
    port: int
    process_id: int
    token: str


class RoundBroken(RuntimeError):
    """Answers were missing or wrong: the round measures nothing."""


def run(module: str, job: dict[str, Any], expected: str) -> dict[str, Any]:
    """Have a module of its own process do a job of some `seconds`; all answers must have the expected status."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(job),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=job["seconds"] + 60,
        check=False,
    )
    if done.returncode:
        raise RoundBroken(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    if set(result["statuses"]) != {expected} or result.get("broken"):
        raise RoundBroken(f"{result['statuses']} {result.get('broken', '')}")
    return result


def play(side: Side, expected: str, job: dict[str, Any]) -> float:
    """Load a server for a round and return its answers a second; all of them must have the expected status."""
    timing = {"connections": CONNECTIONS, "seconds": SECONDS, "warm_up_seconds": WARM_UP_SECONDS}
    before = _processor_seconds(side.process_id)
    result = run("bench.load", {"port": side.port, "token": side.token} | timing | job, expected)
    spent = (_processor_seconds(side.process_id) - before) / (SECONDS + WARM_UP_SECONDS)
    per_second = float(result["per_second"])
    print(
        f"  {side.name}: {per_second:.0f}/s, {spent / per_second * 1e6:.0f} us of processor each,"
        f" p99 {result['p99_ms']:.1f} ms",
        file=sys.stderr,
    )
    return per_second


def _processor_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
