"""`first-run`: from nothing to the first debt, as somebody who has just heard of GetBill does it.

A bare clone, `bin/run`, and the seed's own call with the key it printed. No cache of pip or npm helps.
"""

import json
import subprocess
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figures import Figure
from testbed.installation import ROOT, bin_run, free_port, read, temporary_folder

_AIM_SECONDS = 300.0
_PATIENCE_SECONDS = 560.0
_SEED = b"""{
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"},
    "amount": 2340.00, "currency": "EUR", "reference": "F-2024-0847", "due_date": "2024-01-15",
    "scenario": "standard_3_waves"
}"""


class NoDebt(RuntimeError):
    """`bin/run` ended, or took too long, before the first debt was made."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    port = free_port()
    with temporary_folder() as folder:
        began = time.monotonic()
        clone = folder / "getbill"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        uncached = {"PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(folder / "npm")}
        with bin_run(clone, folder / "data", port, uncached) as started:
            while not _is_made(folder / "data", port):
                if started.poll() is not None or time.monotonic() - began > _PATIENCE_SECONDS:
                    raise NoDebt(f"There was no 201 after {time.monotonic() - began:.0f} s.")
                time.sleep(0.1)
            seconds = time.monotonic() - began
        say(f"the first 201 came {seconds:.1f} s after the clone began")
    return [Figure("first-run", seconds, _AIM_SECONDS, "seconds", 1.0, is_more_better=False)]


def _is_made(data: Path, port: int) -> bool:
    try:
        first_debt(data, port)
    except (FileNotFoundError, urllib.error.URLError, ConnectionError):
        return False
    return True


def first_debt(data: Path, port: int) -> Any:
    """Make the seed's debt with the sandbox's key, as first-run.json tells it."""
    key = json.loads((data / "first-run.json").read_text("utf-8"))["sandbox_api_key"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return read(f"http://127.0.0.1:{port}/external-api/v1/debts", _SEED, headers)
