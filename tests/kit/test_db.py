"""One change, one transaction: what a hopeful one presumes, and what becomes of it when that is wrong."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from getbill.kit import clock
from getbill.kit.database import update_statement
from getbill.kit.database.transactions import (
    Database,
    OptimisticConflict,
    Statement,
    Transaction,
    open_database,
)

WRITE = Statement("test.write", "Write a row.", "INSERT INTO presumed (name) VALUES ($1)")
COUNT = Statement("test.count", "How many rows are there?", "SELECT count(*) FROM presumed")
KNOWN = Statement("test.known", "Is there such a row?", "SELECT name FROM presumed WHERE name = $1")


@pytest.fixture
async def database(empty_dsn: str) -> AsyncIterator[Database]:
    async def before_commit(_tx: Transaction) -> None:
        return None

    resource = await open_database(empty_dsn, before_commit, size=2)
    await resource.pool.execute("CREATE TABLE presumed (name text PRIMARY KEY)")
    yield resource
    await resource.close()


async def presume_and_write(database: Database, *presumed: str) -> None:
    async with database.transaction(clock.wall(), is_optimistic=True) as tx:
        for name in presumed:
            await tx.assume_none(KNOWN, name)
        tx.defer(WRITE, "new")


async def begin_and_write(database: Database, presumed: str) -> None:
    async with database.transaction(clock.wall(), is_optimistic=True) as tx:
        await tx.assume_none(KNOWN, presumed)
        await tx.execute(WRITE, "new")


async def write(database: Database, *names: str) -> None:
    async with database.transaction(clock.wall()) as tx:
        for name in names:
            tx.defer(WRITE, name)


async def test_a_right_guess_costs_no_question(database: Database) -> None:
    async with database.transaction(clock.wall(), is_optimistic=True) as tx:
        result = await tx.assume_none(KNOWN, "new")
        tx.defer(WRITE, "new")

    assert result == []
    assert await database.fetchval(KNOWN, "new") == "new"


async def test_a_wrong_guess_writes_nothing_at_all(database: Database) -> None:
    await database.execute(WRITE, "old")

    with pytest.raises(OptimisticConflict):
        await presume_and_write(database, "nobody", "old")

    assert await database.fetchval(COUNT) == 1
    # Not even rows that were taken back: nothing was tried before the guess was seen to be wrong.
    await database.pool.execute("SELECT pg_stat_force_next_flush()")
    assert (
        await database.pool.fetchval("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'presumed'")
        == 0
    )


async def test_a_wrong_guess_is_found_also_by_a_transaction_that_began_meanwhile(database: Database) -> None:
    await database.execute(WRITE, "old")

    with pytest.raises(OptimisticConflict):
        await begin_and_write(database, "old")

    assert await database.fetchval(COUNT) == 1


@pytest.mark.parametrize("is_hopeful", [True, False])
async def test_whoever_has_begun_or_has_no_hope_asks(database: Database, *, is_hopeful: bool) -> None:
    await database.execute(WRITE, "old")

    async with database.transaction(clock.wall(), is_optimistic=is_hopeful) as tx:
        if is_hopeful:
            await tx.fetch(COUNT)
        result = await tx.assume_none(KNOWN, "old")

    assert [row["name"] for row in result] == ["old"]


async def test_writes_of_one_change_stand_or_fall_together(database: Database) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await write(database, "one", "two", "one")

    assert await database.fetchval(COUNT) == 0


PEOPLE = Statement(
    "test.people",
    "Write a person, met and last seen at one moment.",
    "INSERT INTO people (id, met_at, seen_at, name) VALUES ($1, $3, $3, $2)",
)
SIGHT = Statement(
    "test.sight", "Write that a person was seen.", "INSERT INTO sights (person_id, words) VALUES ($1, $2)"
)
MANY = 100


async def see(database: Database, many: int, *, last: int | None = None) -> None:
    async with database.transaction(clock.wall()) as tx:
        for number in range(many):
            tx.defer(PEOPLE, number, f"person {number}", tx.now)
            tx.defer(SIGHT, number if last is None or number < many - 1 else last, ["one", "two"])


@pytest.fixture
async def people(database: Database) -> Database:
    await database.pool.execute(
        "CREATE TABLE people (id int PRIMARY KEY, name text, met_at timestamptz, seen_at timestamptz)"
    )
    await database.pool.execute("CREATE TABLE sights (person_id int REFERENCES people, words text[])")
    return database


@pytest.mark.parametrize("many", [3, MANY])
async def test_few_rows_and_many_are_written_alike(people: Database, many: int) -> None:
    await see(people, many)

    rows = await people.pool.fetch("SELECT * FROM people ORDER BY id")
    sights = await people.pool.fetch("SELECT * FROM sights ORDER BY person_id")
    assert [(row["id"], row["name"]) for row in rows] == [
        (number, f"person {number}") for number in range(many)
    ]
    assert all(row["met_at"] == row["seen_at"] for row in rows)
    assert [tuple(row) for row in sights] == [(number, ["one", "two"]) for number in range(many)]


async def test_many_rows_stand_or_fall_together_too(people: Database) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await see(people, MANY, last=-1)

    assert await people.pool.fetchval("SELECT count(*) FROM people") == 0


async def test_many_writes_that_are_no_plain_inserts_are_sent_as_they_are(database: Database) -> None:
    once = Statement(
        "test.once", "Write a row unless it is there.", WRITE.text + " ON CONFLICT (name) DO NOTHING"
    )

    async with database.transaction(clock.wall()) as tx:
        for number in range(MANY):
            tx.defer(once, f"name {number % 7}")

    assert await database.fetchval(COUNT) == 7


MOVE = update_statement(
    "test.move", "Rename rows.", "lodgers", {"house": "uuid", "id": "bigint"}, {"name": "text"}
)


@pytest.mark.parametrize("count", [1, 3])
async def test_many_rows_are_updated_house_by_house(people: Database, count: int) -> None:
    houses = UUID(int=1), UUID(int=2)
    rows = [(house, number, f"{house.int}-{number}") for number in range(count) for house in houses]
    await people.pool.execute(
        "CREATE TABLE lodgers (house uuid, id bigint, name text, PRIMARY KEY (house, id))"
    )
    await people.pool.executemany("INSERT INTO lodgers VALUES ($1, $2, '')", [row[:2] for row in rows])

    async with people.transaction(clock.wall()) as tx:
        await tx.connection()
        for row in rows:
            tx.defer(MOVE, *row)

    assert MOVE.many is not None
    assert "$1::" not in MOVE.many
    stored = await people.pool.fetch("SELECT house, id, name FROM lodgers")
    assert {tuple(row) for row in stored} == set(rows)


async def test_many_rows_are_found_by_their_keys_before_there_are_statistics(people: Database) -> None:
    house, count = UUID(int=1), 20_000
    await people.pool.execute(
        """
        CREATE TABLE lodgers (house uuid, id bigint, name text, PRIMARY KEY (house, id))
            WITH (autovacuum_enabled = false);
        CREATE INDEX ON lodgers (house, name);
        """
    )
    await people.pool.execute(
        "INSERT INTO lodgers SELECT $1, n, '' FROM generate_series(1, $2) n", house, count
    )
    ids = list(range(1, 1_001))

    rows = await people.pool.fetch(f"EXPLAIN {MOVE.many}", house, ids, ["moved"] * len(ids))

    plan = "\n".join(row[0] for row in rows)
    assert "Hash Join" not in plan
    assert "Index Cond: ((house = $1) AND (id = new.id))".replace("$1", f"'{house}'::uuid") in plan, plan
