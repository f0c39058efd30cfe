"""Amounts recognised by other amount columns: payments, remainders, sums of ages."""

from dataclasses import replace
from itertools import permutations

from getbill import sheets
from getbill.mapping.amounts.roles import claiming, is_due, role_of
from getbill.mapping.amounts.units import LISTS
from getbill.mapping.columns import Candidate, has_fractions, texts_of
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import AMOUNTS, Field
from getbill.mapping.model import CERTAIN
from getbill.mapping.vocabulary import CONCEPTS

_NO_REMAINDER = LISTS.members("no_remainder", "concepts", CONCEPTS)
_PAYMENT = LISTS.pattern("payment")


def take_payments(candidates: list[Candidate], head: SampleRows) -> None:
    """Use a "payment" column as the amount paid where in every row the amount due is the invoice less it."""
    due = [candidate for candidate in claiming(candidates, Field.AMOUNT) if is_due(candidate)]
    invoiced = [
        candidate for candidate in claiming(candidates, Field.AMOUNT_INVOICED) if not role_of(candidate)
    ]
    payments = [candidate for candidate in due if _PAYMENT.search(candidate.plain_header)]
    if len(due) == 2 and len(payments) == len(invoiced) == 1:
        remainder = next(candidate for candidate in due if candidate is not payments[0])
        if head.share_adding_up(remainder.profile, invoiced[0].profile, payments[0].profile) == 1:
            payments[0].decide(Field.AMOUNT_PAID, 0.93, "header")


def take_credits(candidates: list[Candidate]) -> None:
    """Propose amounts of credit notes beside those of invoices as possibly paid, which raises a question."""
    if any(is_due(candidate) for candidate in candidates):
        # The remaining amount includes the credits already.
        return
    for candidate in candidates:
        concepts = candidate.concepts
        if "credit_note" not in concepts or concepts & {
            "number",
            "id",
            "reference",
            "date",
            "status",
            "kind",
        }:
            continue
        has_zeros = any(text.strip("0.,- ") == "" for text in texts_of(candidate.profile))
        if candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN and (
            has_zeros or has_fractions(candidate.profile)
        ):
            candidate.decide(Field.AMOUNT_PAID, 0.7, "header")


def possible_remainders(
    candidates: list[Candidate], amounts: list[Candidate], head: SampleRows
) -> list[Candidate]:
    """Return the unknown columns that may be the remaining amount of the only amount column."""
    if len(amounts) != 1:
        return []
    remainders = [
        candidate
        for candidate in candidates
        if candidate is not amounts[0]
        and not candidate.may_be(AMOUNTS)
        and not candidate.concepts & _NO_REMAINDER
        and candidate.profile.number
        and candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN
        and has_fractions(candidate.profile)
        and head.is_part_of(candidate.profile, amounts[0].profile)
    ]
    for candidate in remainders:
        candidate.decide(Field.AMOUNT, 0.7)
    return remainders


def take_aged(candidates: list[Candidate], head: SampleRows) -> None:
    """Treat the sum of ageing buckets as the amount due: a paid amount has no age."""
    ages = [
        candidate.profile
        for candidate in candidates
        if "bucket" in candidate.concepts and candidate.profile.filled
    ]
    amounts = [
        candidate for candidate in candidates if candidate.may_be({Field.AMOUNT, Field.AMOUNT_INVOICED})
    ]
    sums = [candidate for candidate in amounts if len(ages) > 1 and head.is_sum(candidate.profile, ages)]
    if len(sums) == 1 and not any(is_due(candidate) for candidate in amounts):
        sums[0].tokens = replace(sums[0].tokens, concepts=sums[0].concepts | {"open"})
        sums[0].decide(Field.AMOUNT, 0.93, "aged")


def take_remainder(candidates: list[Candidate], paid: list[Candidate], head: SampleRows) -> None:
    """Find an unlabelled remaining amount: the only one that is another less the amount paid in every row."""
    amounts = [
        candidate
        for candidate in candidates
        if candidate.may_be({Field.AMOUNT, Field.AMOUNT_INVOICED})
        and role_of(candidate) not in {"net", "credit"}
    ]
    if not paid or any(is_due(candidate) for candidate in amounts):
        return
    pairs = [
        (whole, remainder)
        for whole, remainder in permutations(amounts, 2)
        if remainder.profile.filled == whole.profile.filled > 0
        and head.share_adding_up(remainder.profile, whole.profile, paid[0].profile) == 1
    ]
    if len(pairs) == 1:
        whole, remainder = pairs[0]
        remainder.tokens = replace(remainder.tokens, concepts=remainder.concepts | {"open"})
        remainder.decide(Field.AMOUNT, 0.93, "less_paid", paid[0])
        whole.decide(Field.AMOUNT_INVOICED, 0.9, "beside_due", remainder)
        paid[0].decide(Field.AMOUNT_PAID, 0.9)
