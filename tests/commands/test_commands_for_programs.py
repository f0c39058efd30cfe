"""Whatever a command did, a program can read it: as JSON always, or with `--json` where people get a sentence."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from commanding import Run, printed
from getbill.process import cli

# Processes, which answer by what they do.
PROCESSES = {"serve", "api", "worker", "prepare"}
PRINTS_JSON = re.compile(r"selection\.print_json\(|_print_login\(|_apply_to_user\(|_update_webhook\(|_switch")


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield " ".join(words), command
        return
    for word in command.list_commands(None):
        yield from leaves(command.get_command(None, word), (*words, word))


def test_every_command_has_an_answer_for_programs() -> None:
    silent = {
        name
        for name, command in leaves(typer.main.get_command(cli.app))
        if not any("--json" in option.opts for option in command.params)
        and not PRINTS_JSON.search(inspect.getsource(command.callback))
    }

    assert silent == PROCESSES


async def test_what_is_revoked_rotated_and_migrated_is_told_as_json(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    client, other = await printed(getbill("client", "create")), await printed(getbill("client", "create"))
    key, login = await printed(getbill("key", "create")), await printed(getbill("sftp-login", "create"))

    previewed = await printed(getbill("client", "revoke", client["client_id"], "--preview", "--json"))
    revoked = await printed(getbill("client", "revoke", client["client_id"], "--json"))
    by_credential = await printed(getbill("credential", "revoke", other["client_id"]))
    revoked_key = await printed(getbill("key", "revoke", key["id"], "--json"))
    revoked_login = await printed(getbill("sftp-login", "revoke", login["username"], "--json"))

    assert previewed == {"id": client["client_id"], "preview": True, "revoked": [], "left": []}
    assert revoked == previewed | {"preview": False}
    assert by_credential == revoked | {"id": other["client_id"]}
    assert revoked_key == revoked | {"id": key["id"]}
    assert (revoked_login["id"], revoked_login["revoked_at"] is not None) == (login["id"], True)
    assert await printed(getbill("signing-key", "rotate", "--json")) == {"rotated": True, "at_once": False}
    migrated = await printed(getbill("migrate", "--json"))
    assert (await getbill("migrate")).stdout == f"The database is at {migrated['revision']}.\n"
