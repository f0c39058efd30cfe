"""`getbill import`: a file of debts from the command line, with its progress, a summary, and a status for scripts.

Exit status: 0 every row is a debt or was one before; 1 the command could not run; 2 it was called wrongly; 3 a column is
not certain, and nothing was imported; 4 some rows were refused; 5 the file was refused, and nothing was imported.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from getbill import imports
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.companies import Workspace
from getbill.imports import Import
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.kit.files import private_files
from getbill.kit.text import names
from getbill.settings import Settings
from getbill.vault import Vault

_PIECE_BYTES: Final = 256 * 1024
_LOOK_SECONDS: Final = 0.2
# So long a worker has time to take the import, before it is done here.
_PATIENCE_SECONDS: Final = 2.0
_FINDINGS_SHOWN: Final = 20
_COUNTS: Final = ("created", "updated", "unchanged", "skipped", "rejected", "warnings")


class Status(IntEnum):
    """What scripts are told."""

    DONE = 0
    ASKS = 3
    ROWS_REFUSED = 4
    FILE_REFUSED = 5


@dataclass(frozen=True, slots=True)
class _Asked:
    file: Path
    columns: dict[str, str | None]
    accepts: bool
    is_dry_run: bool
    is_json: bool
    rejected: Path | None
    sender: str
    is_all_or_nothing: bool
    on_duplicate: imports.OnDuplicate
    grace_hours: int | None

    def wanted(self, language: str) -> imports.Wanted:
        """Return what the import is asked for, in the language of whoever reads about it; raise Invalid for its names."""
        names.refuse_hidden({"name": self.file.name, "sender": self.sender})
        return imports.Wanted(
            name=self.file.name,
            source="upload",
            sender=self.sender,
            language=language,
            is_auto=not self.columns,
            is_dry_run=self.is_dry_run,
            mode="all_or_nothing" if self.is_all_or_nothing else "partial",
            on_duplicate=self.on_duplicate,
            grace_hours=self.grace_hours,
        )


Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="What a column is (its header or letter); `COLUMN=` for nothing.",
    ),
]


def import_file(  # noqa: PLR0913 the options of a command are its parameters
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or XLSX.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, and change nothing.")] = False,
    map_: Columns = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept what is proposed for columns that are not certain.")
    ] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="One wrong row, and nothing is imported.")
    ] = False,
    on_duplicate: Annotated[
        str, typer.Option(help="A known reference with other values: skip, update or error.")
    ] = "skip",
    grace_hours: Annotated[
        int | None, typer.Option(min=0, max=720, help="How long nobody is contacted; the workspace's own.")
    ] = None,
    sender: Annotated[
        str, typer.Option(help="Whose file it is: a confirmed mapping is remembered for its layout.")
    ] = "command line",
    rejected: Annotated[
        Path | None, typer.Option(help="Where to write the refused rows, to be corrected and sent again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the import as JSON.")] = False,
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id.")] = "live",
) -> None:
    """Import a file of debts, with its progress and a summary.

    Exit status: 0 all rows are in; 3 a column is not certain, nothing was imported; 4 some rows were refused; 5 the file
    was refused, nothing was imported. A running worker does the work; where there is none, this command does.
    """
    asked = _Asked(
        file=file,
        columns=_columns(map_ or []),
        accepts=accept,
        is_dry_run=dry_run,
        is_json=as_json,
        rejected=rejected,
        sender=sender,
        is_all_or_nothing=all_or_nothing,
        on_duplicate=_known(on_duplicate),
        grace_hours=grace_hours,
    )
    _import(asked, company, workspace)


def _import(asked: _Asked, company: str | None, workspace: str) -> None:
    """Import a file into a workspace and end with the status that scripts are told."""

    async def run(settings: Settings, opened: Database, vault: Vault) -> int:
        place = await selection.loaded(opened, vault, company, workspace)
        crew = imports.Crew(opened, vault, imports.starter(settings))
        wanted = asked.wanted(place.company.language)
        return await _Run(opened, crew, place, asked).go(wanted, settings.import_bytes_max)

    status = connection.run_knowing(run)
    if status:
        raise typer.Exit(status)


def _known(on_duplicate: str) -> imports.OnDuplicate:
    known: dict[str, imports.OnDuplicate] = {"skip": "skip", "update": "update", "error": "error"}
    if on_duplicate not in known:
        raise typer.BadParameter("skip, update or error", param_hint="--on-duplicate")
    return known[on_duplicate]


def _columns(texts: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for text in texts:
        column, sign, field = text.rpartition("=")
        if not sign or not column.strip():
            raise typer.BadParameter(f"{text!r} is no COLUMN=FIELD.", param_hint="--map")
        found[column.strip()] = field.strip() or None
    return found


class _Run:
    """One file on its way, as whoever sits in front of it sees it."""

    def __init__(self, opened: Database, crew: imports.Crew, workspace: Workspace, asked: _Asked) -> None:
        self._database = opened
        self._crew = crew
        self._workspace = workspace
        self._asked = asked
        self._told = Console(stderr=True, highlight=False)
        self._out = Console(highlight=False)

    async def go(self, wanted: imports.Wanted, bytes_max: int) -> int:
        """Do it all and return the status."""
        database, workspace = self._database, self._workspace
        taken = await imports.create(database, workspace, self._bytes(), wanted, bytes_max=bytes_max)
        found = await self._wait(taken.id, "Reading")
        if found.state in {"needs_mapping", "mapped"}:
            if not await self._settle_columns(found):
                return Status.ASKS
            found = await self._wait(found.id, "Checking" if self._asked.is_dry_run else "Importing")
        return await self._tell(found)

    async def _bytes(self) -> AsyncIterator[bytes]:
        with self._asked.file.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                yield piece

    async def _wait(self, import_id: UUID, doing: str) -> Import:
        """Wait until nothing is done with the import any more, showing how far it is; do it here if nobody does."""
        alone_from = clock.monotonic() + _PATIENCE_SECONDS
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._told, transient=True) as progress:
            bar = progress.add_task(doing, total=None)
            try:
                while True:
                    found = await imports.find(self._database, self._workspace, import_id)
                    progress.update(bar, completed=found.rows_done, total=found.rows_total)
                    if found.task is None:
                        return found
                    if clock.monotonic() > alone_from:
                        await self._crew.turn()
                    await asyncio.sleep(_LOOK_SECONDS)
            finally:
                await self._crew.close()

    async def _settle_columns(self, found: Import) -> bool:
        """Say what the columns are; without certainty nothing is imported and the file is put away."""
        asked, place = self._asked, (self._workspace, found.id)
        try:
            async with self._database.transaction(self._workspace.now()) as tx:
                if asked.columns:
                    found, _ = await imports.change_mapping(tx, *place, {"columns": asked.columns})
                shown = imports.columns(self._workspace, found)
                is_known = shown["is_certain"] and (found.state == "mapped" or bool(asked.columns))
                if is_known or asked.accepts:
                    await imports.confirm(tx, *place, is_dry_run=asked.is_dry_run)
                    return True
        except imports.MappingNotCertain:
            pass
        except BaseException:
            await self._put_away(found)
            raise
        self._ask(imports.columns(self._workspace, found))
        await self._put_away(found)
        return False

    async def _put_away(self, found: Import) -> None:
        async with self._database.transaction(self._workspace.now()) as tx:
            await imports.discard(tx, self._workspace, found.id)

    def _ask(self, shown: dict[str, Any]) -> None:
        if self._asked.is_json:
            selection.show({"state": "asks", **shown})
            return
        table = Table("Column", "Taken for", "Sure", "Why", "For example")
        for column in shown["columns"]:
            sure = f"{column['confidence']:.0%}" if column["field"] else ""
            samples = ", ".join(column["samples"])
            name = column.get("header") or column.get("letter") or str(column["index"])
            table.add_row(name, column["field"] or "-", sure, column["reason"]["message"], samples)
        self._out.print(table)
        for question in shown["questions"]:
            self._told.print(f"? {question['message']}", markup=False)
        self._told.print(
            "Nothing was imported. Say what the columns are (--map 'COLUMN=FIELD'), or --accept what is proposed.",
            markup=False,
        )
        self._told.print(f"Fields: {', '.join(shown['fields'])}", markup=False)

    async def _tell(self, found: Import) -> int:
        """Print the summary and return the status."""
        told = await imports.account(self._database, self._workspace, found)
        if self._asked.rejected is not None:
            await self._write_rejected(found, self._asked.rejected)
        if self._asked.is_json:
            selection.show(told)
        else:
            await self._print(found, told)
        if found.state == "failed":
            return Status.FILE_REFUSED
        return Status.ROWS_REFUSED if found.rejected else Status.DONE

    async def _print(self, found: Import, told: dict[str, Any]) -> None:
        self._out.print(f"{found.name}: {found.state}", markup=False)
        table = Table("Rows", "")
        for count in _COUNTS:
            name = "would be created" if count == "created" and found.state == "checked" else count
            table.add_row(name, str(getattr(found, count)))
        self._out.print(table)
        for one in told["notes"]:
            self._told.print(one["message"], markup=False)
        if told["error"]:
            self._told.print(f"{told['error']['message']} {told['error']['way_out']}", markup=False)
        shown = await imports.said_of_rows(self._database, self._workspace, found, _FINDINGS_SHOWN)
        for one in shown:
            place = f"line {one['line']}" + (f", {one['column']}" if one["column"] else "")
            self._told.print(f"{place}: {one['message']}", markup=False)
        if len(shown) == _FINDINGS_SHOWN:
            self._told.print("... and more: --rejected FILE writes them all.", markup=False)
        self._out.print(f"Import {found.shown_id}", markup=False)

    async def _write_rejected(self, found: Import, path: Path) -> None:
        rows = await imports.rows_to_correct(self._database, self._workspace, found)
        if rows is None:
            return
        with private_files.create(path) as file:
            async for block in rows[1]:
                file.write(block)
