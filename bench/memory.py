"""`memory`: what the whole of `bin/run` holds when it has nothing to do, PostgreSQL apart.

Proportional set size: memory that processes share counts once. Measured ten seconds after the first debt, when
every process has done each of its kinds of work.
"""

import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure
from bench.first_run import first_debt
from testbed.installation import ROOT, bin_run, free_port, temporary_folder, wait
from testbed.process_memory import family

_AIM_MEGABYTES = 300.0


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    port = free_port()
    with temporary_folder() as folder, bin_run(ROOT, folder / "data", port) as started:
        wait(f"http://127.0.0.1:{port}/readyz", started, patience_seconds=300)
        first_debt(folder / "data", port)
        time.sleep(10)
        megabytes_by_process = {pid: _megabytes(pid) for pid in family(started.pid) if not _is_postgres(pid)}
        for pid, megabytes in megabytes_by_process.items():
            say(f"{megabytes:6.1f} MB {_words(pid)[-60:]}")
    return [
        Figure("memory", sum(megabytes_by_process.values()), _AIM_MEGABYTES, "MB", 1.0, is_more_better=False)
    ]


def _is_postgres(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").readlink().name == "postgres"


def _megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
