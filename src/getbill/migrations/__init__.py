"""Database migrations: the revision of a database, and the one this program requires.

A start against another revision reports it with the remedy; a database is never migrated without its
operator. Every revision is plain SQL in `sql/<revision>/`, run in the order of its file names, all of a
migration in one transaction. `getbill.migrations.actions.migrate` brings a database to `HEAD`.
"""

from getbill.migrations.queries import (
    HEAD,
    SERVER_MIN,
    DatabaseAway,
    DatabaseBehind,
    DatabaseTooOld,
    await_revision,
    check_revision,
)
