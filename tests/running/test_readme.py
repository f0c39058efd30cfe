"""README and the guide to the sandbox to the letter: their shell blocks, in the order they stand, against one `getbill serve`."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from program import SECONDS, Program

README = Path(__file__).parents[2] / "README.md"
SANDBOX = README.parent / "docs" / "sandbox.md"
# Blocks that are not run here, by their first words; each with the reason.
ELSEWHERE = {
    "bin/run": "is what this test runs the others against, without the installation that precedes it",
    "pip install": "wants the wheel, which tests/running/test_wheel.py builds",
    "export DATABASE_URL": "names a PostgreSQL of somebody's own; tests/processes.py starts these processes",
}
# A block, or a command in the text that goes on until Ctrl-C.
STEP = re.compile(
    r"^```sh\n(?P<block>.*?)^```$|`(?P<following>bin/getbill \w+ tail[^`]*)`", re.MULTILINE | re.DOTALL
)
# Each block is a shell of its own, which knows the variables of those before it.
PRELUDE = """
set -eua
[ ! -e variables ] || . ./variables
curl() { command curl --silent --show-error --fail-with-body "$@" && echo; }
"""
POSTSCRIPT = "\nexport -p > variables\n"


def steps(text: str) -> Iterator[re.Match[str]]:
    """Yield what is to be run, in its order; what is run elsewhere is left out, each of it once."""
    left = set(ELSEWHERE)
    for step in STEP.finditer(text):
        reason = next((words for words in ELSEWHERE if (step["block"] or "").startswith(words)), None)
        if reason is None:
            yield step
        else:
            left.remove(reason)
    assert not left


def clone(program: Program) -> Path:
    """Return a folder that looks like a clone whose environment is installed: `data` and `bin/getbill`."""
    folder = program.data_dir.parent
    (folder / "bin").mkdir()
    command = folder / "bin" / "getbill"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m getbill "$@"\n')
    command.chmod(0o755)
    return folder


def run_block(block: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", PRELUDE + block + POSTSCRIPT],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def run_until_ctrl_c(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a command that follows something, press Ctrl-C once it says anything, and return its first line."""
    with subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as following:
        assert following.stdout is not None
        output = following.stdout.readline().decode()
        following.send_signal(signal.SIGINT)
        following.stdout.read()
        assert following.wait(SECONDS) == 130, output
    return output


def test_every_block_of_the_readme_works_in_the_order_they_stand(program: Callable[..., Program]) -> None:
    running = program().start()
    folder = clone(running)
    followed = []
    for step in steps(README.read_text("utf-8").replace("http://127.0.0.1:8000", running.url)):
        if step["block"]:
            run_block(step["block"], folder, running.environment)
        else:
            followed.append(run_until_ctrl_c(step["following"], folder, running.environment))

    assert followed == ["Waiting for new entries. Press Ctrl-C to stop.\n"] * 2
    # What the text promises of them.
    key = running.credentials["sandbox_api_key"]
    assert [debt["status"] for debt in debts_of(running, key, "F-2024-0847")] == ["resolved"]
    deadline = time.monotonic() + SECONDS
    while not (imported := debts_of(running, key, "F-2024-0849")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [item["amount"] for item in imported] == [45.5]


def test_every_block_of_the_sandbox_guide_works_in_the_order_they_stand(
    program: Callable[..., Program],
) -> None:
    running = program().start()
    folder = clone(running)
    key = running.credentials["sandbox_api_key"]
    run_block(f"key={key}\n", folder, running.environment)
    guide = SANDBOX.read_text("utf-8").replace("http://127.0.0.1:8000", running.url)

    for block in re.findall(r"^```sh\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL):
        run_block(block, folder, running.environment)

    assert [debt["status"] for debt in debts_of(running, key, "T-1")] == ["resolved"]


def debts_of(running: Program, key: str, reference: str) -> list[dict[str, Any]]:
    url = f"{running.url}/external-api/v1/debts?reference={reference}"
    with urlopen(Request(url, headers={"Authorization": f"Bearer {key}"}), timeout=SECONDS) as answer:  # noqa: S310 our own server
        result: list[dict[str, Any]] = json.load(answer)["data"]
    return result
