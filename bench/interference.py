"""`import-beside`: how long GET /debts/{id} takes while a file of 100,000 rows is being imported, beside idle.

Fifty requests a second, whether or not the ones before were answered, on the same machine, in three alternating pairs.
Beside an import they are asked for as long as it runs, from the answer to its upload on.
"""

from collections.abc import Callable
from typing import Any

from bench.figures import Figure, Pairs
from bench.import_files import (
    ROWS,
    ImportInstallation,
    import_installation,
    load_csv,
    upload,
    wait,
    write_csv,
)
from bench.rounds import RoundBroken, run

_PER_SECOND = 50
_IDLE_SECONDS = 12.0
_IMPORT_SECONDS_MAX = 600.0
# Fewer tell nothing of the slowest in twenty.
_ASKED_MIN = 100
_PAIRS = 3
_AT_MOST = 3.0


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    pairs = Pairs([], [])
    with import_installation() as ours:
        load_csv(ours, 0, ROWS)
        paths = _known(ours)
        _p95(ours, paths, {"seconds": _IDLE_SECONDS / 4})
        file = ours.home.folder / "debts.csv"
        for number in range(1, _PAIRS + 1):
            pairs.limit.append(_p95(ours, paths, {"seconds": _IDLE_SECONDS}))
            write_csv(file, number * ROWS, ROWS)
            started = upload(ours.api, file)
            during = {"seconds": _IMPORT_SECONDS_MAX, "during": f"/imports/{started['id']}"}
            pairs.ours.append(_p95(ours, paths, during))
            answer = wait(ours.api, started["id"])
            if answer["state"] != "completed" or answer["counts"]["created"] != ROWS:
                raise RoundBroken(f"The import did not complete: {answer}")
            say(f"pair {number}: idle {pairs.limit[-1]:.1f} ms, importing {pairs.ours[-1]:.1f} ms")
    unit = "ms, 95th percentile while importing"
    return [pairs.figure("import-beside", unit, _AT_MOST, is_more_better=False)]


def _known(ours: ImportInstallation) -> list[str]:
    pages = [ours.api.call(f"/debts?limit=100&page={page}")["data"] for page in range(1, 6)]
    return [debt["id"] for page in pages for debt in page]


def _p95(ours: ImportInstallation, existing: list[str], timing: dict[str, Any]) -> float:
    job = {"port": ours.api.port, "token": ours.api.token, "ids": existing, "per_second": _PER_SECOND}
    result = run("bench.openloop", job | timing, "200")
    request = result["statuses"]["200"]
    if request < _ASKED_MIN:
        raise RoundBroken(f"The import was over when {request} requests had been made: it takes more rows.")
    return float(result["p95_ms"])
