"""Workbook reader: the rows are read once by a child process with limited time and memory.

The child writes its rows to an unnamed file, which disappears when it is closed; when `extract` returns, no
child is left, whatever its result.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from getbill.sheets.files import encodings, workbook_worker
from getbill.sheets.files.delimited import Record
from getbill.sheets.files.merges import Merge
from getbill.sheets.messages import Unreadable
from getbill.sheets.model import DATES_FROM_1904, Cell, Note, OtherSheet, ReadChoices, ReadLimits, letter
from getbill.sheets.tables import WORDS

_DAY_CHARS = 10
# Exit statuses of a process that exceeded its limits: out of memory Rust aborts, and a signal reports the
# time limit.
_ENDS = {
    -signal.SIGABRT: "too_much_memory",
    -signal.SIGSEGV: "too_much_memory",
    -signal.SIGKILL: "too_slow",
    -signal.SIGXCPU: "too_slow",
    -signal.SIGXFSZ: "unpacks_too_large",
}


@dataclass(slots=True)
class Workbook:
    """The rows of one sheet of a workbook, read from the first each time."""

    rows: BinaryIO
    head: dict[str, Any]
    hidden: frozenset[int]
    # The encoding as which its texts were misread before they were saved in it; empty if none.
    twice: str = ""

    @property
    def sheet(self) -> str:
        """The name of the sheet that is read."""
        return str(self.head["sheet"])

    @property
    def other_sheets(self) -> tuple[OtherSheet, ...]:
        """The sheets that are not read."""
        return tuple(OtherSheet(**other) for other in self.head["others"])

    @property
    def merges(self) -> tuple[Merge, ...]:
        """The vertically merged cells."""
        return tuple(Merge(*merge) for merge in self.head["merges"])

    @property
    def currencies(self) -> dict[str, list[str]]:
        """The currencies that the number formats of cells show, by the column's letter."""
        return dict(self.head["currencies"])

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes on the workbook for a person."""
        notes = []
        filled = [other.name for other in self.other_sheets if other.rows > 1 and not other.is_hidden]
        if filled:
            notes.append(Note("other_sheets", {"sheet": self.sheet, "others": ", ".join(filled)}))
        if self.hidden:
            notes.append(Note("hidden_rows", {"count": len(self.hidden)}))
        if self.twice:
            notes.append(Note("texts_encoded_twice", {"encoding": encodings.display_name(self.twice)}))
        if not self.head["is_hiding_known"]:
            notes.append(Note("hiding_unknown"))
        if self.head["hidden_columns"]:
            letters = ", ".join(letter(index) for index in self.head["hidden_columns"])
            notes.append(Note("hidden_columns", {"columns": letters}))
        if self.head["far_cells"]:
            notes.append(Note("far_cells", {"count": self.head["far_cells"]}))
        if self.head["unsaved"]:
            notes.append(Note("formulas_unsaved", {"count": self.head["unsaved"]}))
        if self.head["is_1904"]:
            notes.append(Note(DATES_FROM_1904))
        return tuple(notes)

    def records(self) -> Iterator[Record]:
        """Yield every row that is not blank, with its number in the sheet."""
        self.rows.seek(0)
        self.rows.readline()
        for frame_line in self.rows:
            frame = orjson.loads(frame_line)
            rows = frame["rows"]
            for row, column in frame["dates"]:
                text = rows[row][column]
                rows[row][column] = (
                    date.fromisoformat(text) if len(text) == _DAY_CHARS else datetime.fromisoformat(text)
                )
            if self.twice:
                rows = [[self._mend(cell) for cell in cells] for cells in rows]
            for line, cells in zip(frame["lines"], rows, strict=True):
                yield line, cells, None

    def _mend(self, cell: Cell) -> Cell:
        return encodings.mend(cell, self.twice) if isinstance(cell, str) and not cell.isascii() else cell

    def close(self) -> None:
        """Close the file of rows."""
        self.rows.close()


def extract(file: BinaryIO, limits: ReadLimits, choices: ReadChoices) -> Workbook:
    """Read a sheet of the workbook, or raise `Unreadable`."""
    rows: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the workbook
    try:
        _run_worker(file, rows, limits, choices)
        rows.seek(0)
        head = orjson.loads(rows.readline())
    except BaseException:
        rows.close()
        raise
    hidden = frozenset() if choices.with_hidden_rows else frozenset(head["hidden_rows"])
    return Workbook(rows, head, hidden)


def _run_worker(file: BinaryIO, rows: BinaryIO, limits: ReadLimits, choices: ReadChoices) -> None:
    options = {"sheet": choices.sheet, "words": WORDS.pattern, "parent": os.getpid()}
    request = orjson.dumps(asdict(limits) | options).decode()
    with _on_disk(file) as source:
        try:
            # With an empty environment, so that the child has none of this process's secrets.
            child = subprocess.run(  # noqa: S603 - our own program, its only argument made above
                [sys.executable, "-I", str(Path(workbook_worker.__file__)), request],
                stdin=source,
                stdout=rows,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=limits.wait_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unreadable("too_slow") from None
    if child.returncode == 0:
        return
    if child.returncode == workbook_worker.REFUSED:
        rows.seek(0)
        refused = orjson.loads(rows.read())
        raise Unreadable(refused["error"], **refused["facts"])
    code = _ENDS.get(child.returncode, "damaged")
    raise Unreadable(code, limit=limits.unpacked_max)


def _on_disk(file: BinaryIO) -> contextlib.AbstractContextManager[BinaryIO]:
    """Return a file that another process can open: the file itself, or a copy of one in memory."""
    file.seek(0)
    try:
        file.fileno()
    except OSError:
        return _copy_to_disk(file)
    file.flush()
    return contextlib.nullcontext(file)


@contextlib.contextmanager
def _copy_to_disk(file: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, 1024 * 1024)
        copy.flush()
        yield copy
