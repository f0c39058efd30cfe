"""An installation that no other test's worker picks up in, and an SFTP server of each test's own."""

import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from dropping import MISSING, Served
from getbill import companies
from getbill.sftp import SftpLimits
from getbill.sftp.server import ServerState, listen
from installation import Installation, open_installation
from make import Company


@pytest.fixture(scope="session")
async def installation(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    async with open_installation(postgres, "sftp", tmp_path_factory.mktemp("sftp")) as resource:
        yield resource


@pytest.fixture
async def serve(
    installation: Installation, company: Company, tmp_path: Path
) -> AsyncIterator[Callable[..., Any]]:
    """Start servers on free ports, each with the limits a test names."""
    assert None not in {shutil.which("sftp"), shutil.which("ssh-keygen")}, MISSING
    started = []

    async def start(**limits: Any) -> Served:
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        state = ServerState(installation.database, installation.vault, replace(SftpLimits(), **limits))
        started.append((await listen(state, bound), state))
        snapshot = await companies.workspace(
            installation.database, installation.vault, company.founded.sandbox_id
        )
        return Served(state, bound.getsockname()[1], snapshot, tmp_path)

    yield start
    for acceptor, state in started:
        acceptor.close()
        await state.close_connections()
        await acceptor.wait_closed()


@pytest.fixture
async def served(serve: Callable[..., Any]) -> Served:
    """A server with the usual limits."""
    result: Served = await serve()
    return result
