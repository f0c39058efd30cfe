"""Chargebacks, reversals and implausible payments over HTTP: what is refused, with the way out, and entered once."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from calls import Answer
from debts.conftest import WorkspaceApi, read
from getbill.kit import ids


async def enter(workspace: WorkspaceApi, debt: dict[str, Any], **entry: Any) -> Answer:
    return await workspace.post(f"/debts/{debt['id']}/payments", entry)


async def entered(workspace: WorkspaceApi, debt: dict[str, Any], **entry: Any) -> dict[str, Any]:
    answered = await enter(workspace, debt, **entry)
    assert answered.status == 201, answered.body
    return dict(read(answered))


async def kinds(workspace: WorkspaceApi, debt: dict[str, Any]) -> list[str]:
    return [entry["kind"] for entry in read(await workspace.get(f"/debts/{debt['id']}/payments"))["data"]]


def codes(answered: Answer) -> list[tuple[str, str]]:
    assert answered.status == 422, answered.body
    return [(error["pointer"], error["code"]) for error in read(answered)["errors"]]


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ({"amount": 501, "kind": "chargeback"}, ("/amount", "exceeds-paid")),
        ({"amount": -1, "kind": "chargeback"}, ("/amount", "not-positive")),
        ({"amount": 0, "kind": "chargeback"}, ("/amount", "wrong-value")),
        ({"amount": 1, "kind": "chargeback", "currency": "USD"}, ("/currency", "other-currency")),
        ({"amount": 1, "kind": "chargeback", "payment_id": "pay_x"}, ("/payment_id", "unknown")),
        ({"amount": 1, "payment_id": ids.show("pay", ids.new())}, ("/payment_id", "not-a-return")),
        ({"kind": "reversal"}, ("/reverses", "missing")),
        ({"reverses": ids.show("pay", ids.new())}, ("/reverses", "unknown")),
        ({"reverses": "debt_1"}, ("/reverses", "unknown")),
        ({"amount": 5, "kind": "refund", "reverses": "pay_1"}, ("/reverses", "not-a-reversal")),
        ({"amount": 1, "confirm": "yes"}, ("/confirm", "not-a-boolean")),
    ],
)
async def test_a_wrong_correction_is_refused_by_its_field(
    workspace: WorkspaceApi, entry: dict[str, Any], wrong: tuple[str, str]
) -> None:
    debt = await workspace.debt()
    await entered(workspace, debt, amount=500)

    answered = await enter(workspace, debt, **entry)

    assert [pointer for pointer, _ in codes(answered)] == [wrong[0]]
    assert wrong[1] in {code for _, code in codes(answered)} or wrong[0] == "/confirm"
    assert await kinds(workspace, debt) == ["payment"]


async def test_only_payments_and_write_offs_are_reversed_and_the_refusal_says_what_to_do(
    workspace: WorkspaceApi,
) -> None:
    debt = await workspace.debt()
    paid = await entered(workspace, debt, amount=500)
    others = [
        await entered(workspace, debt, amount=1, kind="refund"),
        await entered(workspace, debt, amount=1, kind="chargeback"),
        await entered(workspace, debt, amount=1, kind="adjustment"),
    ]
    waived = await entered(workspace, debt, amount=10, kind="write_off")
    others.append(await entered(workspace, debt, reverses=waived["id"]))

    answers = [await enter(workspace, debt, reverses=entry["id"]) for entry in others]
    part = await enter(workspace, debt, reverses=paid["id"], amount=499)

    assert [codes(answered) for answered in answers] == [[("/reverses", "not-reversible")]] * 4
    ways = [read(answered)["detail"].partition(". ")[2] for answered in answers]
    assert ways == [
        "Enter the amount of this refund as a `payment`.",
        "Enter the money that came back after this chargeback as a `payment`.",
        "Enter an `adjustment` of the opposite sign.",
        "Enter the reversed payment or write-off again.",
    ]
    assert codes(part) == [("/amount", "not-whole")]


async def test_a_payment_that_was_partly_returned_is_not_reversed_whole(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    named = await entered(workspace, debt, amount=500)
    unnamed = await entered(workspace, debt, amount=100)
    await entered(workspace, debt, amount=200, kind="chargeback", payment_id=named["id"])
    await entered(workspace, debt, amount=350, kind="refund")

    returned = await enter(workspace, debt, reverses=named["id"])
    spent = await enter(workspace, debt, reverses=unnamed["id"])
    again = await enter(workspace, debt, amount=301, kind="chargeback", payment_id=named["id"])

    assert ("/reverses", "returned") in codes(returned)
    assert codes(spent) == [("/reverses", "exceeds-paid")]
    assert ("/amount", "exceeds-payment") in codes(again)


async def test_a_reversed_payment_is_returned_by_no_chargeback(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    wrong, right = [await entered(workspace, debt, amount=500) for _ in range(2)]
    reversal = await entered(workspace, debt, reverses=wrong["id"])

    answered = await enter(workspace, debt, amount=1, kind="chargeback", payment_id=wrong["id"])
    waived = await entered(workspace, debt, amount=1, kind="write_off")
    other = await enter(workspace, debt, amount=1, kind="chargeback", payment_id=waived["id"])

    assert (answered.status, read(answered)["id"]) == (409, reversal["id"])
    assert codes(other) == [("/payment_id", "not-a-payment")]
    assert (await enter(workspace, debt, amount=1, kind="chargeback", payment_id=right["id"])).status == 201


async def test_an_entry_of_another_debt_is_not_reversed(workspace: WorkspaceApi) -> None:
    debt, other = await workspace.debt(), await workspace.debt()
    paid = await entered(workspace, other, amount=500)

    answered = await enter(workspace, debt, reverses=paid["id"])

    assert codes(answered) == [("/reverses", "unknown")]


async def test_two_reversals_at_once_are_one(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    paid = await entered(workspace, debt, amount=500)

    answers = await asyncio.gather(*(enter(workspace, debt, reverses=paid["id"]) for _ in range(4)))

    assert sorted(answered.status for answered in answers) == [201, 409, 409, 409]
    assert read(await workspace.get(f"/debts/{debt['id']}"))["balance"] == Decimal(2340)


async def test_a_chargeback_told_twice_by_its_provider_is_entered_once(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    paid = await entered(workspace, debt, amount=2340, stripe_payment_id=f"pi_{ids.new().hex}")
    told = {"amount": 1000, "kind": "chargeback", "provider": "stripe", "provider_id": f"dp_{ids.new().hex}"}

    first = await enter(workspace, debt, **told)
    again = await enter(workspace, debt, **told, payment_id=paid["id"])
    different = await enter(workspace, debt, **(told | {"amount": 1001}))

    assert (first.status, again.status, different.status) == (201, 200, 409)
    assert read(again)["id"] == read(first)["id"]
    assert await kinds(workspace, debt) == ["payment", "chargeback"]


@pytest.mark.parametrize(
    ("amount", "paid", "payment", "status"),
    [
        (100, 0, {"amount": 1000}, 201),
        (100, 0, {"amount": 1000.01}, 422),
        (100, 0, {"amount": 1000.01, "confirm": True}, 201),
        (100, 0, {"amount": 1000.01, "provider": "bank"}, 201),
        (100, 0, {"amount": 1000.01, "stripe_payment_id": "pi_much"}, 201),
        (100, 0, {"amount": 1000.01, "method": "bank_transfer"}, 422),
        # A balance below one unit counts as one.
        (100, 99.99, {"amount": 10}, 201),
        (100, 99.99, {"amount": 10.01}, 422),
        # Nothing is owed: it is an overpayment, about which a person is asked.
        (100, 100, {"amount": 5000}, 201),
    ],
)
async def test_a_payment_of_more_than_ten_times_the_balance_is_confirmed(
    workspace: WorkspaceApi, amount: float, paid: float, payment: dict[str, Any], status: int
) -> None:
    debt = await workspace.debt(amount=amount)
    if paid:
        await entered(workspace, debt, amount=paid)

    answered = await enter(workspace, debt, **payment)

    assert answered.status == status, answered.body
    if status == 422:
        assert read(answered)["type"] == "/problems/payment-implausible"
        assert codes(answered) == [("/amount", "payment-implausible")]
        assert len(await kinds(workspace, debt)) == bool(paid)


async def test_an_erased_debt_has_no_money_that_goes_back(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    paid = await entered(workspace, debt, amount=2340)
    await workspace.call("DELETE", f"/debts/{debt['id']}")

    answers = [
        await enter(workspace, debt, amount=1, kind="refund"),
        await enter(workspace, debt, amount=1, kind="chargeback", payment_id=paid["id"]),
        await enter(workspace, debt, reverses=paid["id"]),
    ]

    assert [answered.status for answered in answers] == [404, 404, 404]


async def test_recovered_amounts_are_less_chargebacks_and_reversed_payments(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    wrong = await entered(workspace, debt, amount=500)
    await entered(workspace, debt, amount=300)
    waived = await entered(workspace, debt, amount=50, kind="write_off")
    await entered(workspace, debt, amount=100, kind="chargeback")
    await entered(workspace, debt, reverses=wrong["id"])
    await entered(workspace, debt, reverses=waived["id"])

    statistics = read(await workspace.get("/company/statistics"))

    assert statistics["recovered_amounts"] == {"EUR": Decimal(200)}


async def test_a_resolved_debt_is_held_or_escalated_by_nobody(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    await entered(workspace, debt, amount=2340)

    answers = [
        await workspace.post(f"/debts/{debt['id']}/hold", {}),
        await workspace.post(f"/debts/{debt['id']}/resume", {}),
        await workspace.post(f"/debts/{debt['id']}/escalate", {"reason": "r", "decided_by": "d"}),
        await workspace.put(f"/debts/{debt['id']}", {"status": "unresolved"}),
        await workspace.put(f"/debts/{debt['id']}", {"status": "on_hold"}),
    ]

    assert [answered.status for answered in answers] == [409] * 5
