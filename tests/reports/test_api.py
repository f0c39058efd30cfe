"""Reports and statistics over HTTP, counted on real rows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from debts.conftest import WorkspaceApi, read
from getbill.kit import clock, ids


async def backdate(workspace: WorkspaceApi, debt: dict[str, Any], days: int) -> None:
    """Have a debt been created that many days earlier."""
    await workspace.rows(
        "UPDATE debts SET created_at = created_at - $2::interval WHERE id = $1 RETURNING id",
        ids.read("debt", debt["id"]),
        timedelta(days=days),
    )


async def pay(workspace: WorkspaceApi, debt: dict[str, Any], **body: Any) -> None:
    assert (await workspace.post(f"/debts/{debt['id']}/payments", body)).status == 201


async def test_a_report_counts_what_was_resolved_what_came_in_and_how_long_it_took(
    workspace: WorkspaceApi,
) -> None:
    resolved, partly, dollars, _ = [
        await workspace.debt(),
        await workspace.debt(),
        await workspace.debt(currency="USD"),
        await workspace.debt(),
    ]
    await backdate(workspace, resolved, 10)
    await backdate(workspace, dollars, 5)
    await pay(workspace, resolved, amount=2340)
    await pay(workspace, partly, amount=500)
    await pay(workspace, partly, amount=100, kind="refund")
    await pay(workspace, dollars, amount=2000)
    await pay(workspace, dollars, amount=340, kind="write_off")

    answered = await workspace.get("/reports")

    today = clock.wall().date()
    assert answered.status == 200
    assert read(answered) == {
        "period": {"from": str(today - timedelta(days=89)), "to": str(today)},
        "resolution_rate": Decimal("0.5"),
        "amounts_recovered": {"EUR": Decimal("2740.00"), "USD": Decimal("2000.00")},
        "average_delay_days": Decimal("7.50"),
        "debts_created": 4,
        "debts_resolved": 2,
    }


async def test_a_period_takes_in_both_its_days_and_nothing_else(workspace: WorkspaceApi) -> None:
    today = clock.wall().date()
    old = await workspace.debt()
    await backdate(workspace, old, 100)
    await pay(workspace, old, amount=300, paid_at=str(today - timedelta(days=100)))
    await pay(workspace, old, amount=20, paid_at=str(today - timedelta(days=99)))

    day = today - timedelta(days=100)
    then = read(await workspace.get(f"/reports?from={day}&to={day}"))
    now = read(await workspace.get(f"/reports?from={today}"))

    assert (then["debts_created"], then["amounts_recovered"]) == (1, {"EUR": Decimal("300.00")})
    assert then["resolution_rate"] == 0
    assert then["average_delay_days"] is None
    assert (now["debts_created"], now["resolution_rate"], now["amounts_recovered"]) == (0, None, {})


@pytest.mark.parametrize(
    "query",
    [
        "from=2024-02-01&to=2024-01-01",
        "from=yesterday",
        "from=1700000000",
        "to=9999-12-31",
        "since=2024-01-01",
    ],
)
async def test_a_period_that_is_none_is_refused(workspace: WorkspaceApi, query: str) -> None:
    answered = await workspace.get(f"/reports?{query}")

    assert (answered.status, answered.headers["content-type"]) == (400, "application/problem+json")


async def test_statistics_say_how_the_company_stands(workspace: WorkspaceApi) -> None:
    resolved, partly, erased = [await workspace.debt() for _ in range(3)]
    await pay(workspace, resolved, amount=2400)
    await pay(workspace, partly, amount=340)
    await pay(workspace, erased, amount=40)
    await workspace.call("DELETE", f"/debts/{erased['id']}")

    answered = await workspace.get("/company/statistics")

    answer = read(answered)
    assert answered.status == 200
    assert answer["debts"]["total"] == 2
    counted = {status: count for status, count in answer["debts"]["by_status"].items() if count}
    assert counted == {"pending": 1, "resolved": 1}
    assert len(answer["debts"]["by_status"]) == 8
    # What an erased debt paid stays in the books; an overpaid one owes nothing.
    assert answer["recovered_amounts"] == {"EUR": Decimal("2780.00")}
    assert answer["open_amounts"] == {"EUR": Decimal("2000.00")}
    assert answer["resolution_rate"] == Decimal("0.5")


async def test_an_empty_workspace_has_figures_too(workspace: WorkspaceApi) -> None:
    statistics = read(await workspace.get("/company/statistics"))

    assert (statistics["debts"]["total"], statistics["resolution_rate"]) == (0, None)
    assert (statistics["open_amounts"], statistics["recovered_amounts"]) == ({}, {})
