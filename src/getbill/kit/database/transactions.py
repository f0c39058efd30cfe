"""The database as the rest of GetBill sees it: named statements, and one transaction for one change.

A `Transaction` collects what a change writes and commits it once, at its edge: rows and events together or
not at all. Plain inserts are deferred to the edge; when nothing had to be read under a lock they leave as one
statement, one round trip, which PostgreSQL commits by itself; when they are many, the rows of each table by one COPY.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from re import compile as pattern
from re import findall, sub
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from getbill.kit.database.errors import DATABASE_ERRORS
from getbill.kit.database.notify import Notifier

# The budget of every connection: a statement that runs longer than this is a mistake or a lock we lost.
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
# As this system has them: macOS lacks some.
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
Edge = Callable[["Transaction"], Awaitable[None]]
# A statement of more writes than this takes longer to plan than its round trips; PostgreSQL takes 32,767 values. More
# rows than this of one plain insert are copied.
_JOINED_MAX = 40
_PLAIN_INSERT = pattern(r"\s*INSERT INTO (\w+) \(([^()]*)\)\s*VALUES \(((?:\$\d+|[, \n])+)\)\s*")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One SQL statement with the name a reader greps for and the sentence that says what it is for."""

    name: str
    sentence: str
    text: str
    # The same for many rows at once, where it is no plain insert: each parameter is the array of what is one value in `text`.
    many: str | None = None


class OptimisticConflict(Exception):
    """A change was made on a guess, or on what held a moment ago; nothing is written, and it runs again, asking first."""


@dataclass(slots=True)
class _Deferred:
    statement: Statement
    arguments: Callable[[], tuple[Any, ...]]


@cache
def _joined_sql(writes: tuple[Statement, ...], assumptions: tuple[Statement, ...]) -> str:
    # Data-modifying CTEs all see one snapshot and run to their end; foreign keys are checked after them all.
    parts = []
    parameter_count = 0
    for index, statement in enumerate(writes):
        parts.append(f"write_{index} AS ({_renumbered(statement.text, parameter_count)})")
        parameter_count += _arity(statement)
    failed_assumptions = []
    for statement in assumptions:
        failed_assumptions.append(f"EXISTS ({_renumbered(statement.text, parameter_count)})")
        parameter_count += _arity(statement)
    # The outer query runs before the writes: a wrong guess divides by zero while nothing has been written yet.
    guard = f"1 / (NOT ({' OR '.join(failed_assumptions)}))::int" if failed_assumptions else "1"
    return "WITH " + ",\n".join(parts) + f"\nSELECT {guard}"


def _renumbered(text: str, offset: int) -> str:
    return sub(r"\$(\d+)", lambda match: f"${int(match[1]) + offset}", text)


@cache
def _arity(statement: Statement) -> int:
    return max((int(number) for number in findall(r"\$(\d+)", statement.text)), default=0)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A plain insert as PostgreSQL's COPY takes it: its table and columns, and the order of the values if not theirs."""

    table: str
    columns: tuple[str, ...]
    order: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None


@cache
def _as_copy(statement: Statement) -> _Copy | None:
    """Return the COPY that does what a statement does; None where it is no plain insert."""
    match = _PLAIN_INSERT.fullmatch(statement.text)
    if match is None:
        return None
    columns = tuple(name.strip() for name in match[2].split(","))
    positions = [int(number) - 1 for number in findall(r"\d+", match[3])]
    order = None if positions == list(range(len(columns))) else itemgetter(*positions)
    return _Copy(match[1], columns, order)


class Transaction:
    """One change in the making; `now` is the workspace's instant, the same for all it writes.

    A hopeful one leaves some questions to its edge, where the one statement that writes also answers them.
    """

    def __init__(self, pool: "asyncpg.Pool[Record]", now: datetime, *, is_optimistic: bool = False) -> None:
        self.now = now
        self.recorded_events: list[Any] = []
        self.subjects: dict[Any, Any] = {}
        self.channels_to_notify: set[str] = set()
        self._pool = pool
        self._connection: Connection | None = None
        self._block: Any = None
        self._deferred: list[_Deferred] = []
        self._is_optimistic = is_optimistic
        self._assumptions: list[tuple[Statement, tuple[Any, ...]]] = []

    async def connection(self) -> Connection:
        """Return the open transaction's connection, beginning it at the first call."""
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
        """Run a statement inside the transaction at once."""
        await (await self.connection()).execute(statement.text, *arguments)

    async def peek(self, statement: Statement, *arguments: Any) -> list[Record]:
        """Read without a lock and without beginning; what is decided on it must be held by a constraint."""
        if self._connection is not None:
            return await self._connection.fetch(statement.text, *arguments)
        return await self._pool.fetch(statement.text, *arguments)

    async def assume_none(self, statement: Statement, *arguments: Any) -> list[Record]:
        """Peek; a hopeful transaction that has not begun returns nothing, and fails at its edge if that is wrong."""
        if not self._is_optimistic or self._connection is not None:
            return await self.peek(statement, *arguments)
        self._assumptions.append((statement, arguments))
        return []

    def defer(self, statement: Statement, *arguments: Any) -> None:
        """Leave an insert for the edge, where all deferred ones go out together."""
        self._deferred.append(_Deferred(statement, lambda: arguments))

    def defer_row(self, statement: Statement, row: Callable[[], tuple[Any, ...]]) -> None:
        """Leave an insert for the edge whose values are taken then, as the row stands after the change."""
        self._deferred.append(_Deferred(statement, row))

    async def send(self) -> None:
        """Send what was deferred: as one statement when nothing was begun, else those of each statement together.

        Statements go in the order in which each was first deferred, which their foreign keys rely on.

        Raises PresumedWrong, with nothing written, when a hopeful transaction hoped too much.
        """
        deferred, self._deferred = self._deferred, []
        if self._connection is None and 0 < len(deferred) <= _JOINED_MAX:
            await self._send_joined(deferred)
            return
        for statement, arguments in self._assumptions:
            if await self.peek(statement, *arguments):
                raise OptimisticConflict
        writes: dict[Statement, list[tuple[Any, ...]]] = {}
        for write in deferred:
            writes.setdefault(write.statement, []).append(write.arguments())
        for statement, values in writes.items():
            await self._send_together(statement, values)

    async def _send_together(self, statement: Statement, values: list[tuple[Any, ...]]) -> None:
        connection = await self.connection()
        copy = _as_copy(statement) if len(values) > _JOINED_MAX else None
        if copy is not None:
            rows = values if copy.order is None else list(map(copy.order, values))
            await connection.copy_records_to_table(copy.table, records=rows, columns=copy.columns)
        elif len(values) == 1:
            await connection.execute(statement.text, *values[0])
        elif statement.many is not None:
            await connection.execute(statement.many, *map(list, zip(*values, strict=True)))
        else:
            await connection.executemany(statement.text, values)

    async def _send_joined(self, deferred: list[_Deferred]) -> None:
        assumptions = tuple(statement for statement, _ in self._assumptions)
        text = _joined_sql(tuple(write.statement for write in deferred), assumptions)
        values = [value for write in deferred for value in write.arguments()]
        for _, arguments in self._assumptions:
            values += arguments
        try:
            await self._pool.execute(text, *values)
        except asyncpg.DivisionByZeroError:
            raise OptimisticConflict from None

    async def finish(self, *, commit: bool) -> None:
        """Commit or roll back and give the connection back."""
        if self._connection is None:
            return
        try:
            await (self._block.commit() if commit else self._block.rollback())
        finally:
            connection, self._connection = self._connection, None
            await self._pool.release(connection)


@dataclass(slots=True)
class Database:
    """A pool of connections, the edge every change passes, and the wakes it sends after a commit."""

    pool: "asyncpg.Pool[Record]"
    edge: Edge
    notifier: Notifier = field(init=False)

    def __post_init__(self) -> None:
        self.notifier = Notifier(self.pool)

    @asynccontextmanager
    async def transaction(self, now: datetime, *, is_optimistic: bool = False) -> AsyncIterator[Transaction]:
        """Run one change: pass the edge and commit when the block ends well, roll back when it raises.

        Whoever is hopeful runs the change again, without hope, when it raises PresumedWrong.
        """
        tx = Transaction(self.pool, now, is_optimistic=is_optimistic)
        try:
            yield tx
            await self.edge(tx)
            await tx.send()
        except BaseException:
            # The connection may be gone: the first error is the one worth raising.
            with suppress(*DATABASE_ERRORS):
                await tx.finish(commit=False)
            raise
        await tx.finish(commit=True)
        for channel in tx.channels_to_notify:
            self.notifier.notify(channel)

    async def fetch(self, statement: Statement, *arguments: Any) -> list[Record]:
        """Run one statement by itself and return its rows."""
        return await self.pool.fetch(statement.text, *arguments)

    async def fetchrow(self, statement: Statement, *arguments: Any) -> Record | None:
        """Run one statement by itself and return its first row."""
        return await self.pool.fetchrow(statement.text, *arguments)

    async def fetchval(self, statement: Statement, *arguments: Any) -> Any:
        """Run one statement by itself and return its first value."""
        return await self.pool.fetchval(statement.text, *arguments)

    async def execute(self, statement: Statement, *arguments: Any) -> None:
        """Run one statement by itself."""
        await self.pool.execute(statement.text, *arguments)

    async def close(self) -> None:
        """Send the last wakes and close every connection."""
        await self.notifier.flush()
        try:
            await asyncio.wait_for(self.pool.close(), _CLOSE_SECONDS)
        except TimeoutError:
            # Somebody still holds a connection and will not give it back: the process ends all the same.
            self.pool.terminate()


class _Connection(asyncpg.Connection):
    """A connection that goes back to its pool as it is: nothing of ours is left on it between two uses.

    Resetting it would cost a round trip, and asking whether to reset it a timer, each time.
    """

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 asyncpg calls it so
        """End a transaction that somebody left open."""
        if self.is_in_transaction():
            await super().reset(timeout=timeout)


async def _connect(*arguments: Any, **options: Any) -> Any:
    """Connect as asyncpg does; the socket of a server that is down is not a missing file to anybody."""
    try:
        connection: Any = await asyncpg.connect(*arguments, **options)
    except FileNotFoundError as error:
        raise ConnectionRefusedError("There is no database at its socket.") from error
    _set_tcp_timeouts(connection._transport.get_extra_info("socket"))  # noqa: SLF001 asyncpg shows it nowhere else
    return connection


def _set_tcp_timeouts(raw_socket: Any) -> None:
    """Have a connection fail whose other end is gone without a word, rather than wait for minutes."""
    if raw_socket is None or raw_socket.family not in {AF_INET, AF_INET6}:
        return
    raw_socket.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    for option, value in _TCP_OPTIONS:
        raw_socket.setsockopt(IPPROTO_TCP, option, value)


async def open_pool(dsn: str, size: int) -> "asyncpg.Pool[Record]":
    """Open a pool of connections with the stated limits."""
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


async def open_database(dsn: str, edge: Edge, *, size: int = 12) -> Database:
    """Open a pool on the database, whose changes pass this edge."""
    return Database(await open_pool(dsn, size), edge)
