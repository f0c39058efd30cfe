"""`getbill api`: the HTTP process. Run as many as needed, behind one address or several.

On SIGTERM or SIGINT it stops accepting, finishes its requests and exits.
"""

import gc
import logging
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final

import typer
import uvicorn
from fastapi import FastAPI

from getbill.commands import connection
from getbill.embedded import Outage
from getbill.kit import logs
from getbill.kit.exit_errors import CannotRun
from getbill.process import sockets
from getbill.process.app import create_app
from getbill.process.connections import ConnectionLimits, bounded_protocol
from getbill.settings import Settings

STOP_SECONDS: Final = 8
FILES_MAX: Final = 65_536
Descriptor = Annotated[int | None, typer.Option(hidden=True, help="A bound socket to listen on.")]
OutageDescriptor = Annotated[
    int | None, typer.Option(hidden=True, help="Where a supervisor tells why the database is away.")
]


def api(listen_fd: Descriptor = None, outage_fd: OutageDescriptor = None) -> None:
    """Serve HTTP until stopped."""
    settings = Settings()
    logs.configure(settings.log_level, "api")
    listener = sockets.bind(settings) if listen_fd is None else socket.socket(fileno=listen_fd)
    with connection.database_dsn(settings) as dsn:
        _serve(settings.with_dsn(dsn), listener, None if outage_fd is None else Outage(outage_fd))


def _serve(settings: Settings, listener: socket.socket, outage: Outage | None) -> None:
    _raise_open_files_limit()
    app = create_app(settings, outage)
    reasons: list[CannotRun] = []
    open_app = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        try:
            async with open_app(app) as state:
                # Objects of the program itself live on: scanning all of them for garbage takes 160 ms, during
                # a request.
                gc.collect()
                gc.freeze()
                yield state
        except CannotRun as error:
            # Uvicorn would log it as a defect, with its traceback; it is a message to the operator.
            logging.getLogger("uvicorn.error").disabled = True
            reasons.append(error)
            raise

    app.router.lifespan_context = lifespan
    try:
        _Server(_configuration(settings, app), app).run(sockets=[listener])
    except SystemExit:
        if reasons:
            raise reasons[0] from None
        raise


def _raise_open_files_limit() -> None:
    """Raise this process's limit of open connections: the soft limit is usually 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft_limit = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, hard))


class _Server(uvicorn.Server):
    """The server; on shutdown, long polls for events are answered at once."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the long polls, then shut down as usual."""
        long_polling = getattr(self._app.state, "long_polling", None)
        if long_polling is not None:
            long_polling.release_all()
        await super().shutdown(sockets)


def _configuration(settings: Settings, app: FastAPI) -> uvicorn.Config:
    proxies = [str(network) for network in settings.trusted_proxies]
    return uvicorn.Config(
        app,
        loop="getbill.process.connections:Loop",
        http=bounded_protocol(ConnectionLimits.from_settings(settings)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=(lambda _config, _default: sockets.tls(settings)) if settings.tls_cert else None,
    )
