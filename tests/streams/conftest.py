"""A company whose stream is this test's own, and the sequencer in the test's hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import collecting
import make
import streaming
from calls import Site
from collecting import ContactWorkspace
from getbill.kit import json


@pytest.fixture(scope="session")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("streams")) as site:
        yield site


@pytest.fixture
async def workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


@pytest.fixture
async def other_workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


@pytest.fixture
def sequence(site: Site) -> Callable[[], Awaitable[None]]:
    """Give every committed event its place."""

    async def all_of_them() -> None:
        while await streaming.sequence(site.app.state.database):
            pass

    return all_of_them


@pytest.fixture
def open_debt(workspace: ContactWorkspace) -> Callable[..., Awaitable[Any]]:
    async def opened(**changes: Any) -> Any:
        answered = await workspace.post("/debts", make.debt(**changes))
        assert answered.status == 201, answered.body
        return json.read(answered.body)

    return opened


@pytest.fixture
def pull(workspace: ContactWorkspace) -> Callable[..., Awaitable[Any]]:
    """Read the stream as an integrator does."""

    async def pulled(query: str = "") -> Any:
        answered = await workspace.get(f"/events?{query}")
        assert answered.status == 200, answered.body
        return json.read(answered.body)

    return pulled
