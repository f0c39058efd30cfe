"""Cleanup after a killed PostgreSQL (processes, pid file, socket lock), and progress of a starting one.

Called only while holding the cluster's lock without a running server of our own, so that everything left
belongs to no process.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOCK_NAME = ".s.PGSQL.5432.lock"


def is_server_of(pid: int, cluster: Path) -> bool:
    """Return whether a process is a PostgreSQL server of a cluster."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def end_processes(cluster: Path, sign: signal.Signals) -> None:
    """Send a signal to every PostgreSQL process that still works in a cluster."""
    for pid in _servers(cluster):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)


def clear_files(pid_file: Path, socket_folder: Path | None) -> None:
    """Remove a pid file and a socket lock that are damaged or name no server process of this cluster.

    PostgreSQL refuses to start while the process they name is alive, even if its number was reused.
    """
    _clear(pid_file, pid_file.parent)
    if socket_folder is not None:
        _clear(socket_folder / LOCK_NAME, pid_file.parent)


def progress(pid: int, log: Path) -> tuple[object, ...]:
    """Return values that change while a starting server progresses: its log, process titles, CPU time."""
    signs: list[object] = [_size(log)]
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
            # Recovery shows the current segment in its title, and uses the processor.
            signs.append(Path(f"/proc/{child}/cmdline").read_bytes())
            signs += (
                Path(f"/proc/{child}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[11:15]
            )
    return tuple(signs)


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _servers(cluster: Path) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "exe").readlink().name.startswith("postgres") and is_server_of(
                int(folder.name), cluster
            ):
                yield int(folder.name)


def _clear(file: Path, cluster: Path) -> None:
    try:
        first = file.read_bytes().partition(b"\n")[0].strip()
    except OSError:
        return
    if first.isdigit():
        pid = int(first)
        if is_server_of(pid, cluster) or not Path(f"/proc/{pid}").exists():
            return
    with suppress(OSError):
        file.unlink()
