"""`getbill events`: the stream of a workspace, as it comes."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from getbill import companies, streams
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.events import KINDS, Placed
from getbill.kit import ids, json
from getbill.kit.database import LOST, Database
from getbill.kit.exit_errors import CannotRun
from getbill.streams import Asked
from getbill.vault import Vault

events = typer.Typer(no_args_is_help=True, help="The stream of events: what webhooks push, in order.")

_PAGE: Final = 500
# A command has no listener: it looks.
_LOOK_SECONDS: Final = 0.5
_AWAY_SECONDS: Final = 1.0
_INTERRUPTED: Final = 130

Kinds = Annotated[list[str] | None, typer.Option(help="Only this event; may be given several times.")]
After = Annotated[
    str, typer.Option(help="`now`, `start`, a cursor of the API, or the webhook_id of an event.")
]


@events.callback()
def _noun() -> None:
    # A noun with one verb would otherwise be that verb.
    pass


@events.command()
def tail(  # noqa: PLR0913 the options of a command are its parameters
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id.")] = "live",
    after: After = "now",
    event: Kinds = None,
    debt: Annotated[str | None, typer.Option(help="Only events of this debt.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait for more at the end, until Ctrl-C.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with all data.")] = False,
) -> None:
    """Print a workspace's events as they come."""
    unknown = sorted(set(event or ()) - KINDS.keys())
    if unknown:
        raise CannotRun(f"There is no event {unknown[0]!r}. There are: {', '.join(KINDS)}.")

    async def print_all(opened: Database, vault: Vault) -> None:
        owner = await selection.company(opened, company)
        workspace_id = await selection.workspace(opened, owner, workspace)
        debt_id = ids.read("debt", debt) if debt else None
        there = await companies.workspace(opened, vault, workspace_id)
        place = await streams.place_of(opened, there, None if after == "start" else after)
        await _print(opened, vault, workspace_id, Asked(place, _PAGE, event, debt_id), _Form(follow, as_json))

    try:
        connection.run(print_all)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None


class _Form:
    def __init__(self, follow: bool, as_json: bool) -> None:
        self.follow = follow
        self.line = _as_json if as_json else _for_people


async def _print(opened: Database, vault: Vault, workspace_id: UUID, asked: Asked, form: _Form) -> None:
    is_away = False
    if form.follow:
        typer.echo("Following. Stop with Ctrl-C.", err=True)
    while True:
        try:
            pulled = await streams.pull(opened, workspace_id, asked)
        except LOST:
            if not form.follow:
                raise
            if not is_away:
                typer.echo("The database is away; looking again every second.", err=True)
            is_away = True
            await asyncio.sleep(_AWAY_SECONDS)
            continue
        is_away = False
        if pulled.is_new_epoch:
            typer.echo(
                f"The stream has no such place (any more): from the beginning of epoch {pulled.place.epoch}.",
                err=True,
            )
        for event in pulled.events:
            key = vault.unwrap(event.wrapped, workspace_id, event.debt_id) if event.wrapped else None
            typer.echo(form.line(event, streams.shown(event, key, workspace_id, with_data=True)))
        asked = replace(asked, after=pulled.place)
        if pulled.has_more:
            continue
        if not form.follow:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _as_json(_event: Placed, shown: dict[str, Any]) -> str:
    return json.write(shown).decode()


def _for_people(event: Placed, shown: dict[str, Any]) -> str:
    data = json.read(json.write(shown["data"]))
    about = data.get("debt_id") or data["webhook"]["id"]
    told = " ".join(
        str(data[name])
        for name in ("reference", "status", "balance", "currency")
        if data.get(name) is not None
    )
    place = f"{shown['timestamp']}  {event.kind:<22}  {about} #{event.sequence}"
    return f"{place}  {'erased' if data.get('erased') else told}".rstrip()
