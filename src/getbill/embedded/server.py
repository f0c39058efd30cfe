"""Start and stop of the embedded PostgreSQL, with cleanup after a killed owner.

The holder of the lock beside the cluster owns it. A server that still runs without its owner is shut down and
restarted, so that it always ends with the process that uses it. Durability is never traded for speed unless a
test asks for it.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from getbill.embedded import crash_cleanup, data_folder, outage_causes
from getbill.embedded.data_folder import ClusterOptions, DataFolder
from getbill.kit.exit_errors import CannotRun
from getbill.kit.files import private_files

DATABASE: Final = "getbill"
ROLE: Final = "getbill"
# A starting server that makes no progress for this long is ended.
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
HANGING_SECONDS: Final = 5.0
LOG_BYTES_MAX: Final = 10_000_000
WORDS_BYTES_MAX: Final = 10_000

_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "96MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Errors quote the values that caused them, and those may be personal data: the program logs its own.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
# For tests: nothing survives a power cut, and many programs share the cluster.
_FAST_AND_LOSSY: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
}


Signs = Sequence[tuple[signal.Signals, float]]
_STOP: Final[Signs] = ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


class ClusterInUse(CannotRun):
    """Another process owns the cluster."""


class ServerDidNotStart(CannotRun):
    """PostgreSQL or initdb ended with an error; the message includes its last output."""


class Server:
    """The embedded PostgreSQL of one data folder; it never outlives this process."""

    def __init__(
        self, data_dir: Path, *, durable: bool = True, options: ClusterOptions | None = None
    ) -> None:
        self.folder = data_dir.absolute() / "postgres"
        self._durable = durable
        self._options = options or ClusterOptions()
        self._lock: int | None = None
        self._data_folder: DataFolder | None = None
        self._socket: Path | None = None
        self._log_offset = 0
        self._failed_starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, patience_seconds: float = 10.0) -> str:
        """Start the server, creating its cluster if necessary, and return the DSN of its database.

        Raises ClusterInUse if another process holds the cluster for longer than the patience, and
        ServerDidNotStart.
        """
        self.claim(patience_seconds=patience_seconds)
        try:
            self._start_and_wait()
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def claim(self, *, patience_seconds: float = 10.0) -> str:
        """Lock the cluster, creating it if necessary, and return its future DSN; nothing is started.

        Raises ClusterInUse if another process holds the cluster for longer than the patience.
        """
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = _lock(self.folder / "lock", patience_seconds)
        for log in (self.log, self.log.with_suffix(".1")):
            private_files.restrict(log)
        try:
            self._data_folder = data_folder.find(self.folder, self._options)
            _end_orphan(self._data_folder)
            if not self._data_folder.cluster.exists():
                self._create(self._data_folder)
            self._socket = self._data_folder.socket_folder()
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self) -> None:
        """Shut the server down fast but cleanly, and release the cluster."""
        if self.process is not None:
            _terminate(self.process)
            self.process = None
        if self._socket is not None and self._data_folder and self._socket.parent != self._data_folder.base:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._socket = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def restart(self) -> None:
        """Restart a crashed server on the same socket; its cluster recovers by itself."""
        self._start_and_wait()

    def launch(self) -> None:
        """Launch a stopped server without waiting for it, and remove the files of the last one.

        Raises ServerDidNotStart if the process cannot be created.
        """
        cluster_files, socket = self._folder_and_socket
        if self._failed_starts:
            # The last server's processes had time to exit by themselves.
            crash_cleanup.end_processes(
                cluster_files.cluster, signal.SIGQUIT if self._failed_starts == 1 else signal.SIGKILL
            )
        crash_cleanup.clear_files(cluster_files.pid_file, socket)
        self._failed_starts += 1
        try:
            self._launch(cluster_files, socket)
        except OSError as error:
            reason = outage_causes.cause(str(error), cluster_files.cluster)
            raise ServerDidNotStart(f"PostgreSQL did not start. {reason}") from error

    def _launch(self, cluster_files: DataFolder, socket: Path) -> None:
        if not socket.is_dir():
            cluster_files.account.create_folder(socket)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.rename(self.log.with_suffix(".1"))
        with self.log.open("ab") as log:
            self._log_offset = log.tell()
            self.process = subprocess.Popen(  # noqa: S603 PostgreSQL itself
                cluster_files.account.command(*self._command(cluster_files, socket)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # We forward a Ctrl-C at the terminal, in our order.
            )

    @property
    def is_ready(self) -> bool:
        """Whether the server process has reported that it accepts connections."""
        ready = self.process is not None and _status(self._folder_and_socket[0].pid_file) == (
            self.process.pid,
            "ready",
        )
        if ready:
            self._failed_starts = 0
        return ready

    @property
    def progress(self) -> tuple[object, ...]:
        """Values that change while a starting server makes progress."""
        return crash_cleanup.progress(self.process.pid, self.log) if self.process else ()

    @property
    def cause(self) -> str:
        """Why the server ended, in one sentence with the remedy."""
        status = self.process.poll() if self.process is not None else None
        return outage_causes.cause(self._log_tail(), self._folder_and_socket[0].cluster, status)

    @property
    def disk_full(self) -> str | None:
        """The sentence for a full disk, or None while there is room."""
        cluster = self._folder_and_socket[0].cluster
        return outage_causes.disk_full(cluster) if outage_causes.is_full(cluster) else None

    def kill_hanging(self) -> None:
        """End a hanging server without releasing the cluster, which recovers at the next start."""
        if self.process is not None:
            _terminate(self.process, ((signal.SIGQUIT, HANGING_SECONDS), (signal.SIGKILL, HANGING_SECONDS)))

    @property
    def _folder_and_socket(self) -> tuple[DataFolder, Path]:
        if self._data_folder is None or self._socket is None:
            raise ServerDidNotStart("The embedded PostgreSQL has not been started.")
        return self._data_folder, self._socket

    def _log_tail(self) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_offset)
                return log.read()[-WORDS_BYTES_MAX:].decode(errors="replace")
        except OSError:
            return ""

    @property
    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self.process is not None and self.process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """The DSN of the program's database on this server."""
        if self._socket is None:
            raise ServerDidNotStart("The embedded PostgreSQL is not running.")
        return _dsn(self._socket)

    @property
    def log(self) -> Path:
        """PostgreSQL's log file."""
        return self.folder / "log"

    def _create(self, cluster_files: DataFolder) -> None:
        unfinished = cluster_files.base / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        cluster_files.account.create_folder(unfinished)
        initdb = [
            *("--pgdata", str(unfinished), "--username", ROLE, "--auth", "trust", "--encoding", "UTF8"),
            *("--no-instructions", "--locale", "C"),
            *(
                ()
                if cluster_files.binaries.major < 17
                else ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
            ),
            *(() if self._durable else ("--no-sync",)),
        ]
        self._run_program(cluster_files, cluster_files.binaries.program("initdb"), *initdb)
        # Only a complete cluster gets its name, so an interrupted first start begins again.
        single = ("--single", "-D", str(unfinished), "postgres")
        self._run_program(
            cluster_files,
            cluster_files.binaries.program("postgres"),
            *single,
            stdin=f"CREATE DATABASE {DATABASE}",
        )
        unfinished.rename(cluster_files.cluster)

    def _run_program(self, cluster_files: DataFolder, *command: str, stdin: str = "") -> None:
        completed = subprocess.run(  # noqa: S603 PostgreSQL's own programs
            cluster_files.account.command(*command), input=stdin, capture_output=True, text=True, check=False
        )
        if completed.returncode:
            raise ServerDidNotStart(
                f"{Path(command[0]).name} failed: {(completed.stderr or completed.stdout).strip()}"
            )

    def _command(self, cluster_files: DataFolder, socket: Path) -> list[str]:
        folder = str(socket).replace('"', '""')
        settings = _SETTINGS | {"unix_socket_directories": f'"{folder}"'}
        settings |= {} if self._durable else _FAST_AND_LOSSY
        command = [cluster_files.binaries.program("postgres"), "-D", str(cluster_files.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _start_and_wait(self) -> None:
        """Launch a server and wait until it is ready, for as long as it makes progress."""
        deadline = time.monotonic() + START_SECONDS
        while not self._comes_up():
            if time.monotonic() > deadline or not self.is_held_up:
                raise ServerDidNotStart(f"PostgreSQL did not start. {self.cause}")
            time.sleep(0.2)

    def _comes_up(self) -> bool:
        self.launch()
        signs, since = self.progress, time.monotonic()
        while not self.is_ready:
            if not self.is_running:
                return False
            if (now_signs := self.progress) != signs:
                signs, since = now_signs, time.monotonic()
            elif time.monotonic() - since > START_SECONDS:
                raise ServerDidNotStart(
                    f"PostgreSQL made no progress for {START_SECONDS:.0f} s; see {self.log}."
                )
            time.sleep(0.01)
        return True

    @property
    def is_held_up(self) -> bool:
        """Whether the server ended only because processes of the last one have not exited yet."""
        return "shared memory block" in self._log_tail()


def running_dsn(data_dir: Path) -> str | None:
    """Return the DSN of the server running on a data folder, or None."""
    folder = data_dir.absolute() / "postgres"
    home = folder / "home"
    base = Path(home.read_text("utf-8")) if home.exists() else folder
    lines = _pid_file_lines(base / "cluster" / "postmaster.pid")
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    return _dsn(Path(lines[4]))


def is_there(data_dir: Path) -> bool:
    """Return whether a data folder has a database, even an incomplete one."""
    return (data_dir.absolute() / "postgres").exists()


@contextmanager
def reach(data_dir: Path, options: ClusterOptions | None = None) -> Iterator[str]:
    """Yield the DSN of a data folder's database: of the running server, or of one started temporarily."""
    server = Server(data_dir, options=options)
    try:
        dsn = server.start(patience_seconds=0)
    except ClusterInUse:
        deadline = time.monotonic() + START_SECONDS
        while (existing_dsn := running_dsn(data_dir)) is None:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        yield existing_dsn
        return
    try:
        yield dsn
    finally:
        server.stop()


def _dsn(socket: Path) -> str:
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(socket), safe='')}"


def _lock(file: Path, patience_seconds: float) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise ClusterInUse(f"Another process uses the database in {file.parent}.") from None
            time.sleep(0.05)
        else:
            return descriptor


def _pid_file_lines(pid_file: Path) -> list[str]:
    try:
        return pid_file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _status(pid_file: Path) -> tuple[int, str] | None:
    lines = _pid_file_lines(pid_file)
    if len(lines) < 8 or not lines[0].strip().isdigit():
        return None
    return int(lines[0]), lines[7].strip()


def _terminate(process: subprocess.Popen[bytes], signs: Signs = _STOP) -> None:
    """End a server of ours: fast, then immediate, then by force."""
    for sign, seconds in signs:
        process.send_signal(sign)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def _end_orphan(cluster_files: DataFolder) -> None:
    """Shut down a server whose owner is gone, and remove a pid file that names another process."""
    lines = _pid_file_lines(cluster_files.pid_file)
    if not lines or not lines[0].strip().isdigit():
        return
    pid = int(lines[0])
    deadline = time.monotonic() + STOP_SECONDS
    last_sign = None
    while crash_cleanup.is_server_of(pid, cluster_files.cluster):
        sign = signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT
        if sign != last_sign:
            os.kill(pid, sign)
            last_sign = sign
        time.sleep(0.02)
    if Path(f"/proc/{pid}").exists():
        # PostgreSQL refuses to start while that process is alive, even if its number was reused.
        cluster_files.pid_file.unlink(missing_ok=True)
    if len(lines) > 4 and Path(lines[4]).parent != cluster_files.base:
        shutil.rmtree(lines[4], ignore_errors=True)
