"""What happens when a debt is paid is what `reactions.py` says: no more, no less, and by the functions it names."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import CodeType, FrameType
from typing import Any

import pytest
from asyncpg import Record

import collecting
from collecting import WorkspaceEngine
from getbill import debts, payments, reactions
from getbill.debts import Debt
from getbill.kit.database.transactions import Database, open_database
from getbill.payments import NewEntry

# Every event changes these.
BOOKKEEPING = {"version", "updated_at", "event_sequence"}
PAID = ["debt.payment_received", "debt.status_changed", "debt.resolved"]


@pytest.fixture(scope="module")
async def product(dsn: str) -> AsyncIterator[Database]:
    """A database whose transactions run the reactions."""
    database = await open_database(dsn, reactions.before_commit, size=4)
    yield database
    await database.close()


@pytest.fixture
async def engine(product: Database) -> WorkspaceEngine:
    engine = await collecting.new_engine(product)
    await engine.set_clock("2026-01-05 09:00")
    return engine


@contextmanager
def calls() -> Iterator[set[CodeType]]:
    """Note which functions run."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, what: str, _argument: Any) -> None:
        if what == "call":
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


async def row_of(engine: WorkspaceEngine, debt: Debt) -> Record:
    row = await engine.database.pool.fetchrow("SELECT * FROM debts WHERE id = $1", debt.id)
    assert row is not None
    return row


async def change(
    engine: WorkspaceEngine, debt: Debt, act: Callable[[Any, Debt], Any]
) -> tuple[set[str], list[str], set[CodeType]]:
    """Change a debt; return the columns that changed, the events, and the functions that ran."""
    before, earlier = await row_of(engine, debt), len(await engine.events(debt.id))
    workspace = await engine.snapshot()
    with calls() as ran:
        async with engine.database.transaction(workspace.now()) as tx:
            result = act(tx, await debts.lock(tx, workspace, debt.id))
            if hasattr(result, "__await__"):
                await result
    after = await row_of(engine, debt)
    changed = {name for name in before.keys() if before[name] != after[name]}  # noqa: SIM118 - a Record
    return changed - BOOKKEEPING, (await engine.events(debt.id))[earlier:], ran


def columns_of(kinds: list[str]) -> set[str]:
    return {
        column for kind in kinds for row in reactions.BY_THE_ACTION.get(kind, ()) for column in row.columns
    }


def functions_of(kinds: list[str]) -> dict[str, CodeType]:
    functions: list[Any] = [
        function
        for kind in kinds
        for function in (
            *(row.action for row in reactions.BY_THE_ACTION.get(kind, ())),
            *reactions.IN_TRANSACTION.get(kind, ()),
        )
    ]
    return {function.__qualname__: function.__code__ for function in functions}


def pay(engine: WorkspaceEngine, minor: int) -> Callable[[Any, Debt], Any]:
    return lambda tx, debt: payments.enter(tx, debt, NewEntry("payment", debt.money(minor), "card"))


async def test_a_full_payment_changes_exactly_the_columns_that_the_table_names(
    engine: WorkspaceEngine,
) -> None:
    debt = await engine.debt()

    changed, kinds, ran = await change(engine, debt, pay(engine, debt.balance))

    assert kinds == PAID
    assert changed == columns_of(kinds)
    missing = {name for name, code in functions_of(kinds).items() if code not in ran}
    assert not missing, f"The table names functions that did not run: {missing}"


async def test_a_part_payment_changes_the_balance_and_nothing_else(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()

    changed, kinds, ran = await change(engine, debt, pay(engine, debt.balance - 100))

    assert kinds == PAID[:1]
    assert changed == columns_of(kinds)
    assert functions_of(PAID[:1]).keys() == {
        "enter_money",
        "ask_about_overpayment",
        "review_small_balance",
    }
    assert functions_of(PAID)["resolve"] not in ran


async def test_a_hold_changes_the_columns_of_a_changed_status_and_the_reason(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()

    changed, kinds, ran = await change(engine, debt, lambda tx, locked: debts.hold(tx, locked, "disputed"))

    assert kinds == ["debt.status_changed"]
    assert changed == columns_of(kinds) | {"details"}
    assert set(functions_of(kinds).values()) <= ran


async def test_an_escalation_changes_what_the_table_names(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()

    changed, kinds, ran = await change(
        engine, debt, lambda tx, locked: debts.escalate(tx, locked, "No answer.", "Marie Martin")
    )

    assert kinds == ["debt.status_changed", "debt.escalated"]
    assert changed == columns_of(kinds)
    assert set(functions_of(kinds).values()) <= ran


async def test_the_end_of_a_scenario_changes_what_the_table_names(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()

    changed, kinds, ran = await change(engine, debt, debts.end_scenario)

    assert kinds == ["debt.status_changed", "debt.escalation_requested"]
    assert changed == columns_of(kinds)
    assert set(functions_of(kinds).values()) <= ran


async def test_the_first_contact_changes_what_the_table_names(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()
    before = await row_of(engine, debt)

    await engine.run_until("2026-01-05 18:00")

    after = await row_of(engine, debt)
    kinds = (await engine.events(debt.id))[1:]
    assert "debt.contacted" in kinds
    changed = {name for name in before.keys() if before[name] != after[name]}  # noqa: SIM118 - a Record
    # The next contact is planned, and nothing was stopped.
    assert changed - BOOKKEEPING - {"next_action_at", "started_on"} == columns_of(kinds) - {
        "contact_epoch",
        "next_action_at",
    }


async def test_a_paid_debt_is_left_alone_and_its_promise_is_kept(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()
    await engine.promise(debt.id, date(2026, 1, 20), 2340)

    await change(engine, debt, pay(engine, debt.balance))

    paid = await engine.find(debt.id)
    assert (paid.status, paid.resolution) == ("resolved", "paid")
    assert debts.promise_state(paid, (await engine.snapshot()).now()) == "kept"
    assert {state for _, state in await engine.ledger(debt.id)} == {"stopped"}
    assert paid.next_action_at is None


async def test_a_payment_withdraws_the_question_about_escalation(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()
    await change(engine, debt, debts.end_scenario)

    await change(engine, debt, pay(engine, debt.balance))

    rows = await engine.database.pool.fetch("SELECT type, decision FROM todos WHERE debt_id = $1", debt.id)
    assert [tuple(row) for row in rows] == [("escalation", "gone")]
