"""Alembic's entry point: runs the pending revisions on a given connection.

One transaction around all of them begins behind an advisory lock, so that the second of two concurrent
migrations finds the work done.
"""

from typing import Final

from alembic import context
from sqlalchemy import text

LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('getbill:migrate', 0))")

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    connection.execute(LOCK)
    context.run_migrations()
