"""The embedded server as it is really run: these start PostgreSQL, once or more, each in its own data folder."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from getbill.embedded import AccountChoice, ClusterInUse, Server, available, reach, running_dsn
from getbill.embedded.data_folder import SOCKET_FOLDER_MAX, ClusterOptions

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: the system user has to get through to its own home, which the test lays out here.
    path = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def ask(dsn: str, question: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(asked())


def server(data_dir: Path, wish: ClusterOptions | None = None) -> Server:
    return Server(data_dir, durable=False, options=wish)


def test_it_listens_on_a_private_socket_and_on_nothing_else(folder: Path) -> None:
    with server(folder / "data") as running:
        assert ask(running.dsn, "SHOW listen_addresses") == ""
        sockets = list((folder / "data").rglob(".s.PGSQL.5432"))
        assert len(sockets) == 1
        assert stat.S_IMODE(sockets[0].parent.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700


def test_text_is_utf8_and_sorted_by_code_point(folder: Path) -> None:
    with server(folder / "data") as running:
        assert ask(running.dsn, "SHOW server_encoding") == "UTF8"
        assert ask(running.dsn, "SELECT lower('ÉÈ') || ('Z' < 'a')::text") == "éètrue"


def test_a_second_start_finds_what_the_first_left(folder: Path) -> None:
    with server(folder) as running:
        ask(running.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")

    with server(folder) as running:
        assert ask(running.dsn, "SELECT answer FROM kept") == 42


def test_a_data_folder_too_deep_for_a_socket_gets_a_short_private_one(folder: Path) -> None:
    deep = folder / ("d" * SOCKET_FOLDER_MAX)

    with server(deep) as running:
        assert ask(running.dsn, "SELECT 1") == 1
        short = running.dsn.split("host=")[1].replace("%2F", "/")
        assert stat.S_IMODE(Path(short).stat().st_mode) == 0o700

    assert not Path(short).exists()


def test_one_process_at_a_time_owns_a_cluster(folder: Path) -> None:
    with server(folder) as running:
        with pytest.raises(ClusterInUse):
            server(folder).start(patience_seconds=0)

        assert running_dsn(folder) == running.dsn


def test_a_command_uses_the_running_server_or_one_of_its_own(folder: Path) -> None:
    with reach(folder) as alone:
        assert ask(alone, "SELECT 1") == 1
    assert running_dsn(folder) is None

    with server(folder) as running, reach(folder) as shared:
        assert shared == running.dsn


def test_it_ends_with_a_killed_owner_and_the_next_one_recovers(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from getbill.embedded import Server\n"
        "print(Server(Path(sys.argv[1])).start(), flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        env=os.environ | {"PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    ask(owner.stdout.readline().strip(), "CREATE TABLE kept AS SELECT 42 AS answer")

    owner.kill()
    owner.wait()
    owner.stdout.close()

    with server(folder) as running:
        assert ask(running.dsn, "SELECT answer FROM kept") == 42


def test_a_killed_server_comes_back_on_the_same_socket(folder: Path) -> None:
    with server(folder) as running:
        before = running.dsn
        assert running.process is not None
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        assert not running.is_running

        running.restart()

        assert running.dsn == before
        assert ask(before, "SELECT 1") == 1


def test_a_server_without_owner_is_shut_down_and_replaced(folder: Path) -> None:
    with server(folder):
        pass
    # Started by hand, tied to nobody: what a kernel without death signals would leave behind.
    socket_folder, programs = folder / "postgres" / "socket", available()[max(available())]
    command = [
        programs.program("postgres"),
        "-D",
        str(folder / "postgres" / "cluster"),
        "-c",
        "listen_addresses=",
    ]
    command += ["-c", f"unix_socket_directories={socket_folder}"]
    orphan = subprocess.Popen(as_cluster_owner(folder, command), stderr=subprocess.DEVNULL)
    while running_dsn(folder) is None:
        assert orphan.poll() is None

    with server(folder) as running:
        assert orphan.wait() == 0
        assert ask(running.dsn, "SELECT 1") == 1


def as_cluster_owner(folder: Path, command: list[str]) -> list[str]:
    """Return the command as the account that owns the cluster, without the tie to this process."""
    if os.geteuid():
        return command
    base = min((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid), default=1)
    return ["unshare", "--user", f"--map-user={base}", "--", *command]


def test_a_stale_pid_that_is_somebody_else_now_does_not_stop_the_start(folder: Path) -> None:
    with server(folder):
        pass
    pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
    pid_file.write_text(
        f"{os.getpid()}\n{pid_file.parent}\n1700000000\n5432\n{folder}/postgres/socket\n\n1 1\nready\n"
    )
    pid_file.chmod(0o600)

    with server(folder) as running:
        assert ask(running.dsn, "SELECT 1") == 1


def test_an_interrupted_first_start_begins_again(folder: Path) -> None:
    unfinished = folder / "postgres" / "cluster.new"
    unfinished.mkdir(parents=True)
    (unfinished / "half").write_text("made")

    with server(folder) as running:
        assert ask(running.dsn, "SELECT 1") == 1
    assert not unfinished.exists()


def test_what_it_logs_quotes_no_values(folder: Path) -> None:
    with server(folder) as running:
        ask(running.dsn, "CREATE TABLE people (email text UNIQUE)")
        ask(running.dsn, "INSERT INTO people VALUES ('jean.dupont@email.com')")
        with pytest.raises(asyncpg.UniqueViolationError):
            ask(running.dsn, "INSERT INTO people VALUES ('jean.dupont@email.com')")

    assert "jean.dupont" not in running.log.read_text()


@needs_root
def test_root_runs_it_in_a_user_namespace_below_a_closed_folder(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    with server(closed / "data", ClusterOptions(account=AccountChoice.NAMESPACE)) as running:
        assert ask(running.dsn, "SELECT 1") == 1

        assert running.process is not None
        assert owner_outside(running.process.pid) == 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_root_runs_it_as_a_system_user_with_a_home_of_its_own(folder: Path) -> None:
    closed, home = folder / "closed", folder / "var" / "getbill"
    closed.mkdir(mode=0o700)
    wish = ClusterOptions(account=AccountChoice.USER, home=home)

    with server(closed / "data", wish) as running:
        ask(running.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")

        assert running.process is not None
        assert owner_outside(running.process.pid) == pwd.getpwnam("getbill").pw_uid
        executable = Path(f"/proc/{running.process.pid}/exe").readlink()
        assert executable.is_relative_to(home)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not (closed / "data" / "postgres" / "cluster").exists()

    # A later start follows the cluster, whatever would be chosen now.
    with server(closed / "data") as running:
        assert ask(running.dsn, "SELECT answer FROM kept") == 42


@needs_root
def test_the_system_users_cluster_is_closed_to_others(folder: Path) -> None:
    home = folder / "var"

    with server(folder / "data", ClusterOptions(account=AccountChoice.USER, home=home)):
        clusters = list((home / "clusters").iterdir())
        assert len(clusters) == 1
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in clusters[0].iterdir()}

    assert modes == {"cluster": 0o700, "socket": 0o700}


@needs_root
def test_root_starts_another_users_cluster_as_that_user(folder: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    with server(folder / "data"):
        pass
    for path in (folder / "data", *(folder / "data").rglob("*")):
        os.chown(path, daemon.pw_uid, daemon.pw_gid)

    with server(folder / "data") as running:
        assert ask(running.dsn, "SELECT 1") == 1

        assert running.process is not None
        assert owner_outside(running.process.pid) == daemon.pw_uid


def owner_outside(pid: int) -> int:
    """The user a process is, as the machine sees it."""
    uids = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:")
    )
    return int(uids.split()[1])


def test_the_socket_limit_is_the_kernels() -> None:
    longest = "/" + "s" * (SOCKET_FOLDER_MAX - 1) + "/.s.PGSQL.5432"

    with socket.socket(socket.AF_UNIX) as unix:
        with pytest.raises(FileNotFoundError):
            unix.connect(longest)
        with pytest.raises(OSError, match="too long"):
            unix.connect(longest + "x")
