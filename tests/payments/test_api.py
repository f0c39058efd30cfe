"""Payments over HTTP, with everything that follows from them."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from calls import Answer
from debts.conftest import WorkspaceApi, read
from getbill.kit import ids


async def balance(workspace: WorkspaceApi, debt: dict[str, Any]) -> Any:
    return read(await workspace.get(f"/debts/{debt['id']}"))["balance"]


def pointers(answered: Answer) -> list[tuple[str, str]]:
    assert answered.status == 422, answered.body
    return [(error["pointer"], error["code"]) for error in read(answered)["errors"]]


async def test_a_payment_in_full_is_answered_with_the_resolved_debt(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(
        f"/debts/{debt['id']}/payments",
        {"amount": 2340, "method": "card", "stripe_payment_id": "pi_3Ox", "paid_at": "2024-03-15T14:32:07Z"},
    )

    entry = read(answered)
    assert answered.status == 201
    assert b'"amount":2340.00' in answered.body
    assert {
        name: entry[name] for name in ("debt_id", "kind", "method", "provider", "provider_id", "note")
    } == {
        "debt_id": debt["id"],
        "kind": "payment",
        "method": "card",
        "provider": "stripe",
        "provider_id": "pi_3Ox",
        "note": None,
    }
    assert entry["paid_at"] == "2024-03-15T14:32:07Z"
    assert entry["debt"] == {
        "id": debt["id"],
        "status": "resolved",
        "resolution": "paid",
        "balance": Decimal(0),
        "amount_paid": Decimal(2340),
        "amount_written_off": Decimal(0),
    }
    result = read(await workspace.get(f"/debts/{debt['id']}"))
    assert (result["status"], result["next_action_at"]) == ("resolved", None)
    assert await workspace.history(debt) == [
        (1, "debt.created"),
        (2, "debt.payment_received"),
        (3, "debt.status_changed"),
        (4, "debt.resolved"),
    ]


async def test_a_debts_entries_are_listed_in_their_order(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    for body in ({"amount": 100}, {"amount": 40, "kind": "refund"}, {"amount": 10.5, "kind": "write_off"}):
        assert (await workspace.post(f"/debts/{debt['id']}/payments", body)).status == 201

    listed = read(await workspace.get(f"/debts/{debt['id']}/payments"))
    second = read(await workspace.get(f"/debts/{debt['id']}/payments?limit=1&page=2"))

    assert [(entry["kind"], entry["amount"]) for entry in listed["data"]] == [
        ("payment", Decimal(100)),
        ("refund", Decimal(40)),
        ("write_off", Decimal("10.50")),
    ]
    assert listed["pagination"]["total"] == 3
    assert [entry["kind"] for entry in second["data"]] == ["refund"]
    assert await balance(workspace, debt) == Decimal("2269.50")


async def test_the_same_stripe_payment_again_answers_200_with_the_same_entry(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    body = {"amount": 500, "stripe_payment_id": f"pi_{ids.new().hex}"}
    first = await workspace.post(f"/debts/{debt['id']}/payments", body)

    again = await workspace.post(f"/debts/{debt['id']}/payments", body)

    assert (first.status, again.status) == (201, 200)
    assert read(again) == read(first)
    assert await balance(workspace, debt) == Decimal(1840)


async def test_the_same_stripe_payment_of_another_amount_answers_409_with_the_entry_s_id(
    workspace: WorkspaceApi,
) -> None:
    debt = await workspace.debt()
    body = {"amount": 500, "stripe_payment_id": f"pi_{ids.new().hex}"}
    first = read(await workspace.post(f"/debts/{debt['id']}/payments", body))

    answered = await workspace.post(f"/debts/{debt['id']}/payments", body | {"amount": 501})

    assert answered.status == 409
    assert read(answered)["id"] == first["id"]
    assert await balance(workspace, debt) == Decimal(1840)


async def test_one_stripe_payment_sent_for_two_debts_at_once_is_entered_on_one(
    workspace: WorkspaceApi,
) -> None:
    resource = [await workspace.debt(), await workspace.debt()]
    body = {"amount": 500, "stripe_payment_id": f"pi_{ids.new().hex}"}

    answers = await asyncio.gather(
        *(workspace.post(f"/debts/{debt['id']}/payments", body) for debt in resource)
    )

    assert sorted(answered.status for answered in answers) == [201, 409]
    assert sorted([await balance(workspace, debt) for debt in resource]) == [Decimal(1840), Decimal(2340)]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("/amount", "missing")]),
        ({"amount": 1.001}, [("/amount", "too-many-decimals")]),
        ({"amount": 10**13}, [("/amount", "too-large")]),
        ({"amount": 0}, [("/amount", "wrong-value")]),
        ({"amount": "12.00"}, [("/amount", "not-a-number")]),
        ({"amount": True}, [("/amount", "not-a-number")]),
        ({"amount": -5}, [("/amount", "not-positive")]),
        ({"amount": -2340, "kind": "adjustment"}, [("/amount", "exceeds-claim")]),
        ({"amount": 1, "kind": "refund"}, [("/amount", "exceeds-paid")]),
        ({"amount": 2341, "kind": "write_off"}, [("/amount", "exceeds-balance")]),
        ({"amount": 1, "kind": "gift"}, [("/kind", "not-one-of")]),
        ({"amount": 1, "currency": "USD"}, [("/currency", "other-currency")]),
        ({"amount": 1, "paid_at": "2999-01-01"}, [("/paid_at", "in-the-future")]),
        ({"amount": 1, "paid_at": "0001-01-01T00:00:00+14:00"}, [("/paid_at", "wrong-value")]),
        ({"amount": 1, "paid_at": 1700000000}, [("/paid_at", "wrong-value")]),
        ({"amount": 1, "paid_at": "2024-01-15T10:00:00"}, [("/paid_at", "not-an-instant")]),
        ({"amount": 1, "provider_id": "a", "stripe_payment_id": "pi_1"}, [("/provider_id", "twice")]),
        ({"amount": 1, "provider": "axepta", "stripe_payment_id": "pi_1"}, [("/provider", "not-stripe")]),
        ({"amount": 1, "method": "Von Hand"}, [("/method", "wrong-form")]),
        ({"amount": 0, "colour": "red"}, [("/amount", "wrong-value"), ("/colour", "unknown-field")]),
    ],
)
async def test_a_wrong_entry_is_refused_field_by_field_and_nothing_is_entered(
    workspace: WorkspaceApi, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(f"/debts/{debt['id']}/payments", body)

    assert pointers(answered) == wrong
    assert read(await workspace.get(f"/debts/{debt['id']}/payments"))["data"] == []
    assert await workspace.history(debt) == [(1, "debt.created")]


async def test_another_companys_debt_is_not_there(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    debt = await workspace.debt()

    answers = [
        await other_workspace.post(f"/debts/{debt['id']}/payments", {"amount": 1}),
        await other_workspace.get(f"/debts/{debt['id']}/payments"),
        await other_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment"),
    ]

    assert [answered.status for answered in answers] == [404, 404, 404]
    assert await balance(workspace, debt) == Decimal(2340)


async def test_a_simulated_payment_pays_the_balance_by_card(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment")

    entry = read(answered)
    assert answered.status == 201
    assert (entry["amount"], entry["method"], entry["provider"]) == (Decimal(2340), "card", "stripe")
    assert entry["stripe_payment_id"].startswith("pi_")
    assert entry["debt"]["status"] == "resolved"
    again = await workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment")
    assert (again.status, read(again)["type"]) == (409, "/problems/nothing-owed")


async def test_a_part_is_simulated_by_another_method(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(
        f"/sandbox/debts/{debt['id']}/simulate-payment", {"amount": 340, "method": "sepa_debit"}
    )

    entry = read(answered)
    assert (entry["amount"], entry["method"]) == (Decimal(340), "sepa_debit")
    assert (entry["debt"]["status"], entry["debt"]["balance"]) == ("pending", Decimal(2000))


async def test_a_payment_is_simulated_for_an_instant_of_the_past(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(
        f"/sandbox/debts/{debt['id']}/simulate-payment", {"amount": 40, "paid_at": "2026-01-02T10:00:00Z"}
    )

    assert (answered.status, read(answered)["paid_at"]) == (201, "2026-01-02T10:00:00Z")


@pytest.mark.parametrize(
    ("paid_at", "code"),
    [("2099-01-01T00:00:00Z", "in-the-future"), ("tomorrow", "wrong-value"), (17, "wrong-value")],
    ids=str,
)
async def test_a_payment_that_has_not_happened_yet_is_not_simulated(
    workspace: WorkspaceApi, paid_at: object, code: str
) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(
        f"/sandbox/debts/{debt['id']}/simulate-payment", {"amount": 40, "paid_at": paid_at}
    )

    assert answered.status == 422
    (error,) = read(answered)["errors"]
    assert (error["pointer"], error["code"]) == ("/paid_at", code)
    assert await balance(workspace, debt) == Decimal(2340)


async def test_a_changed_claim_is_booked_once_as_an_adjustment(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    changed = read(await workspace.put(f"/debts/{debt['id']}", {"amount": 2000}))

    listed = read(await workspace.get(f"/debts/{debt['id']}/payments"))["data"]
    assert (changed["amount"], changed["balance"]) == (Decimal(2000), Decimal(2000))
    assert [(entry["kind"], entry["amount"]) for entry in listed] == [("adjustment", Decimal(-340))]
    assert await workspace.history(debt) == [(1, "debt.created"), (2, "debt.updated")]


async def test_an_adjustment_moves_claim_and_balance_and_is_told(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    answered = await workspace.post(
        f"/debts/{debt['id']}/payments", {"amount": -340, "kind": "adjustment", "note": "credit note"}
    )

    assert answered.status == 201
    result = read(await workspace.get(f"/debts/{debt['id']}"))
    assert (result["amount"], result["balance"], result["amount_paid"]) == (2000, 2000, 0)
    assert await workspace.history(debt) == [(1, "debt.created"), (2, "debt.updated")]


async def test_erasing_a_debt_keeps_its_money_and_drops_whose_it_was(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    body = {"amount": 40, "stripe_payment_id": f"pi_{ids.new().hex}", "note": "from his aunt"}
    await workspace.post(f"/debts/{debt['id']}/payments", body)

    erased = await workspace.call("DELETE", f"/debts/{debt['id']}")

    assert erased.status == 200
    rows = await workspace.rows(
        "SELECT minor, provider_id, note FROM payments WHERE debt_id = $1", ids.read("debt", debt["id"])
    )
    assert [tuple(row) for row in rows] == [(-4000, None, None)]
    assert (await workspace.get(f"/debts/{debt['id']}/payments")).status == 404
