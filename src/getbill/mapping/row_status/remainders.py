"""Row statuses by the amount that remains: a value that means paid beside an amount still due does not."""

from collections.abc import Sequence
from typing import Final, Literal

from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping
from getbill.mapping.row_status.flags import NO
from getbill.mapping.row_status.model import TYPES_MAX
from getbill.mapping.row_status.words import LISTS, normalize_words, status_of
from getbill.mapping.values import text_of
from getbill.mapping.vocabulary import normalize

# Minimum share of unknown headers for a file in another language.
_FOREIGN_MIN: Final = 0.3
_ENDED: Final = LISTS.pattern("ended")
_Remainder = Literal["nothing", "part", "all"]


def _remainders_by_value(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: SampleRows
) -> dict[str, set[_Remainder]]:
    """Return, by a column's values, how much of the invoiced amount remains in their first rows."""
    profiles = {
        column.field: other.profile for column, other in zip(columns, candidates, strict=True) if column.field
    }
    if Field.AMOUNT not in profiles:
        return {}
    due = head.numbers(profiles[Field.AMOUNT])
    whole = head.numbers(profiles[Field.AMOUNT_INVOICED]) if Field.AMOUNT_INVOICED in profiles else due
    remainders: dict[str, set[_Remainder]] = {}
    for cells, remainder, total in zip(head.rows, due, whole, strict=True):
        if remainder is not None and (value := text_of(cells[candidate.column.index])):
            is_part = total is not None and abs(remainder) < abs(total)
            remainders.setdefault(value, set()).add(
                "nothing" if not remainder else "part" if is_part else "all"
            )
    return remainders


def states_beside_amounts(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: SampleRows
) -> dict[str, str | None] | None:
    """Read a column as states, where remaining amounts show it and most headers are unknown.

    A value whose rows all have a remaining amount of zero means paid; other unknown values raise a question.
    """
    values = [value for value in candidate.profile.values if value.strip()]
    unknown = sum(1 for other in candidates if not other.is_known and other.column.header)
    if candidate.is_known or unknown < _FOREIGN_MIN * len(candidates):
        return None
    is_repeated = candidate.profile.filled > len(values)
    if not is_repeated or len(values) > TYPES_MAX or any(any(map(str.isdigit, value)) for value in values):
        return None
    remainders = _remainders_by_value(candidate, columns, candidates, head)
    kinds = {kind for shares in remainders.values() for kind in shares}
    if not kinds >= {"nothing", "all"} or any(
        "nothing" in shares and len(shares) > 1 for shares in remainders.values()
    ):
        return None
    paid = {value for value, shares in remainders.items() if shares == {"nothing"}}
    return {value: status_of(value) or ("paid" if value in paid else None) for value in values}


def without_closed(
    candidate: Candidate,
    values: dict[str, str | None],
    columns: Sequence[ColumnMapping],
    candidates: Sequence[Candidate],
    head: SampleRows,
) -> dict[str, str | None]:
    """Check values that mean paid against remaining amounts: completed, closed, and "no" for open.

    A value does not mean paid where some of its rows have a remaining amount; where all have one, it raises a
    question.
    """
    is_of_open = "open" in candidate.concepts
    noes = {value for value in values if is_of_open and normalize_words(value) in NO}
    ends = {
        value
        for value, status in values.items()
        if status == "paid" and (_ENDED.search(normalize(value)) or value in noes)
    }
    if not ends:
        return values
    remainders = _remainders_by_value(candidate, columns, candidates, head)
    if any(remainders.get(value, set()) - {"nothing"} for value in ends & noes):
        return {value: "open" if value in noes else status for value, status in values.items()}
    mixed = {
        value
        for value in ends
        if remainders.get(value, set()) - {"nothing"} and "nothing" in remainders[value]
    }
    never = {value for value in ends if remainders.get(value) and "nothing" not in remainders[value]}
    return {
        value: "open" if value in mixed else None if value in never else status
        for value, status in values.items()
    }


def is_remainder_after(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: SampleRows
) -> bool:
    """Return whether the remaining amount already reflects reconciliation: it is zero in a marked row."""
    if "lettering" not in candidate.concepts:
        return False
    remainders = [
        other.profile
        for column, other in zip(columns, candidates, strict=True)
        if column.field == Field.AMOUNT
    ]
    marks = [text_of(cells[candidate.column.index]) for cells in head.rows]
    return any(
        mark and number == 0
        for other in remainders
        for mark, number in zip(marks, head.numbers(other), strict=True)
    )
