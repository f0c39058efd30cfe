"""`import`: files through the API until the last row is a committed debt, beside a bare COPY of the very rows stored.

API and worker run as in production, the worker's child niced. A round is one file, from the first byte sent to
`completed`; its rows are then read back and copied bare into the same tables of another database of the same cluster.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import python_calamine

from bench import besides, copying
from bench.figures import Figure
from bench.files import ROWS, House, ImportFailed, house, load, write_csv, write_workbook

_MANY = 1_000_000
_LIVE = "SELECT workspace_id FROM workspaces WHERE kind = 'live'"


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figures of files."""
    with house() as ours:
        csv, copied = _pair(ours, 0, say)
        figures = [Figure("import-csv", csv, copied, "seconds for 100,000 rows", 4.0, is_more_better=False)]
        workbook = ours.home.folder / "debts.xlsx"
        write_workbook(workbook, 2 * ROWS, ROWS)
        reading = _reading(workbook)
        xlsx, _ = load(ours, workbook)
        say(f"XLSX: {xlsx:.1f} s, of which reading the workbook by itself takes {reading:.1f} s")
        more = Figure(
            "import-xlsx", max(0.0, xlsx - csv), reading, "seconds more than CSV", 1.0, is_more_better=False
        )
        many = ours.home.folder / "many.csv"
        write_csv(many, 10 * ROWS, _MANY)
        seconds, peak = load(ours, many)
        say(f"1,000,000 rows: {seconds:.0f} s, {seconds / _MANY * 1e6:.0f} us a row, peak {peak:.0f} MB")
        scale = Figure(
            "import-scale",
            seconds / _MANY * 1e6,
            csv / ROWS * 1e6,
            "us a row of 1,000,000",
            1.3,
            is_more_better=False,
        )
        beside = besides.figure(ours, 20 * ROWS, say)
    return [*figures, more, scale, beside]


def _pair(ours: House, first: int, say: Callable[[str], None]) -> tuple[float, float]:
    file = ours.home.folder / "debts.csv"
    write_csv(file, first, ROWS)
    seconds, peak = load(ours, file)
    copied = asyncio.run(_copied(ours))
    say(
        f"CSV: {seconds:.1f} s, {seconds / ROWS * 1e6:.0f} us a row, peak {peak:.0f} MB; bare COPY {copied:.1f} s;"
        f" ratio {seconds / copied:.2f}"
    )
    return seconds, copied


async def _copied(ours: House) -> float:
    connection = await asyncpg.connect(ours.home.dsn)
    live = await connection.fetchval(_LIVE)
    await connection.close()
    return await copying.copy(ours.second, await copying.stored(ours.home.dsn, live))


def _reading(file: Path) -> float:
    """Return how long calamine takes to read a workbook, doing nothing with it."""
    began = time.perf_counter()
    book = python_calamine.CalamineWorkbook.from_path(str(file))
    count = sum(1 for _ in book.get_sheet_by_index(0).iter_rows())
    if count != ROWS + 1:
        raise ImportFailed(f"The workbook has {count} rows.")
    return time.perf_counter() - began
