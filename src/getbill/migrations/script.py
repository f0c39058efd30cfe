"""The SQL files of a revision, run in the order of their names.

A file holds any number of statements; all of them run inside the migration's own transaction.
"""

from pathlib import Path
from typing import Final

from alembic import op
from sqlalchemy.util import await_only

FOLDER: Final = Path(__file__).parent / "sql"


def files(revision: str) -> list[Path]:
    """Return the SQL files of a revision in execution order."""
    return sorted((FOLDER / revision).glob("*.sql"))


def run(revision: str) -> None:
    """Execute every SQL file of a revision on the migration's connection."""
    # A prepared statement takes one command only: scripts go to the driver, as asyncpg's simple query.
    driver = op.get_bind().connection.driver_connection
    if driver is None or not driver.is_in_transaction():
        raise RuntimeError("A revision runs inside the migration's transaction.")
    for file in files(revision):
        await_only(driver.execute(file.read_text(encoding="utf-8")))
