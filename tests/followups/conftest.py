"""The whole API on the test process's database, and a sandbox whose followups are asked for."""

from collections.abc import AsyncIterator

import pytest

import collecting
from calls import Site
from collecting import ContactWorkspace


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("followups")) as site:
        yield site


@pytest.fixture
async def workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)
