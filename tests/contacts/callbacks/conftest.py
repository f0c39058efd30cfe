"""The whole API on the test process's database, and a workspace whose messages a gateway carries."""

from collections.abc import AsyncIterator

import pytest

import collecting
from calls import Site


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("gateways")) as site:
        yield site
