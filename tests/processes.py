"""A whole installation as it runs in production: an API process and a worker process on one database."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from time import monotonic, sleep

import requests

SOURCE = Path(__file__).parents[1] / "src"
START_SECONDS = 30.0


@contextmanager
def running(environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run `getbill api` and `getbill worker` and yield the URL once they are ready; both are stopped after."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    certificate = environment.get("GETBILL_TLS_CERT")
    url = f"{'https' if certificate else 'http'}://127.0.0.1:{bound.getsockname()[1]}"
    base = {
        "PYTHONPATH": str(SOURCE),
        "GETBILL_BASE_URL": url,
        "GETBILL_DATA_DIR": str(folder),
        **environment,
    }
    logs = {name: (folder / f"{name}.log").open("wb") for name in ("api", "worker")}
    words = {"api": ["api", "--listen-fd", str(bound.fileno())], "worker": ["worker"]}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "getbill", *words[name]],
            env={**_outside(), **base},
            pass_fds=[bound.fileno()],
            stderr=log,
        )
        for name, log in logs.items()
    ]
    try:
        _wait_until_ready(url, started, folder, certificate or True)
        yield url
    finally:
        for process in started:
            process.terminate()
        ends = [process.wait(60) for process in started]
        bound.close()
        for log in logs.values():
            log.close()
    # Uvicorn ends by the signal that stopped it, once it has finished.
    assert set(ends) <= {0, -SIGTERM}, f"The processes ended with {ends}: {log_text(folder)}"


def _outside() -> dict[str, str]:
    """What a process needs of this one's environment, without any setting of ours."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}


def _wait_until_ready(
    url: str, started: list[subprocess.Popen[bytes]], folder: Path, trusted: str | bool
) -> None:
    until = monotonic() + START_SECONDS
    while monotonic() < until:
        assert all(process.poll() is None for process in started), f"A process fell: {log_text(folder)}"
        try:
            if requests.get(f"{url}/readyz", timeout=5, verify=trusted).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        sleep(0.05)
    raise AssertionError(f"Not ready in {START_SECONDS} s: {log_text(folder)}")


def log_text(folder: Path) -> str:
    """The end of what the processes logged."""
    return "\n".join(f"{log.name}: {log.read_text('utf-8')[-3000:]}" for log in sorted(folder.glob("*.log")))
