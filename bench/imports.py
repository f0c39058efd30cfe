"""`import-csv`, `import-xlsx`, `import-scale`: files through the API until the last row is a committed debt.

API and worker run as in production, the worker's child niced. A load is one file, from the first byte sent to
`completed`. Each figure has an installation of its own, whose first loads warm it up and are not counted; all others
go on into the same growing book.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import python_calamine

from bench import bare_copy
from bench.figures import Figure, Pairs
from bench.import_files import (
    ROWS,
    ImportFailed,
    ImportInstallation,
    ImportResult,
    import_installation,
    load,
    load_csv,
    write_csv,
    write_workbook,
)

_LOADS = 3
_TIMES = 10


def csv(say: Callable[[str], None]) -> list[Figure]:
    """Return how long CSV takes beside a bare COPY of the very rows it left, into another database of the cluster."""
    pairs = Pairs([], [])
    with import_installation() as ours:
        _copied(ours, load_csv(ours, 0, ROWS))
        for number in range(1, _LOADS + 1):
            loaded = load_csv(ours, number * ROWS, ROWS)
            copied = _copied(ours, loaded)
            pairs.ours.append(loaded.seconds)
            pairs.limit.append(copied)
            say(f"CSV: {loaded}; bare COPY {copied:.1f} s; ratio {loaded.seconds / copied:.2f}")
    return [pairs.figure("import-csv", f"seconds for {ROWS:,} rows", 4.0, is_more_better=False)]


def xlsx(say: Callable[[str], None]) -> list[Figure]:
    """Return how much longer a workbook takes than CSV, beside what reading it by calamine alone takes.

    Each workbook is loaded between two CSV files and compared with their mean: the book grows all the while. All are
    written before the first is loaded, so that each load follows upon another.
    """
    pairs = Pairs([], [])
    with import_installation() as ours:
        files = _written(ours, 3 + 2 * _LOADS)
        for file in files[:2]:
            load(ours, file, ROWS)
        before = load(ours, files[2], ROWS)
        for book, table in zip(files[3::2], files[4::2], strict=True):
            loaded, after = load(ours, book, ROWS), load(ours, table, ROWS)
            pairs.ours.append(loaded.seconds - (before.seconds + after.seconds) / 2)
            pairs.limit.append(_reading(book))
            say(
                f"XLSX: {loaded}, {pairs.ours[-1]:+.1f} s to CSV before ({before}) and after ({after});"
                f" reading the workbook by itself takes {pairs.limit[-1]:.1f} s"
            )
            before = after
    return [pairs.figure("import-xlsx", "seconds more than CSV", 1.0, is_more_better=False)]


def scale(say: Callable[[str], None]) -> list[Figure]:
    """Return what a row and the memory cost in a file ten times as long."""
    with import_installation() as ours:
        load_csv(ours, 0, ROWS)
        short = [load_csv(ours, number * ROWS, ROWS) for number in range(1, _LOADS + 1)]
        for loaded in short:
            say(f"{ROWS:,} rows: {loaded}")
        long = load_csv(ours, _TIMES * ROWS, _TIMES * ROWS)
    say(f"{long.rows:,} rows: {long}")
    row, usual_row = long.seconds / long.rows, median(loaded.seconds for loaded in short) / ROWS
    usual_peak = median(loaded.peak_megabytes for loaded in short)
    of, at = f"us a row of {long.rows:,}", f"MB at the peak of {long.rows:,} rows"
    return [
        Figure("import-scale", row * 1e6, usual_row * 1e6, of, 1.3, is_more_better=False),
        Figure("import-memory", long.peak_megabytes, usual_peak, at, None, is_more_better=False),
    ]


def _written(ours: ImportInstallation, many: int) -> list[Path]:
    """Write so many files and return them: two to warm up with, a CSV, and then workbooks and CSV in turn."""
    files = []
    for number in range(many):
        is_book = number == 0 or (number > 2 and number % 2 == 1)
        file = ours.home.folder / f"debts-{number}.{'xlsx' if is_book else 'csv'}"
        (write_workbook if is_book else write_csv)(file, number * ROWS, ROWS)
        files.append(file)
    return files


def _copied(ours: ImportInstallation, loaded: ImportResult) -> float:
    """Return how long a bare COPY takes of the rows that a load left."""
    return asyncio.run(_copy(ours, loaded))


async def _copy(ours: ImportInstallation, loaded: ImportResult) -> float:
    return await bare_copy.copy(ours.second, await bare_copy.stored_rows(ours.home.dsn, loaded.import_id))


def _reading(file: Path) -> float:
    """Return how long calamine takes to read a workbook, doing nothing with it."""
    began = time.perf_counter()
    book = python_calamine.CalamineWorkbook.from_path(str(file))
    count = sum(1 for _ in book.get_sheet_by_index(0).iter_rows())
    seconds = time.perf_counter() - began
    if count != ROWS + 1:
        raise ImportFailed(f"The workbook has {count} rows.")
    return seconds
