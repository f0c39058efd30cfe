"""The fork server of `getbill serve`: what it forks shares its code, and nothing that must not be shared."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from program import SECONDS, SOURCE, Program

MakeProgram = Callable[..., Program]

# A supervisor in small: it forks what is asked for on its command line, and prints the exit statuses.
SUPERVISOR = """
import asyncio, json, os, signal, sys, time
from getbill.kit import ids
from getbill.process.subprocesses import ForkServer, Program

out = sys.argv[1]

def main():
    match sys.argv[1]:
        case "ids": text = " ".join(str(ids.new()) for _ in range(2_000))
        case "inherited": text = os.read(int(sys.argv[2]), 5).decode() + os.environ["COLOUR"]
        case "signals":
            text = f"{signal.getsignal(signal.SIGTERM)} {signal.getsignal(signal.SIGCHLD)} {os.getsid(0) == os.getpid()}"
        case "open": text = " ".join(sorted(os.listdir("/proc/self/fd"), key=int))
        case "exit": sys.exit(3)
        case "defect": raise RuntimeError
        case "killed": os.kill(os.getpid(), signal.SIGKILL)
        case "stays": time.sleep(600)
    with open(f"{out}/{os.getpid()}", "w") as file:
        file.write(text)

server = ForkServer.start(Program("getbill", lambda: None, main))

async def fork(word):
    read, write = os.pipe()
    os.write(write, b"hello")
    process = await server.fork((word, "{0}"), {"COLOUR": "blue"}, (read,))
    if word == "stays":
        process.terminate()
    return [word, process.pid, await process.wait()]

async def all_of_them():
    print(json.dumps(await asyncio.gather(*map(fork, sys.argv[2:]))))

asyncio.run(all_of_them())
server.close()
"""


def forked(folder: Path, *words: str) -> list[tuple[str, int, int, str]]:
    """Fork a process for each word; return word, number, exit status and what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR, str(folder), *words],
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        check=True,
        timeout=SECONDS,
    )
    results: Any = json.loads(done.stdout)
    files = {pid: folder / str(pid) for _, pid, _ in results}
    return [
        (word, pid, status, files[pid].read_text() if files[pid].exists() else "")
        for word, pid, status in results
    ]


def test_each_gets_its_words_environment_and_descriptors(tmp_path: Path) -> None:
    [(_, _, status, text)] = forked(tmp_path, "inherited")

    assert (status, text) == (0, "helloblue")


def test_its_exit_status_is_reported(tmp_path: Path) -> None:
    results = forked(tmp_path, "ids", "exit", "defect", "killed", "stays")

    assert [status for _, _, status, _ in results] == [0, 3, 1, -signal.SIGKILL, -signal.SIGTERM]


def test_two_never_make_the_same_identifier(tmp_path: Path) -> None:
    made = [text.split() for _, _, _, text in forked(tmp_path, "ids", "ids", "ids")]

    assert len({text for texts in made for text in texts}) == 6_000
    # Nor the same random part at another millisecond.
    assert len({text[-12:] for texts in made for text in texts}) == 6_000


def test_it_starts_with_the_signals_of_a_program_of_its_own(tmp_path: Path) -> None:
    [(_, _, _, text)] = forked(tmp_path, "signals")

    assert text == "0 0 True"


def test_it_inherits_no_channel_of_the_fork_server(tmp_path: Path) -> None:
    """Standard input, output and error, the pipe that it was given, and the folder that it lists."""
    opened = [text.split() for _, _, _, text in forked(tmp_path, "open", "open", "open")]

    assert [len(descriptors) for descriptors in opened] == [5, 5, 5]


def links(pid: int) -> list[str]:
    return [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]


def megabytes(pid: int, *kinds: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(kinds)) / 1024


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_processes_share_their_code_and_come_back_without_the_fork_server(program: MakeProgram) -> None:
    running = program().start()
    (server,) = running.processes("getbill\0fork-server")
    until(lambda: len(running.processes("getbill\0sftp")) == 1)
    before = {word: running.processes(f"getbill\0{word}") for word in ("api", "worker", "sftp")}

    assert_a_fork_copies_nothing_else(server)
    for (pid,) in before.values():
        # Of the 90 MB and more of code in each, most is shared by four processes.
        assert megabytes(pid, "Shared_Clean", "Shared_Dirty") > 50
        assert not [link for link in links(pid) if link.endswith("supervisor.lock")]

    os.kill(server, signal.SIGKILL)
    for word, [pid] in before.items():
        until(lambda word=word, pid=pid: running.processes(f"getbill\0{word}") not in ([], [pid]))  # type: ignore[misc]
    until(lambda: running.get("/healthz")[0] == 200)
    assert running.process.poll() is None
    assert running.stop() == 0
    assert running.processes() == []


def assert_a_fork_copies_nothing_else(server: int) -> None:
    """No thread, and no socket but those to the supervisor: the control and one for each process."""
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1
    inodes = {link.removeprefix("socket:[")[:-1] for link in links(server) if link.startswith("socket:")}
    unix = {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines()[1:]}
    assert len(inodes) == 4
    assert inodes <= unix


def test_what_is_forked_ends_with_a_killed_supervisor(program: MakeProgram) -> None:
    running = program().start()
    until(lambda: len(running.processes("getbill\0sftp")) == 1)

    running.stop(signal.SIGKILL)

    running.until_none_is_left()
    assert running.processes() == []


def test_a_fork_server_that_hangs_does_not_keep_the_supervisor_from_stopping(program: MakeProgram) -> None:
    running = program().start()
    (server,) = running.processes("getbill\0fork-server")
    until(lambda: len(running.processes("getbill\0sftp")) == 1)

    os.kill(server, signal.SIGSTOP)

    assert running.stop() == 0
    assert running.processes() == []
