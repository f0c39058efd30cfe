"""`getbill events`: the live event stream of a workspace."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from getbill import companies, streams
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.events import KINDS, StreamEvent
from getbill.kit import ids, json
from getbill.kit.database import DATABASE_ERRORS, Database
from getbill.kit.exit_errors import CannotRun
from getbill.streams import StreamRequest
from getbill.vault import Vault

events = typer.Typer(add_completion=False, no_args_is_help=True, help="Read the event stream.")

_PAGE: Final = 500
# A command has no listener: it polls.
_POLL_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 1.0
_INTERRUPTED: Final = 130

EventKinds = Annotated[list[str] | None, typer.Option(help="Only this event; repeatable.")]
StartPosition = Annotated[
    str, typer.Option(help="Start position: `now`, `start`, an API cursor, or the webhook_id of an event.")
]


@events.callback()
def _keep_verb() -> None:
    # Typer would otherwise drop the only verb of a noun.
    pass


@events.command()
def tail(  # noqa: PLR0913 the options of a command are its parameters
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id of the workspace.")] = "live",
    after: StartPosition = "now",
    event: EventKinds = None,
    debt: Annotated[str | None, typer.Option(help="Only events of this debt.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for new events until Ctrl-C.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line, with all data.")
    ] = False,
) -> None:
    """Print a workspace's events as they occur."""
    unknown_kinds = sorted(set(event or ()) - KINDS.keys())
    if unknown_kinds:
        raise CannotRun(f"There is no event {unknown_kinds[0]!r}. Valid events: {', '.join(KINDS)}.")

    async def print_stream(database: Database, vault: Vault) -> None:
        owner = await selection.find_company(database, company)
        workspace_id = await selection.find_workspace_id(database, owner, workspace)
        debt_id = ids.read("debt", debt) if debt else None
        stream_workspace = await companies.workspace(database, vault, workspace_id)
        position = await streams.position_of(database, stream_workspace, None if after == "start" else after)
        await _print_events(
            database,
            vault,
            workspace_id,
            StreamRequest(position, _PAGE, event, debt_id),
            _Output(follow, as_json),
        )

    try:
        connection.run(print_stream)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None


class _Output:
    def __init__(self, follow: bool, as_json: bool) -> None:
        self.follow = follow
        self.line = _as_json if as_json else _as_text


async def _print_events(
    database: Database, vault: Vault, workspace_id: UUID, request: StreamRequest, output: _Output
) -> None:
    is_unreachable = False
    if output.follow:
        typer.echo("Waiting for new entries. Press Ctrl-C to stop.", err=True)
    while True:
        try:
            page = await streams.pull(database, workspace_id, request)
        except DATABASE_ERRORS:
            if not output.follow:
                raise
            if not is_unreachable:
                typer.echo("The database is not available; retrying every second.", err=True)
            is_unreachable = True
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        is_unreachable = False
        if page.is_new_epoch:
            typer.echo(
                f"The stream has no such place (any more): from the beginning of epoch {page.position.epoch}.",
                err=True,
            )
        for event in page.events:
            key = vault.unwrap(event.wrapped, workspace_id, event.debt_id) if event.wrapped else None
            typer.echo(output.line(event, streams.serialize_event(event, key, workspace_id, with_data=True)))
        request = replace(request, after=page.position)
        if page.has_more:
            continue
        if not output.follow:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _as_json(_event: StreamEvent, payload: dict[str, Any]) -> str:
    return json.write(payload).decode()


def _as_text(event: StreamEvent, payload: dict[str, Any]) -> str:
    data = json.read(json.write(payload["data"]))
    subject = data.get("debt_id") or data["webhook"]["id"]
    details = " ".join(
        str(data[name])
        for name in ("reference", "status", "balance", "currency")
        if data.get(name) is not None
    )
    prefix = f"{payload['timestamp']}  {event.kind:<22}  {subject} #{event.sequence}"
    return f"{prefix}  {'erased' if data.get('erased') else details}".rstrip()
