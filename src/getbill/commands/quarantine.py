"""`getbill quarantine`: quarantined items, and their retry."""

from typing import Annotated, Any

import typer

from getbill import quarantine as asides
from getbill import todo_decisions
from getbill.commands import connection, selection
from getbill.kit import ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.quarantine import QuarantineEntry
from getbill.vault import Vault

quarantine = typer.Typer(no_args_is_help=True, help="Inspect and retry quarantined items.")

AsideArgument = Annotated[
    str | None, typer.Argument(help="Id of the item, as shown by `list`; defaults to all.")
]


class NothingOfThatId(CannotRun):
    """The quarantine has no item with that id."""


@quarantine.command("list")
def list_asides() -> None:
    """List the quarantined items of all workspaces, the oldest first, with the reason."""

    async def find_asides(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        return [_serialize_aside(aside) for aside in await asides.list_entries(database)]

    selection.print_json({"data": connection.run(find_asides)})


@quarantine.command()
def retry(which: AsideArgument = None) -> None:
    """Retry quarantined items; those that fail again return to the quarantine."""

    async def retry_matches(database: Database, vault: Vault) -> int:
        matches = [
            aside
            for aside in await asides.list_entries(database)
            if which in {None, ids.show("aside", aside.id)}
        ]
        if which is not None and not matches:
            raise NothingOfThatId(
                f"The quarantine has no item {which}: `getbill quarantine list` shows its items."
            )
        return sum([await todo_decisions.retry(database, vault, aside) for aside in matches])

    selection.print_json({"put_back": connection.run(retry_matches)})


def _serialize_aside(aside: QuarantineEntry) -> dict[str, Any]:
    return {
        "id": ids.show("aside", aside.id),
        "workspace": None
        if aside.workspace_id == asides.INSTALLATION
        else ids.show("workspace", aside.workspace_id),
        "kind": aside.kind,
        "subject": asides.public_id_of(aside.item),
        "reason": aside.reason,
        "tries": aside.tries,
        "since": json.instant(aside.since),
        "next_try_at": json.instant(aside.next_try_at),
    }
