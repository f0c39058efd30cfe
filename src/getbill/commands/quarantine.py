"""`getbill quarantine`: what failed and was set aside, and putting it back."""

from typing import Annotated, Any

import typer

from getbill import quarantine as asides
from getbill import todo_decisions
from getbill.commands import connection, selection
from getbill.kit import ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.quarantine import Aside
from getbill.vault import Vault

quarantine = typer.Typer(no_args_is_help=True, help="What failed and was set aside.")

Which = Annotated[str | None, typer.Argument(help="Its id, as `list` shows it; all by default.")]


class NothingOfThatId(CannotRun):
    """Nothing of that id stands aside."""


@quarantine.command("list")
def show() -> None:
    """List what stands aside in all workspaces, the oldest first, with the reason."""

    async def find(opened: Database, _vault: Vault) -> list[dict[str, Any]]:
        return [_shown(one) for one in await asides.every(opened)]

    selection.show({"data": connection.run(find)})


@quarantine.command()
def retry(which: Which = None) -> None:
    """Put back what was set aside; what fails again is set aside again."""

    async def put_back(opened: Database, vault: Vault) -> int:
        found = [one for one in await asides.every(opened) if which in {None, ids.show("aside", one.id)}]
        if which is not None and not found:
            raise NothingOfThatId(
                f"Nothing with the id {which} stands aside: `getbill quarantine list` says what does."
            )
        return sum([await todo_decisions.retry(opened, vault, one) for one in found])

    selection.show({"put_back": connection.run(put_back)})


def _shown(one: Aside) -> dict[str, Any]:
    return {
        "id": ids.show("aside", one.id),
        "workspace": None
        if one.workspace_id == asides.INSTALLATION
        else ids.show("workspace", one.workspace_id),
        "kind": one.kind,
        "subject": asides.named(one.item),
        "reason": one.reason,
        "tries": one.tries,
        "since": json.instant(one.since),
        "next_try_at": json.instant(one.next_try_at),
    }
