"""GetBill as a figure meets it: a data folder, a cluster and ports of its own, all gone when the figure is done."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

import asyncpg

from getbill.embedded import Server
from getbill.embedded.accounts import current_account
from getbill.migrations.actions import migrate

ROOT = Path(__file__).resolve().parents[1]
Popen = subprocess.Popen[bytes]
# Counted like every other limit, and out of reach.
CEILING = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PreparedInstallation:
    """A data folder with its running cluster, prepared as a first start does it."""

    folder: Path
    dsn: str
    credentials: dict[str, str]
    server: Server

    def dsn_of(self, database: str) -> str:
        """Return the DSN of another database of the cluster."""
        return urlsplit(self.dsn)._replace(path=f"/{database}").geturl()

    async def second(self, name: str) -> str:
        """Make another database with the same tables and indexes, and return its DSN."""
        admin = await asyncpg.connect(self.dsn)
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        await admin.close()
        await migrate(self.dsn_of(name))
        return self.dsn_of(name)


@dataclass(frozen=True, slots=True)
class Api:
    """A running API: where it listens, and a live client's token."""

    port: int
    process_id: int
    token: str

    def call(self, path: str) -> Any:
        """Read something and return its JSON."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return read(f"http://127.0.0.1:{self.port}/external-api/v1{path}", None, headers)


async def raise_ceiling(dsn: str) -> None:
    """Give the live client and the sandbox's key limits of their own that no load reaches."""
    connection = await asyncpg.connect(dsn)
    for table in ("clients", "api_keys"):
        await connection.execute(f"UPDATE {table} SET limit_per_minute = {CEILING}")
    await connection.close()


def settings(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of an installation: nothing of the caller's own settings comes along."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GETBILL_")}
    kept.pop("DATABASE_URL", None)
    return kept | {
        "GETBILL_DATA_DIR": str(folder),
        "GETBILL_PORT": str(port),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that is gone afterwards, with the cluster that a system user may have for it elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="getbill-bench-"))
    try:
        yield folder
    finally:
        for elsewhere in folder.rglob("postgres/home"):
            shutil.rmtree(elsewhere.read_text("utf-8"), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def prepared_installation() -> Iterator[PreparedInstallation]:
    """Yield a prepared data folder whose cluster runs with its usual settings, and whose limits are out of reach."""
    with temporary_folder() as folder, Server(folder / "data") as server:
        environment = settings(folder / "data", free_port()) | {"DATABASE_URL": server.dsn}
        subprocess.run([sys.executable, "-m", "getbill", "prepare"], env=environment, check=True, timeout=120)
        credentials = json.loads((folder / "data" / "first-run.json").read_text("utf-8"))
        asyncio.run(raise_ceiling(server.dsn))
        yield PreparedInstallation(folder / "data", server.dsn, credentials, server)


@contextmanager
def api(home: PreparedInstallation) -> Iterator[Api]:
    """Yield one API process, as `getbill api` runs it, without a worker."""
    port = free_port()
    environment = settings(home.folder, port) | {"DATABASE_URL": home.dsn, "GETBILL_LOG_LEVEL": "warning"}
    with process([sys.executable, "-m", "getbill", "api"], environment) as started:
        wait(f"http://127.0.0.1:{port}/healthz", started)
        yield Api(port, started.pid, token(port, home.credentials))


@contextmanager
def bin_run(root: Path, folder: Path, port: int, more: Mapping[str, str] | None = None) -> Iterator[Popen]:
    """Yield `bin/run` of a clone as it starts: environment, assets, database, API and worker."""
    environment = settings(folder, port) | {"GETBILL_LOG_LEVEL": "warning"} | dict(more or {})
    environment.pop("PYTHONPATH")  # a clone runs its own code
    with process([str(root / "bin" / "run")], environment, root) as started:
        yield started


@contextmanager
def process(command: list[str], environment: Mapping[str, str], folder: Path = ROOT) -> Iterator[Popen]:
    """Yield a running process that ends with us, whatever ends us; only its complaints are shown."""
    child = start(command, environment, folder=folder)
    try:
        yield child
    finally:
        end(child)


def start(
    command: list[str],
    environment: Mapping[str, str],
    *,
    folder: Path = ROOT,
    descriptors: tuple[int, ...] = (),
    complaints: IO[bytes] | None = None,
) -> Popen:
    """Start a process that the kernel ends with us; its complaints are shown unless they have a place."""
    return subprocess.Popen(
        current_account().command(*command),
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=descriptors,
        start_new_session=True,  # a Ctrl-C is ours to pass on, in our order
    )


def end(child: Popen) -> None:
    """End a process and all it has started, and wait until it has."""
    # The whole session: a script that is still installing packages has children of its own.
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait(url: str, process: Popen, patience_seconds: float = 60) -> None:
    """Wait until a URL answers 200."""
    until(lambda: _answers(url), process, f"there was a good answer at {url}", patience_seconds)


def until(holds: Callable[[], bool], process: Popen, what: str, patience_seconds: float = 60) -> None:
    """Wait until something holds that a process brings about; raise when it ends before, or takes too long."""
    deadline = time.monotonic() + patience_seconds
    while not holds():
        if process.poll() is not None:
            raise RuntimeError(f"It ended with {process.returncode} before {what}.")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{patience_seconds:.0f} s were over before {what}.")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 loopback only
            return True
    except OSError:
        return False


def token(port: int, credentials: Mapping[str, str]) -> str:
    """Return an access token of the live client."""
    request = {"grant_type": "client_credentials"} | {
        name: credentials[name] for name in ("client_id", "client_secret")
    }
    answer = read(f"http://127.0.0.1:{port}/token", urlencode(request).encode(), {})
    return str(answer["access_token"])


def read(url: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
    """Make one request and return its JSON."""
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310 loopback only
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 as above
        return json.load(answer)


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
