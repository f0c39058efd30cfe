"""`getbill sftp`: the process that takes files over SFTP. Run as many as needed; all show the same host keys.

On SIGTERM or SIGINT it closes its connections and ends; an upload under way goes on where it was at the next one.
"""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack
from typing import Annotated

import structlog
import typer

from getbill import migrations, reactions, vault
from getbill import sftp as dropped
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.kit import clock, logs
from getbill.kit.database import Database, open_database
from getbill.process import sockets
from getbill.settings import Settings
from getbill.sftp import Limits
from getbill.sftp.server import House, listen
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

Descriptor = Annotated[int | None, typer.Option(hidden=True, help="A bound socket to listen on.")]


sftp = typer.Typer(help="Take files over SFTP until stopped; or see to what was dropped.")


@sftp.callback(invoke_without_command=True)
def serve(context: typer.Context, listen_fd: Descriptor = None) -> None:
    """Take files over SFTP until stopped; or see to what was dropped."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings()
    logs.configure(settings.log_level, "sftp")
    bound = sockets.bind_sftp(settings) if listen_fd is None else socket.socket(fileno=listen_fd)
    with connection.reached(settings) as dsn:
        asyncio.run(_serve(settings.on(dsn), bound))


@sftp.command()
def pick_up(
    company: CompanyName = None,
    workspace: Annotated[str | None, typer.Option(help="Kind, name or id; all of the company's.")] = None,
) -> None:
    """Have what was dropped imported now, rather than on the hour; a running worker does it."""

    async def ask(opened: Database, _vault: Vault) -> int:
        owner = await selection.company(opened, company)
        async with opened.transaction(clock.wall()) as tx:
            counts = [
                await dropped.ask(tx, each, clock.wall())
                for each in await selection.workspaces(opened, owner, workspace)
            ]
        return sum(counts)

    selection.show({"files": connection.run(ask)})


async def _serve(settings: Settings, bound: socket.socket) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await migrations.await_revision(settings.dsn, stop)
    if stop.is_set():
        return
    with connection.awaited():
        await _listen(settings, bound, stop)


async def _listen(settings: Settings, bound: socket.socket, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        opened = await open_database(settings.dsn, reactions.edge, size=settings.database_connections)
        stack.push_async_callback(opened.close)
        unlocked = await vault.unlock(opened, settings.master_key_text, settings.key_file)
        await stack.enter_async_context(vault.holding(opened, unlocked, "sftp"))
        limits = Limits(settings.sftp_file_bytes_max, settings.sftp_quota_bytes, settings.sftp_sessions_max)
        house = House(opened, unlocked, limits)
        acceptor = await listen(house, bound)
        _log.info("sftp_listening", port=bound.getsockname()[1])
        await stop.wait()
        acceptor.close()
        await house.clear()
