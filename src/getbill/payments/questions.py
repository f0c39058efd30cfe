"""Questions about a debt's balance: an over-payment, and a balance too small to collect."""

from getbill import companies, debts, todos
from getbill.debts import Debt
from getbill.kit.database import Transaction
from getbill.kit.messages import Message, message
from getbill.kit.money import Money

OVERPAYMENT = "overpayment"
SMALL_BALANCE = "small_balance"


def ask_about_overpayment(tx: Transaction, debt: Debt, balance_before: int) -> None:
    """Ask a person about what a locked debt was overpaid; withdraw the question once nothing is."""
    overpaid = debts.overpaid(debt)
    if overpaid.minor and debt.balance < balance_before:
        reason = _more_paid(overpaid)
        todos.ask_about_amount(tx, debt.workspace_id, OVERPAYMENT, debt.id, overpaid, reason)
    elif overpaid.minor:
        todos.change_amount(tx, debt.workspace_id, OVERPAYMENT, debt.id, overpaid, _more_paid(overpaid))
    elif balance_before < 0:
        todos.withdraw(tx, debt.workspace_id, OVERPAYMENT, debt.id)


def _more_paid(overpaid: Money) -> Message:
    return message("{amount} {currency} too much", amount=overpaid.decimal, currency=overpaid.currency)


def is_review_due(debt: Debt) -> bool:
    """Return whether a debt in collection has a balance below the minimum that nobody was asked about."""
    return debt.is_contactable and debts.is_below_minimum(debt) and debt.reviewed_balance != debt.balance


def is_written_off_by_rule(debt: Debt) -> bool:
    """Return whether the workspace writes small balances off by itself; nothing is, in a dry run or a stop."""
    return debt.workspace.writes_off_small_balances and debt.workspace.contact == companies.ON


def ask_about_small_balance(tx: Transaction, debt: Debt) -> None:
    """Ask a person once whether to write off the balance of a locked debt."""
    balance, minimum = debt.money(debt.balance), debts.minimum_balance(debt)
    reason = message(
        "{balance} {currency}, minimum {minimum} {currency}",
        balance=balance.decimal,
        minimum=minimum.decimal,
        currency=debt.currency,
    )
    todos.ask_about_amount(tx, debt.workspace_id, SMALL_BALANCE, debt.id, balance, reason)
    debt.reviewed_balance = debt.balance
    debt.touch(tx)


def withdraw_small_balance(tx: Transaction, debt: Debt) -> None:
    """Withdraw that question: the balance has changed, or the debt was archived."""
    if debt.reviewed_balance is not None:
        todos.withdraw(tx, debt.workspace_id, SMALL_BALANCE, debt.id)
        debt.reviewed_balance = None
        debt.touch(tx)
