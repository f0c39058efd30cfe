"""The whole API on a database of this package's own, and ways to damage what lies in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

import collecting
from calls import Site
from collecting import ContactWorkspace
from getbill.kit import ids
from getbill.kit.database.transactions import Database
from installation import METRICS_TOKEN


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("quarantine")) as site:
        yield site


@pytest.fixture(autouse=True)
async def empty(site: Site) -> AsyncIterator[None]:
    """Nothing stands aside from an earlier test, nor does a later one find anything."""
    pool = site.app.state.database.pool
    await pool.execute("TRUNCATE quarantine")
    yield
    await pool.execute("TRUNCATE quarantine")


@pytest.fixture
async def workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


@dataclass
class Damage:
    """Bytes of a row that are no longer what was sealed, and the way back."""

    database: Database

    async def spoil(self, table: str, column: str, **where: Any) -> None:
        """Turn the last bit of a sealed value; once more, and it is whole again."""
        named = " AND ".join(f"{name} = ${place}" for place, name in enumerate(where, 1))
        last = f"octet_length({column}) - 1"
        done = await self.database.pool.execute(
            f"UPDATE {table} SET {column} = set_byte({column}, {last}, get_byte({column}, {last}) # 1) WHERE {named}",
            *where.values(),
        )
        assert done != "UPDATE 0"

    mend = spoil

    @asynccontextmanager
    async def refused(self, table: str, condition: str) -> AsyncIterator[None]:
        """Have the database refuse every row of a table of which a condition is true."""
        await self.database.pool.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT test_refused CHECK (NOT ({condition})) NOT VALID"
        )
        try:
            yield
        finally:
            await self.database.pool.execute(f"ALTER TABLE {table} DROP CONSTRAINT test_refused")

    async def debtor(self, debt_id: UUID) -> None:
        """Spoil who owes a debt; once more, and it is whole again."""
        debtor_id = await self.database.pool.fetchval("SELECT debtor_id FROM debts WHERE id = $1", debt_id)
        await self.spoil("debtors", "identity", id=debtor_id)


@pytest.fixture
def damage(site: Site) -> Damage:
    return Damage(site.app.state.database)


@dataclass
class Outlook:
    """What people see of what was set aside."""

    site: Site
    workspace: ContactWorkspace

    async def todos(self) -> list[dict[str, Any]]:
        """Return the open todos of the workspace that tell of something set aside."""
        return (await self.workspace.get("/todos?type=set_aside&state=open")).json()["data"]

    async def decide(self, decision: str) -> None:
        (todo,) = await self.todos()
        answered = await self.workspace.post(f"/todos/{todo['id']}/decide", {"decision": decision})
        assert answered.status == 200, answered.body

    async def notes(self) -> list[str]:
        return (await self.site.call("GET", "/readyz")).json()["notes"]

    async def gauge(self, kind: str) -> float:
        text = (await self.site.with_token(METRICS_TOKEN).get("/metrics")).body.decode()
        (line,) = [
            item for item in text.splitlines() if item.startswith(f'getbill_set_aside{{kind="{kind}"}}')
        ]
        return float(line.rpartition(" ")[2])

    async def tells(
        self, kind: str, reason: str, subject: str | None = None, *, number: int = 1, is_shared: bool = False
    ) -> None:
        """Assert that one thing of a kind stands aside, or several for one reason, and that all three say so."""
        (todo,) = await self.todos()
        start = "" if is_shared else f"{kind} {subject or ''}"
        assert todo["reason"].startswith(start)
        assert reason in todo["reason"]
        assert todo["reason"] in todo["title"]["en"]
        assert todo["decisions"] == ["retry", "dismiss"]
        answered = await self.workspace.get(f"/todos/{todo['id']}", accept_language="fr")
        french = answered.json()
        assert answered.headers["content-language"] == "fr"
        assert french["reason"].startswith(start)
        assert french["reason"] != todo["reason"]
        assert french["reason"] in french["title"]["fr"] == todo["title"]["fr"]
        assert await self.notes() == [
            f"Quarantined after failures: {number} {kind}. Run `getbill quarantine list`."
        ]
        assert await self.gauge(kind) == number

    async def tells_nothing(self) -> None:
        assert (await self.todos(), await self.notes()) == ([], [])


@pytest.fixture
def outlook(site: Site, workspace: ContactWorkspace) -> Outlook:
    return Outlook(site, workspace)


def public_id(debt_id: UUID) -> str:
    return ids.show("debt", debt_id)
