"""A scenario as it runs: which contacts are made, when, and what the creditor learns of them."""

from dataclasses import replace
from decimal import Decimal

from getbill import debts
from getbill.debtors import Identity
from tests.collecting import JEAN, Place, at

LYON = Identity(
    **{
        **{name: getattr(JEAN, name) for name in ("name", "email", "phone")},
        "street_address": "rue des Lilas",
        "street_number": "12",
        "postal_code": "69003",
        "city": "Lyon",
        "country": "FR",
    }
)


async def test_a_new_debt_has_its_first_contact_in_the_ledger_when_it_says(sandbox: Place) -> None:
    await sandbox.set_clock("2026-01-03 12:00")  # a Saturday

    debt = await sandbox.debt()

    assert debt.next_action_at == at("2026-01-05 07:00")
    (contact,) = await sandbox.contacts(debt.id)
    assert (contact["step"], contact["channel"], contact["state"]) == ("wave_1_email", "email", "planned")
    assert contact["due_at"] == debt.next_action_at


async def test_a_debtor_who_never_answers_gets_every_step_and_then_a_person_is_asked(sandbox: Place) -> None:
    await sandbox.set_clock("2026-01-05 09:00")
    debt = await sandbox.debt(LYON)

    await sandbox.run_until("2026-03-06 09:00")

    contacts = await sandbox.contacts(debt.id)
    assert [(row["step"], row["state"], row["settled_at"]) for row in contacts] == [
        ("wave_1_email", "delivered", at("2026-01-05 09:00")),
        ("wave_1_sms", "delivered", at("2026-01-08 09:00")),
        ("wave_2_call", "answered", at("2026-01-12 09:00")),
        ("wave_2_email", "delivered", at("2026-01-13 07:00")),
        ("wave_3_letter", "delivered", at("2026-01-20 07:00")),
        ("wave_3_call", "answered", at("2026-01-26 09:00")),
        ("end", "accepted", at("2026-02-03 23:00")),
    ]
    assert await sandbox.followups(debt.id) == [
        ("email", "delivered"),
        ("sms", "delivered"),
        ("ai_call", "deal_not_found"),
        ("email", "delivered"),
        ("letter", "delivered"),
        ("ai_call", "deal_not_found"),
    ]
    assert await sandbox.events(debt.id) == [
        "debt.created",
        "debt.contacted",
        "debt.status_changed",
        "followup.completed",
        *["debt.contacted", "followup.completed"] * 5,
        "debt.status_changed",
    ]
    after = await sandbox.find(debt.id)
    assert (after.status, after.next_action_at) == ("unresolved", None)
    assert (after.contacts_count, after.answers_count) == (6, 2)
    assert after.contacted_at == at("2026-01-05 09:00")
