"""How long GET /debts/{id} takes while a file of 100,000 rows is being imported, beside idle.

Fifty requests a second, whether or not the ones before were answered, on the same machine; three alternating rounds.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.figures import Figure
from bench.files import ROWS, House, upload, wait, write_csv
from bench.installation import ROOT
from bench.rounds import RoundBroken

_PER_SECOND = 50
_SECONDS = 12.0
_PAIRS = 3
_AT_MOST = 3.0


def figure(ours: House, first: int, say: Callable[[str], None]) -> Figure:
    """Return the figure; its debts are those from a number on."""
    idle, busy = [], []
    file, known = ours.home.folder / "debts.csv", _known(ours)
    for number in range(_PAIRS):
        idle.append(_p95(ours, known))
        write_csv(file, first + number * ROWS, ROWS)
        started = upload(ours.api, file)
        _until_importing(ours, started["id"])
        busy.append(_p95(ours, known))
        state = ours.api.call(f"/imports/{started['id']}")["state"]
        say(f"pair {number + 1}: idle {idle[-1]:.1f} ms, importing {busy[-1]:.1f} ms ({state} at the end)")
        wait(ours.api, started["id"])
    unit = "ms, 95th percentile while importing"
    return Figure("import-beside", median(busy), median(idle), unit, _AT_MOST, is_more_better=False)


def _until_importing(ours: House, identifier: str) -> None:
    while ours.api.call(f"/imports/{identifier}")["state"] in {"uploaded", "mapped", "checked"}:
        time.sleep(0.1)


def _known(ours: House) -> list[str]:
    pages = [ours.api.call(f"/debts?limit=100&page={page}")["data"] for page in range(1, 6)]
    return [debt["id"] for page in pages for debt in page]


def _p95(ours: House, known: list[str]) -> float:
    job: dict[str, Any] = {
        "port": ours.api.port,
        "token": ours.api.token,
        "ids": known,
        "per_second": _PER_SECOND,
        "seconds": _SECONDS,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.openloop"],
        input=json.dumps(job),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise RoundBroken(done.stderr)
    result = json.loads(done.stdout)
    if set(result["statuses"]) != {"200"}:
        raise RoundBroken(str(result["statuses"]))
    return float(result["p95_ms"])
