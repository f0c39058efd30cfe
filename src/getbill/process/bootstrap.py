"""The first start of an installation: a demo company, and the file that tells how to get in.

`first-run.json` is written whole or not at all, readable by its owner alone, before the API's port opens. It is
never written over: a later start finds everything as it was. A first start that was killed half-way is finished
by the next one, which a mark beside the file tells.
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
    """What `first-run.json` holds: how to get into the demo company."""

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
    """Found the demo company and write its credentials, unless this database has companies already.

    Founding may be repeated: it finishes what a killed first start left half-made, with fresh credentials.
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
    """Write the credentials so that a crash leaves all of them or no file."""
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
