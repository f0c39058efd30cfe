"""Alembic's entry point: runs the pending revisions on the connection it is handed.

One transaction around all of them, opened behind an advisory lock, so that of two migrations started together
the second finds the work done.
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
