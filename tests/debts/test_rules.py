"""What a debt may do, without a database: its moves, its money, its plan, and its two spellings."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import debts, scenarios, vault
from getbill.companies import Company, Workspace
from getbill.debtors import Debtor, Identity
from getbill.debts import transitions, wire
from getbill.debts.model import TRANSITIONS, Details
from getbill.debts.wire import serializers
from getbill.debts.wire.bodies import DebtChangeBody, NewDebtBody
from getbill.kit import ids, json
from getbill.kit.clock import WorkspaceClock
from getbill.kit.database.transactions import Transaction
from getbill.kit.errors import Invalid
from getbill.kit.http.bodies import JsonBody

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday, 10:00 in Paris
COMPANY = Company(ids.new(), "Acme", None, None, None, "FR", "EUR", "fr", "standard_3_waves", "creditor", NOW)
WORKSPACE = Workspace(
    ids.new(), "sandbox", COMPANY, WorkspaceClock(), vault.Vault([vault.Key.new()]), vault.Lookup(b"k" * 32)
)


def a_transaction() -> Transaction:
    """A transaction that never reaches a database: these rules only note what they would write."""
    return Transaction(None, NOW)  # type: ignore[arg-type]


def a_debt(**changes: Any) -> debts.Debt:
    identity = changes.pop(
        "identity", Identity("Jean Dupont", email="jean@example.com", phone="+33612345678")
    )
    debtor = Debtor(ids.new(), WORKSPACE.id, identity, vault.Key.new(), NOW, NOW)
    columns: dict[str, Any] = {
        "workspace": WORKSPACE,
        "debtor": debtor,
        "key": vault.Key.new(),
        "id": ids.new(),
        "reference": "F-1",
        "invoice_reference": None,
        "fingerprint": b"",
        "status": "pending",
        "resolution": None,
        "currency": "EUR",
        "amount": 10_000,
        "balance": 10_000,
        "paid": 0,
        "due_on": None,
        "scenario": "standard_3_waves",
        "scenario_version": 1,
        "running_scenario": scenarios.built_in("standard_3_waves", 1),
        "details": Details(),
        "started_on": NOW.date(),
        "next_action_at": NOW,
        "run": 1,
        "contact_epoch": 0,
        "contacts_count": 0,
        "answers_count": 0,
        "has_plan": False,
        "event_sequence": 0,
        "version": 1,
        "contacted_at": None,
        "resolved_at": None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return debts.Debt(**(columns | changes))


# --- moves ---


@given(st.lists(st.sampled_from(debts.STATUSES), max_size=12))
def test_a_walk_through_statuses_never_leaves_the_table(walk: list[str]) -> None:
    tx, debt = a_transaction(), a_debt()

    for to in walk:
        before = debt.status
        if to in TRANSITIONS[before]:
            transitions.move(tx, debt, to)
            assert debt.status == to
        elif to != before:
            with pytest.raises(debts.DebtCannotMove):
                transitions.move(tx, debt, to)
            assert debt.status == before


@pytest.mark.parametrize("to", ["on_hold", "payment_plan", "resolved", "escalated", "unresolved", "archived"])
def test_every_move_away_from_contact_makes_planned_contacts_void(to: str) -> None:
    debt = a_debt()

    transitions.move(a_transaction(), debt, to)

    assert debt.contact_epoch == 1
    assert debt.next_action_at is None


def test_a_move_is_recorded_with_where_from_and_where_to() -> None:
    tx, debt = a_transaction(), a_debt()

    debts.hold(tx, debt, "disputed")

    assert [(event.kind, event.detail["changes"]) for event in tx.recorded_events] == [
        ("debt.status_changed", {"status": {"from": "pending", "to": "on_hold"}})
    ]


def test_a_resumed_debt_is_in_progress_once_it_was_contacted() -> None:
    never, once = a_debt(status="on_hold"), a_debt(status="on_hold", contacted_at=NOW)

    debts.resume(a_transaction(), never)
    debts.resume(a_transaction(), once)

    assert (never.status, once.status) == ("pending", "in_progress")


@pytest.mark.parametrize("status", ["pending", "resolved", "escalated", "archived"])
def test_only_a_held_or_unresolved_debt_is_resumed(status: str) -> None:
    with pytest.raises(debts.DebtCannotMove, match=status):
        debts.resume(a_transaction(), a_debt(status=status))


@pytest.mark.parametrize(("reason", "decided_by"), [("", "Marie"), ("no answer", " ")])
def test_an_escalation_needs_a_reason_and_a_person(reason: str, decided_by: str) -> None:
    debt = a_debt()

    with pytest.raises(Invalid):
        debts.escalate(a_transaction(), debt, reason, decided_by)

    assert debt.status == "pending"


def test_a_debt_is_not_resolved_by_a_word() -> None:
    debt = a_debt()

    with pytest.raises(debts.DebtStillHasBalance, match=r"100\.00 EUR"):
        transitions.set_status(a_transaction(), debt, "resolved")

    assert debt.status == "pending"


# --- money ---

ENTRIES = st.lists(
    st.tuples(st.sampled_from(["payment", "refund", "write_off"]), st.integers(1, 20_000)), max_size=10
)


@given(ENTRIES)
def test_a_debt_is_resolved_exactly_while_nothing_is_owed(entries: list[tuple[str, int]]) -> None:
    tx, debt = a_transaction(), a_debt()
    amount = debt.amount

    for kind, minor in entries:
        change = minor if kind == "refund" else -minor
        debts.enter_money(tx, debt, kind, change)
        amount += change
        assert debt.balance == amount
        assert (debt.status == "resolved") is (amount <= 0)
        assert (debt.resolved_at is not None) is (amount <= 0)


def test_a_refund_reopens_a_paid_debt_where_it_was() -> None:
    tx, debt = a_transaction(), a_debt(status="in_progress", contacted_at=NOW)
    debts.enter_money(tx, debt, "payment", -10_000)

    debts.enter_money(tx, debt, "refund", 2_500)

    assert (debt.status, debt.balance, debt.paid, debt.resolution) == ("in_progress", 2_500, 7_500, None)


def test_a_written_off_debt_says_so() -> None:
    debt = a_debt()

    debts.enter_money(a_transaction(), debt, "write_off", -10_000)

    assert (debt.status, debt.resolution, debt.paid) == ("resolved", "written_off", 0)


def test_a_claim_lowered_to_what_was_written_off_was_paid_by_nobody() -> None:
    debt = a_debt()
    debts.enter_money(a_transaction(), debt, "write_off", -6_000)

    debts.enter_money(a_transaction(), debt, "adjustment", -5_000)

    assert (debt.status, debt.resolution, debt.balance) == ("resolved", "written_off", -1_000)


# --- plan ---


def test_the_first_contact_of_a_reachable_debtor_is_the_e_mail_of_day_0() -> None:
    planned = debts.next_contact(a_debt(), NOW)

    assert (planned.channel, planned.due_at, planned.skipped_steps) == ("email", NOW, ())


def test_a_debtor_without_e_mail_begins_with_the_text_message_of_day_3() -> None:
    planned = debts.next_contact(a_debt(identity=Identity("Jean Dupont", phone="+33612345678")), NOW)

    assert planned.channel == "sms"
    assert planned.due_at == datetime(2026, 3, 5, 9, 0, tzinfo=UTC)  # Thursday, 10:00 in Paris
    assert [skip.reason for skip in planned.skipped_steps] == ["no e-mail address"]


def test_nobody_to_reach_goes_to_a_person_on_day_30() -> None:
    planned = debts.next_contact(a_debt(identity=Identity("Test Dupont")), NOW)

    assert (planned.step, planned.channel) == ("end", "review")
    assert planned.due_at.date() == date(2026, 3, 31)
    assert len(planned.skipped_steps) == 6


def test_a_debt_due_in_the_future_begins_the_day_after() -> None:
    due_on = date(2026, 3, 10)
    started_on = debts.day_zero(Identity("Jean"), a_debt().running_scenario, NOW, due_on)

    planned = debts.next_contact(a_debt(due_on=due_on, started_on=started_on), NOW)

    assert planned.due_at == datetime(2026, 3, 11, 7, 0, tzinfo=UTC)  # Wednesday, 8:00 in Paris


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(None, date(2026, 4, 3)), ("immediate", date(2026, 4, 3)), ("next_day", date(2026, 4, 7))],
)
def test_next_day_is_the_next_day_on_which_the_scenario_contacts_anyone(
    mode: str | None, expected: date
) -> None:
    good_friday = datetime(2026, 4, 3, 9, 0, tzinfo=UTC)  # a working day in Paris; Easter Monday is none

    started_on = debts.day_zero(Identity("Jean"), a_debt().running_scenario, good_friday, None, mode)

    assert started_on == expected


# --- two spellings ---


async def _read(model: type, body: dict[str, Any]) -> Any:
    reader = JsonBody(model, optional=False)
    return reader.check(json.read(json.write(body)), SimpleNamespace(workspace=WORKSPACE))


SEED = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"},
    "amount": Decimal("2340.00"),
    "currency": "EUR",
    "reference": "F-2024-0847",
    "due_date": "2024-01-15",
    "scenario": "standard_3_waves",
}


async def test_the_seed_s_body_is_read_whole() -> None:
    new = serializers.new_debt(await _read(NewDebtBody, SEED), WORKSPACE)

    assert new.identity == Identity("Jean Dupont", email="jean.dupont@email.com", phone="+33612345678")
    assert (new.amount.minor, new.amount.currency) == (234_000, "EUR")
    assert (new.reference, new.due_on, new.scenario) == ("F-2024-0847", date(2024, 1, 15), "standard_3_waves")


async def test_the_docs_body_means_the_same() -> None:
    docs = {
        "firstname": "Jean",
        "lastname": "Dupont",
        "email": "jean.dupont@email.com",
        "phone": "06 12 34 56 78",
        "amount": Decimal("2340.00"),
        "currency": "EUR",
        "internal_id": "F-2024-0847",
        "due_date": "2024-01-15",
        "timeline_id": scenarios.scenario_public_id(WORKSPACE, "standard_3_waves"),
    }

    new = serializers.new_debt(await _read(NewDebtBody, docs), WORKSPACE)

    assert new.identity.name == "Jean Dupont"
    assert new.identity.phone == "+33612345678"
    assert (new.reference, new.scenario) == ("F-2024-0847", "standard_3_waves")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"amount": Decimal("-1.00")}, "/amount", "wrong-value"),
        ({"amount": 0}, "/amount", "wrong-value"),
        ({"amount": "2340.00"}, "/amount", "not-a-number"),
        ({"amount": True}, "/amount", "not-a-number"),
        ({"amount": Decimal("1.001")}, "/amount", "too-many-decimals"),
        ({"amount": None}, "/amount", "missing"),
        ({"currency": "ABC"}, "/currency", "wrong-value"),
        ({"due_date": "15/01/2024"}, "/due_date", "not-a-date"),
        ({"due_date": "2024-02-30"}, "/due_date", "not-a-date"),
        ({"due_date": "2024-01-15", "invoice_date": "2024-01-16"}, "/due_date", "before-invoice"),
        ({"scenario": "unheard_of"}, "/scenario", "unknown"),
        ({"internal_id": "F-1"}, "/internal_id", "twice"),
        ({"email": "jean@example.com"}, "/email", "twice"),
        ({"iban": "FR7630006000011234567890188"}, "/iban", "wrong-value"),
        ({"colour": "red"}, "/colour", "unknown-field"),
        ({"debtor": {"name": "Jean", "colour": "red"}}, "/debtor/colour", "unknown-field"),
        ({"debtor": {"name": "Jean", "email": "nobody"}}, "/debtor/email", "wrong-value"),
        ({"debtor": {"name": "Jean", "phone": "12"}}, "/debtor/phone", "phone"),
        ({"debtor": {"name": "Jean", "phone": "0690123456"}}, "/debtor/phone", "phone"),
        ({"debtor": {"email": "jean@example.com"}}, "/debtor/name", "missing"),
        ({"debtor": None}, "/debtor/name", "missing"),
        ({"reference": None}, "/reference", "missing"),
        ({"status": "resolved"}, "/status", "unknown-field"),
    ],
)
async def test_a_wrong_field_is_named_with_what_is_wrong(
    changes: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await _read(NewDebtBody, SEED | changes)

    result = [(error.pointer, error.code) for error in refused.value.errors]
    assert (pointer, code) in result
    assert len(result) == 1


async def test_every_wrong_field_comes_at_once() -> None:
    body = {"debtor": {"email": "nobody", "phone": "12"}, "amount": -1, "currency": "ABC", "colour": "red"}

    with pytest.raises(Invalid) as refused:
        await _read(NewDebtBody, body)

    assert {error.pointer for error in refused.value.errors} == {
        "/debtor/email",
        "/debtor/phone",
        "/debtor/name",
        "/amount",
        "/currency",
        "/colour",
        "/reference",
    }


async def test_a_change_names_only_what_it_sends() -> None:
    body = await _read(DebtChangeBody, {"debtor": {"phone": "0611223344"}, "due_date": None})

    change = serializers.parse_change(body, a_debt(due_on=date(2024, 1, 15)))

    assert change.identity == {"phone": "+33611223344"}
    assert change.columns == {"due_on": None}
    assert (change.amount, change.status, change.details) == (None, None, {})


async def test_what_a_debt_needs_cannot_be_cleared() -> None:
    with pytest.raises(Invalid) as refused:
        await _read(DebtChangeBody, {"amount": None, "reference": None})

    assert [error.pointer for error in refused.value.errors] == ["/amount", "/reference"]


@pytest.mark.parametrize(
    ("docs", "ours"), [("status.default.paid", "resolved"), ("status.default.on_hold", "on_hold")]
)
async def test_the_docs_status_words_map_to_ours(docs: str, ours: str) -> None:
    body = await _read(DebtChangeBody, {"status": docs})

    assert body.status == ours


def test_an_answer_has_every_name_of_the_contract() -> None:
    answer = serializers.serialize_debt(a_debt())

    assert {
        "id", "status", "reference", "amount", "currency", "due_date", "scenario", "debtor", "timeline_id",
        "balance", "amount_paid", "next_action_at", "contacted_at", "resolved_at", "resolution", "payment_link",
        "metadata", "created_at", "updated_at",
    } <= answer.keys()  # fmt: skip
    assert json.write(answer["amount"]) == b"100.00"
    assert json.write(answer["created_at"]) == b'"2026-03-02T09:00:00Z"'


def test_a_debt_s_tag_changes_with_its_debtor_too() -> None:
    debt = a_debt()
    before = wire.etag(debt)

    debt.debtor.version += 1

    assert wire.etag(debt) != before


async def test_a_country_is_not_refused_as_a_language() -> None:
    with pytest.raises(Invalid) as refused:
        await _read(NewDebtBody, SEED | {"debtor": {"name": "Jean", "address": {"country": "France"}}})

    (error,) = refused.value.errors
    assert error.detail == "The field 'country' must be an ISO 3166-1 code of two letters, such as FR."
