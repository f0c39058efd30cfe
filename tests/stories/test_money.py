"""Money that comes, goes back and is corrected: whom it never has contacted again, and whom it does, to the day."""

from decimal import Decimal
from typing import Any

import pytest

import make
from running_workspace import RunningWorkspace

WAVE_1 = ["2026-03-02T07:00:00Z email delivered", "2026-03-05T09:00:00Z sms delivered"]
CONTACT = ["followup.created", "debt.contacted", "followup.completed"]
FIRST_CONTACT = ["followup.created", "debt.contacted", "debt.status_changed", "followup.completed"]
PAID = ["debt.payment_received", "debt.status_changed", "debt.resolved"]
CHARGED_BACK = ["payment.charged_back", "debt.status_changed", "debt.updated"]
REFUNDED = ["payment.refunded", "debt.status_changed", "debt.updated"]


async def enter(workspace: RunningWorkspace, debt: dict[str, Any], **entry: Any) -> dict[str, Any]:
    entered: dict[str, Any] = await workspace.post(f"/debts/{debt['id']}/payments", entry)
    return entered


async def shown(workspace: RunningWorkspace, debt: dict[str, Any]) -> dict[str, Any]:
    """The debt, whose timeline says the same of what comes next."""
    result: dict[str, Any] = await workspace.get(f"/debts/{debt['id']}")
    timeline = await workspace.get(f"/debts/{debt['id']}/timeline")
    assert timeline["next_action_at"] == result["next_action_at"]
    due = [step["due_at"] for step in timeline["planned"] if step["due_at"] is not None]
    assert (due[0] if due else None) == result["next_action_at"]
    return result


def causes(workspace: RunningWorkspace, debt: dict[str, Any]) -> list[tuple[str, str]]:
    """Where each change of status led, and what caused it."""
    return [
        (message["data"]["changes"]["status"]["to"], message["data"]["cause"])
        for message in workspace.receiver.received
        if message["event"] == "debt.status_changed" and message["data"]["debt_id"] == debt["id"]
    ]


async def open_todo(workspace: RunningWorkspace, debt: dict[str, Any]) -> dict[str, Any]:
    (todo,) = (await workspace.get(f"/todos?state=open&debt_id={debt['id']}"))["data"]
    return dict(todo)


async def decide(workspace: RunningWorkspace, debt: dict[str, Any], decision: str) -> None:
    todo = await open_todo(workspace, debt)
    await workspace.post(f"/todos/{todo['id']}/decide", {"decision": decision})


async def test_a_disputed_debt_that_is_paid_and_refunded_is_disputed_still(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(4)
    await running_workspace.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    await enter(running_workspace, debt, amount=2340)

    await enter(running_workspace, debt, amount=2340, kind="refund")
    result = await shown(running_workspace, debt)
    todo = await open_todo(running_workspace, debt)
    await running_workspace.pass_days(60)

    assert (result["status"], result["balance"], result["next_action_at"]) == ("on_hold", 2340, None)
    assert (todo["type"], todo["decisions"], todo["amount"]) == ("reopening", ["resume", "keep"], 2340)
    assert await running_workspace.followups(debt["id"]) == WAVE_1
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.status_changed",
        *PAID,
        *REFUNDED,
    ]
    assert causes(running_workspace, debt) == [
        ("in_progress", "contact"),
        ("on_hold", "staff"),
        ("resolved", "payment"),
        ("on_hold", "refund"),
    ]
    reasons = [
        message["data"]["reason"]
        for message in running_workspace.receiver.received
        if message["event"] == "debt.status_changed" and message["data"]["status"] == "on_hold"
    ]
    assert reasons == ["disputed", "disputed"]


async def test_a_person_who_resumes_a_refunded_debt_goes_on_where_it_stopped(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(4)
    await running_workspace.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    await enter(running_workspace, debt, amount=2340)
    await enter(running_workspace, debt, amount=2340, kind="refund")
    await running_workspace.pass_days(20)

    await decide(running_workspace, debt, "resume")
    resumed = await shown(running_workspace, debt)
    await running_workspace.pass_days(3)

    assert (resumed["status"], resumed["next_action_at"]) == ("in_progress", "2026-03-26T09:00:00Z")
    assert await running_workspace.followups(debt["id"]) == [
        *WAVE_1,
        "2026-03-26T09:00:00Z ai_call deal_not_found",
        "2026-03-27T07:00:00Z email delivered",
    ]
    await running_workspace.settle()
    assert causes(running_workspace, debt)[-1] == ("in_progress", "staff")
    assert await running_workspace.todos(debt["id"]) == [("reopening", "resume")]


async def test_an_escalated_debt_that_is_charged_back_is_escalated_still(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)
    person = {"reason": "No answer.", "decided_by": "Marie Martin"}
    await running_workspace.post(f"/debts/{debt['id']}/escalate", person)
    paid = await enter(running_workspace, debt, amount=2340, stripe_payment_id="pi_1")

    claimed = await enter(
        running_workspace,
        debt,
        amount=2340,
        kind="chargeback",
        payment_id=paid["id"],
        provider="stripe",
        provider_id="dp_1",
    )
    result = await shown(running_workspace, debt)
    await running_workspace.pass_days(60)

    assert (claimed["kind"], claimed["payment_id"], claimed["reverses"]) == ("chargeback", paid["id"], None)
    assert (result["status"], result["balance"], result["amount_paid"]) == ("escalated", 2340, 0)
    assert await running_workspace.followups(debt["id"]) == WAVE_1[:1]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        "debt.status_changed",
        "debt.escalated",
        *PAID,
        *CHARGED_BACK,
    ]
    assert causes(running_workspace, debt)[-1] == ("escalated", "chargeback")
    assert await running_workspace.todos(debt["id"]) == [("reopening", "open")]


async def test_a_debt_whose_scenario_was_over_asks_a_person_again_and_contacts_nobody(
    running_workspace,
) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(40)
    before = await running_workspace.followups(debt["id"])

    for _ in range(2):
        await enter(running_workspace, debt, amount=2340)
        await enter(running_workspace, debt, amount=2340, kind="refund")
        await running_workspace.pass_days(40)

    result = await shown(running_workspace, debt)
    assert (result["status"], result["next_action_at"]) == ("unresolved", None)
    assert await running_workspace.followups(debt["id"]) == before
    assert await running_workspace.todos(debt["id"]) == [
        ("escalation", "open"),
        ("escalation", "gone"),
        ("escalation", "gone"),
    ]
    assert (await running_workspace.everything(debt["id"])).count("debt.escalation_requested") == 1


async def test_a_debt_in_collection_is_collected_on_after_a_chargeback(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(4)
    await enter(running_workspace, debt, amount=2340)
    await running_workspace.pass_days(10)

    await enter(running_workspace, debt, amount=2340, kind="chargeback")
    result = await shown(running_workspace, debt)
    await running_workspace.pass_days(2)

    assert (result["status"], result["next_action_at"]) == ("in_progress", "2026-03-16T09:00:00Z")
    assert await running_workspace.followups(debt["id"]) == [
        *WAVE_1,
        "2026-03-16T09:00:00Z ai_call deal_not_found",
        "2026-03-17T07:00:00Z email delivered",
    ]
    assert await running_workspace.todos(debt["id"]) == []


async def test_a_raised_amount_of_a_paid_and_held_debt_asks_a_person(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.post(f"/debts/{debt['id']}/hold", {"reason": "in hospital"})
    await enter(running_workspace, debt, amount=2340)

    raised = await running_workspace.put(f"/debts/{debt['id']}", {"amount": 2400})
    again = await shown(running_workspace, debt)
    await running_workspace.pass_days(60)

    assert (raised["status"], again["status"], again["balance"]) == ("on_hold", "on_hold", 60)
    assert await running_workspace.followups(debt["id"]) == []
    assert await running_workspace.todos(debt["id"]) == [("reopening", "open")]
    await running_workspace.put(f"/debts/{debt['id']}", {"amount": 2340})
    assert (await shown(running_workspace, debt))["resolution"] == "paid"
    assert await running_workspace.todos(debt["id"]) == [("reopening", "gone")]


async def test_an_archived_debt_with_a_balance_again_stays_archived_until_a_person_resumes_it(
    running_workspace,
) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)
    await enter(running_workspace, debt, amount=2340)
    await running_workspace.put(f"/debts/{debt['id']}", {"status": "archived"})

    await enter(running_workspace, debt, amount=340, kind="refund")
    result = await shown(running_workspace, debt)
    await running_workspace.pass_days(60)
    left = await running_workspace.followups(debt["id"])
    await decide(running_workspace, debt, "resume")

    assert (result["status"], result["resolution"], result["balance"]) == ("archived", None, 340)
    assert left == WAVE_1[:1]
    assert (await shown(running_workspace, debt))["status"] == "in_progress"
    await running_workspace.settle()
    assert causes(running_workspace, debt)[-2:] == [("on_hold", "staff"), ("in_progress", "staff")]


async def test_an_archived_debt_leaves_the_archive_for_resolved_or_for_a_hold(running_workspace) -> None:
    paid = await running_workspace.post("/debts", make.debt())
    unpaid = await running_workspace.post("/debts", make.debt())
    await enter(running_workspace, paid, amount=2340)
    for debt in (paid, unpaid):
        await running_workspace.put(f"/debts/{debt['id']}", {"status": "archived"})

    refused = [
        await running_workspace.call("PUT", f"/debts/{unpaid['id']}", {"status": "resolved"}),
        await running_workspace.call("PUT", f"/debts/{unpaid['id']}", {"status": "in_progress"}),
        await running_workspace.call("PUT", f"/debts/{paid['id']}", {"status": "on_hold"}),
    ]
    resolved = await running_workspace.put(f"/debts/{paid['id']}", {"status": "resolved"})
    held = await running_workspace.put(f"/debts/{unpaid['id']}", {"status": "on_hold"})
    await running_workspace.pass_days(60)

    assert [status for status, _ in refused] == [409, 409, 409]
    assert refused[0][1]["type"] == "/problems/debt-has-balance"
    assert (resolved["status"], resolved["resolution"]) == ("resolved", "paid")
    assert (await running_workspace.events(paid["id"])).count("debt.resolved") == 1
    assert (held["status"], await running_workspace.followups(unpaid["id"])) == ("on_hold", [])


async def test_an_archived_debt_that_is_paid_after_all_is_resolved_and_charged_back_into_the_archive(
    running_workspace,
) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.put(f"/debts/{debt['id']}", {"status": "archived"})

    await enter(running_workspace, debt, amount=2340)
    paid = await shown(running_workspace, debt)
    await enter(running_workspace, debt, amount=2340, kind="chargeback")
    await running_workspace.pass_days(60)

    assert (paid["status"], paid["resolution"]) == ("resolved", "paid")
    assert (await shown(running_workspace, debt))["status"] == "archived"
    assert await running_workspace.followups(debt["id"]) == []
    assert await running_workspace.todos(debt["id"]) == [("reopening", "open")]


async def test_a_wrong_payment_is_reversed_once_and_whole(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    wrong = await enter(running_workspace, debt, amount=2340)

    reversal = await enter(running_workspace, debt, reverses=wrong["id"])
    again = await running_workspace.call(
        "POST", f"/debts/{debt['id']}/payments", {"kind": "reversal", "reverses": wrong["id"]}
    )

    assert (reversal["kind"], reversal["amount"], reversal["reverses"]) == ("reversal", 2340, wrong["id"])
    assert (reversal["debt"]["status"], reversal["debt"]["amount_paid"]) == ("on_hold", 0)
    assert (again[0], again[1]["type"], again[1]["id"]) == (
        409,
        "/problems/already-reversed",
        reversal["id"],
    )
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        "debt.status_changed",
        *PAID,
        "debt.status_changed",
        "debt.updated",
    ]
    assert causes(running_workspace, debt)[-1] == ("on_hold", "reversal")
    assert running_workspace.receiver.received[-1]["data"]["entry"]["reverses"] == wrong["id"]


async def test_a_write_off_is_undone_by_its_reversal(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    waived = await enter(running_workspace, debt, amount=2340, kind="write_off")

    reversal = await enter(running_workspace, debt, kind="reversal", reverses=waived["id"], amount=2340)

    assert reversal["debt"] == {
        "id": debt["id"],
        "status": "pending",
        "resolution": None,
        "balance": 2340,
        "amount_paid": 0,
        "amount_written_off": 0,
    }


@pytest.mark.parametrize(
    ("entries", "resolution", "paid", "waived"),
    [
        ([("payment", 2340)], "paid", 2340, 0),
        ([("payment", 340), ("write_off", 2000)], "settled", 340, 2000),
        ([("write_off", 2000), ("payment", 340)], "settled", 340, 2000),
        ([("write_off", 2340)], "written_off", 0, 2340),
        ([("payment", 340), ("refund", 340), ("write_off", 2340)], "written_off", 0, 2340),
    ],
)
async def test_a_resolution_says_how_much_was_paid_and_waived(
    running_workspace, entries: list[tuple[str, int]], resolution: str, paid: int, waived: int
) -> None:
    await running_workspace.subscribe("debt.resolved")
    debt = await running_workspace.post("/debts", make.debt())

    for kind, amount in entries:
        await enter(running_workspace, debt, kind=kind, amount=amount)

    expected = {"resolution": resolution, "amount_paid": paid, "amount_written_off": waived}
    result = await shown(running_workspace, debt)
    assert {name: result[name] for name in expected} == expected
    await running_workspace.settle()
    (message,) = running_workspace.receiver.received
    assert {name: message["data"][name] for name in expected} == expected


async def test_money_for_a_written_off_debt_settles_it_and_asks_about_it(running_workspace) -> None:
    await running_workspace.subscribe("debt.resolved", "debt.updated")
    debt = await running_workspace.post("/debts", make.debt())
    waived = await enter(running_workspace, debt, amount=2340, kind="write_off")

    late = await enter(running_workspace, debt, amount=2340)
    todo = await open_todo(running_workspace, debt)
    reversal = await enter(running_workspace, debt, reverses=waived["id"])

    assert (late["debt"]["resolution"], todo["type"], todo["amount"]) == ("settled", "overpayment", 2340)
    assert (reversal["debt"]["resolution"], reversal["debt"]["balance"]) == ("paid", 0)
    assert await running_workspace.todos(debt["id"]) == [("overpayment", "gone")]
    await running_workspace.settle()
    assert [
        message["data"]["changes"].get("resolution")
        for message in running_workspace.receiver.received
        if message["event"] == "debt.updated"
    ] == [
        None,
        {"from": "written_off", "to": "settled"},
        {"from": "settled", "to": "paid"},
    ]


async def test_an_overpayment_asks_a_person_with_its_amount(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await enter(running_workspace, debt, amount=2350)
    await enter(running_workspace, debt, amount=5)
    first = await open_todo(running_workspace, debt)
    await enter(running_workspace, debt, amount=5, kind="refund")
    second = await open_todo(running_workspace, debt)

    await decide(running_workspace, debt, "refund")

    assert (first["type"], first["decisions"]) == ("overpayment", ["refund", "keep"])
    assert (first["amount"], first["currency"], first["reason"]) == (15, "EUR", "15.00 EUR too much")
    assert (second["id"], second["amount"]) == (first["id"], 10)
    result = await shown(running_workspace, debt)
    assert (result["status"], result["resolution"], result["balance"]) == ("resolved", "paid", 0)
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *PAID,
        "debt.payment_received",
        *(2 * ["payment.refunded", "debt.updated"]),
    ]
    assert await running_workspace.todos(debt["id"]) == [("overpayment", "refund")]


async def test_who_hears_of_six_events_hears_of_no_refund(running_workspace) -> None:
    await running_workspace.subscribe()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.post(f"/debts/{debt['id']}/hold", {})

    await enter(running_workspace, debt, amount=2340)
    await enter(running_workspace, debt, amount=2340, kind="refund")
    await running_workspace.settle()

    assert running_workspace.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.payment_received",
        "5 debt.resolved",
    ]


async def test_a_promise_outlives_a_payment_that_goes_back(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)
    await running_workspace.put(f"/debts/{debt['id']}", {"promise": {"date": "2026-03-20"}})
    await enter(running_workspace, debt, amount=2340)
    kept = await shown(running_workspace, debt)

    await enter(running_workspace, debt, amount=2340, kind="chargeback")

    result = await shown(running_workspace, debt)
    assert (kept["promise"]["state"], result["promise"]["state"]) == ("kept", "open")
    # The first working day after the promised one.
    assert (result["status"], result["next_action_at"]) == ("in_progress", "2026-03-23T09:00:00Z")


async def test_a_cent_is_never_called_for_and_a_person_writes_it_off(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt(amount=0.01))

    result = await shown(running_workspace, debt)
    timeline = await running_workspace.get(f"/debts/{debt['id']}/timeline")
    await running_workspace.pass_days(60)
    todo = await open_todo(running_workspace, debt)
    await decide(running_workspace, debt, "write_off")

    assert (result["status"], result["next_action_at"]) == ("pending", None)
    assert timeline["stopped_by"] == "the balance is below the minimum of 1.00 EUR"
    assert [(step["due_at"], step["blocked_by"][0]["rule"]) for step in timeline["planned"]] == [
        (None, "MINIMUM-BALANCE")
    ] * 6
    assert (todo["type"], todo["decisions"], todo["amount"]) == (
        "small_balance",
        ["write_off", "keep"],
        Decimal("0.01"),
    )
    assert todo["created_at"] == "2026-03-02T07:00:00Z"
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        "debt.status_changed",
        "debt.resolved",
        "debt.updated",
    ]
    assert causes(running_workspace, debt) == [("resolved", "write_off")]
    assert await running_workspace.todos(debt["id"]) == [("small_balance", "write_off")]


async def test_a_part_payment_that_leaves_a_cent_ends_contact_and_asks_at_once(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)

    await enter(running_workspace, debt, amount=2339.99)
    left = await shown(running_workspace, debt)
    todo = await open_todo(running_workspace, debt)
    await decide(running_workspace, debt, "keep")
    await running_workspace.pass_days(60)

    assert (left["status"], left["balance"], left["next_action_at"]) == ("in_progress", Decimal("0.01"), None)
    assert todo["type"] == "small_balance"
    assert await running_workspace.followups(debt["id"]) == WAVE_1[:1]
    # A decision to keep it is not asked for again.
    assert await running_workspace.todos(debt["id"]) == [("small_balance", "keep")]


async def test_a_raised_amount_has_a_small_balance_collected_from_where_it_was(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(4)
    await enter(running_workspace, debt, amount=2339.99)
    await running_workspace.pass_days(10)

    await running_workspace.put(f"/debts/{debt['id']}", {"amount": 2341})
    result = await shown(running_workspace, debt)
    await running_workspace.pass_days(2)

    assert (result["balance"], result["next_action_at"]) == (Decimal("1.01"), "2026-03-16T09:00:00Z")
    assert await running_workspace.followups(debt["id"]) == [
        *WAVE_1,
        "2026-03-16T09:00:00Z ai_call deal_not_found",
        "2026-03-17T07:00:00Z email delivered",
    ]
    assert await running_workspace.todos(debt["id"]) == [("small_balance", "gone")]


async def test_a_company_may_have_small_balances_written_off_by_rule(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    settings = {"minimum_balance": 5, "write_off_small_balances": True}
    assert await running_workspace.put("/contact", settings) == {
        "contact": "on",
        "grace_hours": 2,
        "contacts_per_day": 1,
        "grouping": "by_debtor",
        **settings,
        "installation_stopped_at": None,
    }
    paid = await running_workspace.post("/debts", make.debt())
    small = await running_workspace.post("/debts", make.debt(amount=4.99))
    enough = await running_workspace.post("/debts", make.debt(amount=5))

    rest = await enter(running_workspace, paid, amount=2337)
    await running_workspace.pass_days(1)

    assert rest["debt"]["resolution"] == "settled"
    assert rest["debt"]["amount_written_off"] == 3
    assert (await shown(running_workspace, small))["resolution"] == "written_off"
    assert await running_workspace.followups(enough["id"]) == WAVE_1[:1]
    assert await running_workspace.everything(paid["id"]) == [
        "debt.created",
        "debt.payment_received",
        "debt.status_changed",
        "debt.resolved",
        "debt.updated",
    ]
    assert [await running_workspace.todos(debt["id"]) for debt in (paid, small)] == [[], []]


@pytest.mark.parametrize(
    ("currency", "small", "enough"), [("JPY", 0, 1), ("EUR", 0.99, 1), ("TND", 0.999, 1)]
)
async def test_the_minimum_is_one_unit_of_any_currency_and_0_switches_it_off(
    running_workspace, currency: str, small: float, enough: float
) -> None:
    collected = await running_workspace.post("/debts", make.debt(amount=enough, currency=currency))
    assert (await shown(running_workspace, collected))["next_action_at"] == "2026-03-02T07:00:00Z"
    if small:
        left = await running_workspace.post("/debts", make.debt(amount=small, currency=currency))
        assert (await shown(running_workspace, left))["next_action_at"] is None
        await running_workspace.put("/contact", {"minimum_balance": 0})
        assert (await shown(running_workspace, left))["next_action_at"] == "2026-03-02T07:00:00Z"
