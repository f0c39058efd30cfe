"""What a company's admins are told by e-mail of their endpoints: that one was disabled, and what to do.

The wish to tell stands in the queue from the transaction that disabled it; the worker's job sends it.
"""

from typing import Final, cast
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from getbill.companies import Workspace
from getbill.kit import json
from getbill.kit.db import Transaction

ENTRYPOINT: Final = "webhook_notice"


async def tell_admins(tx: Transaction, workspace: Workspace, endpoint_id: UUID, reason: str) -> None:
    """Have the company's admins told, once the transaction commits, that an endpoint was disabled."""
    payload = json.write(
        {"workspace_id": str(workspace.id), "endpoint_id": str(endpoint_id), "reason": reason}
    )
    # The pool's proxy is a connection in all but its type.
    connection = cast("asyncpg.Connection[asyncpg.Record]", await tx.connection())
    await Queries(AsyncpgDriver(connection)).enqueue(ENTRYPOINT, payload)
