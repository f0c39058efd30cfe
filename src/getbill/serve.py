"""`getbill serve`: the whole of GetBill on one machine, from one command.

The embedded PostgreSQL (unless DATABASE_URL names another), the migration, at the first start a demo company, then
the API, the worker and SFTP, kept running until Ctrl-C or SIGTERM. One supervisor owns a data folder at a time, and one
that was killed is recovered from by the next start.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
import typer

from getbill import first_run, greeting, listener, migrations
from getbill.children import Child, Wishes, keep, run
from getbill.embedded import Server
from getbill.kit import logs
from getbill.kit.stops import CannotRun
from getbill.settings import Settings

PATIENCE_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.25
ANYWHERE_4: Final = "0.0.0.0"  # noqa: S104 recognised here, not bound

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """The sockets others come to, each bound here once."""

    api: socket.socket
    sftp: socket.socket

    def close(self) -> None:
        """Give the ports back."""
        self.api.close()
        self.sftp.close()


class AlreadyRunning(CannotRun):
    """Another supervisor owns the data folder."""


class NotPrepared(CannotRun):
    """The migration or the first start failed; the process that tried has said why."""


def serve() -> None:
    """Run everything on this machine: database, API, worker and SFTP."""
    settings = Settings()
    logs.configure(settings.log_level, "serve")
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    for sign in _signs():
        signal.signal(sign, _leave)  # until the loop takes over, a stop unwinds what was started
    with _alone(settings.data_dir) as left_behind:
        # The processes of a killed supervisor need a moment to give the port back.
        patience = PATIENCE_SECONDS if left_behind else 0.0
        ports = Ports(
            listener.bind(settings, patience_seconds=patience),
            listener.bind_sftp(
                settings, known=_known_port(settings.first_run_file), patience_seconds=patience
            ),
        )
        # Whichever port it came to is told to those who are prepared for it.
        _serve(settings.model_copy(update={"sftp_port": ports.sftp.getsockname()[1]}), ports)


def _known_port(file: Path) -> int | None:
    """Return the port of SFTP that first-run.json sends people to, so that what it says stays true."""
    return first_run.read(file).get("sftp_port") if file.exists() else None


def _signs() -> list[signal.Signals]:
    # A terminal that closes stops us, unless `nohup` said otherwise.
    hung_up = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []
    return [signal.SIGINT, signal.SIGTERM, *hung_up]


def _serve(settings: Settings, ports: Ports) -> None:
    if settings.database_url is not None:
        asyncio.run(_supervise(settings, ports, None, settings.dsn))
        return
    server = Server(settings.data_dir, wish=settings.wish)
    try:
        asyncio.run(_supervise(settings, ports, server, server.start()))
    finally:
        server.stop()


async def _supervise(settings: Settings, ports: Ports, server: Server | None, dsn: str) -> None:
    wishes = Wishes()
    for sign in _signs():
        asyncio.get_running_loop().add_signal_handler(sign, wishes.ask_stop)
    environment = os.environ | {
        "DATABASE_URL": dsn,
        "GETBILL_DATA_DIR": str(settings.data_dir),
        "GETBILL_SFTP_PORT": str(settings.sftp_port),
    }
    is_first = not settings.first_run_file.exists()
    if is_first or not await _is_migrated(dsn):
        status = await run(Child("prepare", ("prepare",), environment), wishes)
        if status and not wishes.stop.is_set():
            raise NotPrepared("The database could not be prepared.")
    tasks = [
        *(asyncio.create_task(keep(child, wishes)) for child in _children(ports, environment)),
        asyncio.create_task(_keep_server(server, wishes)),
        asyncio.create_task(_greet(settings, ports, wishes, is_first=is_first)),
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    wishes.stop.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    ports.close()
    if server is not None:
        # Here the loop still catches signals: a second Ctrl-C cannot cut the database's shutdown short.
        server.stop()
    for error in ended:
        if isinstance(error, BaseException):
            raise error


async def _is_migrated(dsn: str) -> bool:
    try:
        await migrations.check_revision(dsn)
    except migrations.DatabaseBehind:
        return False
    return True


def _children(ports: Ports, environment: Mapping[str, str]) -> list[Child]:
    api, sftp = ports.api.fileno(), ports.sftp.fileno()
    return [
        Child("api", ("api", "--listen-fd", str(api)), environment, (api,)),
        Child("worker", ("worker",), environment),
        Child("sftp", ("sftp", "--listen-fd", str(sftp)), environment, (sftp,)),
    ]


async def _keep_server(server: Server | None, wishes: Wishes) -> None:
    """Start PostgreSQL again when it falls; its clients reconnect by themselves."""
    while server is not None and not wishes.stop.is_set():
        if not server.is_running:
            _log.error("PostgreSQL ended, starting it again")
            server.restart()
        await asyncio.sleep(LOOK_SECONDS)


async def _greet(settings: Settings, ports: Ports, wishes: Wishes, *, is_first: bool) -> None:
    """Say that everything is there, once the API listens."""
    host, port = ports.api.getsockname()[:2]
    here = {ANYWHERE_4: "127.0.0.1", "::": "::1"}.get(host, host)
    while not wishes.stop.is_set():
        try:
            _, writer = await asyncio.open_connection(here, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        file = settings.first_run_file
        credentials = first_run.read(file) if file.exists() else None
        is_terminal = sys.stdout.isatty()
        typer.echo(greeting.text(settings, credentials, is_first=is_first, is_terminal=is_terminal))
        sys.stdout.flush()
        return


@contextmanager
def _alone(data_dir: Path) -> Iterator[bool]:
    """Own the data folder; yields whether the last owner was killed rather than stopped."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotRun(
            f"The data folder {data_dir} cannot be used ({error.strerror}): set GETBILL_DATA_DIR to another."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode() or "unknown"
            raise AlreadyRunning(
                f"GetBill runs on {data_dir} already, as process {owner}: stop it, or set GETBILL_DATA_DIR to another."
            ) from None
        left_behind = bool(os.pread(descriptor, 1, 0))
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield left_behind
        finally:
            os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _leave(sign: int, _frame: Any) -> None:
    sys.exit(128 + sign)
