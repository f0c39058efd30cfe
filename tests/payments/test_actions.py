import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from getbill import companies, debts, events, payments
from getbill.companies import Workspace
from getbill.debts import Debt
from getbill.kit import ids
from getbill.kit.database.transactions import Database
from getbill.kit.errors import Invalid
from getbill.kit.money import Money
from getbill.payments import NewEntry, NewReversal

OpenDebt = Callable[..., Awaitable[Debt]]


def euros(amount: str) -> Money:
    return Money.from_decimal(Decimal(amount), "EUR")


async def enter(database: Database, debt: Debt, new: NewEntry) -> payments.EntryOutcome:
    async with database.transaction(debt.workspace.now()) as tx:
        return await payments.enter(tx, await debts.lock(tx, debt.workspace, debt.id), new)


async def reverse(database: Database, debt: Debt, new: NewReversal) -> payments.EntryOutcome:
    async with database.transaction(debt.workspace.now()) as tx:
        return await payments.reverse(tx, await debts.lock(tx, debt.workspace, debt.id), new)


async def recorded_events(database: Database, debt: Debt) -> list[tuple[str, Any]]:
    """Return kind and data of each of the debt's events, in order."""
    rows = await database.pool.fetch(
        "SELECT id, kind, data FROM events WHERE workspace_id = $1 AND debt_id = $2 ORDER BY sequence",
        debt.workspace_id,
        debt.id,
    )
    return [
        (row["kind"], events.read_data(row["data"], debt.key, debt.workspace_id, row["id"], debt.id))
        for row in rows
    ]


async def entries(database: Database, debt: Debt) -> list[asyncpg.Record]:
    return await database.pool.fetch(
        "SELECT * FROM payments WHERE workspace_id = $1 AND debt_id = $2 ORDER BY id",
        debt.workspace_id,
        debt.id,
    )


async def test_a_payment_in_part_lowers_the_balance_and_contact_goes_on(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")

    await enter(database, debt, NewEntry("payment", euros("40.00"), "card"))

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.status, result.balance, result.paid, result.amount) == ("pending", 6000, 4000, 10000)
    assert result.next_action_at == debt.next_action_at
    assert [kind for kind, _ in await recorded_events(database, debt)] == [
        "debt.created",
        "debt.payment_received",
    ]


async def test_a_payment_in_full_resolves_the_debt_and_stops_contact_at_once(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("2340.00")

    new = NewEntry("payment", euros("2340.00"), "card", provider="stripe", provider_id="pi_full")
    entered = await enter(database, debt, new)

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.status, result.resolution, result.balance) == ("resolved", "paid", 0)
    assert result.next_action_at is None
    assert result.contact_epoch > debt.contact_epoch
    facts = await recorded_events(database, debt)
    assert [kind for kind, _ in facts] == [
        "debt.created",
        "debt.payment_received",
        "debt.status_changed",
        "debt.resolved",
    ]
    data = facts[1][1]
    assert data["payment"] == {
        "id": ids.show("pay", entered.entry.id),
        "kind": "payment",
        "amount": Decimal("2340.00"),
        "currency": "EUR",
        "method": "card",
        "stripe_payment_id": "pi_full",
        "paid_at": data["resolved_at"],
    }
    # As the debt stood after the whole transaction.
    assert data["status"] == "resolved"
    assert data["balance"] == Decimal("0.00")


async def test_too_much_money_resolves_the_debt_and_leaves_a_negative_balance(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")

    await enter(database, debt, NewEntry("payment", euros("150.00")))

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.status, result.balance, result.paid) == ("resolved", -5000, 15000)


async def test_a_refund_opens_a_resolved_debt_again_and_announces_no_payment(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")
    await enter(database, debt, NewEntry("payment", euros("100.00")))

    await enter(database, debt, NewEntry("refund", euros("30.00")))

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.status, result.resolution, result.resolved_at) == ("pending", None, None)
    assert (result.balance, result.paid) == (3000, 7000)
    kinds = [kind for kind, _ in await recorded_events(database, debt)]
    assert kinds[-2:] == ["debt.status_changed", "debt.updated"]
    assert kinds.count("debt.payment_received") == 1


async def test_a_refund_of_what_was_paid_too_much_leaves_the_debt_resolved(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")
    await enter(database, debt, NewEntry("payment", euros("120.00")))

    await enter(database, debt, NewEntry("refund", euros("20.00")))

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.status, result.balance, result.paid) == ("resolved", 0, 10000)


async def test_a_write_off_of_the_rest_resolves_without_money(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")

    await enter(database, debt, NewEntry("write_off", euros("100.00")))

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.status, result.resolution, result.balance, result.paid) == (
        "resolved",
        "written_off",
        0,
        0,
    )


async def test_a_changed_claim_is_booked_as_an_adjustment(database: Database, open_debt: OpenDebt) -> None:
    debt = await open_debt("100.00")

    async with database.transaction(debt.workspace.now()) as tx:
        await payments.write_adjustment(tx, await debts.lock(tx, debt.workspace, debt.id), -2500)

    result = await debts.find(database, debt.workspace, debt.id)
    assert (result.amount, result.balance) == (7500, 7500)
    assert [(row["kind"], row["minor"]) for row in await entries(database, debt)] == [("adjustment", -2500)]


@pytest.mark.parametrize(
    ("kind", "amount", "code"),
    [
        ("refund", "40.01", "exceeds-paid"),
        ("write_off", "60.01", "exceeds-balance"),
        ("adjustment", "-100.00", "exceeds-claim"),
    ],
)
async def test_an_entry_the_debt_has_no_room_for_is_refused_and_changes_nothing(
    database: Database, open_debt: OpenDebt, kind: str, amount: str, code: str
) -> None:
    debt = await open_debt("100.00")
    await enter(database, debt, NewEntry("payment", euros("40.00")))
    before = await debts.find(database, debt.workspace, debt.id)

    with pytest.raises(Invalid) as refusal:
        await enter(database, debt, NewEntry(kind, euros(amount)))

    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/amount", code)]
    after = await debts.find(database, debt.workspace, debt.id)
    assert after.row()[:15] == before.row()[:15]
    assert len(await entries(database, debt)) == 1


async def test_the_same_provider_id_twice_is_one_entry(database: Database, open_debt: OpenDebt) -> None:
    debt = await open_debt("100.00")
    new = NewEntry("payment", euros("40.00"), provider="stripe", provider_id="pi_twice")

    first = await enter(database, debt, new)
    second = await enter(database, debt, new)

    assert (first.is_new, second.is_new) == (True, False)
    assert second.entry.id == first.entry.id
    assert (await debts.find(database, debt.workspace, debt.id)).balance == 6000


async def test_the_same_provider_id_with_another_amount_is_refused(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")
    entered = await enter(
        database, debt, NewEntry("payment", euros("40.00"), provider="stripe", provider_id="pi_other")
    )

    with pytest.raises(payments.ProviderIdTaken) as refusal:
        await enter(
            database, debt, NewEntry("payment", euros("40.01"), provider="stripe", provider_id="pi_other")
        )

    assert refusal.value.extra == {"id": ids.show("pay", entered.entry.id)}
    assert (await debts.find(database, debt.workspace, debt.id)).balance == 6000


async def test_the_same_provider_id_on_another_debt_is_refused(
    database: Database, open_debt: OpenDebt
) -> None:
    first, second = await open_debt("100.00"), await open_debt("100.00")
    new = NewEntry("payment", euros("40.00"), provider="stripe", provider_id="pi_elsewhere")
    await enter(database, first, new)

    with pytest.raises(payments.ProviderIdTaken):
        await enter(database, second, new)

    assert (await debts.find(database, second.workspace, second.id)).balance == 10000


async def test_the_same_provider_id_told_many_times_at_once_is_one_entry(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")
    new = NewEntry("payment", euros("100.00"), provider="stripe", provider_id="pi_at_once")

    entered = await asyncio.gather(*(enter(database, debt, new) for _ in range(6)))

    assert sum(item.is_new for item in entered) == 1
    assert len({item.entry.id for item in entered}) == 1
    assert (await debts.find(database, debt.workspace, debt.id)).balance == 0


async def test_a_simulated_payment_pays_the_balance_by_card_as_stripe_would(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")
    await enter(database, debt, NewEntry("payment", euros("40.00")))

    async with database.transaction(debt.workspace.now()) as tx:
        locked = await debts.lock(tx, debt.workspace, debt.id)
        entered = await payments.simulate(tx, locked, None, "card")

    assert entered.entry.amount == euros("60.00")
    assert (entered.entry.method, entered.entry.provider) == ("card", "stripe")
    assert str(entered.entry.provider_id).startswith("pi_")
    assert (await debts.find(database, debt.workspace, debt.id)).status == "resolved"


async def test_live_money_cannot_be_simulated(
    database: Database, live: Workspace, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00", live)

    with pytest.raises(companies.SandboxOnly):
        async with database.transaction(live.now()) as tx:
            await payments.simulate(tx, await debts.lock(tx, live, debt.id), None, "card")

    assert await entries(database, debt) == []


async def test_an_erased_debts_entries_keep_their_amounts_and_nothing_of_whom(
    database: Database, open_debt: OpenDebt
) -> None:
    debt = await open_debt("100.00")
    new = NewEntry(
        "payment", euros("40.00"), provider="stripe", provider_id="pi_erased", note="from his aunt"
    )
    await enter(database, debt, new)

    async with database.transaction(debt.workspace.now()) as tx:
        await payments.anonymise(tx, debt.workspace_id, debt.id)

    row = (await entries(database, debt))[0]
    assert (row["minor"], row["provider_id"], row["note"]) == (-4000, None, None)


async def test_a_note_is_stored_sealed_and_read_back(database: Database, open_debt: OpenDebt) -> None:
    debt = await open_debt("100.00")

    await enter(database, debt, NewEntry("payment", euros("40.00"), note="from his aunt"))

    assert b"aunt" not in (await entries(database, debt))[0]["note"]
    result, total = await payments.entries_of(database, debt, 10, 0)
    assert ([entry.note for entry in result], total) == (["from his aunt"], 1)


AMOUNTS = st.integers(1, 15_000)
ENTRIES = st.tuples(st.sampled_from(sorted(payments.KINDS)), AMOUNTS, st.sampled_from([1, -1]))


async def _enter(
    database: Database, debt: Debt, known: list[asyncpg.Record], kind: str, minor: int, sign: int
) -> payments.EntryOutcome:
    if kind != "reversal":
        money = Money(minor * sign if kind == "adjustment" else minor, "EUR")
        return await enter(database, debt, NewEntry(kind, money))
    # Any entry made before, of any kind, or one that is not there.
    entry_id = known[minor % len(known)]["id"] if known else ids.new()
    return await reverse(database, debt, NewReversal(entry_id))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(st.lists(ENTRIES, min_size=1, max_size=4), max_size=6))
async def test_the_balance_always_equals_the_entries(
    database: Database, open_debt: OpenDebt, walk: list[list[tuple[str, int, int]]]
) -> None:
    debt = await open_debt("100.00")

    for together in walk:
        known = await entries(database, debt)
        outcomes = await asyncio.gather(
            *(_enter(database, debt, known, *entry) for entry in together), return_exceptions=True
        )
        expected = payments.EntryOutcome | Invalid | payments.AlreadyReversed
        assert all(isinstance(outcome, expected) for outcome in outcomes), outcomes
        await _check(database, debt)


def _reversed(rows: list[asyncpg.Record], kind: str) -> int:
    return sum(row["minor"] for row in rows if row["reversed_kind"] == kind)


async def _check(database: Database, debt: Debt) -> None:
    result = await debts.find(database, debt.workspace, debt.id)
    rows = await entries(database, debt)
    changes = {kind: sum(row["minor"] for row in rows if row["kind"] == kind) for kind in payments.KINDS}
    assert result.amount == 10_000 + changes["adjustment"]
    assert result.balance == 10_000 + sum(changes.values())
    returned = changes["refund"] + changes["chargeback"] + _reversed(rows, "payment")
    written_off = -(changes["write_off"] + _reversed(rows, "write_off"))
    assert result.paid == -(changes["payment"] + returned)
    assert result.paid >= 0
    assert debts.written_off(result).minor == written_off >= 0
    reversed_ids = [row["related_id"] for row in rows if row["kind"] == "reversal"]
    assert len(set(reversed_ids)) == len(reversed_ids)
    assert (result.status == "resolved") == (result.balance <= 0)
    assert (result.resolved_at is not None) == (result.balance <= 0)
    assert result.resolution == (debts.resolution_of(result) if result.balance <= 0 else None)
    assert result.status_before_resolution == ("pending" if result.balance <= 0 else None)
    facts = await recorded_events(database, debt)
    returns = [kind for kind, _ in facts if kind.startswith("payment.")]
    assert len(returns) == sum(row["kind"] in {"refund", "chargeback"} for row in rows)
    received = [kind for kind, _ in facts].count("debt.payment_received")
    assert received == sum(row["kind"] == "payment" for row in rows)
    assert facts[-1][1]["balance"] == result.money(result.balance).decimal
