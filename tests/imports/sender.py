"""A sender of files, and the work on them: by the worker's own crew of children, or at once in this process."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import openpyxl

from calls import Answer, Site
from getbill.imports import queries
from getbill.imports.files.temp_file import ImportFile
from getbill.imports.rows.create import ImportPass
from getbill.imports.runs import tasks
from getbill.imports.runs.jobs import ImportSupervisor, child_starter
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Statement
from installation import Installation
from make import Company

API = "/external-api/v1"
HEADERS = ["Référence", "Nom", "E-mail", "Téléphone", "Montant dû", "Échéance"]

_TAKE = Statement(
    "imports.test_take",
    "Take this import, as a worker does, so that a running one leaves it alone.",
    """
    UPDATE imports SET fence = fence + 1, lease_until = now() + interval '1 hour' WHERE workspace_id = $1 AND id = $2
    RETURNING fence
    """,
)
_GIVE_BACK = Statement(
    "imports.test_give_back",
    "Leave this import to whoever wants it.",
    "UPDATE imports SET lease_until = NULL WHERE workspace_id = $1 AND id = $2 AND fence = $3",
)


def row(number: int, **changes: str) -> list[str]:
    """A good row of a file."""
    cells = {
        "Référence": f"F-2026-{number:05d}",
        "Nom": f"Jean Dupont {number}",
        "E-mail": f"jean.dupont{number}@example.com",
        "Téléphone": "",
        "Montant dû": f"{100 + number},50",
        "Échéance": "31/01/2026",
    } | changes
    return [cells[name] for name in HEADERS]


def csv(rows: Sequence[Sequence[str]], headers: Sequence[str] = HEADERS) -> bytes:
    """A file as a French spreadsheet writes it."""
    return "".join(";".join(cells) + "\r\n" for cells in [headers, *rows]).encode("utf-8-sig")


def table(written: bytes) -> list[list[str]]:
    """The cells of a CSV of ours."""
    return [line.split(";") for line in written.decode("utf-8-sig").splitlines()]


def book(written: bytes) -> list[list[Any]]:
    """The cells of a workbook's one sheet."""
    sheet = openpyxl.load_workbook(io.BytesIO(written)).active
    assert sheet is not None
    return [[cell.value for cell in cells] for cells in sheet.iter_rows()]


def xlsx(rows: Sequence[Sequence[str]], headers: Sequence[str] = HEADERS) -> bytes:
    """Return a workbook as a spreadsheet program writes it."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for cells in [headers, *rows]:
        book.active.append(list(cells))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


async def alone(task: Callable[[ImportPass, ImportFile], Awaitable[None]], work: ImportPass) -> None:
    """Do one task of an import by itself."""
    with closing(ImportFile()) as resource:
        await task(work, resource)


@dataclass
class Sender:
    """Who sends files into one sandbox, and reads what became of them."""

    installation: Installation
    company: Company
    site: Site
    children: list[int] = field(default_factory=list)

    @property
    def workspace_id(self) -> UUID:
        return self.company.sandbox.id

    async def call(self, method: str, path: str, value: Any = None, **headers: str) -> Answer:
        sent = b"" if value is None else json.write(value)
        return await self.site.call(method, API + path, body=sent, headers=headers)

    async def get(self, path: str, **headers: str) -> Any:
        answered = await self.call("GET", path, **headers)
        assert answered.status == 200, answered.body
        return json.read(answered.body)

    async def send(self, content: bytes, query: str = "", **headers: str) -> Answer:
        """Send a file as the body."""
        named = {
            "Content_Type": "text/csv",
            "Content_Disposition": 'attachment; filename="debts.csv"',
        } | headers
        return await self.site.call("POST", f"{API}/imports{query}", body=content, headers=named)

    async def sent(self, content: bytes, query: str = "") -> str:
        """Send a file and return the import's id."""
        answered = await self.send(content, query)
        assert answered.status == 202, answered.body
        return str(answered.json()["id"])

    async def work(self, import_id: str) -> dict[str, Any]:
        """Do here and now what waits to be done with an import, and return how it is shown."""
        database = self.installation.database
        result = UUID(int=ids.read(import_id.partition("_")[0], import_id).int)
        fence = await database.fetchval(_TAKE, self.workspace_id, result)
        await tasks.run(database, self.installation.vault, self.workspace_id, result, fence)
        await database.execute(_GIVE_BACK, self.workspace_id, result, fence)
        return dict(await self.get(f"/imports/{import_id}"))

    async def taken(self, import_id: str) -> ImportPass:
        """Take an import, and return the work on it as its row asks for now: a task of it may be done by itself."""
        database, workspace = self.installation.database, self.company.sandbox
        found_id = ids.read(import_id.partition("_")[0], import_id)
        await database.fetchval(_TAKE, workspace.id, found_id)
        result = await queries.find(database, workspace, found_id)
        key = queries.keys_of(workspace, result).main
        assert key is not None
        return ImportPass(database, workspace, result, key)

    async def imported(self, content: bytes, query: str = "?auto=true") -> dict[str, Any]:
        """Send a file, have it imported, and return how it is shown."""
        return await self.work(await self.sent(content, query))

    async def debts(self) -> list[dict[str, Any]]:
        """The debts of the sandbox, the oldest first."""
        return list((await self.get("/debts?limit=100&sort=date"))["data"])

    async def references(self) -> list[str]:
        return [debt["reference"] for debt in await self.debts()]

    async def findings(self, import_id: str, query: str = "", **headers: str) -> list[dict[str, Any]]:
        return list((await self.get(f"/imports/{import_id}/report{query}", **headers))["data"])

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        return await self.installation.database.pool.fetch(sql, *arguments)


async def by_crew(sender: Sender, import_id: str, seconds: float = 60.0) -> dict[str, Any]:
    """Have a worker's crew, with its children, do an import to its end."""
    installation = sender.installation
    crew = ImportSupervisor(installation.database, installation.vault, child_starter(installation.settings))
    until = clock.monotonic() + seconds
    try:
        while (answer := await sender.get(f"/imports/{import_id}"))["doing"] is not None:
            assert clock.monotonic() < until, answer
            await crew.tick()
            await asyncio.sleep(0.05)
    finally:
        await crew.close()
    return dict(answer)


__all__ = ["API", "HEADERS", "Sender", "book", "by_crew", "csv", "row", "table"]
