"""The whole API on the test process's database, and a sandbox with a suppression list."""

from collections.abc import AsyncIterator

import pytest

import collecting
from calls import Site
from collecting import ContactWorkspace


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("compliance")) as site:
        yield site


@pytest.fixture
async def workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)
