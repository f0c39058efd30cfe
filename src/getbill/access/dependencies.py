"""Route dependencies: the caller with its scopes, and for changes the one transaction at their edge.

Every dependency exposes its `scope`, so that a test can check that no route is without one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from getbill.access import requests
from getbill.access.auth_state import auth_context_of
from getbill.access.model import Caller, NoCredential, ScopeMissing
from getbill.access.narrowing import narrow_response
from getbill.access.requests import AnswerGone, IdempotentRequest, KeyReused, RequestInProgress, StoredAnswer
from getbill.companies import Workspace
from getbill.kit import failpoints
from getbill.kit.database import Database, OptimisticConflict, Transaction
from getbill.kit.errors import Problem
from getbill.kit.http import problem, refuse_repeated_parameters, refuse_unknown_parameters
from getbill.vault import Vault

# Writes the response of a change once all its consequences are known.
Reply = Callable[[], Response]
Work = Callable[[Transaction], Awaitable[Reply]]

_ATTEMPTS_MAX = 3
_COLLISIONS = (
    OptimisticConflict,
    asyncpg.UniqueViolationError,
    # A row that was read has been deleted.
    asyncpg.ForeignKeyViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


class Requires:
    """A dependency that returns the caller if it holds `scope` and the additional ones."""

    def __init__(self, scope: str, *also: str) -> None:
        self.scope = scope
        self.scopes = (scope, *also)

    async def __call__(self, request: Request) -> Caller:
        """Return the caller; raise NoCredential, TokenInvalid or ScopeMissing."""
        return caller_of(request, self.scopes)


def caller_of(request: Request, scopes: tuple[str, ...]) -> Caller:
    """Return the caller found by the middleware if it holds the scopes; otherwise raise the refusal.

    Unknown query parameters are refused too. An Idempotency-Key is read on every POST, even one that changes
    nothing and needs none.
    """
    caller_or_problem = request.scope["state"].get("caller")
    if caller_or_problem is None:
        raise NoCredential
    if isinstance(caller_or_problem, Problem):
        raise caller_or_problem
    caller: Caller = caller_or_problem
    caller.require(*scopes)
    refuse_unknown_parameters(request)
    refuse_repeated_parameters(request)
    if request.method == "POST" and (key := request.headers.get("idempotency-key")) is not None:
        requests.read_key(key)
    return caller


async def caller_now(request: Request, scope: str) -> Caller:
    """Return the caller of a request as of now, for a response that took long.

    Raises TokenInvalid if the credential is no longer valid, ScopeMissing if it lost the scope.
    """
    token = request.headers.get("authorization", "")[len("Bearer ") :].strip()
    caller = await auth_context_of(request).authenticator.authenticate(token)
    if scope not in caller.scopes:
        raise ScopeMissing(scope)
    return caller


def requires(scope: str, *also: str) -> Requires:
    """Return the dependency on a caller with these scopes: `Depends(access.requires("debts:read"))`."""
    return Requires(scope, *also)


@dataclass(slots=True)
class Change:
    """A change requested by a caller; `commit` runs it at the edge of one transaction."""

    caller: Caller
    database: Database
    vault: Vault
    request: Request
    # The debt in the response; set by the work, so that erasing the debt also drops the stored response.
    debt_id: UUID | None = None
    # Digest of a body that was read as a stream, for the fingerprint of an Idempotency-Key.
    body_digest: bytes | None = None
    # The scope that is needed to read what the response shows.
    read_scope: str | None = None

    @property
    def workspace(self) -> Workspace:
        """The workspace of the change."""
        return self.caller.workspace

    async def commit(self, work: Work) -> Response:
        """Run `work` in a transaction at the workspace's instant and return its reply, written at the edge.

        A POST with an Idempotency-Key is executed once. A collision with a concurrent change (unique key,
        deadlock) runs the work again from the start, three times in all, with fresh reads. The first run is
        optimistic: its assumptions are verified only by the statement that writes. A caller without the read
        scope gets ids and states only.
        """
        response = await self._commit(work)
        return (
            response
            if self.read_scope is None or self.caller.may(self.read_scope)
            else narrow_response(response)
        )

    async def _commit(self, work: Work) -> Response:
        idempotent_request = await self._idempotent_request()
        for attempt in range(_ATTEMPTS_MAX - 1):
            try:
                return await self._attempt(work, idempotent_request, is_optimistic=attempt == 0)
            except _COLLISIONS:
                self.debt_id = None
        return await self._attempt(work, idempotent_request, is_optimistic=False)

    async def run_external(self, work: Callable[[], Awaitable[Response]]) -> Response:
        """Run `work`, which calls an external service, outside a transaction and return its response.

        A POST with an Idempotency-Key is answered once: the response is stored in a short transaction
        afterwards. Two concurrent requests with the same key may both call the service; the first response is
        the one stored.
        """
        idempotent_request = await self._idempotent_request()
        if idempotent_request is None:
            return await work()
        async with self.database.transaction(self.workspace.now()) as tx:
            stored = await requests.begin_request(tx, idempotent_request, self.vault)
        if stored is not None:
            return stored
        try:
            response = await work()
        except Problem as refusal:
            if not requests.is_storable(refusal):
                raise
            response = problem(refusal, self.request)
        return await requests.store_answer_separately(
            self.database, idempotent_request, self.vault, StoredAnswer(response, self.debt_id)
        )

    async def stored_answer(self) -> Response | None:
        """Return the stored response to this request, if any; for long work that precedes the change.

        Raises RequestInProgress and KeyReused as `commit` does.
        """
        idempotent_request = await self._idempotent_request()
        if idempotent_request is None:
            return None
        async with self.database.transaction(self.workspace.now()) as tx:
            return await requests.begin_request(tx, idempotent_request, self.vault)

    async def _idempotent_request(self) -> IdempotentRequest | None:
        """Return the idempotent request of an Idempotency-Key; None without one."""
        request = self.request
        header = request.headers.get("idempotency-key")
        if header is None or request.method != "POST":
            return None
        key = requests.read_key(header)
        scope = request.scope
        path = scope.get("raw_path") or request.url.path.encode()
        content = await request.body() if self.body_digest is None else self.body_digest
        fingerprint = requests.fingerprint(request.method, path, scope["query_string"], content)
        route = f"{request.method} {scope['route'].path}"
        return IdempotentRequest(self.workspace.id, self.caller.credential_id, route, key, fingerprint)

    async def _attempt(
        self, work: Work, idempotent_request: IdempotentRequest | None, *, is_optimistic: bool
    ) -> Response:
        if idempotent_request is not None:
            return await self._run_once(work, idempotent_request)
        async with self.database.transaction(self.workspace.now(), is_optimistic=is_optimistic) as tx:
            reply = await work(tx)
        return reply()

    async def _run_once(self, work: Work, idempotent_request: IdempotentRequest) -> Response:
        stored_answers: list[StoredAnswer] = []

        def make_stored_answer() -> StoredAnswer:
            stored_answers.append(StoredAnswer(reply(), self.debt_id))
            return stored_answers[0]

        try:
            async with self.database.transaction(self.workspace.now()) as tx:
                stored = await requests.begin_request(tx, idempotent_request, self.vault)
                if stored is not None:
                    return stored
                reply = await work(tx)
                requests.store_answer(tx, idempotent_request, self.vault, make_stored_answer)
            failpoints.at("access.committed")
        except (RequestInProgress, KeyReused, AnswerGone):
            raise
        except Problem as refusal:
            if not requests.is_storable(refusal):
                raise
            stored_refusal = StoredAnswer(problem(refusal, self.request), self.debt_id)
            return await requests.store_answer_separately(
                self.database, idempotent_request, self.vault, stored_refusal
            )
        return stored_answers[0].response


class Changes:
    """A dependency that returns a `Change` if the caller holds `scope` and the additional ones."""

    def __init__(self, scope: str, *also: str, read_scope: str | None = None) -> None:
        self.scope = scope
        self.scopes = (scope, *also)
        self.read_scope = read_scope

    async def __call__(self, request: Request) -> Change:
        """Return the change; raise NoCredential, TokenInvalid or ScopeMissing."""
        caller = caller_of(request, self.scopes)
        auth = auth_context_of(request)
        return Change(caller, auth.database, auth.vault, request, read_scope=self.read_scope)


def change(scope: str, *also: str, read_scope: str | None = None) -> Changes:
    """Return the dependency on a `Change` with these scopes: `Depends(access.change("debts:write"))`.

    A caller without `read_scope` gets ids and states only, and what it just created.
    """
    return Changes(scope, *also, read_scope=read_scope)
