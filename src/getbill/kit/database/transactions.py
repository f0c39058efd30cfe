"""Named statements, and one transaction per change.

A `Transaction` collects what a change writes and commits it once, at its end: rows and events together or
not at all. Plain inserts are deferred to the commit. If nothing had to be read under a lock, they are sent as
one statement, in one round trip, which PostgreSQL commits by itself; if there are many, the rows of each
table are sent by one COPY.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from re import compile as pattern
from re import findall, sub
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from getbill.kit.database.errors import DATABASE_ERRORS
from getbill.kit.database.notify import Notifier

# Limits of every connection: a statement that runs longer is a mistake or a lost lock.
SETTINGS = {
    "application_name": "getbill",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "jit": "off",
}

_CLOSE_SECONDS = 3.0
_CONNECT_SECONDS = 10.0
_TCP_TIMEOUT_SECONDS = 10
# Only those that this system has: macOS lacks some.
_TCP_OPTIONS = [
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_USER_TIMEOUT", _TCP_TIMEOUT_SECONDS * 1000),
        ("TCP_KEEPIDLE", _TCP_TIMEOUT_SECONDS),
        ("TCP_KEEPINTVL", 3),
        ("TCP_KEEPCNT", 3),
    )
    if hasattr(socket, name)
]

if TYPE_CHECKING:
    Connection = PoolConnectionProxy[Record]
else:
    Connection = PoolConnectionProxy
BeforeCommit = Callable[["Transaction"], Awaitable[None]]
# A statement of more writes than this takes longer to plan than its round trips; PostgreSQL takes 32,767
# parameters. More rows than this of one plain insert are copied.
_JOINED_MAX = 40
_PLAIN_INSERT = pattern(r"\s*INSERT INTO (\w+) \(([^()]*)\)\s*VALUES \(((?:\$\d+|[, \n])+)\)\s*")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One SQL statement with a name to grep for and a sentence that states its purpose."""

    name: str
    sentence: str
    text: str
    # The form for many rows of one workspace, unless it is a plain insert: the first parameter is the workspace,
    # each other the array of what is one value in `text`.
    many: str | None = None


class OptimisticConflict(Exception):
    """A wrong assumption or stale read of a change; nothing is written, and it runs again without them."""


# A deferred insert: its values, or a function that returns them at the commit.
_Deferred = tuple[Statement, tuple[Any, ...] | Callable[[], tuple[Any, ...]]]


@cache
def _joined_sql(writes: tuple[Statement, ...], assumptions: tuple[Statement, ...]) -> str:
    # Data-modifying CTEs all see one snapshot and run to completion; foreign keys are checked after all of
    # them.
    parts = []
    parameter_count = 0
    for index, statement in enumerate(writes):
        parts.append(f"write_{index} AS ({_renumbered(statement.text, parameter_count)})")
        parameter_count += _arity(statement)
    failed_assumptions = []
    for statement in assumptions:
        failed_assumptions.append(f"EXISTS ({_renumbered(statement.text, parameter_count)})")
        parameter_count += _arity(statement)
    # The outer query runs before the writes: a wrong assumption divides by zero while nothing has been
    # written yet.
    guard = f"1 / (NOT ({' OR '.join(failed_assumptions)}))::int" if failed_assumptions else "1"
    return "WITH " + ",\n".join(parts) + f"\nSELECT {guard}"


def _renumbered(text: str, offset: int) -> str:
    return sub(r"\$(\d+)", lambda match: f"${int(match[1]) + offset}", text)


@cache
def _arity(statement: Statement) -> int:
    return max((int(number) for number in findall(r"\$(\d+)", statement.text)), default=0)


@dataclass(frozen=True, slots=True)
class _Copy:
    """The COPY form of a plain insert: table, columns, and the order of the values if it differs."""

    table: str
    columns: tuple[str, ...]
    order: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None


@cache
def _as_copy(statement: Statement) -> _Copy | None:
    """Return the COPY equivalent of a statement; None if it is not a plain insert."""
    match = _PLAIN_INSERT.fullmatch(statement.text)
    if match is None:
        return None
    columns = tuple(name.strip() for name in match[2].split(","))
    positions = [int(number) - 1 for number in findall(r"\d+", match[3])]
    order = None if positions == list(range(len(columns))) else itemgetter(*positions)
    return _Copy(match[1], columns, order)


class Transaction:
    """One change; `now` is the workspace's instant, the same for all its writes.

    An optimistic transaction leaves some reads to its commit, where the statement that writes also verifies
    them.
    """

    def __init__(self, pool: "asyncpg.Pool[Record]", now: datetime, *, is_optimistic: bool = False) -> None:
        self.now = now
        self.recorded_events: list[Any] = []
        self.subjects: dict[Any, Any] = {}
        # Changes that are the event of no subject, for the hook before the commit.
        self.changes: list[Any] = []
        # The debtors that this transaction changed, by id: see `debtors.actions`.
        self.changed_people: dict[UUID, Any] = {}
        self.channels_to_notify: set[str] = set()
        # The earliest instant of work that this transaction plans, by workspace and kind: see `kit.work`.
        self.noted_work: dict[tuple[UUID, str], list[datetime]] = {}
        self._pool = pool
        self._connection: Connection | None = None
        self._block: Any = None
        self._deferred: list[_Deferred] = []
        self._is_optimistic = is_optimistic
        self._assumptions: list[tuple[Statement, tuple[Any, ...]]] = []

    async def connection(self) -> Connection:
        """Return the open transaction's connection; the first call begins the transaction."""
        if self._connection is None:
            self._connection = await self._pool.acquire()
            self._block = self._connection.transaction()
            await self._block.start()
        return self._connection

    async def fetch(self, statement: Statement, *arguments: Any) -> list[Record]:
        """Run a statement inside the transaction and return its rows."""
        return await (await self.connection()).fetch(statement.text, *arguments)

    async def fetchrow(self, statement: Statement, *arguments: Any) -> Record | None:
        """Run a statement inside the transaction and return its first row."""
        return await (await self.connection()).fetchrow(statement.text, *arguments)

    async def fetchval(self, statement: Statement, *arguments: Any) -> Any:
        """Run a statement inside the transaction and return its first value."""
        return await (await self.connection()).fetchval(statement.text, *arguments)

    async def execute(self, statement: Statement, *arguments: Any) -> None:
        """Run a statement inside the transaction immediately."""
        await (await self.connection()).execute(statement.text, *arguments)

    async def peek(self, statement: Statement, *arguments: Any) -> list[Record]:
        """Read without a lock and without beginning; a constraint must hold what is decided on it."""
        if self._connection is not None:
            return await self._connection.fetch(statement.text, *arguments)
        return await self._pool.fetch(statement.text, *arguments)

    async def assume_none(
        self, statement: Statement, *arguments: Any, reading: Statement | None = None
    ) -> list[Record]:
        """Peek; in an optimistic transaction not begun, return nothing and fail at the commit if wrong.

        `reading` is the statement to peek with, if it returns more than the one that verifies.
        """
        if not self._is_optimistic or self._connection is not None:
            return await self.peek(reading or statement, *arguments)
        self._assumptions.append((statement, arguments))
        return []

    def defer(self, statement: Statement, *arguments: Any) -> None:
        """Defer an insert to the commit, before which all deferred ones are sent together."""
        self._deferred.append((statement, arguments))

    def defer_row(self, statement: Statement, row: Callable[[], tuple[Any, ...]]) -> None:
        """Defer an insert to the commit; its values are read then, after the change."""
        self._deferred.append((statement, row))

    async def send(self) -> None:
        """Send the deferred inserts: as one statement if nothing was begun, else grouped by statement.

        Statements are sent in the order in which each was first deferred, which their foreign keys rely on.

        Raises OptimisticConflict, with nothing written, if an assumption of an optimistic transaction was
        wrong.
        """
        deferred, self._deferred, self.noted_work = self._deferred, [], {}
        if self._connection is None and 0 < len(deferred) <= _JOINED_MAX:
            await self._send_joined(deferred)
            return
        for statement, arguments in self._assumptions:
            if await self.peek(statement, *arguments):
                raise OptimisticConflict
        writes: dict[Statement, list[tuple[Any, ...]]] = {}
        for statement, values in deferred:
            writes.setdefault(statement, []).append(values if isinstance(values, tuple) else values())
        for statement, rows in writes.items():
            await self._send_together(statement, rows)

    async def _send_together(self, statement: Statement, values: list[tuple[Any, ...]]) -> None:
        connection = await self.connection()
        copy = _as_copy(statement) if len(values) > _JOINED_MAX else None
        if copy is not None:
            rows = values if copy.order is None else list(map(copy.order, values))
            await connection.copy_records_to_table(copy.table, records=rows, columns=copy.columns)
        elif len(values) == 1:
            await connection.execute(statement.text, *values[0])
        elif statement.many is not None:
            for workspace_id, group in groupby(sorted(values, key=itemgetter(0)), itemgetter(0)):
                arrays = map(list, zip(*(row[1:] for row in group), strict=True))
                await connection.execute(statement.many, workspace_id, *arrays)
        else:
            await connection.executemany(statement.text, values)

    async def _send_joined(self, deferred: list[_Deferred]) -> None:
        assumptions = tuple(statement for statement, _ in self._assumptions)
        text = _joined_sql(tuple(statement for statement, _ in deferred), assumptions)
        arguments: list[Any] = []
        for _, values in deferred:
            arguments += values if isinstance(values, tuple) else values()
        for _, values in self._assumptions:
            arguments += values
        try:
            await self._pool.execute(text, *arguments)
        except asyncpg.DivisionByZeroError:
            raise OptimisticConflict from None

    async def finish(self, *, commit: bool) -> None:
        """Commit or roll back and release the connection."""
        if self._connection is None:
            return
        try:
            await (self._block.commit() if commit else self._block.rollback())
        finally:
            connection, self._connection = self._connection, None
            await self._pool.release(connection)


@dataclass(slots=True)
class Database:
    """A connection pool, the hook before every commit, and the notifications sent after it."""

    pool: "asyncpg.Pool[Record]"
    before_commit: BeforeCommit
    notifier: Notifier = field(init=False)

    def __post_init__(self) -> None:
        self.notifier = Notifier(self.pool)

    @asynccontextmanager
    async def transaction(self, now: datetime, *, is_optimistic: bool = False) -> AsyncIterator[Transaction]:
        """Run one change: call the hook and commit when the block succeeds, roll back when it raises.

        The caller of an optimistic transaction runs the change again, not optimistic, on OptimisticConflict.
        """
        tx = Transaction(self.pool, now, is_optimistic=is_optimistic)
        try:
            yield tx
            await self.before_commit(tx)
            await tx.send()
        except BaseException:
            # The connection may be gone: the first error is the one to raise.
            with suppress(*DATABASE_ERRORS):
                await tx.finish(commit=False)
            raise
        await tx.finish(commit=True)
        for channel in tx.channels_to_notify:
            self.notifier.notify(channel)

    async def fetch(self, statement: Statement, *arguments: Any) -> list[Record]:
        """Run one statement outside a transaction and return its rows."""
        return await self.pool.fetch(statement.text, *arguments)

    async def fetchrow(self, statement: Statement, *arguments: Any) -> Record | None:
        """Run one statement outside a transaction and return its first row."""
        return await self.pool.fetchrow(statement.text, *arguments)

    async def fetchval(self, statement: Statement, *arguments: Any) -> Any:
        """Run one statement outside a transaction and return its first value."""
        return await self.pool.fetchval(statement.text, *arguments)

    async def execute(self, statement: Statement, *arguments: Any) -> None:
        """Run one statement outside a transaction."""
        await self.pool.execute(statement.text, *arguments)

    async def close(self) -> None:
        """Send the pending notifications and close every connection."""
        await self.notifier.flush()
        try:
            await asyncio.wait_for(self.pool.close(), _CLOSE_SECONDS)
        except TimeoutError:
            # A connection was never released: the process ends all the same.
            self.pool.terminate()


class _Connection(asyncpg.Connection):
    """A connection that returns to its pool without a reset: no session state is left between two uses.

    A reset would cost a round trip each time, and deciding whether to reset a timer.
    """

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 asyncpg calls it so
        """Roll back a transaction that was left open."""
        if self.is_in_transaction():
            await super().reset(timeout=timeout)


async def _connect(*arguments: Any, **options: Any) -> Any:
    """Connect as asyncpg does; the missing socket of a stopped server is not reported as a missing file."""
    try:
        connection: Any = await asyncpg.connect(*arguments, **options)
    except FileNotFoundError as error:
        raise ConnectionRefusedError("There is no database at its socket.") from error
    _set_tcp_timeouts(connection._transport.get_extra_info("socket"))  # noqa: SLF001 asyncpg shows it nowhere else
    return connection


def _set_tcp_timeouts(raw_socket: Any) -> None:
    """Make a connection whose other end is silently gone fail instead of waiting for minutes."""
    if raw_socket is None or raw_socket.family not in {AF_INET, AF_INET6}:
        return
    raw_socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    for option, value in _TCP_OPTIONS:
        raw_socket.setsockopt(IPPROTO_TCP, option, value)


async def open_pool(dsn: str, size: int) -> "asyncpg.Pool[Record]":
    """Open a connection pool with the stated limits."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        server_settings=SETTINGS,
        command_timeout=60,
        timeout=_CONNECT_SECONDS,
        connect=_connect,
        connection_class=_Connection,
    )


async def open_database(dsn: str, before_commit: BeforeCommit, *, size: int = 12) -> Database:
    """Open a database whose changes call this hook before they commit."""
    return Database(await open_pool(dsn, size), before_commit)
