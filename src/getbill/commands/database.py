"""Which database a command works on, and that it is one this program can work with.

`DATABASE_URL` when it is set, else the embedded server of the data folder: the running one, or one started for as
long as the command takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from getbill import embedded
from getbill.settings import Settings


def wish(settings: Settings) -> embedded.Wish:
    """Return what the settings ask of the embedded server."""
    return embedded.Wish(account=settings.postgres_account, home=settings.postgres_home)


@contextmanager
def reached(settings: Settings) -> Iterator[str]:
    """Yield the DSN of the database the settings name."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with embedded.reach(settings.data_dir, wish(settings)) as dsn:
        yield dsn
