"""A temporary file on the process's own disk: unnamed, private to the process, removed when closed."""

import asyncio
import tempfile
from typing import BinaryIO

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports import queries
from getbill.imports.model import Import
from getbill.kit.database import Database


class FileGone(Exception):
    """The file was dropped: it expired, its import was undone, or a person in it was erased."""


async def write_temp_file(database: Database, workspace: Workspace, import_: Import) -> BinaryIO:
    """Return an import's bytes as an unnamed file (mode 0600); raise FileGone where they were dropped."""
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's
    try:
        async for chunk in queries.chunks(database, workspace, import_):
            await asyncio.to_thread(file.write, chunk)
        is_whole = file.tell() == import_.size
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if not is_whole:
        file.close()
        raise FileGone
    return file


class ImportFile:
    """The open file of an import: the next task reuses what the previous one read."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._sheet: sheets.Sheet | None = None

    async def sheet(
        self, database: Database, workspace: Workspace, import_: Import, layout: sheets.Layout | None = None
    ) -> sheets.Sheet:
        """Return an import's table, read by its layout if one is known; this object closes it.

        Raises FileGone where the bytes were dropped, and sheets.Unreadable.
        """
        if self._file is None:
            self._file = await write_temp_file(database, workspace, import_)
        before, self._sheet = self._sheet, None
        if before is not None:
            self._sheet = before.reread(layout) if layout else None
            if self._sheet is None:
                before.close()
        if self._sheet is None:
            self._sheet = await asyncio.to_thread(sheets.open, self._file, import_.name, layout=layout)
        return self._sheet

    def close(self) -> None:
        """Close the file."""
        if self._sheet is not None:
            self._sheet.close()
        if self._file is not None:
            self._file.close()
        self._sheet = self._file = None
