"""A file on the process's own disk for as long as it is read: without a name, readable by nobody else, gone with it."""

import asyncio
import tempfile
from typing import BinaryIO

from getbill.companies import Workspace
from getbill.imports import queries
from getbill.imports.model import Import
from getbill.kit.db import Database


class FileGone(Exception):
    """The file was dropped: its time was over, it was taken back, or somebody in it was erased."""


async def spooled(database: Database, workspace: Workspace, found: Import) -> BinaryIO:
    """Return an import's bytes as a file without a name (mode 0600); raise FileGone where they were dropped."""
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's
    try:
        async for chunk in queries.chunks(database, workspace, found):
            await asyncio.to_thread(file.write, chunk)
        is_whole = file.tell() == found.size
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if not is_whole:
        file.close()
        raise FileGone
    return file
