"""The account that a message prints, with its holder: the two always belong together."""

from dataclasses import replace

import pytest

from debts.test_rules import COMPANY, NOW, WORKSPACE
from getbill import debts, scenarios, vault
from getbill.companies import Workspace
from getbill.creditors import Creditor
from getbill.creditors.model import CreditorProfile, Mandate
from getbill.debtors import Identity
from getbill.debts import Debt, Details, NewDebt
from getbill.debts.obstacles.accounts import Account, account_of
from getbill.kit import ids
from getbill.kit.money import Money

OURS, CLIENTS = "FR7630006000011234567890189", "FR1420041010050500013M02606"
THEIRS, WRITTEN = "FR7610011000201234567890188", "DE89370400440532013000"
OWN = replace(COMPANY, iban=OURS)
THIRD_PARTY = replace(OWN, collector="third_party", client_iban=CLIENTS)


def creditor(iban: str | None) -> Creditor:
    profile = CreditorProfile("Garage Martin", iban=iban)
    return Creditor(ids.new(), ids.new(), profile, vault.Key.new(), Mandate(), False, 1, NOW, NOW)  # noqa: FBT003


def debt(company: object, owed_to: Creditor | None, iban: str | None = None, kind: str = "live") -> Debt:
    workspace: Workspace = replace(WORKSPACE, company=company, kind=kind)  # type: ignore[arg-type]
    request = NewDebt(Identity("Jean"), Money(100, "EUR"), "R", "standard_3_waves", Details(iban=iban))
    result = debts.draft(workspace, request, scenarios.built_in("standard_3_waves"), NOW)
    result.assign_creditor(owed_to)
    return result


@pytest.mark.parametrize(
    ("company", "owed_to", "iban", "expected"),
    [
        (OWN, None, None, Account(OURS, "Acme")),
        (OWN, None, WRITTEN, Account(WRITTEN, "Acme")),
        (OWN, creditor(None), None, Account(OURS, "Acme")),
        (OWN, creditor(THEIRS), None, Account(THEIRS, "Garage Martin")),
        (OWN, creditor(THEIRS), WRITTEN, Account(WRITTEN, "Garage Martin")),
        (OWN, creditor(THEIRS), OURS, Account(OURS, "Acme")),
        (THIRD_PARTY, creditor(None), None, Account(CLIENTS, "Acme")),
        (THIRD_PARTY, creditor(THEIRS), None, Account(THEIRS, "Garage Martin")),
        (THIRD_PARTY, creditor(THEIRS), CLIENTS, Account(CLIENTS, "Acme")),
        (THIRD_PARTY, creditor(None), WRITTEN, Account(WRITTEN, "Garage Martin")),
        # Art. R124-2 CPCE: no other account of a third party than the one for its clients' money.
        (THIRD_PARTY, creditor(THEIRS), OURS, Account(CLIENTS, "Acme")),
        (replace(THIRD_PARTY, client_iban=None), creditor(None), None, Account(None, "Acme")),
    ],
)
def test_the_payee_is_the_holder_of_the_account(
    company: object, owed_to: Creditor | None, iban: str | None, expected: Account
) -> None:
    assert account_of(debt(company, owed_to, iban)) == expected


def test_a_sandbox_without_an_account_shows_the_example() -> None:
    assert account_of(debt(COMPANY, creditor(None), kind="sandbox")) == Account(CLIENTS, "Acme")
