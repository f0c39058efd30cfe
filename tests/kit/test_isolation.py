"""What is a failure of the moment, which sets nothing aside, and what is a thing's own."""

import asyncpg
import pytest

from getbill.kit.database import errors
from getbill.kit.database.isolation import is_transient


@pytest.mark.parametrize(
    ("error", "is_moment"),
    [
        (asyncpg.PostgresIOError("could not read block"), True),
        (asyncpg.DiskFullError("no space left"), True),
        (asyncpg.AdminShutdownError("terminating"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.DeadlockDetectedError("deadlock"), True),
        (asyncpg.UndefinedTableError("no such table"), True),
        (OSError("network"), True),
        # What the driver cannot send is the value's own, as what a rule of the schema refuses.
        (asyncpg.exceptions._base.DataError("invalid input"), False),
        (asyncpg.CheckViolationError("refused"), False),
        (asyncpg.CharacterNotInRepertoireError("invalid byte sequence"), False),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), False),
        (KeyError("name"), False),
    ],
)
def test_a_failure_of_the_moment_is_told_from_a_things_own(error: Exception, is_moment: bool) -> None:
    assert is_transient(error) is is_moment
    # Whatever says that the database is away sets nothing aside.
    assert is_moment or not errors.is_unavailable(error)
