"""The shape of the database: which revision it has, which one this program needs.

A start against another revision says so and what to do; nothing is migrated behind the back of whoever runs
the database. Every revision is plain SQL in `sql/<revision>/`, run in the order of its file names, all of a
migration in one transaction. `getbill.migrations.actions.migrate` brings a database up to `HEAD`.
"""

from getbill.migrations.queries import (
    HEAD,
    SERVER_MIN,
    DatabaseAway,
    DatabaseBehind,
    DatabaseTooOld,
    DatabaseUnreachable,
    await_revision,
    check_revision,
    check_server,
    current,
)

__all__ = [
    "HEAD",
    "SERVER_MIN",
    "DatabaseAway",
    "DatabaseBehind",
    "DatabaseTooOld",
    "DatabaseUnreachable",
    "await_revision",
    "check_revision",
    "check_server",
    "current",
]
