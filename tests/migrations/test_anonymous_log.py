"""Revision 0010: lines of anonymous requests move to a table of their own; the others stay where they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from getbill.migrations import queries
from getbill.migrations.actions import migrate

WORKSPACE, CREDENTIAL = UUID(int=1), UUID(int=2)
FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
COLUMNS = "at, request_id, method, path, status, duration_ms, address"


async def test_each_line_is_in_one_table_and_its_day_has_a_partition_in_both(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queries, "HEAD", "0008")
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    lines = []
    for day in range(3):
        at = FIRST_DAY + timedelta(days=day)
        await connection.execute(
            f"CREATE TABLE access_log_{at:%Y%m%d} PARTITION OF access_log"
            f" FOR VALUES FROM ('{at}') TO ('{at + timedelta(days=1)}')"
        )
        # Of the last day every line is a caller's.
        lines += [
            (
                at + timedelta(hours=hour),
                f"line-{day}-{hour}",
                "GET",
                "/x",
                200,
                1.5,
                "127.0.0.1",
                None if hour % 2 and day < 2 else WORKSPACE,
                None if hour % 2 and day < 2 else CREDENTIAL,
            )
            for hour in (0, 1, 23)
        ]
    await connection.copy_records_to_table(
        "access_log", records=lines, columns=[*COLUMNS.split(", "), "workspace_id", "credential_id"]
    )

    await migrate(empty_dsn)

    anonymous = await connection.fetch(f"SELECT {COLUMNS} FROM anonymous_log ORDER BY at")
    of_callers = await connection.fetch(
        f"SELECT {COLUMNS}, workspace_id, credential_id FROM access_log ORDER BY at"
    )
    assert [tuple(row) for row in anonymous] == [line[:7] for line in lines if line[7] is None]
    assert [tuple(row) for row in of_callers] == [line for line in lines if line[7] is not None]
    assert len(anonymous) == 4
    days = await connection.fetch(
        "SELECT right(inhrelid::regclass::text, 8) AS day FROM pg_inherits WHERE inhparent = 'anonymous_log'::regclass"
    )
    assert {row["day"] for row in days} == {"20261101", "20261102", "20261103"}
    with pytest.raises(asyncpg.NotNullViolationError):
        await connection.copy_records_to_table(
            "access_log", records=lines[1:2], columns=[*COLUMNS.split(", "), "workspace_id", "credential_id"]
        )
    await connection.close()
