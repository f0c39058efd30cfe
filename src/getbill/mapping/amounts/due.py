"""Amounts due beside other amounts: which is due, and what the others are."""

from itertools import permutations

from getbill.mapping.amounts.questions import (
    ask_disagreement,
    ask_invoiced_only,
    ask_negative,
    other_amounts,
    which_amount,
)
from getbill.mapping.amounts.roles import ADDING_UP_MIN, PART_OF_DUE, distinct_amounts, leave_out
from getbill.mapping.amounts.sums_of_columns import possible_remainders
from getbill.mapping.amounts.units import LISTS
from getbill.mapping.columns import Candidate, has_fractions, texts_of
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import CERTAIN, ColumnReason, Question
from getbill.mapping.vocabulary import CONCEPTS

_LOCAL = LISTS.pattern("local", r"\b(?:{})\b")
_DAYS_CHARS_MAX = 3
_MONEY = LISTS.members("money", "concepts", CONCEPTS)


def without_local(due: list[Candidate], candidates: list[Candidate], head: SampleRows) -> list[Candidate]:
    """Leave out the amount due in the company's currency beside the same amount in the row's currency.

    The two differ only in rows that name a currency.
    """
    local = [candidate for candidate in due if _LOCAL.search(candidate.plain_header)]
    in_row_currency = [
        candidate for candidate in due if "local" not in candidate.concepts and candidate not in local
    ]
    currency_profiles = [
        candidate.profile for candidate in candidates if candidate.may_be((Field.CURRENCY,), 0.8)
    ]
    if len(due) != 2 or len(local) != 1 or len(in_row_currency) != 1 or len(currency_profiles) != 1:
        return due
    if not head.differs_only_beside(in_row_currency[0].profile, local[0].profile, currency_profiles[0]):
        return due
    leave_out(local, "not_due", in_row_currency[0])
    return in_row_currency


def decide_with_due(
    due: list[Candidate],
    invoiced: list[Candidate],
    other_columns: list[Candidate],
    paid: list[Candidate],
    candidates: list[Candidate],
    head: SampleRows,
) -> list[Question]:
    """Decide which amount is due and which was invoiced; ask where several may be due or do not add up."""
    if questions := _ask_aged_or_part(due, candidates, head):
        return questions
    leave_out(other_columns, "not_due", due[0])
    # The amount of an instalment or a claim, where another column has its remaining amount.
    open_amounts = [
        candidate for candidate in due if candidate.concepts & {"open", "overdue"} or candidate.tokens.whole
    ]
    if open_amounts and len(open_amounts) < len(due):
        invoiced = invoiced + [candidate for candidate in due if candidate not in open_amounts]
        due = open_amounts
    due = _clearest_due(due, head)
    if pair := _less_paid(due, paid, head):
        whole, remainder = pair
        leave_out(
            [candidate for candidate in [*invoiced, *due] if candidate not in pair], "not_due", remainder
        )
        due, invoiced = [remainder], [whole]
    invoiced = _fittest_invoiced(distinct_amounts(invoiced, head), due[0], paid, head)
    for candidate in invoiced:
        candidate.decide(Field.AMOUNT_INVOICED, 0.9, "beside_due", due[0])
    due = _sum_of_due(due, head)
    if len(due) > 1:
        return [which_amount("several_due", due)]
    if not open_amounts and "due" in due[0].concepts and not invoiced:
        # An amount that fell due on a date may have been paid in part since.
        return [ask_invoiced_only(due[0], Field.AMOUNT)]
    return ask_disagreement(
        due[0], invoiced, paid, other_amounts(candidates, [due[0], *invoiced, *paid]), head
    ) + ask_negative(due[0], head)


def _ask_aged_or_part(due: list[Candidate], candidates: list[Candidate], head: SampleRows) -> list[Question]:
    """Ask whether the sum of the ageing buckets is due, or a part of it in an unknown column."""
    if len(due) > 1 or due[0].reason.code != "aged":
        return []
    remainders = possible_remainders(candidates, due, head)
    return [which_amount("several_due", [*due, *remainders])] if remainders else []


def _clearest_due(due: list[Candidate], head: SampleRows) -> list[Candidate]:
    """Return the different amounts due, the doubtful last; days overdue are left out."""
    _leave_days(due)
    due = [candidate for candidate in due if candidate.claims]
    doubtful = [candidate for candidate in due if candidate.best and candidate.best.score < CERTAIN]
    sure = [candidate for candidate in due if candidate not in doubtful]
    # Open and overdue amounts are equal where all of the open amount is overdue.
    return distinct_amounts(sure + doubtful, head)


def _fittest_invoiced(
    invoiced: list[Candidate], due: Candidate, paid: list[Candidate], head: SampleRows
) -> list[Candidate]:
    """Keep one amount invoiced: of several totals, the one that the amounts due and paid add up to."""
    if len(invoiced) < 2:
        return invoiced
    totals = [candidate for candidate in invoiced if {"incl", "total", "invoice"} & candidate.concepts]
    chosen = max(totals or invoiced, key=lambda candidate: _fitness(due, candidate, paid, head))
    leave_out([candidate for candidate in invoiced if candidate is not chosen], "not_due", due)
    return [chosen]


def _sum_of_due(due: list[Candidate], head: SampleRows) -> list[Candidate]:
    """Keep the amount due that is the sum of the others, where there is one."""
    sums = [candidate for candidate in due if _sums_up(candidate, due, head)]
    if not sums:
        return due
    parts = [candidate for candidate in due if candidate is not sums[0]]
    leave_out(parts, PART_OF_DUE, sums[0])
    sums[0].set_claims(sums[0].claims, ColumnReason("sum_of_due", parts[0].heading))
    return sums[:1]


def _sums_up(candidate: Candidate, due: list[Candidate], head: SampleRows) -> bool:
    """Return whether one of several amounts due is in every row the sum of the others."""
    parts = [other.profile for other in due if other is not candidate]
    return len(parts) > 1 and head.is_sum(candidate.profile, parts)


def _fitness(due: Candidate, invoiced: Candidate, paid: list[Candidate], head: SampleRows) -> float:
    """Return the share of rows in which the amounts due and paid add up to the amount invoiced."""
    if paid:
        return head.share_adding_up(due.profile, invoiced.profile, paid[0].profile)
    return head.share_within(due.profile, invoiced.profile)


def _less_paid(
    due: list[Candidate], paid: list[Candidate], head: SampleRows
) -> tuple[Candidate, Candidate] | None:
    """Return the amounts before and after the payments, where exactly one pair of columns fits."""
    shares = [
        (head.share_adding_up(remainder.profile, whole.profile, paid[0].profile), whole, remainder)
        for whole, remainder in permutations(due, 2)
        if paid
    ]
    pairs = [(whole, remainder) for share, whole, remainder in shares if share >= ADDING_UP_MIN]
    return pairs[0] if len(pairs) == 1 else None


def without_days(due: list[Candidate], other_columns: list[Candidate]) -> list[Candidate]:
    """Leave out payment terms in days (30, 45) below a header about the due date."""
    days = [
        candidate
        for candidate in due
        if "due" in candidate.concepts
        and not candidate.concepts & _MONEY
        and all(len(text) <= _DAYS_CHARS_MAX for text in texts_of(candidate.profile))
    ]
    amounts = [
        candidate
        for candidate in [*due, *other_columns]
        if candidate not in days and has_fractions(candidate.profile)
    ]
    if not amounts:
        return due
    leave_out(days, "not_ours", amounts[0])
    return [candidate for candidate in due if candidate not in days]


def _leave_days(due: list[Candidate]) -> None:
    """Leave out a column of days overdue: whole numbers beside amounts with cents."""
    amounts = [
        candidate
        for candidate in due
        if "overdue" not in candidate.concepts and has_fractions(candidate.profile)
    ]
    for candidate in due if amounts else ():
        is_amount = candidate in amounts or "amount" in candidate.concepts
        if not is_amount and not has_fractions(candidate.profile):
            leave_out([candidate], "not_ours", candidate)
