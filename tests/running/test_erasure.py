"""An erasure that was answered outlives a kill and a restored folder, across a rotation while everything runs."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import requests
from program import SECONDS, Program

MakeProgram = Callable[..., Program]
ROOMY = {"GETBILL_RATE_LIMIT_SANDBOX": "100000"}


def call(running: Program, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {running.credentials['sandbox_api_key']}"}
    url = f"{running.url}/external-api/v1{path}"
    answer = requests.request(method, url, json=body, headers=headers, timeout=SECONDS)
    return answer.status_code, answer.json()


def open_sealed(running: Program, reference: str) -> str:
    debt = {"debtor": {"name": f"Debtor {reference}"}, "amount": 10, "reference": reference}
    status, result = call(running, "POST", "/debts", debt | {"timeline_start_mode": "next_day"})
    assert status == 201, result
    debt_id: str = result["id"]
    return debt_id


def command(running: Program, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "getbill", *words],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_answered_erasure_outlives_a_kill_and_a_restored_folder(program: MakeProgram) -> None:
    first = program(**ROOMY).start()
    assert "Database backups can be opened for 24 days." in first.said
    gone, stays = open_sealed(first, "F-GONE"), open_sealed(first, "F-STAYS")
    assert first.stop(signal.SIGTERM) == 0
    backup = first.data_dir.parent / "backup"
    subprocess.run(["cp", "-a", first.data_dir / "postgres", backup], check=True)

    second = program(**ROOMY).start()
    rotated(second, stays)
    assert call(second, "DELETE", f"/debts/{gone}")[0] == 200
    residue = json.loads(command(second, "vault", "residue", "--json"))
    assert residue["openable"] >= 2
    second.stop(signal.SIGKILL)
    second.until_none_is_left()

    shutil.rmtree(first.data_dir / "postgres")
    pathlib.Path(backup).rename(first.data_dir / "postgres")
    third = program(**ROOMY).start()
    assert call(third, "GET", f"/debts/{gone}")[0] == 404
    assert call(third, "GET", f"/debts/{stays}")[0] == 200
    assert "can be opened with the master key" in command(third, "vault", "status")


def rotated(running: Program, debt_id: str) -> None:
    """Rotate the master key while somebody reads and writes; nobody is refused."""
    statuses: list[int] = []
    is_over = threading.Event()

    def work() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            statuses.append(call(running, "GET", f"/debts/{debt_id}")[0])
            open_sealed(running, f"F-{number}")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        output = command(running, "vault", "rotate")
    finally:
        is_over.set()
        worker.join()
    assert output.startswith("All keys are under the master key ")
    assert set(statuses) == {200}
