"""`getbill serve` as its operator meets it: each test starts the real program, on its own folder and port."""

import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from program import LAST_WORDS, SECONDS, SOURCE, Program

from getbill.embedded import running_dsn
from getbill.embedded.server import LOG_BYTES_MAX
from getbill.migrations.queries import HEAD

SECRETS = ["dashboard_password", "sandbox_api_key", "client_secret", "sftp_password"]
KEYS = ["base_url", "dashboard_email", "dashboard_password", "sandbox_api_key", "client_id", "client_secret"]
KEYS += ["sftp_host", "sftp_port", "sftp_username", "sftp_password"]
README = Path(__file__).parents[2] / "README.md"
MakeProgram = Callable[..., Program]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_installation_survives_what_happens_to_it(program: MakeProgram) -> None:
    """One story, since every start costs seconds: first start, crashes, kill, second start, impatient stop."""
    first = program().start()

    credentials = first.credentials
    assert list(credentials) == KEYS
    assert credentials["base_url"] == first.url
    assert stat.S_IMODE((first.data_dir / "first-run.json").stat().st_mode) == 0o600
    # What is piped ends in logs: it names the file, and none of what the file holds.
    assert str(first.data_dir / "first-run.json") in first.said
    assert not [name for name in SECRETS if str(credentials[name]) in first.said]
    assert_the_readmes_first_debt_is_answered_with(first, 201)

    assert_files_are_dropped_with(first)
    assert_a_second_supervisor_is_refused(first, program())
    assert_whatever_is_killed_is_started_again(first)

    first.stop(signal.SIGKILL)
    log = first.data_dir / "postgres" / "log"
    leave_as_an_earlier_version_did(log)
    second = program().start()
    assert second.credentials == credentials
    assert credentials["sandbox_api_key"] not in second.said
    # The same reference with the same body is the debt that is there already.
    assert_the_readmes_first_debt_is_answered_with(second, 200)

    assert second.stop(signal.SIGINT, signal.SIGINT) == 0
    assert second.processes() == []
    assert "database system is shut down" in log.read_text()
    assert log.with_suffix(".1").exists()
    assert readable_by_others(second.data_dir) == []


def leave_as_an_earlier_version_did(log: Path) -> None:
    """Have PostgreSQL's log be everybody's to read, and so long that it is put aside at the next start."""
    log.chmod(0o644)
    with log.open("ab") as file:
        file.truncate(LOG_BYTES_MAX + 1)


def readable_by_others(data_dir: Path) -> list[str]:
    """What of a data folder others than its owner may open, whatever protects the folder itself."""
    result = [path for path in data_dir.rglob("*") if not path.is_symlink()]
    assert len(result) > 100
    return [str(path) for path in result if path.is_file() and path.stat().st_mode & 0o077]


def test_the_first_starts_secrets_are_shown_at_a_terminal(program: MakeProgram) -> None:
    started = program()
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "getbill", "serve"],
        env=started.environment,
        stdout=secondary,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(secondary)
    output = ""
    with os.fdopen(primary, encoding="utf-8") as terminal:
        for line in terminal:
            output += line
            if line.startswith(LAST_WORDS):
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0

    assert not [name for name in SECRETS[1:] if str(started.credentials[name]) not in output]


def assert_the_readmes_first_debt_is_answered_with(running: Program, status: int) -> None:
    lines = re.findall(r"^```sh\n(key=.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    script = lines.replace("http://127.0.0.1:8000", running.url).replace(
        "curl ", "curl -s -w '%{http_code}' "
    )

    done = subprocess.run(
        ["sh", "-c", script], cwd=running.data_dir.parent, capture_output=True, text=True, check=True
    )

    assert done.stdout.endswith(str(status)), done.stdout
    assert '"reference":"F-2024-0847"' in done.stdout.replace(" ", "")


def assert_files_are_dropped_with(running: Program) -> None:
    credentials, home = running.credentials, running.data_dir.parent
    asking = home / "askpass"
    asking.write_text(f"#!/bin/sh\necho '{credentials['sftp_password']}'\n")
    asking.chmod(0o700)
    (home / "batch").write_text("put askpass incoming/debts.csv\nls incoming\n")
    options = ["-Fnone", "-oBatchMode=no", "-oStrictHostKeyChecking=no", f"-oUserKnownHostsFile={home}/known"]

    done = subprocess.run(
        [
            "sftp",
            *options,
            "-oPubkeyAuthentication=no",
            f"-P{credentials['sftp_port']}",
            f"-b{home}/batch",
            f"{credentials['sftp_username']}@{credentials['sftp_host']}",
        ],
        cwd=home,
        env={"PATH": os.environ["PATH"], "SSH_ASKPASS": str(asking), "SSH_ASKPASS_REQUIRE": "force"},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )

    assert done.returncode == 0, done.stderr
    assert "incoming/debts.csv" in done.stdout.rpartition("ls incoming")[2]


def assert_a_second_supervisor_is_refused(running: Program, refused: Program) -> None:
    assert refused.launch().end() == 1

    assert f"is already running on {running.data_dir}, as process {running.process.pid}" in refused.said


def assert_whatever_is_killed_is_started_again(running: Program) -> None:
    (api,) = running.processes("getbill\0api")
    (worker,) = running.processes("getbill\0worker")
    (postmaster,) = running.processes("bin/postgres\0-D")

    for victim in (api, worker):
        os.kill(victim, signal.SIGKILL)
    # While the process is being replaced its port stays open and callers wait.
    assert running.get("/healthz")[0] == 200
    until(lambda: running.processes("getbill\0worker") not in ([], [worker]))

    os.kill(postmaster, signal.SIGKILL)
    until(lambda: running.processes("bin/postgres\0-D") not in ([], [postmaster]))
    until(lambda: running_dsn(running.data_dir) is not None)


def test_a_stop_in_the_middle_of_the_first_start_is_recovered_from(program: MakeProgram) -> None:
    interrupted = program().launch()
    until((interrupted.data_dir / "postgres" / "lock").exists)
    interrupted.stop(signal.SIGTERM)
    interrupted.until_none_is_left()

    assert list(program().start().credentials) == KEYS


def test_a_port_in_use_is_told_before_anything_is_made(program: MakeProgram) -> None:
    refused = program()
    port = int(refused.url.rsplit(":", 1)[1])

    with socket.create_server(("127.0.0.1", port)):
        assert refused.launch().end() == 1

    assert f"127.0.0.1 port {port} cannot be used" in refused.said
    assert "set GETBILL_PORT to another" in refused.said
    assert sorted(path.name for path in refused.data_dir.iterdir()) == ["serve.lock"]


def test_another_database_is_used_where_one_is_named(program: MakeProgram, empty_dsn: str) -> None:
    running = program(DATABASE_URL=empty_dsn).start()

    assert list(running.credentials) == KEYS
    assert not (running.data_dir / "postgres").exists()
    assert running.stop() == 0


@pytest.mark.parametrize("word", ["api", "worker", "sftp"])
def test_a_process_on_an_unmigrated_database_says_what_to_do(
    program: MakeProgram, empty_dsn: str, word: str
) -> None:
    environment = program(DATABASE_URL=empty_dsn).environment

    done = subprocess.run(
        [sys.executable, "-m", "getbill", word], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert (
        done.stderr
        == f"getbill {word}: The database is empty, but this program requires {HEAD}: run `getbill migrate`.\n"
    )


def test_a_missing_master_key_stops_the_start_with_the_reason(program: MakeProgram) -> None:
    first = program().start()
    first.stop()
    (first.data_dir / "master.key").unlink()

    refused = program().launch()

    assert refused.end() == 1
    sentences = [line for line in refused.said.splitlines() if re.match(r"getbill \w+: ", line)]
    # Whichever process refused first ends the start; the other may have said the same by then.
    assert all("with the master key" in sentence for sentence in sentences[:-1])
    assert re.fullmatch(
        r"getbill serve: `getbill (api|worker|sftp)` did not start; its output is above\.",
        sentences[-1],
    )
    assert "Traceback" not in refused.said


def test_the_supervisor_stays_small() -> None:
    heavy = {"fastapi", "sqlalchemy", "cryptography", "getbill.debts", "getbill.process.demo"}
    program = "import sys, getbill.process.cli, getbill.process.serve; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert heavy & set(loaded) == set()
