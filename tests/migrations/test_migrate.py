import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from getbill import migrations
from getbill.embedded import Server, available
from getbill.embedded.data_folder import ClusterOptions
from getbill.migrations import script
from getbill.migrations.actions import configuration, migrate

SQL = Path(migrations.__file__).parent / "sql"


async def tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row["tablename"] for row in rows}


async def test_an_empty_database_is_refused_with_the_way_out(empty_dsn: str) -> None:
    with pytest.raises(migrations.DatabaseBehind) as refusal:
        await migrations.check_revision(empty_dsn)

    assert str(refusal.value) == (
        f"The database is empty, but this program requires {migrations.HEAD}: run `getbill migrate`."
    )
    assert await tables(empty_dsn) == set()


async def test_a_migrated_database_is_accepted(empty_dsn: str) -> None:
    assert await migrate(empty_dsn) == migrations.HEAD

    await migrations.check_revision(empty_dsn)
    assert {"alembic_version", "debts", "maintenance"} <= await tables(empty_dsn)


async def test_another_revision_is_refused_with_the_way_out(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    await connection.close()

    with pytest.raises(
        migrations.DatabaseBehind,
        match=rf"at 0000, but this program requires {migrations.HEAD}: run `getbill migrate`",
    ):
        await migrations.check_revision(empty_dsn)


async def test_migrating_twice_changes_nothing(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    before = await tables(empty_dsn)

    await migrate(empty_dsn)

    assert await tables(empty_dsn) == before


async def test_migrations_started_together_run_one_after_the_other(empty_dsn: str) -> None:
    program = (
        f"import asyncio; from getbill.migrations.actions import migrate; asyncio.run(migrate({empty_dsn!r}))"
    )
    environment = os.environ | {"PYTHONPATH": str(SQL.parents[2])}

    several = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, env=environment, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    output = [(await item.communicate())[1] for item in several]

    assert [item.returncode for item in several] == [0, 0], output
    await migrations.check_revision(empty_dsn)


async def test_a_failing_revision_leaves_the_database_as_it_was(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001").mkdir()
    (tmp_path / "0001" / "10_good.sql").write_text("CREATE TABLE good (id int); CREATE TABLE too (id int);")
    (tmp_path / "0001" / "20_bad.sql").write_text("CREATE TABLE;")
    monkeypatch.setattr(script, "FOLDER", tmp_path)

    with pytest.raises(asyncpg.PostgresSyntaxError):
        await migrate(empty_dsn)

    assert await tables(empty_dsn) == set()


def test_the_oldest_supported_server_takes_the_schema(tmp_path: Path) -> None:
    assert min(available()) == migrations.SERVER_MIN

    with Server(tmp_path, durable=False, options=ClusterOptions(major=migrations.SERVER_MIN)) as server:
        asyncio.run(migrate(server.dsn))
        asyncio.run(migrations.check_revision(server.dsn))


def test_an_older_server_is_refused_by_its_number() -> None:
    assert str(migrations.DatabaseTooOld(150_004)) == (
        "The database runs PostgreSQL 15, but this program requires 16 or newer."
    )


def test_the_program_needs_the_last_revision() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [migrations.HEAD]
