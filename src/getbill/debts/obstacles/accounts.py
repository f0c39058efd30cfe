"""The account to which a debtor pays, with its holder: the two always belong together."""

from dataclasses import dataclass
from typing import Final

from getbill.debts.model import Debt

# The example IBAN (ISO 13616): means of payment of a sandbox whose company has none. No real account.
_SANDBOX_IBAN: Final = "FR1420041010050500013M02606"


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its holder; without an IBAN the debtor pays otherwise."""

    iban: str | None
    holder: str


def account_of(debt: Debt) -> Account:
    """Return the account to which a debt is paid.

    The debt's own `iban` is one of the company's accounts if the company has it, and otherwise its creditor's.
    Without one the creditor's account counts, then the company's: of a third party only the one that holds
    its clients' money alone (art. R124-2 CPCE).
    """
    company, creditor = debt.workspace.company, debt.creditor
    company_iban = company.client_iban if company.is_third_party else company.iban
    own_iban = debt.details.iban
    if own_iban is not None and own_iban not in {company.iban, company.client_iban}:
        return Account(own_iban, debt.creditor_name or company.name)
    if own_iban is None and creditor is not None and creditor.profile.iban is not None:
        return Account(creditor.profile.iban, creditor.name)
    if own_iban is not None and not company.is_third_party:
        company_iban = own_iban
    if company_iban is None and not debt.workspace.is_live:
        company_iban = _SANDBOX_IBAN
    return Account(company_iban, company.name)
