"""The database as the program sees it, and a way to change a company in a transaction of its own."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contacts.conftest import database  # noqa: F401 - a fixture
from getbill.kit import clock
from installation import Installation

Change = Callable[..., Awaitable[Any]]


@pytest.fixture
def change(installation: Installation) -> Change:
    """Call an action with a transaction, and commit it."""

    async def committed(action: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        async with installation.database.transaction(clock.wall()) as tx:
            return await action(tx, *arguments)

    return committed
