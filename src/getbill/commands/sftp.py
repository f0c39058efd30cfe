"""`getbill sftp`: the SFTP process. Run as many as needed; all have the same host keys.

On SIGTERM or SIGINT it closes its connections and exits; an interrupted upload resumes on the next
connection.
"""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack
from typing import Annotated

import structlog
import typer

from getbill import migrations, reactions, vault
from getbill import sftp as file_drop
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.kit import clock, logs
from getbill.kit.database import Database, open_database
from getbill.process import sockets
from getbill.settings import Settings
from getbill.sftp import SftpLimits
from getbill.sftp.server import ServerState, listen
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

Descriptor = Annotated[int | None, typer.Option(hidden=True, help="A bound socket to listen on.")]


sftp = typer.Typer(add_completion=False, help="Run the SFTP server, or manage uploaded files.")


@sftp.callback(invoke_without_command=True)
def serve(context: typer.Context, listen_fd: Descriptor = None) -> None:
    """Accept files over SFTP until stopped, or manage uploaded files."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings()
    logs.configure(settings.log_level, "sftp")
    listener = sockets.bind_sftp(settings) if listen_fd is None else socket.socket(fileno=listen_fd)
    with connection.database_dsn(settings) as dsn:
        asyncio.run(_serve(settings.with_dsn(dsn), listener))


@sftp.command()
def pick_up(
    company: CompanyName = None,
    workspace: Annotated[
        str | None, typer.Option(help="Kind, name or id of the workspace; defaults to all of the company's.")
    ] = None,
) -> None:
    """Import uploaded files now, without waiting for the next scheduled pickup; a running worker does it."""

    async def request_pickup(database: Database, _vault: Vault) -> int:
        owner = await selection.find_company(database, company)
        async with database.transaction(clock.wall()) as tx:
            counts = [
                await file_drop.request_pickup(tx, workspace_id, clock.wall())
                for workspace_id in await selection.find_workspace_ids(database, owner, workspace)
            ]
        return sum(counts)

    selection.print_json({"files": connection.run(request_pickup)})


async def _serve(settings: Settings, listener: socket.socket) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await migrations.await_revision(settings.dsn, stop)
    if stop.is_set():
        return
    with connection.exit_if_database_lost():
        await _listen(settings, listener, stop)


async def _listen(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        database = await open_database(
            settings.dsn, reactions.before_commit, size=settings.database_connections
        )
        stack.push_async_callback(database.close)
        unlocked_vault = await vault.unlock(database, settings.master_key_text, settings.key_file)
        await stack.enter_async_context(vault.hold_keys(database, unlocked_vault, "sftp"))
        limits = SftpLimits(
            settings.sftp_file_bytes_max, settings.sftp_quota_bytes, settings.sftp_sessions_max
        )
        sftp_server = ServerState(database, unlocked_vault, limits)
        acceptor = await listen(sftp_server, listener)
        _log.info("sftp_listening", port=listener.getsockname()[1])
        await stop.wait()
        acceptor.close()
        await sftp_server.close_connections()
