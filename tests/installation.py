"""The cluster of a test run, and an installation in it: a database of its own with an API in this process."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from calls import Site, started
from cluster import MASTER_KEY, TEMPLATE, Cluster
from getbill.kit.database.transactions import Database
from getbill.process.app import create_app
from getbill.settings import Settings
from getbill.vault import Vault

METRICS_TOKEN = "a-token-that-only-tests-know"


@dataclass(frozen=True)
class Installation:
    """An installation of this test process: its settings, and its API in this process."""

    settings: Settings
    site: Site

    @property
    def database(self) -> Database:
        """The database as the API sees it."""
        return self.site.app.state.database

    @property
    def metrics(self) -> Site:
        """The API as whoever reads its metrics calls it."""
        return self.site.with_token(METRICS_TOKEN)

    @property
    def vault(self) -> Vault:
        """The vault as the API sees it."""
        return self.site.app.state.vault


@asynccontextmanager
async def open_installation(postgres: Cluster, name: str, folder: Path) -> AsyncIterator[Installation]:
    """Start an API in this process on a database of its own."""
    name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    settings = Settings(
        data_dir=folder,
        database_url=SecretStr(postgres.dsn(name)),
        master_key=SecretStr(base64.b64encode(MASTER_KEY).decode()),
        # Several installations and their processes share the cluster's hundred connections.
        database_connections=5,
        rate_limit_live=1_000_000,
        rate_limit_sandbox=1_000_000,
        rate_limit_anonymous=1_000_000,
        metrics_token=SecretStr(METRICS_TOKEN),
    )
    async with started(create_app(settings)) as site:
        yield Installation(settings, site)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()
