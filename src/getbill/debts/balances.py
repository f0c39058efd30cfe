"""Balances of a debt: what was written off or overpaid, how it was resolved, and whether it is too small to collect.

Pure: every figure follows from the debt's row.
"""

from datetime import datetime
from typing import Literal

from getbill.debts.model import Debt
from getbill.kit.money import Money, least_minor

ResolutionName = Literal["paid", "settled", "written_off"]


def written_off(debt: Debt) -> Money:
    """Return what was waived and not reversed: what neither payments nor the balance account for."""
    return debt.money(debt.amount - debt.paid - debt.balance)


def overpaid(debt: Debt) -> Money:
    """Return what was paid beyond the claim; a claim lowered below its write-offs is not overpaid."""
    return debt.money(max(0, min(-debt.balance, debt.paid)))


def resolution_of(debt: Debt) -> ResolutionName:
    """Return how a debt without a balance was resolved: paid, settled for a part, or written off."""
    if debt.paid <= 0:
        return "written_off"
    return "settled" if written_off(debt).minor > 0 else "paid"


def minimum_balance(debt: Debt) -> Money:
    """Return the balance from which a debt is collected, in its currency."""
    return debt.money(least_minor(debt.workspace.minimum_balance, debt.currency))


def is_below_minimum(debt: Debt) -> bool:
    """Return whether the balance is too small for any contact; without a balance there is none to collect."""
    return 0 < debt.balance < least_minor(debt.workspace.minimum_balance, debt.currency)


def next_contact_at(debt: Debt) -> datetime | None:
    """Return when the debtor is contacted next; a debt below the minimum is only looked at again."""
    return None if is_below_minimum(debt) else debt.next_action_at
