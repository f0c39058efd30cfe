"""Startup without a database: the API already listens and reports what it waits for.

`/healthz` is 200, `/readyz` 503 with the reason in one sentence, everything else 503 with a Retry-After. Once
the application is open, requests bypass this module.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from getbill.embedded import Outage
from getbill.health.queries import Check, outage_reason
from getbill.health.wire import readiness
from getbill.kit import database, ids
from getbill.kit.errors import Unavailable
from getbill.kit.exit_errors import CannotRun, CannotRunNow
from getbill.kit.http import answer, problem
from getbill.kit.messages import message
from getbill.migrations import DatabaseBehind

RETRY_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)

# Opens what the routes need, to be closed by the stack.
Open = Callable[[AsyncExitStack], Awaitable[None]]


@asynccontextmanager
async def open_when_ready(
    app: Starlette, open_all: Open, outage: Outage | None = None
) -> AsyncIterator[None]:
    """Open an application, at once if the database answers, otherwise as soon as it does.

    Raises CannotRun for a permanent reason. With an outage, which a supervisor reports, a database that is
    behind is waited for too: the supervisor migrates it.
    """
    async with AsyncExitStack() as stack:
        try:
            await _open_all(open_all, stack)
        except Exception as error:
            if not _may_pass(error, is_supervised=outage is not None):
                raise
            unavailable_app, ready_app = _UnavailableApp(error, outage), app.middleware_stack
            app.middleware_stack = unavailable_app

            async def wait() -> None:
                await _wait(open_all, stack, unavailable_app)
                app.middleware_stack = ready_app

            stack.push_async_callback(_cancel, asyncio.create_task(wait()))
        yield


async def _open_all(open_all: Open, stack: AsyncExitStack) -> None:
    async with AsyncExitStack() as trial:
        await open_all(trial)
        stack.push_async_exit(trial.pop_all())


def _may_pass(error: Exception, *, is_supervised: bool) -> bool:
    if isinstance(error, CannotRun):
        return isinstance(error, CannotRunNow) or (is_supervised and isinstance(error, DatabaseBehind))
    return database.is_unavailable(error)


async def _wait(open_all: Open, stack: AsyncExitStack, unavailable_app: "_UnavailableApp") -> None:
    while True:
        await asyncio.sleep(RETRY_SECONDS)
        try:
            await _open_all(open_all, stack)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
            unavailable_app.report(error)
        else:
            _log.info("database_opened")
            return


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _UnavailableApp:
    """The ASGI application that answers while the database is down."""

    def __init__(self, error: Exception, outage: Outage | None) -> None:
        self._outage = outage
        self._reason = ""
        self.report(error)

    def report(self, error: Exception) -> None:
        """Report why the last attempt to open failed, and log a new reason."""
        is_known = isinstance(error, CannotRun) or database.is_unavailable(error)
        reason = outage_reason(error) if is_known else "The API cannot open; its log says why."
        if reason != self._reason:
            self._reason = reason
            _log.warning("database_not_opened", reason=reason, exc_info=None if is_known else error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            response = self._answer(scope)
            response.headers["x-request-id"] = ids.new_text()
            await response(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        path = scope["path"]
        if path == "/healthz":
            return answer(200, {"status": "ok"})
        if path == "/readyz":
            reason = (self._outage.sentence() if self._outage else None) or self._reason
            return readiness([Check("database", reason)])
        detail = message(
            "The database is not ready; `GET /readyz` gives the reason. Repeat the request in a moment."
        )
        return problem(Unavailable(detail, headers={"Retry-After": "1"}), scope)
