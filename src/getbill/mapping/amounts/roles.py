"""Roles of amount columns, and the claims that decide them."""

from collections.abc import Iterable

from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field

_PLAIN_MIN = 0.5
# The reason code for leaving out a column that is one part of the amount due.
PART_OF_DUE = "part_of_due"
# Minimum share of rows in which the amount due is the amount invoiced less the amount paid.
ADDING_UP_MIN = 0.75


def distinct_amounts(candidates: list[Candidate], head: SampleRows) -> list[Candidate]:
    """Leave out columns that repeat another's amounts in every row."""
    distinct: list[Candidate] = []
    for candidate in candidates:
        twin = next((other for other in distinct if head.are_equal(candidate.profile, other.profile)), None)
        is_empty = len(candidates) > 1 and (candidate.profile.filled == 0 or head.is_zero(candidate.profile))
        if twin or is_empty:
            leave_out([candidate], "same_amounts" if twin else "empty", twin or candidate)
        else:
            distinct.append(candidate)
    return distinct or candidates[:1]


def clearest_paid(paid: list[Candidate], head: SampleRows) -> list[Candidate]:
    """Keep one column of the amount paid: the clearest."""
    if not paid:
        return []
    clearest, *weaker = sorted(
        distinct_amounts(paid, head), key=lambda candidate: -(candidate.best.score if candidate.best else 0)
    )
    leave_out(weaker, "not_due", clearest)
    return [clearest]


def leave_out(candidates: Iterable[Candidate], why: str, instead: Candidate) -> None:
    """Leave out columns, because of another."""
    for candidate in candidates:
        candidate.leave_out(why, instead)


def claiming(candidates: list[Candidate], field: Field) -> list[Candidate]:
    """Return the columns that are probably a field."""
    return [candidate for candidate in candidates if candidate.may_be((field,), _PLAIN_MIN)]


def is_due(candidate: Candidate) -> bool:
    """Return whether a header says that its amount is due."""
    concepts = candidate.concepts
    claim = candidate.claim(Field.AMOUNT)
    if claim is None or not candidate.is_known:
        return False
    return bool(concepts & {"open", "overdue", "due", "case"}) or candidate.tokens.whole == Field.AMOUNT.value


def role_of(candidate: Candidate) -> str | None:
    """Return the role of an amount invoiced or paid: `net`, `debit`, `credit` or none; None for another field."""
    best = candidate.best
    return best.role if best and best.field in {Field.AMOUNT_INVOICED, Field.AMOUNT_PAID} else None
