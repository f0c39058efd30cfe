"""Vacuuming the key tables: what a dead row holds of a destroyed key is not left to chance."""

from typing import Final

from getbill.kit.database import Database

TABLES: Final = ("vault_keys", "vault_master")
_MOST_SECONDS: Final = 600


async def vacuum_keys(database: Database) -> None:
    """Vacuum the key tables now, whatever their thresholds say."""
    async with database.pool.acquire() as connection:
        await connection.execute(f"SET statement_timeout = '{_MOST_SECONDS}s'")
        try:
            await connection.execute(f"VACUUM {', '.join(TABLES)}", timeout=_MOST_SECONDS)
        finally:
            await connection.execute("RESET statement_timeout")
