"""`getbill` with some words, as somebody at a command line runs it, on a database that nobody else serves."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import structlog
from click.testing import Result
from typer.testing import CliRunner

from cluster import MASTER_KEY, TEMPLATE, Cluster
from getbill.process import cli

Run = Callable[..., Awaitable[Result]]


@asynccontextmanager
async def commands(postgres: Cluster, folder: Path) -> AsyncIterator[Run]:
    """Yield what runs `getbill`, in a thread: a command has its own event loop, and sets up logging anew."""
    structure, handlers, level = structlog.get_config(), logging.root.handlers, logging.root.level
    name = f"commands_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    environment = {
        "DATABASE_URL": postgres.dsn(name),
        "GETBILL_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "GETBILL_DATA_DIR": str(folder),
        "COLUMNS": "200",
    }

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli.app, words, env=environment)

    yield run
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()
    structlog.configure(**structure)
    logging.root.handlers = handlers
    logging.root.setLevel(level)


async def printed(running: Awaitable[Result]) -> Any:
    """What a command printed on its standard output."""
    done = await running
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)
