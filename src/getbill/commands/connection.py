"""The database connection of a command, checked to be one this program can use.

It is `DATABASE_URL` if set, otherwise the embedded server of the data folder: the running one, or one started
for the duration of the command.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg

from getbill import embedded, migrations, reactions, vault
from getbill.kit import database, logs
from getbill.kit.database import Database, open_database
from getbill.kit.errors import Problem
from getbill.kit.exit_errors import CannotRun
from getbill.kit.phones import PhoneInvalid
from getbill.kit.signing import SecretMalformed
from getbill.kit.text.emails import EmailInvalid
from getbill.kit.text.ibans import IbanInvalid
from getbill.settings import Settings
from getbill.vault import Vault

# Errors an operator can fix: the password, the database's name, its disk, its memory, its connections.
_DATABASE_REFUSALS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InsufficientResourcesError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
)

T = TypeVar("T")
Action = Callable[[Database, Vault], Awaitable[T]]
SettingsAction = Callable[[Settings, Database, Vault], Awaitable[T]]


@contextmanager
def database_dsn(settings: Settings) -> Iterator[str]:
    """Yield the DSN of the database in the settings."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with embedded.reach(settings.data_dir, settings.cluster_options) as dsn:
        yield dsn


@contextmanager
def exit_if_database_lost() -> Iterator[None]:
    """Turn the loss of the database during startup into a CannotRunNow, a reason to restart the process."""
    try:
        yield
    except database.DATABASE_ERRORS as error:
        if not database.is_unavailable(error):
            raise
        raise migrations.DatabaseAway(
            f"The connection to the database was lost: {type(error).__name__}"
        ) from error


def run(action: Action[T]) -> T:
    """Run one action on the settings' database and vault; print a refusal as a sentence."""

    async def ignore_settings(_settings: Settings, db: Database, vault: Vault) -> T:
        return await action(db, vault)

    return run_with_settings(ignore_settings)


def run_with_settings(action: SettingsAction[T]) -> T:
    """Run one action that also needs the settings, with the DSN of its database."""
    settings = Settings()
    logs.configure(settings.log_level, "command")
    _refuse_empty_folder(settings)
    with database_dsn(settings) as dsn:
        try:
            return asyncio.run(_run_on_database(settings.with_dsn(dsn), action))
        except Problem as refusal:
            raise CannotRun(refusal.detail) from refusal
        except (EmailInvalid, IbanInvalid, PhoneInvalid, SecretMalformed) as error:
            raise CannotRun(str(error)) from error
        except _DATABASE_REFUSALS as error:
            raise CannotRun(f"The database refused the operation: {error}.") from error


def _refuse_empty_folder(settings: Settings) -> None:
    """Refuse a data folder without a database: it is probably not the intended one."""
    if settings.database_url is None and not embedded.is_there(settings.data_dir):
        raise CannotRun(
            f"There is no database in {settings.data_dir.absolute()}: start `getbill serve` there first, or set"
            " GETBILL_DATA_DIR to the folder that has one."
        )


async def _run_on_database(settings: Settings, action: SettingsAction[T]) -> T:
    await migrations.check_revision(settings.dsn)
    db = await open_database(settings.dsn, reactions.before_commit, size=2)
    try:
        return await action(settings, db, await vault.unlock(db, settings.master_key_text, settings.key_file))
    finally:
        await db.close()
