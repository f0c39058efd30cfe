"""Files as creditors send them, and an installation that imports them: API and worker as in production."""

import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter

from bench import bare_copy
from getbill.kit import ids
from testbed.debtors import new_debt
from testbed.installation import Api, PreparedInstallation, api, prepared_installation, process, settings
from testbed.process_memory import Peak

# Of a file, unless fewer are asked for: `BENCH_IMPORT_ROWS=5000 bin/bench import`.
ROWS = int(os.environ.get("BENCH_IMPORT_ROWS", "100000"))
_HEADERS = ("Name", "Email", "Phone", "Amount", "Currency", "Reference", "Due date", "Scenario")
_PATIENCE_SECONDS = 3600
_OVER = frozenset({"completed", "failed", "undone"})


class ImportFailed(RuntimeError):
    """A file did not become what it says: the round measures nothing."""


@dataclass(frozen=True, slots=True)
class ImportInstallation:
    """An installation with its worker, and another database to copy into."""

    home: PreparedInstallation
    api: Api
    second: str
    worker: int


@contextmanager
def import_installation() -> Iterator[ImportInstallation]:
    """Yield a running installation."""
    with prepared_installation() as base:
        second = asyncio.run(base.second("limit"))
        asyncio.run(bare_copy.prepare(base.dsn, second))
        environment = settings(base.folder, 0) | {"DATABASE_URL": base.dsn, "GETBILL_LOG_LEVEL": "warning"}
        environment.pop("GETBILL_PORT")
        with api(base) as ours, process([sys.executable, "-m", "getbill", "worker"], environment) as worker:
            yield ImportInstallation(base, ours, second, worker.pid)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A file that was imported: how long it took, and the most memory that one process of the worker's family held."""

    import_id: UUID
    rows: int
    seconds: float
    peak_megabytes: float

    def __str__(self) -> str:
        """Tell of it in a few words."""
        each = self.seconds / self.rows * 1e6
        return f"{self.seconds:.1f} s, {each:.0f} us a row, peak {self.peak_megabytes:.0f} MB"


def load(ours: ImportInstallation, file: Path, count: int) -> ImportResult:
    """Have a file of so many rows imported, each of which has to become a debt."""
    with Peak(ours.worker) as peak:
        began = time.perf_counter()
        started = upload(ours.api, file)
        answer = wait(ours.api, started["id"])
        seconds = time.perf_counter() - began
    if answer["state"] != "completed" or answer["counts"]["created"] != count:
        raise ImportFailed(json.dumps(answer)[:2000])
    return ImportResult(ids.read("import", answer["id"]), count, seconds, peak.megabytes)


def load_csv(ours: ImportInstallation, first: int, count: int) -> ImportResult:
    """Write a CSV of the debts from a number on, and have it imported."""
    file = ours.home.folder / "debts.csv"
    write_csv(file, first, count)
    return load(ours, file, count)


def upload(ours: Api, file: Path) -> Any:
    """Send a file as it is, to be imported without a question.

    The grace period is the usual one: nobody is contacted meanwhile, whatever the hour at which this runs.
    """
    kind = "text/csv" if file.suffix == ".csv" else _XLSX
    url = f"http://127.0.0.1:{ours.port}/external-api/v1/imports?auto=true&name={file.name}"
    headers = {
        "Authorization": f"Bearer {ours.token}",
        "Content-Type": kind,
        "Content-Length": str(file.stat().st_size),
    }
    with file.open("rb") as body:
        request = urllib.request.Request(url, body, headers)
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310 loopback only
            return json.load(answer)


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def wait(ours: Api, identifier: str) -> Any:
    """Wait until an import is over and return it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = ours.call(f"/imports/{identifier}")
        if answer["state"] in _OVER or answer.get("waiting_for"):
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"{identifier} was not over within an hour.")


def rows(first: int, count: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a file: people nobody has met, as in every other figure."""
    for number in range(first, first + count):
        debt = json.loads(new_debt(number), parse_float=str)
        who = debt["debtor"]
        yield (
            who["name"],
            who["email"],
            who["phone"],
            str(debt["amount"]),
            debt["currency"],
            debt["reference"],
            debt["due_date"],
            debt["scenario"],
        )


def write_csv(file: Path, first: int, count: int) -> None:
    """Write a file of debts."""
    with file.open("w", encoding="utf-8") as out:
        out.write(",".join(_HEADERS) + "\r\n")
        out.writelines(",".join(row) + "\r\n" for row in rows(first, count))


def write_workbook(file: Path, first: int, count: int) -> None:
    """Write a workbook of debts."""
    book = xlsxwriter.Workbook(str(file), {"constant_memory": True})
    sheet = book.add_worksheet("Debts")
    sheet.write_row(0, 0, _HEADERS)
    for number, row in enumerate(rows(first, count), start=1):
        for column, cell in enumerate(row):
            if column == _AMOUNT:
                sheet.write_number(number, column, float(cell))
            else:
                sheet.write_string(number, column, cell)
    book.close()


_AMOUNT = _HEADERS.index("Amount")
