"""What operations is told of deliveries, and that every number has its line in the runbook."""

import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from getbill import webhooks
from getbill.access import OPERATOR
from getbill.companies import Workspace
from getbill.health import delivery_metrics
from getbill.kit import clock, ids
from installation import METRICS_TOKEN

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text("utf-8")


async def families(client: Any) -> dict[str, Any]:
    body = (await client.with_token(METRICS_TOKEN).get("/metrics")).body.decode()
    return {family.name: family for family in text_string_to_metric_families(body)}


async def value(client: Any, name: str) -> float:
    return float((await families(client))[name].samples[0].value)


@pytest.fixture
async def workspace(company: Any) -> Workspace:
    sandbox: Workspace = company.sandbox
    return sandbox


@pytest.fixture
async def open_endpoint(installation: Any, workspace: Workspace) -> Any:
    """Open an endpoint whose row says what a test wants; closed with it."""
    result = []

    async def insert_endpoint(**columns: Any) -> Any:
        new = webhooks.NewEndpoint("https://example.com/hooks")
        async with installation.database.transaction(workspace.now()) as tx:
            endpoint = (await webhooks.create(tx, workspace, new, OPERATOR)).endpoint
        for name, report in columns.items():
            await installation.database.pool.execute(
                f"UPDATE webhook_endpoints SET {name} = $2 WHERE id = $1",
                endpoint.id,
                report,
            )
        result.append(endpoint.id)
        return endpoint

    yield insert_endpoint
    for table in ("webhook_deliveries", "webhook_log", "webhook_endpoints"):
        column = "id" if table == "webhook_endpoints" else "endpoint_id"
        await installation.database.pool.execute(
            f"DELETE FROM {table} WHERE {column} = ANY ($1)",
            result,
        )


async def owe(installation: Any, workspace: Workspace, endpoint_id: Any, ago: timedelta) -> None:
    await installation.database.pool.execute(
        """
        INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
            next_try_at, created_at) VALUES ($1, $2, $3, $2, $2, 'debt.created', 1, 1, now(), $4)
        """,
        *(workspace.id, ids.new(), endpoint_id, clock.wall() - ago),
    )


async def test_an_empty_installation_waits_for_nothing(client: Any, company: Any) -> None:
    assert await value(client, "getbill_oldest_undelivered_seconds") == 0
    assert await value(client, "getbill_webhook_exhausted") == 0
    assert await value(client, "getbill_webhook_failing_endpoints") == 0


async def test_the_oldest_delivery_is_told_by_its_age_unless_its_endpoint_is_disabled(
    client: Any, installation: Any, workspace: Workspace, open_endpoint: Any
) -> None:
    on, off = await open_endpoint(), await open_endpoint(is_enabled=False)
    await owe(installation, workspace, on.id, timedelta(minutes=5))
    await owe(installation, workspace, off.id, timedelta(days=5))

    age = await value(client, "getbill_oldest_undelivered_seconds")

    assert 299 < age < 330


async def test_the_oldest_event_that_nobody_handled_is_told_by_its_age(
    client: Any, installation: Any, workspace: Workspace
) -> None:
    pool = installation.database.pool
    await pool.execute(
        """
        INSERT INTO events (workspace_id, id, debt_id, sequence, kind, occurred_at, recorded_at)
        VALUES ($1, $2, $2, 1, 'debt.created', $3, $3)
        """,
        *(workspace.id, ids.new(), clock.wall() - timedelta(minutes=2)),
    )
    unplaced = await value(client, "getbill_oldest_unhandled_event_seconds")
    await pool.execute("UPDATE events SET position = 1 WHERE workspace_id = $1", workspace.id)
    await pool.execute("UPDATE streams SET position = 1 WHERE workspace_id = $1", workspace.id)
    not_owed = await value(client, "getbill_oldest_unhandled_event_seconds")
    await pool.execute("UPDATE streams SET reacted = 1 WHERE workspace_id = $1", workspace.id)
    handled = await value(client, "getbill_oldest_unhandled_event_seconds")

    assert 119 < unplaced < 150
    assert 119 < not_owed < 150
    assert handled == 0


async def test_what_was_given_up_in_the_last_day_is_counted(
    client: Any, installation: Any, workspace: Workspace, open_endpoint: Any
) -> None:
    endpoint = await open_endpoint()
    for state, ago in (("exhausted", 1), ("exhausted", 2), ("delivered", 1)):
        await installation.database.pool.execute(
            """
            INSERT INTO webhook_log (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
                is_replay, state, attempts, created_at, settled_at)
            VALUES ($1, $2, $3, $2, $2, 'debt.created', 1, 1, false, $4, 6, $5, $5)
            """,
            *(workspace.id, ids.new(), endpoint.id, state, clock.wall() + timedelta(seconds=ago)),
        )

    assert await value(client, "getbill_webhook_exhausted") == 2


async def test_failing_endpoints_are_counted_and_the_worst_is_told_without_its_name(
    client: Any, open_endpoint: Any
) -> None:
    now = clock.wall()
    for hours in (3, 1, 2):
        await open_endpoint(failing_since=now - timedelta(hours=hours))
    await open_endpoint(is_enabled=False, disabled_reason="failing")
    await open_endpoint(is_enabled=False, disabled_reason="asked")
    await open_endpoint()

    result = await families(client)

    worst = [
        (sample.labels, round(sample.value / 3600))
        for sample in result["getbill_webhook_endpoint_failing_seconds"].samples
    ]
    assert worst == [({}, 3)]
    assert result["getbill_webhook_failing_endpoints"].samples[0].value == 3
    assert result["getbill_webhook_disabled_endpoints"].samples[0].value == 1


async def test_no_series_names_a_tenant_or_anything_of_one(
    client: Any, sandbox: Any, company: Any, open_endpoint: Any
) -> None:
    endpoint = await open_endpoint(failing_since=clock.wall() - timedelta(hours=1))
    await sandbox.get(f"/external-api/v1/webhooks/{ids.show('we', endpoint.id)}")
    await sandbox.get(f"/external-api/v1/debts/{ids.show('debt', ids.new())}")

    body = (await client.with_token(METRICS_TOKEN).get("/metrics")).body.decode()

    assert not re.findall(r"[a-z]+_[0-9a-hjkmnp-tv-z]{26}", body)
    assert not re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-", body)
    assert "example.com" not in body


async def test_what_the_database_does_not_say_is_not_a_number(
    client: Any, installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_metrics, "WITHIN_SECONDS", 0)

    result = await families(client)

    assert result["getbill_database_up"].samples[0].value == 1
    assert math.isnan(result["getbill_oldest_undelivered_seconds"].samples[0].value)


async def test_every_metric_has_its_line_in_the_runbook_and_every_line_its_metric(client: Any) -> None:
    await client.get("/healthz")
    ours = {
        name
        for name in await families(client)
        if name.startswith("getbill_") and not name.endswith("_created")
    }

    written = set(re.findall(r"^\| `(getbill_\w+)` \|", RUNBOOK, re.MULTILINE))

    assert written == ours, "docs/runbook.md: one line for each metric, with what it means and what to do"
