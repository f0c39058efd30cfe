"""What a route asks of its caller: a scope, and for changes the one transaction at their edge.

Every guard carries its `scope` readably, so that a test can walk all routes and see that none is without.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from getbill.access import requests
from getbill.access.context import auth_context_of
from getbill.access.model import Caller, NoCredential, ScopeMissing
from getbill.access.narrowing import narrow_response
from getbill.access.requests import AnswerGone, IdempotentRequest, KeyReused, StoredAnswer, TwinRunning
from getbill.companies import Workspace
from getbill.kit import failpoints
from getbill.kit.database import Database, OptimisticConflict, Transaction
from getbill.kit.errors import Problem
from getbill.kit.http import problem, refuse_repeated_parameters, refuse_unknown_parameters
from getbill.vault import Vault

# What a change does, and how its answer is written once all its consequences are known.
Reply = Callable[[], Response]
Work = Callable[[Transaction], Awaitable[Reply]]

_ATTEMPTS_MAX = 3
_COLLISIONS = (
    OptimisticConflict,
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


class Requires:
    """A dependency that answers the caller, if it holds `scope` and what is required beside it."""

    def __init__(self, scope: str, *also: str) -> None:
        self.scope = scope
        self.scopes = (scope, *also)

    async def __call__(self, request: Request) -> Caller:
        """Return the caller; raise NoCredential, TokenInvalid or ScopeMissing."""
        return caller_of(request, self.scopes)


def caller_of(request: Request, scopes: tuple[str, ...]) -> Caller:
    """Return the caller the middleware found, if it holds the scopes and asks what there is; else raise the refusal.

    An Idempotency-Key is read on every POST, also on one that changes nothing and needs none.
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
    """Return a request's caller as of now, for an answer that was long in coming.

    Raises TokenInvalid when the credential is good no longer, ScopeMissing when it lost the scope.
    """
    token = request.headers.get("authorization", "")[len("Bearer ") :].strip()
    caller = await auth_context_of(request).authenticator.authenticate(token)
    if scope not in caller.scopes:
        raise ScopeMissing(scope)
    return caller


def requires(scope: str, *also: str) -> Requires:
    """Have a route take its caller, who must hold these scopes: `Depends(access.requires("debts:read"))`."""
    return Requires(scope, *also)


@dataclass(slots=True)
class Change:
    """One change that a caller asked for: `commit` runs it at the edge of one transaction."""

    caller: Caller
    database: Database
    vault: Vault
    request: Request
    # The debt the answer speaks of; set by the work, so that erasing the debt also drops the stored answer.
    debt_id: UUID | None = None
    # What stands for a body that was taken in piece by piece, where an Idempotency-Key asks which request this is.
    body_digest: bytes | None = None
    # The scope that what the answer shows is read with.
    read_scope: str | None = None

    @property
    def workspace(self) -> Workspace:
        """Where the change happens."""
        return self.caller.workspace

    async def commit(self, work: Work) -> Response:
        """Run `work` in a transaction at the workspace's instant and return its reply, told once all is written.

        A POST with an Idempotency-Key is answered once. A collision with a concurrent change (unique key,
        deadlock) runs the work again from the start, three times in all: it decides anew on what it then reads.
        The first run is hopeful: what it may presume, it asks only in the statement that writes. Who may not read what
        was changed is answered ids and states only.
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
        """Run `work`, which asks somebody outside, in no transaction, and return its answer.

        A POST with an Idempotency-Key is answered once: the answer is kept in a short transaction afterwards. Twins at
        the same moment may both reach out; the first answer is the one that is kept.
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
        """Return the answer that this very request got before; for work that is long and comes before the change.

        Raises TwinRunning and KeyReused as `commit` does.
        """
        idempotent_request = await self._idempotent_request()
        if idempotent_request is None:
            return None
        async with self.database.transaction(self.workspace.now()) as tx:
            return await requests.begin_request(tx, idempotent_request, self.vault)

    async def _idempotent_request(self) -> IdempotentRequest | None:
        """Return what an Idempotency-Key makes of the request; None when it has none."""
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
        except (TwinRunning, KeyReused, AnswerGone):
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
    """A dependency that answers a `Change`, if the caller holds `scope` and what is required beside it."""

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
    """Have a route take a `Change`, whose caller holds these scopes: `Depends(access.change("debts:write"))`.

    Callers without the scope `shown_to` are answered ids and states only, and what they created just now.
    """
    return Changes(scope, *also, read_scope=read_scope)
