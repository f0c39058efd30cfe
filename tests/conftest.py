"""What every test stands on: one PostgreSQL for the run, one migrated database per test process, no network.

The process that pytest was called in starts the cluster, once a test needs it, and migrates a template; each test process (pytest-xdist
starts several) works in its own clone. Tests own what they create and commit it.
"""

import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster import TEMPLATE, Cluster, start

# The application is imported by the fixtures that need it: a test of pure rules starts without it.
if TYPE_CHECKING:
    from calls import Site
    from commanding import Run
    from installation import Installation
    from make import Company
    from running_workspace import Receiver, RunningWorkspace


class NetworkClosed(RuntimeError):
    """A test tried to leave this machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgresql", type=int, help="major version of the run's PostgreSQL; the newest by default"
    )


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(_stay_at_home)
    if hasattr(config, "workerinput"):
        config.stash[CLUSTER] = partial(Cluster, config.workerinput["getbill_dsn"])
        return
    config.stash[CLUSTER] = cache(partial(start, config))


def pytest_configure_node(node: Any) -> None:
    node.workerinput["getbill_dsn"] = node.config.stash[CLUSTER]().template_dsn


CLUSTER = pytest.StashKey[Callable[[], Cluster]]()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Cluster:
    """The cluster of this run; `dsn` is what most tests want."""
    return pytestconfig.stash[CLUSTER]()


@pytest.fixture(scope="session")
async def dsn(postgres: Cluster) -> AsyncIterator[str]:
    """This process's own database, migrated."""
    import asyncpg

    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    yield postgres.dsn(name)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture(scope="session")
async def installation(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["Installation"]:
    """A database that only the tests through the API share, whose worker may touch all there is in it."""
    from installation import open_installation

    async with open_installation(
        postgres, "installation", tmp_path_factory.mktemp("installation")
    ) as resource:
        yield resource


@pytest.fixture
def client(installation: "Installation") -> "Site":
    """The API in this process, called without a credential."""
    return installation.site


@pytest.fixture
async def company(installation: "Installation") -> "Company":
    """A company of this test alone."""
    import make

    return await make.company(installation.database, installation.vault)


@pytest.fixture
def sandbox(client: "Site", company: "Company") -> "Site":
    """The API in this process, called with the key of the company's sandbox."""
    return client.with_token(company.key)


@pytest.fixture(scope="session")
async def running(installation: "Installation") -> AsyncIterator[str]:
    """The installation's processes, an API and a worker; yields their URL."""
    import make
    import processes

    settings = installation.settings
    assert settings.master_key is not None
    # Without any company an installation is not ready.
    await make.company(installation.database, installation.vault)
    environment = {
        "DATABASE_URL": settings.dsn,
        "GETBILL_MASTER_KEY": settings.master_key.get_secret_value(),
        "GETBILL_DATABASE_CONNECTIONS": str(settings.database_connections),
        "GETBILL_RATE_LIMIT_LIVE": str(settings.rate_limit_live),
        "GETBILL_RATE_LIMIT_SANDBOX": str(settings.rate_limit_sandbox),
        "GETBILL_RATE_LIMIT_ANONYMOUS": str(settings.rate_limit_anonymous),
    }
    with processes.running(environment, settings.data_dir) as url:
        yield url


@pytest.fixture
async def receiver() -> AsyncIterator["Receiver"]:
    """The receiver of the webhooks of a workspace."""
    from running_workspace import run_receiver

    async with run_receiver() as resource:
        yield resource


@pytest.fixture
async def running_workspace(
    running: str, installation: "Installation", company: "Company", receiver: "Receiver"
) -> AsyncIterator["RunningWorkspace"]:
    """A sandbox of the running processes, called over HTTP."""
    from running_workspace import open_workspace

    async with open_workspace(running, installation, company, receiver) as workspace:
        yield workspace


@pytest.fixture(name="getbill")
async def commands(postgres: Cluster, tmp_path: Path) -> AsyncIterator["Run"]:
    """Run `getbill` with some words on a database of this test alone."""
    import commanding

    async with commanding.commands(postgres, tmp_path) as run:
        yield run


@pytest.fixture
async def empty_dsn(postgres: Cluster) -> AsyncIterator[str]:
    """A database of this test alone in which nothing was ever made."""
    import asyncpg

    name = f"empty_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield postgres.dsn(name)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


def _stay_at_home(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_here(host):
        raise NetworkClosed(f"A test may not reach {host!r}: use a fake, or the loopback.")


def _is_here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
