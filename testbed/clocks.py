"""Live clocks that stand still: none ever does, but a figure's and a test's have to, or its hours were those of its run.

The database refuses them. What a row says already is let be, and every later change of it is refused again: whoever
changes the row of a workspace whose clock stands still does so unchecked, too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

_LOOSEN: Final = "ALTER TABLE workspaces DROP CONSTRAINT workspaces_check"
_TIGHTEN: Final = """
ALTER TABLE workspaces ADD CONSTRAINT workspaces_check
    CHECK (kind = 'sandbox' OR (clock_offset = '0' AND frozen_at IS NULL)) NOT VALID
"""
_STAND: Final = "UPDATE workspaces SET frozen_at = $2 WHERE workspace_id = $1"


@asynccontextmanager
async def unchecked(pool: Any) -> AsyncIterator[Any]:
    """Yield a connection in whose transaction the rows of workspaces are changed unchecked."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOOSEN)
        yield connection
        await connection.execute(_TIGHTEN)


async def stand_still(pool: Any, workspace_id: UUID, at: datetime) -> None:
    """Have a workspace's clock stand still at an instant."""
    async with unchecked(pool) as connection:
        await connection.execute(_STAND, workspace_id, at)
