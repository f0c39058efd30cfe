"""The PostgreSQL of a test run: started once, with a migrated template that each test process clones."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

TEMPLATE = "getbill"
# Every database of the run is sealed under it, the template to begin with.
MASTER_KEY = bytes(range(32))


@dataclass(frozen=True)
class Cluster:
    """The PostgreSQL of this test run."""

    template_dsn: str

    def dsn(self, database: str) -> str:
        """The DSN of one of its databases."""
        return urlsplit(self.template_dsn)._replace(path=f"/{database}").geturl()


def start(config: pytest.Config) -> Cluster:
    """Start the cluster of the run and migrate its template; it stops with the run."""
    from getbill.embedded import Server
    from getbill.embedded.data_folder import ClusterOptions

    folder = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    server = Server(folder, durable=False, options=ClusterOptions(major=config.getoption("postgresql")))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    config.add_cleanup(server.stop)
    dsn = server.start()
    asyncio.run(_prepare(dsn))
    return Cluster(dsn)


async def _prepare(dsn: str) -> None:
    """Migrate the template and seal it under the one master key of the run."""
    import asyncpg

    from getbill import vault
    from getbill.kit import clock
    from getbill.migrations.actions import migrate

    await migrate(dsn)
    sealed = vault.Vault([vault.Key(MASTER_KEY)])
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO vault_master (key_id, is_current, installation_key, created_at) VALUES ($1, true, $2, $3)",
        sealed.current.id.hex(),
        sealed.wrap_installation(),
        clock.wall(),
    )
    await connection.close()
