"""An installation of one test whose master key is in a file of its own, with backups of its database."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import requests
import structlog
from typer.testing import CliRunner

import make
from calls import Site, started
from cluster import MASTER_KEY, TEMPLATE, Cluster
from getbill import vault
from getbill.embedded import Server
from getbill.kit.database.transactions import Database, open_database
from getbill.migrations.actions import migrate
from getbill.process import cli
from getbill.process.app import create_app
from getbill.settings import Settings
from getbill.vault import KeyFile, Version
from processes import SOURCE

API = "/external-api/v1"
DAYS = 30


@dataclass
class SealedInstallation:
    """A database sealed by the key file of a folder, that can be backed up, restored and served."""

    postgres: Cluster
    admin: asyncpg.Connection
    folder: Path
    name: str
    key: str = ""
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def dsn(self) -> str:
        return self.postgres.dsn(self.name)

    @property
    def key_file(self) -> Path:
        return self.folder / "master.key"

    @property
    def journal(self) -> Path:
        return self.folder / "erasures.jsonl"

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.folder,
            database_connections=4,
            rate_limit_sandbox=100_000,
            rate_limit_anonymous=100_000,
        ).with_dsn(self.dsn)

    def lines(self) -> list[str]:
        return (
            [line for line in self.journal.read_text().splitlines() if line] if self.journal.exists() else []
        )

    async def back_up(self) -> None:
        await self._copy(self.name, f"{self.name}_backup")

    async def restore(self) -> None:
        await self._drop(self.name)
        await self._copy(f"{self.name}_backup", self.name)

    async def drop(self) -> None:
        await self._drop(self.name)
        await self._drop(f"{self.name}_backup")

    async def _copy(self, source: str, target: str) -> None:
        await self.admin.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    async def _drop(self, name: str) -> None:
        await self.admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @asynccontextmanager
    async def opened(self, role: str = "") -> AsyncIterator[Database]:
        """Yield the database, without any process on it."""

        async def no_edge(_tx: Any) -> None:
            """Nothing follows from what is written so."""

        dsn = f"{self.dsn}&role={role}" if role else self.dsn
        database = await open_database(dsn, no_edge, size=3)
        yield database
        await database.close()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Site]:
        """Yield the API in this process, called with the company's sandbox key."""
        async with started(create_app(self.settings)) as site:
            if not self.key:
                company = await make.company(site.app.state.database, site.app.state.vault)
                self.key = company.key
            yield site.with_token(self.key)

    @contextmanager
    def process(self, *words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `getbill` with some words as a process of its own; an API's URL is `url`."""
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        if words == ("api",):
            self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        listening = ("--listen-fd", str(bound.fileno())) if words == ("api",) else ()
        base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "GETBILL_DATA_DIR": str(self.folder)}
        base |= {"DATABASE_URL": self.dsn, "GETBILL_RATE_LIMIT_SANDBOX": "100000"}
        with (self.folder / f"{words[0]}.log").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "getbill", *words, *listening],
                env=base | self.environment | environment,
                pass_fds=[bound.fileno()],
                stdout=out,
                stderr=out,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)
            bound.close()

    async def command(self, *words: str) -> str:
        """Run `getbill` with some words in this process and return what it printed."""
        structure, handlers, level = structlog.get_config(), logging.root.handlers, logging.root.level
        base = {"GETBILL_DATA_DIR": str(self.folder), "DATABASE_URL": self.dsn, "COLUMNS": "200"}
        try:
            done = await asyncio.to_thread(CliRunner().invoke, cli.app, words, env=base)
        finally:
            structlog.configure(**structure)
            logging.root.handlers = handlers
            logging.root.setLevel(level)
        assert done.exit_code == 0, done.output
        return done.stdout

    async def answers(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until an API process answers."""
        async with asyncio.timeout(30):
            while True:
                assert process.poll() is None, (self.folder / "api.log").read_text()[-3000:]
                try:
                    await asyncio.to_thread(requests.get, f"{self.url}/healthz", timeout=20)
                except requests.ConnectionError:
                    await asyncio.sleep(0.02)
                else:
                    return

    async def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call an API process with the sandbox key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return await asyncio.to_thread(
            requests.request, method, self.url + API + path, headers=headers, timeout=30, **options
        )


@asynccontextmanager
async def sealed(postgres: Cluster, folder: Path) -> AsyncIterator[SealedInstallation]:
    """Yield a database of the tests' template, sealed by a key file."""
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    item = SealedInstallation(postgres, admin, folder, f"sealed_{uuid4().hex}")
    await admin.execute(f'CREATE DATABASE "{item.name}" TEMPLATE {TEMPLATE}')
    vault.write_master_keys(item.key_file, [vault.Key(MASTER_KEY)])
    yield item
    await item.drop()
    await admin.close()


@asynccontextmanager
async def sealed_apart(folder: Path) -> AsyncIterator[SealedInstallation]:
    """Yield a database on a server of its own, whose files hold nothing else."""
    server = Server(folder / "apart", durable=False)
    try:
        postgres = Cluster(server.start())
        admin = await asyncpg.connect(postgres.dsn("postgres"))
        item = SealedInstallation(postgres, admin, folder, "getbill")
        await migrate(item.dsn)
        async with item.opened() as database:
            await vault.unlock(database, None, item.key_file, may_make=True)
        yield item
        await admin.close()
    finally:
        server.stop()


def pass_days(file: Path, days: float) -> None:
    """Have everything that the key file tells be so many days ago."""
    versions, ago = KeyFile(file).read(), timedelta(days=days)

    def earlier(version: Version) -> Version:
        return Version(
            version.key,
            version.made_at and version.made_at - ago,
            version.replaced_at and version.replaced_at - ago,
            version.is_next,
        )

    following = versions.next and earlier(versions.next)
    former = tuple(map(earlier, versions.replaced))
    KeyFile(file).write(replace(versions, current=earlier(versions.current), next=following, replaced=former))
