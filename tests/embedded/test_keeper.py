"""The embedded server kept up: whatever keeps it down is said in one sentence, and once that is gone it is back."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from getbill.embedded import Outage, Server, ServerDidNotStart, ServerSupervisor, outage_causes
from getbill.embedded import server as servers
from waiting import until

FOLDER = Path("/nowhere/cluster")


@pytest.fixture
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    folder.chmod(0o755)
    result = Server(folder, durable=False)
    yield result
    result.stop()
    shutil.rmtree(folder)


def cluster_of(server: Server) -> Path:
    return server.folder / "cluster"


@asynccontextmanager
async def kept(server: Server) -> AsyncIterator[Outage]:
    """Keep a server up beside a test."""
    outage, stop = Outage.create(), asyncio.Event()
    task = asyncio.create_task(ServerSupervisor(server, outage, stop).run())
    try:
        await until(lambda: server.is_ready and outage.sentence() is None)
        yield outage
    finally:
        stop.set()
        await task


def kill(server: Server) -> int:
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    return server.process.pid


async def answers(server: Server) -> bool:
    try:
        connection = await asyncpg.connect(server.dsn)
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def open_to_others(cluster: Path) -> Callable[[], None]:
    cluster.chmod(0o755)
    return lambda: cluster.chmod(0o700)


def of_another_version(cluster: Path) -> Callable[[], None]:
    version = cluster / "PG_VERSION"
    right = version.read_text()
    version.write_text("12\n")
    return lambda: (version.write_text(right), None)[1]


def without_settings(cluster: Path) -> Callable[[], None]:
    settings = cluster / "postgresql.conf"
    settings.rename(cluster / "aside")
    return lambda: ((cluster / "aside").rename(settings), None)[1]


def somebody_elses(cluster: Path) -> Callable[[], None]:
    if os.geteuid():
        pytest.skip("only root may give a folder away")
    os.chown(cluster, 12_345, 12_345)
    return lambda: os.chown(cluster, 0, 0)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (open_to_others, "cluster is open to others: set its mode to 0700."),
        (of_another_version, "The database was made by another version of PostgreSQL"),
        (without_settings, "cluster is not a whole database: put the folder back, or restore a backup."),
        (somebody_elses, "back to its owner."),
    ],
)
async def test_what_keeps_it_down_is_said_and_once_gone_it_is_back(
    server: Server, spoil: Callable[[Path], Callable[[], None]], sentence: str
) -> None:
    server.claim()
    cluster = cluster_of(server)
    async with kept(server) as outage:
        mend = spoil(cluster)
        kill(server)

        await until(lambda: sentence in (outage.sentence() or ""))

        mend()
        await until(lambda: outage.sentence() is None)
        assert await until(lambda: answers(server))


async def test_a_server_killed_while_it_recovers_is_started_again(server: Server) -> None:
    server.claim()
    async with kept(server):
        for _ in range(5):
            before = kill(server)
            # Whatever it is at by then, starting or recovering.
            await until(lambda before=before: server.process is not None and server.process.pid != before)
        assert await until(lambda: answers(server))


async def test_a_server_that_gets_no_further_is_ended_and_started_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.claim()
    monkeypatch.setattr(servers, "START_SECONDS", 0.5)
    monkeypatch.setattr(servers, "HANGING_SECONDS", 0.2)
    async with kept(server):
        before = kill(server)
        await until(lambda: server.process is not None and server.process.pid != before)
        hanging = server.process
        assert hanging is not None
        hanging.send_signal(signal.SIGSTOP)

        await until(lambda: server.process is not hanging)
        await until(lambda: answers(server))


@pytest.mark.parametrize("content", ["", "rubbish\n/x\n", "-1\n", "{pid}\n"])
async def test_a_damaged_pid_file_or_socket_lock_is_no_obstacle(server: Server, content: str) -> None:
    server.claim()
    async with kept(server):
        pass
    server.stop()
    for file in (cluster_of(server) / "postmaster.pid", server.folder / "socket" / ".s.PGSQL.5432.lock"):
        file.write_text(content.replace("{pid}", str(os.getpid())))
        file.chmod(0o600)

    server.start()

    assert await answers(server)


async def test_processes_that_a_killed_server_left_do_not_keep_the_next_one_down(server: Server) -> None:
    server.claim()
    async with kept(server):
        connection = await asyncpg.connect(server.dsn)
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        # It holds the shared memory and does not notice that its server is gone.
        os.kill(backend, signal.SIGSTOP)
        before = kill(server)

        await until(lambda: server.process is not None and server.process.pid != before and server.is_ready)
        assert await until(lambda: answers(server))
        connection.terminate()


def test_a_start_that_fails_says_why_in_a_sentence(server: Server) -> None:
    server.claim()
    server.stop()
    cluster_of(server).chmod(0o755)

    with pytest.raises(
        ServerDidNotStart, match=r"^PostgreSQL did not start\. .* is open to others: set its mode to 0700\.$"
    ):
        server.start()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ('PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device', "The disk is full"),
        ('FATAL:  could not write lock file "postmaster.pid": No space left on device', "The disk is full"),
        ("FATAL:  could not write to file: Disk quota exceeded", "The disk is full"),
        (
            'FATAL:  could not resize shared memory segment "/P.1": No space left on device',
            "Shared memory is full",
        ),
        ('FATAL:  could not bind Unix address "/s/.s.PGSQL.5432": Address already in use', "socket is taken"),
        ('FATAL:  lock file "/s/.s.PGSQL.5432.lock" already exists', "socket is taken"),
        ('FATAL:  lock file "postmaster.pid" is empty', "postmaster.pid"),
        ("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use", "shared memory"),
        ("FATAL:  database files are incompatible with server", "another version"),
        ("PANIC:  could not locate a valid checkpoint record at 0/1", "damaged"),
        ('FATAL:  could not open file "pg_wal/0001": Input/output error', "The disk fails"),
        ('FATAL:  could not open directory "pg_wal": Read-only file system', "read-only"),
        (
            'FATAL:  could not open file "pg_wal/0001": Permission denied',
            "may not read or write its own files",
        ),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "out of memory"),
        ("LOG:  starting\nFATAL:  something nobody has met", "PostgreSQL ended: something nobody has met."),
        (
            "LOG:  database system is ready to accept connections",
            "was ended by signal 9 and is being restarted.",
        ),
    ],
)
def test_a_cause_is_one_sentence(words: str, sentence: str) -> None:
    cause = outage_causes.cause(words, FOLDER, -signal.SIGKILL)

    assert sentence in cause
    assert cause.endswith(".")
