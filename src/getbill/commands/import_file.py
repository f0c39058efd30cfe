"""`getbill import`: a file import on the command line, with progress, a summary, and a status for scripts.

Exit status: 0 every row is a debt or was one before; 1 the command could not run; 2 usage error; 3 the
mapping of a column is not certain, and nothing was imported; 4 some rows were refused; 5 the file was
refused, and nothing was imported.
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
from getbill.imports import Import, State
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.kit.files import private_files
from getbill.kit.text import names
from getbill.settings import Settings
from getbill.vault import Vault

_BLOCK_BYTES: Final = 256 * 1024
_POLL_SECONDS: Final = 0.2
# Time for a worker to claim the import before it is run here.
_WORKER_WAIT_SECONDS: Final = 2.0
_FINDINGS_MAX: Final = 20
_ROW_COUNTS: Final = ("created", "updated", "unchanged", "skipped", "rejected", "warnings")


class ExitStatus(IntEnum):
    """The exit status for scripts."""

    DONE = 0
    NEEDS_MAPPING = 3
    ROWS_REFUSED = 4
    FILE_REFUSED = 5


@dataclass(frozen=True, slots=True)
class _ImportRequest:
    file: Path
    column_fields: dict[str, str | None]
    accepts_proposals: bool
    is_dry_run: bool
    is_json: bool
    rejected_path: Path | None
    sender: str
    is_all_or_nothing: bool
    on_duplicate: imports.OnDuplicate
    grace_hours: int | None

    def import_options(self, language: str) -> imports.ImportOptions:
        """Return the import's options, with messages in a language; raise Invalid for unknown names."""
        names.refuse_hidden({"name": self.file.name, "sender": self.sender})
        return imports.ImportOptions(
            name=self.file.name,
            source="upload",
            sender=self.sender,
            language=language,
            is_auto=not self.column_fields,
            is_dry_run=self.is_dry_run,
            mode="all_or_nothing" if self.is_all_or_nothing else "partial",
            on_duplicate=self.on_duplicate,
            grace_hours=self.grace_hours,
        )


ColumnMappings = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help="Field of a column, named by header or letter; `COLUMN=` ignores the column.",
    ),
]


def import_file(  # noqa: PLR0913 the options of a command are its parameters
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or XLSX file.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row without changing anything.")
    ] = False,
    map_: ColumnMappings = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept the proposals for uncertain columns.")
    ] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Import nothing if any row is invalid.")
    ] = False,
    on_duplicate: Annotated[
        str, typer.Option(help="Handling of an existing reference with other values: skip, update or error.")
    ] = "skip",
    grace_hours: Annotated[
        int | None,
        typer.Option(min=0, max=720, help="Hours before the first contact; defaults to the workspace's."),
    ] = None,
    sender: Annotated[
        str, typer.Option(help="Sender of the file; confirmed mappings are saved by sender and layout.")
    ] = "command line",
    rejected: Annotated[
        Path | None, typer.Option(help="Output file for the rejected rows, to correct and import again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the import as JSON.")] = False,
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id of the workspace.")] = "live",
) -> None:
    """Import a file of debts, with progress and a summary.

    Exit status: 0 all rows are imported; 3 the mapping of a column is not certain, nothing was imported; 4
    some rows were refused; 5 the file was refused, nothing was imported. A running worker does the work;
    without one, this command does.
    """
    request = _ImportRequest(
        file=file,
        column_fields=_parse_columns(map_ or []),
        accepts_proposals=accept,
        is_dry_run=dry_run,
        is_json=as_json,
        rejected_path=rejected,
        sender=sender,
        is_all_or_nothing=all_or_nothing,
        on_duplicate=_duplicate_policy(on_duplicate),
        grace_hours=grace_hours,
    )
    _import(request, company, workspace)


def _import(request: _ImportRequest, company: str | None, workspace: str) -> None:
    """Import a file into a workspace and exit with the status for scripts."""

    async def run_import(settings: Settings, database: Database, vault: Vault) -> int:
        target = await selection.load_workspace(database, vault, company, workspace)
        supervisor = imports.ImportSupervisor(database, vault, imports.child_starter(settings))
        options = request.import_options(target.company.language)
        return await _ImportRun(database, supervisor, target, request).run(options, settings.import_bytes_max)

    exit_status = connection.run_with_settings(run_import)
    if exit_status:
        raise typer.Exit(exit_status)


def _duplicate_policy(on_duplicate: str) -> imports.OnDuplicate:
    policies: dict[str, imports.OnDuplicate] = {"skip": "skip", "update": "update", "error": "error"}
    if on_duplicate not in policies:
        raise typer.BadParameter("skip, update or error", param_hint="--on-duplicate")
    return policies[on_duplicate]


def _parse_columns(texts: list[str]) -> dict[str, str | None]:
    fields_by_column: dict[str, str | None] = {}
    for text in texts:
        column, sign, field = text.rpartition("=")
        if not sign or not column.strip():
            raise typer.BadParameter(f"{text!r} is not COLUMN=FIELD.", param_hint="--map")
        fields_by_column[column.strip()] = field.strip() or None
    return fields_by_column


class _ImportRun:
    """One import as shown to its user."""

    def __init__(
        self,
        database: Database,
        supervisor: imports.ImportSupervisor,
        workspace: Workspace,
        request: _ImportRequest,
    ) -> None:
        self._database = database
        self._supervisor = supervisor
        self._workspace = workspace
        self._request = request
        self._stderr = Console(stderr=True, highlight=False)
        self._stdout = Console(highlight=False)

    async def run(self, options: imports.ImportOptions, bytes_max: int) -> int:
        """Run all steps and return the status."""
        database, workspace = self._database, self._workspace
        new_import = await imports.create(
            database, workspace, self._read_blocks(), options, bytes_max=bytes_max
        )
        import_ = await self._wait_until_idle(new_import.id, "Reading")
        if import_.state in {State.NEEDS_MAPPING, State.MAPPED}:
            if not await self._confirm_columns(import_):
                return ExitStatus.NEEDS_MAPPING
            import_ = await self._wait_until_idle(
                import_.id, "Checking" if self._request.is_dry_run else "Importing"
            )
        return await self._print_outcome(import_)

    async def _read_blocks(self) -> AsyncIterator[bytes]:
        with self._request.file.open("rb") as file:
            while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
                yield block

    async def _wait_until_idle(self, import_id: UUID, label: str) -> Import:
        """Wait until the import is idle, showing its progress; run it here if no worker does."""
        fallback_at = clock.monotonic() + _WORKER_WAIT_SECONDS
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._stderr, transient=True) as progress:
            bar = progress.add_task(label, total=None)
            try:
                while True:
                    import_ = await imports.find(self._database, self._workspace, import_id)
                    progress.update(bar, completed=import_.rows_done, total=import_.rows_total)
                    if import_.task is None:
                        return import_
                    if clock.monotonic() > fallback_at:
                        await self._supervisor.tick()
                    await asyncio.sleep(_POLL_SECONDS)
            finally:
                await self._supervisor.close()

    async def _confirm_columns(self, import_: Import) -> bool:
        """Print the mapping; if it is not certain, discard the file without importing."""
        request, import_key = self._request, (self._workspace, import_.id)
        try:
            async with self._database.transaction(self._workspace.now()) as tx:
                if request.column_fields:
                    import_, _ = await imports.change_mapping(
                        tx, *import_key, {"columns": request.column_fields}
                    )
                mapping = imports.describe_columns(self._workspace, import_)
                is_certain = mapping["is_certain"] and (
                    import_.state is State.MAPPED or bool(request.column_fields)
                )
                if is_certain or request.accepts_proposals:
                    await imports.confirm(tx, *import_key, is_dry_run=request.is_dry_run)
                    return True
        except imports.MappingNotCertain:
            pass
        except BaseException:
            await self._discard(import_)
            raise
        self._print_questions(imports.describe_columns(self._workspace, import_))
        await self._discard(import_)
        return False

    async def _discard(self, import_: Import) -> None:
        async with self._database.transaction(self._workspace.now()) as tx:
            await imports.discard(tx, self._workspace, import_.id)

    def _print_questions(self, mapping: dict[str, Any]) -> None:
        if self._request.is_json:
            selection.print_json({"state": "asks", **mapping})
            return
        table = Table("Column", "Field", "Confidence", "Reason", "Examples")
        for column in mapping["columns"]:
            sure = f"{column['confidence']:.0%}" if column["field"] else ""
            samples = ", ".join(column["samples"])
            name = column.get("header") or column.get("letter") or str(column["index"])
            table.add_row(name, column["field"] or "-", sure, column["reason"]["message"], samples)
        self._stdout.print(table)
        for question in mapping["questions"]:
            self._stderr.print(f"? {question['message']}", markup=False)
        self._stderr.print(
            "Nothing was imported. Map the columns with --map 'COLUMN=FIELD', or accept the proposals with --accept.",
            markup=False,
        )
        self._stderr.print(f"Fields: {', '.join(mapping['fields'])}", markup=False)

    async def _print_outcome(self, import_: Import) -> int:
        """Print the summary and return the status."""
        report = await imports.build_report(self._database, self._workspace, import_)
        if self._request.rejected_path is not None:
            await self._write_rejected(import_, self._request.rejected_path)
        if self._request.is_json:
            selection.print_json(report)
        else:
            await self._print_summary(import_, report)
        if import_.state == "failed":
            return ExitStatus.FILE_REFUSED
        return ExitStatus.ROWS_REFUSED if import_.rejected else ExitStatus.DONE

    async def _print_summary(self, import_: Import, report: dict[str, Any]) -> None:
        self._stdout.print(f"{import_.name}: {import_.state}", markup=False)
        table = Table("Rows", "")
        for count in _ROW_COUNTS:
            name = "would be created" if count == "created" and import_.state is State.CHECKED else count
            table.add_row(name, str(getattr(import_, count)))
        self._stdout.print(table)
        for entry in report["notes"]:
            self._stderr.print(entry["message"], markup=False)
        if report["error"]:
            self._stderr.print(f"{report['error']['message']} {report['error']['way_out']}", markup=False)
        findings = await imports.first_findings(self._database, self._workspace, import_, _FINDINGS_MAX)
        for entry in findings:
            location = f"line {entry['line']}" + (f", {entry['column']}" if entry["column"] else "")
            self._stderr.print(f"{location}: {entry['message']}", markup=False)
        if len(findings) == _FINDINGS_MAX:
            self._stderr.print("... and more. --rejected FILE writes all of them.", markup=False)
        self._stdout.print(f"Import {import_.public_id}", markup=False)

    async def _write_rejected(self, import_: Import, path: Path) -> None:
        rows = await imports.rows_to_correct(self._database, self._workspace, import_)
        if rows is None:
            return
        with private_files.create(path) as file:
            async for block in rows[1]:
                file.write(block)
