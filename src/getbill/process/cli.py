"""The command line: `getbill serve` and its processes, and one command for each thing it administers.

A command is imported when it is called, so that each long-running process loads only its own code. The reason
why a command cannot run is printed as one sentence; anything else is a defect and shows its traceback.
"""

import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from getbill import __version__, settings
from getbill.kit import failpoints
from getbill.kit.errors import Problem
from getbill.kit.exit_errors import CannotRun
from getbill.kit.files import private_files

PROGRAM: Final = "getbill"

# Each command name with the place of its function (a command) or Typer app (a noun with verbs).
COMMANDS: Final = {
    "serve": "getbill.process.serve:serve",
    "api": "getbill.commands.api:api",
    "worker": "getbill.commands.worker:worker",
    "sftp": "getbill.commands.sftp:sftp",
    "migrate": "getbill.commands.migrate:migrate",
    "prepare": "getbill.commands.prepare:prepare",
    "vault": "getbill.commands.vault:vault",
    "company": "getbill.commands.company:company",
    "user": "getbill.commands.user:user",
    "client": "getbill.commands.client:client",
    "key": "getbill.commands.key:key",
    "credential": "getbill.commands.credential:credential",
    "contact": "getbill.commands.contact_switch:contact",
    "sandbox": "getbill.commands.sandbox:sandbox",
    "events": "getbill.commands.events:events",
    "webhooks": "getbill.commands.webhooks:commands",
    "import": "getbill.commands.import_file:import_file",
    "sftp-login": "getbill.commands.sftp_login:sftp_login",
    "import-child": "getbill.commands.import_child:import_child",
    "quarantine": "getbill.commands.quarantine:commands",
    "signing-key": "getbill.commands.signing_key:signing_key",
}


# Imported by `getbill serve` once for all of its processes, with the tables that they read at first use.
SHARED: Final = (COMMANDS["api"], COMMANDS["worker"], COMMANDS["sftp"])
WARM_UP: Final = "getbill.process.warm_up:warm_up"

# Called by processes of ours only.
HIDDEN: Final = frozenset({"import-child"})


def preload() -> None:
    """Import what the long-running processes share."""
    for path in SHARED:
        _load(path)
    _load(WARM_UP)()


def _load(path: str) -> Any:
    """Return the function or Typer app at a place, importing its module now."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


class Commands(TyperGroup):
    """The commands of the table, each imported on demand."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return every command name, in the order of the table."""
        return [*super().list_commands(ctx), *(word for word in COMMANDS if word not in HIDDEN)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a name, importing it now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        target = _load(COMMANDS[cmd_name])
        if not isinstance(target, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(target)
            target = single
        command = typer.main.get_command(target)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Self-hosted software for amicable debt collection.",
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"getbill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the exit status is 0 on success."""
    private_files.keep_private()
    for name in settings.unknown_variables():
        typer.echo(f"getbill: {name} is not a setting, see the table in README.md.", err=True)
    if not all(map(_is_text, sys.argv)):
        _print_error("The arguments are not valid in the locale's encoding: use UTF-8.")
    failpoints.arm(settings.crash_point())
    try:
        app(prog_name=PROGRAM)
    except ValidationError as error:
        _print_error(*settings.error_sentences(error))
    except CannotRun as error:
        _print_error(str(error), status=error.exit_status)
    except Problem as refusal:
        _print_error(str(refusal.detail))
    except BrokenPipeError:
        # The reader of the output has closed it early, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _print_error(f"{error.filename}: {error.strerror}." if error.filename else str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _is_text(word: str) -> bool:
    """Return whether a word is valid Unicode; undecodable bytes reach Python as lone surrogates."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _print_error(*sentences: str, status: int = 1) -> None:
    for sentence in sentences:
        typer.echo(f"{command_name()}: {sentence}", err=True)
    sys.exit(status)


def command_name() -> str:
    """Return the command as its user wrote it: `getbill user create`."""
    words = [PROGRAM]
    group: Any = typer.main.get_command(app)
    for word in sys.argv[1:]:
        group = group.get_command(None, word) if hasattr(group, "get_command") else None
        if group is None:
            break
        words.append(word)
    return " ".join(words)
