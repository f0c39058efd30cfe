"""What probes and graphs are told."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from getbill import health
from getbill.health import Check
from getbill.migrations.queries import HEAD
from getbill.settings import Settings
from installation import METRICS_TOKEN, open_installation


async def test_a_process_that_answers_is_healthy(client) -> None:
    answered = await client.get("/healthz")

    assert (answered.status, answered.json()) == (200, {"status": "ok"})


async def test_without_a_worker_the_installation_is_not_ready_and_says_why(client, company) -> None:
    answered = await client.get("/readyz")

    told = answered.json()
    assert (answered.status, told["status"]) == (503, "not_ready")
    assert {name: part["is_ready"] for name, part in told["parts"].items()} == {
        "database": True,
        "migrations": True,
        "worker": False,
        "company": True,
    }
    assert told["parts"]["worker"]["way_out"] == "No worker has been heard of: start `getbill worker`."


async def test_a_beating_worker_makes_it_ready_and_an_ended_one_does_not(
    client, company, installation
) -> None:
    beating = asyncio.create_task(health.beat(installation.database))
    while (await client.get("/readyz")).status != 200:  # noqa: ASYNC110 - the beat is its own task
        await asyncio.sleep(0)
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)

    answered = await client.get("/readyz")

    assert answered.status == 503
    assert answered.headers["cache-control"] == "no-store"


async def test_a_worker_not_heard_of_for_long_does_not_count(client, company, installation) -> None:
    pool = installation.database.pool
    await pool.execute("INSERT INTO heartbeats VALUES (gen_random_uuid(), now(), now() - interval '16 s')")

    found = await health.checks(installation.database)

    assert Check("worker", "No worker has been heard of: start `getbill worker`.") in found
    await pool.execute("DELETE FROM heartbeats")


async def test_another_revision_is_told_with_the_way_out(company, installation) -> None:
    pool = installation.database.pool
    await pool.execute("UPDATE alembic_version SET version_num = '0000'")

    found = await health.checks(installation.database)

    assert Check("migrations", f"The database is at 0000, not {HEAD}: run `getbill migrate`.") in found
    await pool.execute("UPDATE alembic_version SET version_num = $1", HEAD)


async def test_metrics_are_read_by_prometheus_and_name_nobody(client, sandbox) -> None:
    listed = await sandbox.get("/external-api/v1/debts?q=jean.dupont@email.com")

    told = (await client.with_token(METRICS_TOKEN).get("/metrics")).body.decode()

    families = {family.name: family for family in text_string_to_metric_families(told)}
    assert listed.status == 200
    assert {
        "getbill_http_requests",
        "getbill_http_request_seconds",
        "getbill_backlog",
        "getbill_workers",
    } <= set(families)
    routes = {sample.labels["route"] for sample in families["getbill_http_requests"].samples}
    assert "/external-api/v1/debts" in routes
    assert "dupont" not in told


async def test_without_its_database_a_process_lives_and_says_what_is_missing(postgres, tmp_path) -> None:
    async with open_installation(postgres, "gone", tmp_path) as installation:
        await installation.database.pool.close()

        alive, ready, metrics = [
            await installation.metrics.get(path) for path in ("/healthz", "/readyz", "/metrics")
        ]

    assert (alive.status, ready.status, metrics.status) == (200, 503, 200)
    assert ready.json()["parts"] == {
        "database": {"is_ready": False, "way_out": "The database does not answer (InterfaceError)."}
    }
    assert b"getbill_database_up 0.0" in metrics.body


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer ",
        "Bearer wrong",
        f"Basic {METRICS_TOKEN}",
        f"Bearer {METRICS_TOKEN}x",
        "Bearer \xe9",
        METRICS_TOKEN,
    ],
)
async def test_metrics_are_read_with_their_token_only(client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    refused = await client.call("GET", "/metrics", headers=headers)

    assert (refused.status, refused.json()["type"]) == (401, "/problems/metrics-token-wrong")
    assert refused.headers["www-authenticate"] == 'Bearer realm="metrics"'
    assert b"getbill_" not in refused.body


async def test_a_key_of_a_tenant_reads_no_metrics(sandbox) -> None:
    assert (await sandbox.get("/metrics")).status == 401


async def test_without_a_token_there_are_no_metrics(installation) -> None:
    state = installation.site.app.state
    token, state.metrics_token = state.metrics_token, None

    refused = await installation.metrics.get("/metrics")
    state.metrics_token = token

    assert (refused.status, refused.json()["type"]) == (404, "/problems/metrics-off")


def test_the_token_is_made_once_for_its_owner_alone_and_not_where_one_is_set(tmp_path) -> None:
    settings = Settings(data_dir=tmp_path)

    health.make_token(settings)
    made = health.read_token(settings)
    health.make_token(settings)

    assert made is not None
    assert len(made) >= 40
    assert health.read_token(settings) == made
    assert settings.metrics_token_file.stat().st_mode & 0o777 == 0o600
    own = Settings(data_dir=tmp_path / "other", metrics_token="one of the operator's")
    assert health.read_token(own) == "one of the operator's"
    health.make_token(own)
    assert not own.metrics_token_file.exists()
