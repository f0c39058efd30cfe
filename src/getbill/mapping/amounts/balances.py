"""Balances and ledger sides: totals of a customer, running balances, debits and credits."""

from getbill import sheets
from getbill.mapping.amounts.questions import which_amount
from getbill.mapping.amounts.roles import leave_out, role_of
from getbill.mapping.amounts.units import LISTS
from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import AMOUNTS, NAMES, Field
from getbill.mapping.model import Question

_PART = LISTS.pattern("remaining")


def turn_credits_less_debits(due: list[Candidate], ledger: list[Candidate], head: SampleRows) -> None:
    """Negate a balance that is in every row credits less debits: it is due where it is below zero."""
    sides = [
        next((candidate for candidate in ledger if role_of(candidate) == role), None)
        for role in ("debit", "credit")
    ]
    if (
        len(due) == 1
        and sides[0]
        and sides[1]
        and head.is_difference(due[0].profile, sides[1].profile, sides[0].profile)
    ):
        due[0].is_negated = True


def decide_ledger(
    ledger: list[Candidate], candidates: list[Candidate], head: SampleRows, *, has_open_items: bool
) -> list[Question]:
    """Use the debits of open items, or of a reconciled ledger without an open credit; otherwise ask."""
    marks = [candidate.profile for candidate in candidates if "lettering" in candidate.concepts]
    debits = [candidate for candidate in ledger if role_of(candidate) == "debit"]
    credits_ = [candidate for candidate in ledger if role_of(candidate) == "credit"]
    named = [candidate for candidate in candidates if candidate.may_be(NAMES)]
    names = (
        [max(named, key=lambda candidate: candidate.best.score if candidate.best else 0).profile]
        if named
        else []
    )
    is_reconciled = bool(marks) and not any(
        head.has_open(candidate.profile, marks, names) for candidate in credits_
    )
    papers = [
        candidate for candidate in candidates if candidate.may_be((Field.INVOICE_REFERENCE, Field.REFERENCE))
    ]
    are_items = (
        has_open_items
        and not marks
        and any(candidate.profile.filled == candidate.profile.distinct for candidate in papers)
        and not any(
            head.offsets(credit.profile, debit.profile, names) for credit in credits_ for debit in debits
        )
    )
    if len(debits) == 1 and (is_reconciled or are_items):
        why = "open_debits" if is_reconciled else "open_items"
        debits[0].decide(Field.AMOUNT, 0.88, why)
        leave_out(credits_, why, debits[0])
        return []
    return [which_amount("ledger", ledger)]


def leave_balances(candidates: list[Candidate], head: SampleRows) -> None:
    """Leave out aggregates of lines: a customer's total on each of their lines, and a running balance."""
    amounts = [candidate for candidate in candidates if candidate.may_be(AMOUNTS)]
    keys = [
        candidate.profile for candidate in candidates if candidate.may_be(NAMES | {Field.DEBTOR_REFERENCE})
    ]
    sides = [
        next((candidate.profile for candidate in amounts if role_of(candidate) == role), None)
        for role in ("debit", "credit")
    ]
    ledger = [side for side in sides if side]
    has_lines = any(candidate.may_be({Field.INVOICE_REFERENCE, Field.DUE_DATE}) for candidate in candidates)
    has_lines |= any(key.filled > key.distinct for key in keys)
    for candidate in amounts:
        if (
            len(ledger) > 1
            and not role_of(candidate)
            and head.is_running_of_sides(candidate.profile, ledger, keys)
        ):
            leave_out([candidate], "running_balance", candidate)
            continue
        other_amounts = [other for other in amounts if other is not candidate and other.claims]
        if any(head.is_running(candidate.profile, other.profile, keys) for other in other_amounts):
            leave_out([candidate], "running_balance", candidate)
        elif (
            has_lines
            and "paid" not in candidate.concepts
            and any(_is_total(candidate, other, head, keys) for other in other_amounts)
        ):
            leave_out([candidate], "customer_total", candidate)


def _is_total(
    candidate: Candidate, other: Candidate, head: SampleRows, keys: list[sheets.ColumnProfile]
) -> bool:
    """Return whether a column is a customer's total of another's amounts, by its cells or by both headers."""
    is_named = _is_of_customer(candidate) and not _is_of_customer(other)
    # An invoice's total on each of its lines is not a customer's total.
    is_of_invoice = "invoice" in candidate.concepts and "invoice" not in other.concepts
    return is_named or (not is_of_invoice and head.is_total_of(candidate.profile, other.profile, keys))


def _is_of_customer(candidate: Candidate) -> bool:
    """Return whether a header names a customer's balance or total."""
    concepts = candidate.concepts
    is_part = bool(_PART.search(candidate.plain_header))
    return "debtor" in concepts and bool(concepts & {"open", "total"}) and not is_part
