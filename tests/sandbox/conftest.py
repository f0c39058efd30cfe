"""The whole API on the test process's database, a worker beside it, and a sandbox of its own for each test."""

from collections.abc import AsyncIterator

import pytest

import collecting
from calls import Site
from collecting import ContactWorkspace


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("sandbox")) as site:
        yield site


@pytest.fixture
async def workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


@pytest.fixture
async def worker(workspace: ContactWorkspace) -> AsyncIterator[None]:
    async with collecting.working(workspace.engine.database, workspace.engine.context):
        yield
