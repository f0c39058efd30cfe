"""The corpus sent to an installation of its own: an API and one worker, as in production."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from bench.corpus.exports import sending
from bench.corpus.exports.judging import Verdict, judged
from bench.corpus.exports.layout import Layout
from bench.installation import Home, api, home, process, settings
from getbill import reactions, vault
from getbill.kit.db import open_database
from getbill.settings import Settings


@dataclass(frozen=True, slots=True)
class Recipient:
    """A running installation to which layouts are sent."""

    home: Home
    url: str

    def verdict(self, layouts: Sequence[Layout]) -> Verdict:
        """Send layouts and return how they came out."""
        keys = asyncio.run(self._keys(layouts))
        return judged(sending.exchange(self.url, layouts, keys))

    async def _keys(self, layouts: Sequence[Layout]) -> dict[str, str]:
        of_home = Settings(data_dir=self.home.folder, database_url=SecretStr(self.home.dsn))
        database = await open_database(of_home.dsn, reactions.edge, size=2)
        try:
            unlocked = await vault.unlock(database, of_home.master_key_text, of_home.key_file)
            return await sending.keys(database, unlocked, layouts)
        finally:
            await database.close()


@contextmanager
def recipient() -> Iterator[Recipient]:
    """Yield a running installation."""
    with home() as base:
        environment = settings(base.folder, 0) | {"DATABASE_URL": base.dsn, "GETBILL_LOG_LEVEL": "warning"}
        environment.pop("GETBILL_PORT")
        with api(base) as ours, process([sys.executable, "-m", "getbill", "worker"], environment):
            yield Recipient(base, f"http://127.0.0.1:{ours.port}")
