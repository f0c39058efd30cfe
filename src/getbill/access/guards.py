"""What a route asks of its caller: a scope, and for changes the one transaction at their edge.

Every guard carries its `scope` readably, so that a test can walk all routes and see that none is without.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from getbill.access.gate import gate_of
from getbill.access.model import Caller, NoCredential, ScopeMissing
from getbill.companies import Workspace
from getbill.kit.db import Database, Transaction
from getbill.kit.errors import Problem

# What a change does, and how its answer is written once all its consequences are known.
Reply = Callable[[], Response]
Work = Callable[[Transaction], Awaitable[Reply]]

_TRIES = 3
_COLLISIONS = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Requires:
    """A dependency that answers the caller, if it holds `scope`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        """Return the caller; raise NoCredential, TokenInvalid or ScopeMissing."""
        return caller_of(request, self.scope)


def caller_of(request: Request, scope: str) -> Caller:
    """Return the caller the middleware found, if it holds a scope; else raise the refusal."""
    found = request.scope["state"].get("caller")
    if found is None:
        raise NoCredential
    if isinstance(found, Problem):
        raise found
    caller: Caller = found
    if scope not in caller.scopes:
        raise ScopeMissing(scope)
    return caller


def requires(scope: str) -> Requires:
    """Have a route take its caller, who must hold this scope: `Depends(access.requires("debts:read"))`."""
    return Requires(scope)


@dataclass(slots=True)
class Change:
    """One change that a caller asked for: `commit` runs it at the edge of one transaction."""

    caller: Caller
    database: Database
    request: Request
    # The debt the answer speaks of; set by the work, so that erasing the debt also drops the stored answer.
    debt_id: UUID | None = None

    @property
    def workspace(self) -> Workspace:
        """Where the change happens."""
        return self.caller.workspace

    async def commit(self, work: Work) -> Response:
        """Run `work` in a transaction at the workspace's instant and return its answer once it is committed.

        `work` returns a function that writes the answer; it is called at the edge, when every reaction to the
        change has run and nothing of it will move any more.

        A collision with a concurrent change (unique key, deadlock) runs it again from the start, three times
        in all: `work` decides anew on what it then reads.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._once(work)
            except _COLLISIONS:
                continue
        return await self._once(work)

    async def _once(self, work: Work) -> Response:
        async with self.database.transaction(self.workspace.now()) as tx:
            reply = await work(tx)
            # Reactions may still change what the answer shows (a balance, a version): settle them first.
            await self.database.edge(tx)
            return reply()


class Changes:
    """A dependency that answers a `Change`, if the caller holds `scope`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Change:
        """Return the change; raise NoCredential, TokenInvalid or ScopeMissing."""
        caller = caller_of(request, self.scope)
        return Change(caller, gate_of(request).database, request)


def change(scope: str) -> Changes:
    """Have a route take a `Change`, whose caller holds this scope: `Depends(access.change("debts:write"))`."""
    return Changes(scope)
