"""`getbill quarantine`: quarantined items, and their retry."""

from typing import Annotated, Any

import typer

from getbill import quarantine, todo_decisions
from getbill.commands import connection, selection
from getbill.kit import ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.quarantine import QuarantineEntry
from getbill.vault import Vault

commands = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Inspect and retry quarantined items."
)

EntryArgument = Annotated[
    str | None, typer.Argument(help="Id of the item, as shown by `list`; defaults to all.")
]


class NothingOfThatId(CannotRun):
    """The quarantine has no item with that id."""


@commands.command("list")
def list_entries() -> None:
    """List the quarantined items of all workspaces, the oldest first, with the reason."""

    async def find_entries(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        return [_serialize_entry(entry) for entry in await quarantine.list_entries(database)]

    selection.print_json({"data": connection.run(find_entries)})


@commands.command()
def retry(which: EntryArgument = None) -> None:
    """Retry quarantined items; those that fail again return to the quarantine."""

    async def retry_matches(database: Database, vault: Vault) -> int:
        matches = [
            entry
            for entry in await quarantine.list_entries(database)
            if which in {None, ids.show("aside", entry.id)}
        ]
        if which is not None and not matches:
            raise NothingOfThatId(
                f"The quarantine has no item {which}: `getbill quarantine list` shows its items."
            )
        return sum([await todo_decisions.retry(database, vault, entry) for entry in matches])

    selection.print_json({"put_back": connection.run(retry_matches)})


def _serialize_entry(entry: QuarantineEntry) -> dict[str, Any]:
    return {
        "id": ids.show("aside", entry.id),
        "workspace": None
        if entry.workspace_id == quarantine.INSTALLATION
        else ids.show("workspace", entry.workspace_id),
        "kind": entry.kind,
        "subject": quarantine.public_id_of(entry.item),
        "reason": entry.reason,
        "tries": entry.tries,
        "since": json.instant(entry.since),
        "next_try_at": json.instant(entry.next_try_at),
    }
