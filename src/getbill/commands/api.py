"""`getbill api`: the process that answers HTTP. Run as many as needed, behind one address or several.

On SIGTERM or SIGINT it stops accepting, finishes the requests it has and ends.
"""

import asyncio
import socket
from typing import Annotated, Final

import typer
import uvicorn

from getbill import listener, migrations
from getbill.app import create_app
from getbill.commands import database
from getbill.kit import logs
from getbill.settings import Settings

STOP_SECONDS: Final = 8
Descriptor = Annotated[int | None, typer.Option(hidden=True, help="A bound socket to listen on.")]


def api(listen_fd: Descriptor = None) -> None:
    """Answer HTTP until stopped."""
    settings = Settings()
    logs.configure(settings.log_level, "api")
    bound = listener.bind(settings) if listen_fd is None else socket.socket(fileno=listen_fd)
    with database.reached(settings) as dsn:
        asyncio.run(migrations.check_revision(dsn))
        uvicorn.Server(_configuration(settings.on(dsn))).run(sockets=[bound])


def _configuration(settings: Settings) -> uvicorn.Config:
    proxies = [str(network) for network in settings.trusted_proxies]
    return uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=(lambda _config, _default: listener.tls(settings)) if settings.tls_cert else None,
    )
