"""`getbill import-child`: the process of one import, started by a worker and ended with it.

Its instructions arrive on standard input, so that no secret is on its command line. It runs at low priority,
with a limit on its memory.
"""

import gc
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import uvloop

from getbill import imports, reactions, vault
from getbill.kit import json, logs
from getbill.kit.database import open_database
from getbill.settings import LogLevel

_NICER: Final = 10
_MEMORY_MAX: Final = 2 * 1024**3
_CONNECTIONS: Final = 3


def import_child() -> None:
    """Run one import as instructed on standard input; for workers, not for people."""
    instructions = json.read(sys.stdin.buffer.read())
    logs.configure(LogLevel(instructions["log_level"]), "import")
    os.nice(_NICER)
    # Only the soft limit: the workbook reader sets one of its own.
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, resource.RLIM_INFINITY))
    uvloop.run(_run_import(instructions))


async def _run_import(instructions: dict[str, Any]) -> None:
    database = await open_database(instructions["dsn"], reactions.before_commit, size=_CONNECTIONS)
    try:
        unlocked_vault = await vault.unlock(
            database, instructions["master_key"], Path(instructions["key_file"])
        )
        workspace_id, import_id, fence = instructions["import"]
        # Existing objects are permanent; rows come and go by the thousand without cycles.
        gc.freeze()
        gc.disable()
        await imports.run_import(database, unlocked_vault, UUID(workspace_id), UUID(import_id), fence)
    finally:
        await database.close()
