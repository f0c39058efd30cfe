"""The first start of an installation: a demo company, and the file with its credentials.

`first-run.json` is written atomically, readable by its owner alone, before the API's port opens. It is never
overwritten: a later start finds everything unchanged. A first start that was killed is completed by the next
one, which a marker beside the file indicates.
"""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypedDict

import asyncpg

from getbill.settings import Settings

_HAS_COMPANIES: Final = "SELECT EXISTS (SELECT FROM companies)"


class Credentials(TypedDict):
    """The content of `first-run.json`: the credentials of the demo company."""

    base_url: str
    dashboard_email: str
    dashboard_password: str
    sandbox_api_key: str
    client_id: str
    client_secret: str
    sftp_host: str
    sftp_port: int
    sftp_username: str
    sftp_password: str


CreateCompany = Callable[[Settings], Awaitable[Credentials]]


async def prepare(settings: Settings, create_company: CreateCompany) -> None:
    """Create the demo company and write its credentials, unless this database has companies already.

    Safe to repeat: it completes what a killed first start left unfinished, with new credentials.
    """
    file, mark = settings.first_run_file, settings.first_run_file.with_suffix(".started")
    if not file.exists():
        if not mark.exists() and await _has_companies(settings.dsn):
            return
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch(mode=0o600)
        write(file, await create_company(settings))
    mark.unlink(missing_ok=True)


def write(file: Path, credentials: Credentials) -> None:
    """Write the credentials atomically."""
    temporary = file.with_suffix(".draft")
    temporary.unlink(missing_ok=True)
    with os.fdopen(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as out:
        json.dump(credentials, out, indent=2)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(file: Path) -> Credentials:
    """Return the credentials of an earlier first start."""
    credentials: Credentials = json.loads(file.read_text("utf-8"))
    return credentials


async def _has_companies(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return bool(await connection.fetchval(_HAS_COMPANIES))
    finally:
        await connection.close()
