"""Roles of amount columns: the amount due, the amount invoiced and the amount paid.

The wrong column bills debtors for paid amounts, so every doubt becomes a question: two columns that could
both be due, an amount without tax only, a debit and a credit, columns that do not add up.
"""

from getbill.mapping.amounts.balances import decide_ledger, leave_balances, turn_credits_less_debits
from getbill.mapping.amounts.due import decide_with_due, without_days, without_local
from getbill.mapping.amounts.questions import ask_invoiced_only, ask_negative, ask_tax_included, which_amount
from getbill.mapping.amounts.roles import (
    claiming,
    clearest_paid,
    distinct_amounts,
    is_due,
    leave_out,
    role_of,
)
from getbill.mapping.amounts.sums_of_columns import (
    possible_remainders,
    take_aged,
    take_credits,
    take_payments,
    take_remainder,
)
from getbill.mapping.columns import Candidate, has_fractions
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnReason, Question


def weigh_amounts(
    candidates: list[Candidate], head: SampleRows, *, has_open_items: bool = False
) -> list[Question]:
    """Assign the amount columns, and return the questions that only a person can decide."""
    leave_balances(candidates, head)
    take_credits(candidates)
    take_payments(candidates, head)
    paid = clearest_paid(
        [candidate for candidate in claiming(candidates, Field.AMOUNT_PAID) if not role_of(candidate)], head
    )
    take_aged(candidates, head)
    take_remainder(candidates, paid, head)
    due = [candidate for candidate in claiming(candidates, Field.AMOUNT) if is_due(candidate)]
    unqualified = [
        candidate
        for candidate in claiming(candidates, Field.AMOUNT)
        if candidate not in due and candidate.is_known
    ]
    invoiced = [
        candidate for candidate in claiming(candidates, Field.AMOUNT_INVOICED) if role_of(candidate) == ""
    ]
    due = without_local(without_days(due, [*unqualified, *invoiced]), candidates, head)
    net = [
        candidate for candidate in claiming(candidates, Field.AMOUNT_INVOICED) if role_of(candidate) == "net"
    ]
    ledger = [candidate for candidate in candidates if role_of(candidate) in {"debit", "credit"}]
    turn_credits_less_debits(due, ledger, head)
    if due:
        return decide_with_due(due, [*invoiced, *unqualified], [*net, *ledger], paid, candidates, head)
    if ledger and not (unqualified or invoiced):
        return decide_ledger(ledger, candidates, head, has_open_items=has_open_items)
    # An unexplained amount that differs from the other may be its remaining amount.
    unexplained = [
        candidate
        for candidate in claiming(candidates, Field.AMOUNT)
        if (unqualified or invoiced) and not candidate.is_known and has_fractions(candidate.profile)
    ]
    unexplained += possible_remainders(candidates, [*unqualified, *invoiced, *unexplained], head)
    if unexplained or (unqualified and invoiced) or len(unqualified) > 1:
        return _several_amounts([*unqualified, *invoiced, *unexplained], net, head)
    if unqualified:
        leave_out([*net, *ledger], "net_of_tax", unqualified[0])
        return _decide_plain_alone(unqualified[0], paid, candidates) or ask_tax_included(
            unqualified[0], candidates, head
        )
    if invoiced:
        leave_out([*net, *ledger], "net_of_tax", invoiced[0])
        return _several_amounts(invoiced, [], head) or ([] if paid else [ask_invoiced_only(invoiced[0])])
    return [which_amount("only_net", net)] if net else []


def _several_amounts(candidates: list[Candidate], net: list[Candidate], head: SampleRows) -> list[Question]:
    candidates = distinct_amounts(candidates, head)
    leave_out(net, "net_of_tax", candidates[0])
    if len(candidates) > 1:
        return [which_amount("several_amounts", candidates)]
    return ask_negative(candidates[0], head)


def _accept_local_alone(amount: Candidate, candidates: list[Candidate]) -> list[Question]:
    """Accept an amount in local currency, unless the adjacent currency belongs to another amount."""
    currencies = [
        candidate
        for candidate in candidates
        if candidate.may_be((Field.CURRENCY,)) and candidate.profile.filled
    ]
    if all("local" in candidate.concepts for candidate in currencies) and not amount.tokens.unknown:
        amount.reassign(Field.AMOUNT, Field.AMOUNT, 0.85, ColumnReason("only_amount", amount.heading))
    return []


def _decide_plain_alone(
    amount: Candidate, paid: list[Candidate], candidates: list[Candidate]
) -> list[Question]:
    has_currency = any(candidate.may_be((Field.CURRENCY,), 0.8) for candidate in candidates)
    if "currency" in amount.concepts and has_currency:
        # The amount in the currency of the adjacent column.
        amount.reassign(Field.AMOUNT, Field.AMOUNT, 0.8)
    if paid:
        # The header does not tell whether this is the amount invoiced or the remaining amount.
        amount.reassign(Field.AMOUNT, Field.AMOUNT_INVOICED, 0.7)
        options = (Field.AMOUNT_INVOICED.value, Field.AMOUNT.value)
        index = amount.column.index
        return [Question("amount_or_invoiced", (index,), Field.AMOUNT, options, None, paid[0].heading)]
    if "local" in amount.concepts:
        return _accept_local_alone(amount, candidates)
    claim = amount.claim(Field.AMOUNT)
    score = claim.score if claim else 0.0
    # An amount with unknown header words raises a question; an unqualified amount is the subject of the file.
    score = min(score, 0.75) if amount.tokens.unknown else score + 0.07 if score >= 0.7 else score
    amount.decide(Field.AMOUNT, score, "only_amount")
    return []
