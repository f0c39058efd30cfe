"""Vacuuming of the key tables, so that no dead row keeps a destroyed key."""

from typing import Final

from getbill.kit.database import Database

TABLES: Final = ("vault_keys", "vault_master")
_MOST_SECONDS: Final = 600


async def vacuum_keys(database: Database) -> None:
    """Vacuum the key tables now, regardless of their thresholds."""
    async with database.pool.acquire() as connection:
        await connection.execute(f"SET statement_timeout = '{_MOST_SECONDS}s'")
        try:
            await connection.execute(f"VACUUM {', '.join(TABLES)}", timeout=_MOST_SECONDS)
        finally:
            await connection.execute("RESET statement_timeout")
