"""`getbill serve`: all of GetBill on one machine, from one command.

It runs the embedded PostgreSQL (unless DATABASE_URL names another), the migration, at the first start a demo
company, then the API, the worker and SFTP, until Ctrl-C or SIGTERM. One supervisor owns a data folder at a
time; the next start recovers from one that was killed.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
import typer

from getbill import migrations
from getbill.embedded import Outage, Server, ServerSupervisor
from getbill.kit import logs
from getbill.kit.exit_errors import CannotRun
from getbill.process import bootstrap, cli, sockets, startup_banner
from getbill.process.subprocesses import (
    Child,
    ForkServer,
    Launcher,
    Program,
    ShutdownRequest,
    attempt,
    is_refusal,
    keep_running,
    pause,
)
from getbill.settings import Settings

PATIENCE_SECONDS: Final = 15.0
# If the database is down for longer at the start, the API reports it with 503 until it is up.
EARLY_SECONDS: Final = 2.0
PREPARE_AGAIN_SECONDS: Final = 1.0
ANYWHERE_4: Final = "0.0.0.0"  # noqa: S104 recognised here, not bound

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """The listening sockets, each bound here once."""

    api: socket.socket
    sftp: socket.socket

    def close(self) -> None:
        """Close the sockets."""
        self.api.close()
        self.sftp.close()


class AlreadyRunning(CannotRun):
    """Another supervisor owns the data folder."""


class NotPrepared(CannotRun):
    """The migration or the first start failed; its process has printed the reason."""


def serve() -> None:
    """Run everything on this machine: database, API, worker and SFTP."""
    settings = Settings()
    if sys.platform != "linux":
        _own_data_folder(settings, None)
        return
    # Before there is anything that a fork must not copy. Only the supervisor returns.
    fork_server = ForkServer.start(Program(cli.PROGRAM, cli.preload, cli.main))
    try:
        _own_data_folder(settings, fork_server)
    finally:
        fork_server.close()


def _own_data_folder(settings: Settings, fork_server: ForkServer | None) -> None:
    logs.configure(settings.log_level, "serve")
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    for sign in _stop_signals():
        signal.signal(sign, _exit_on_signal)  # Until the loop takes over, a stop unwinds what was started.
    with _locked_data_folder(settings.data_dir) as was_killed:
        # The processes of a killed supervisor need a moment to release the port.
        patience = PATIENCE_SECONDS if was_killed else 0.0
        ports = Ports(
            sockets.bind(settings, patience_seconds=patience),
            sockets.bind_sftp(
                settings, previous_port=_known_port(settings.first_run_file), patience_seconds=patience
            ),
        )
        # Processes that publish the port get the actual one.
        settings = settings.model_copy(update={"sftp_port": ports.sftp.getsockname()[1]})
        _serve(settings, ports, fork_server)


def _known_port(file: Path) -> int | None:
    """Return the SFTP port in first-run.json, so that the published port stays valid."""
    return bootstrap.read(file).get("sftp_port") if file.exists() else None


def _stop_signals() -> list[signal.Signals]:
    # A closing terminal stops us, except under `nohup`.
    hangup = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []
    return [signal.SIGINT, signal.SIGTERM, *hangup]


def _serve(settings: Settings, ports: Ports, fork_server: ForkServer | None) -> None:
    if settings.database_url is not None:
        asyncio.run(
            _supervise(settings, ports, None, Launcher(_environment(settings, settings.dsn), fork_server))
        )
        return
    database_server = Server(settings.data_dir, options=settings.cluster_options)
    if not settings.first_run_file.exists():
        _echo(startup_banner.step_line(1))
    try:
        launcher = Launcher(_environment(settings, database_server.claim()), fork_server)
        asyncio.run(_supervise(settings, ports, database_server, launcher))
    finally:
        database_server.stop()


def _environment(settings: Settings, dsn: str) -> dict[str, str]:
    """Return the variables that tell the processes what the supervisor has decided."""
    return {
        "DATABASE_URL": dsn,
        "GETBILL_DATA_DIR": str(settings.data_dir),
        "GETBILL_SFTP_PORT": str(settings.sftp_port),
    }


async def _supervise(settings: Settings, ports: Ports, server: Server | None, launcher: Launcher) -> None:
    shutdown, outage = ShutdownRequest(), Outage.create()
    for sign in _stop_signals():
        asyncio.get_running_loop().add_signal_handler(sign, shutdown.request_stop)
    tasks = [asyncio.create_task(_processes(settings, ports, launcher, outage, shutdown))]
    if server is not None:
        tasks.append(asyncio.create_task(ServerSupervisor(server, outage, shutdown.stop).run()))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    shutdown.stop.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    ports.close()
    if server is not None:
        # Here the loop still handles signals: a second Ctrl-C cannot interrupt the database's shutdown.
        server.stop()
    for error in outcomes:
        if isinstance(error, BaseException):
            raise error


async def _processes(
    settings: Settings,
    ports: Ports,
    launcher: Launcher,
    outage: Outage,
    shutdown: ShutdownRequest,
) -> None:
    """Prepare the database once it is up, and keep every process running until stopped."""
    api, *other_children = _children(ports, launcher, outage)
    is_first = not settings.first_run_file.exists()
    preparation = asyncio.create_task(_prepare(launcher, shutdown, is_first=is_first))
    if is_first:
        # No request is accepted before there are credentials.
        await preparation
        _echo(startup_banner.step_line(len(startup_banner.STEPS)))
    else:
        await asyncio.wait([preparation], timeout=EARLY_SECONDS)

    async def start_others() -> None:
        await preparation
        banner = _print_banner(settings, ports, shutdown, is_first=is_first)
        await _all(banner, *(keep_running(child, shutdown) for child in other_children), shutdown=shutdown)

    await _all(keep_running(api, shutdown), start_others(), shutdown=shutdown)


async def _all(*parts: Coroutine[Any, Any, None], shutdown: ShutdownRequest) -> None:
    """Run parts concurrently; the first that fails stops the others and is raised once they have ended."""
    running = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*running)
    finally:
        shutdown.stop.set()
        await asyncio.gather(*running, return_exceptions=True)


async def _prepare(launcher: Launcher, shutdown: ShutdownRequest, *, is_first: bool) -> None:
    """Run the migration and the first start, retrying while the database is down."""
    while not shutdown.stop.is_set():
        is_migrated = await _is_migrated(launcher.environment["DATABASE_URL"], shutdown)
        if shutdown.stop.is_set() or (is_migrated and not is_first):
            return
        status = await attempt(Child("prepare", ("prepare",), launcher), shutdown)
        if status == 0 or shutdown.stop.is_set():
            return
        if is_refusal(status):
            raise NotPrepared("The database could not be prepared.")
        await pause(shutdown, PREPARE_AGAIN_SECONDS)


async def _is_migrated(dsn: str, shutdown: ShutdownRequest) -> bool:
    try:
        await migrations.await_revision(dsn, shutdown.stop)
    except migrations.DatabaseBehind:
        return False
    return True


def _children(ports: Ports, launcher: Launcher, outage: Outage) -> list[Child]:
    words = ("api", "--listen-fd", "{0}", "--outage-fd", "{1}")
    return [
        Child("api", words, launcher, (ports.api.fileno(), outage.descriptor)),
        Child("worker", ("worker",), launcher),
        Child("sftp", ("sftp", "--listen-fd", "{0}"), launcher, (ports.sftp.fileno(),)),
    ]


async def _print_banner(
    settings: Settings, ports: Ports, shutdown: ShutdownRequest, *, is_first: bool
) -> None:
    """Print the startup banner once the API listens."""
    host, port = ports.api.getsockname()[:2]
    connect_host = {ANYWHERE_4: "127.0.0.1", "::": "::1"}.get(host, host)
    while not shutdown.stop.is_set():
        try:
            _, writer = await asyncio.open_connection(connect_host, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        file = settings.first_run_file
        credentials = bootstrap.read(file) if file.exists() else None
        is_terminal = sys.stdout.isatty()
        _echo(startup_banner.banner_text(settings, credentials, is_first=is_first, is_terminal=is_terminal))
        return


def _echo(text: str) -> None:
    """Print to the terminal."""
    with suppress(OSError):  # The output is closed, or its disk is full.
        typer.echo(text)
        sys.stdout.flush()


@contextmanager
def _locked_data_folder(data_dir: Path) -> Iterator[bool]:
    """Lock the data folder; yield whether its last owner was killed rather than stopped."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotRun(
            f"The data folder {data_dir} cannot be used ({error.strerror}): set GETBILL_DATA_DIR to another folder."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode() or "unknown"
            raise AlreadyRunning(
                f"GetBill is already running on {data_dir}, as process {owner}: stop it, or set GETBILL_DATA_DIR to another folder."
            ) from None
        was_killed = bool(os.pread(descriptor, 1, 0))
        os.truncate(descriptor, 0)
        with suppress(OSError):  # A full disk: the number is only for the next start's patience and message.
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield was_killed
        finally:
            os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _exit_on_signal(sign: int, _frame: Any) -> None:
    sys.exit(128 + sign)
