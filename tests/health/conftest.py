"""An installation of its own: no other test's worker makes it ready."""

from collections.abc import AsyncIterator

import pytest

from cluster import Cluster
from installation import Installation, open_installation


@pytest.fixture(scope="session")
async def installation(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    async with open_installation(postgres, "health", tmp_path_factory.mktemp("health")) as resource:
        yield resource
