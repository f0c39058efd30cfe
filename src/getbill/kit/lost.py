"""What a lost database looks like to whoever was asking it something.

Whoever goes on without it, or asks again, catches these, and all of them: a task that dies of one it did not know
is not there when the database is back.
"""

from typing import Final

import asyncpg

# A timeout is an OSError. An InternalClientError comes of a connection that was cut in the middle of an answer.
LOST: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
