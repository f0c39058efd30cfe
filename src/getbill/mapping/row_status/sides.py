"""Row statuses of two sides: debit and credit, invoice and credit note."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from getbill.mapping.columns import Candidate
from getbill.mapping.row_status.words import LISTS, mark_of, status_of


def _load_sides(concept: str) -> dict[str, frozenset[str]]:
    sides: dict[str, frozenset[str]] = {}
    for debit, _, credit in (pair.partition(":") for pair in LISTS.words(concept, "sides")):
        sides[debit] = sides.get(debit, frozenset()) | {credit}
    return sides


# Debit and credit, in words and in marks.
_WORDS: Final = _load_sides("words")
_MARKS: Final = _load_sides("marks")
# Types of documents that charge, and that settle.
_CHARGES: Final = frozenset(LISTS.words("charges", "documents"))
_SETTLING: Final = frozenset(LISTS.words("settling", "documents"))


def are_sides(values: Iterable[str]) -> bool:
    """Return whether two values are the marks of debit and credit in a ledger: S and H, FAC and AVO."""
    marks = {mark_of(value) for value in values if value.strip()}
    return (
        len(marks) == 2
        and not all(map(str.isdigit, marks))
        and any(marks & _MARKS.get(mark, frozenset()) for mark in marks)
    )


def side_statuses(candidate: Candidate, values: Sequence[str]) -> dict[str, str | None] | None:
    """Read a column of two sides: debit and credit, invoice and credit note."""
    folded = {value: mark_of(value) for value in values}
    marks = set(folded.values())
    for sides, needs_header in ((_WORDS, False), (_MARKS, True)):
        for debit, credits_ in sides.items():
            credit = marks & credits_
            other_marks = marks - {debit} - credits_ - _CHARGES - _SETTLING
            is_of_sides = "sides" in candidate.concepts or _names_sides(candidate, debit, credits_)
            if not credit or (debit not in marks and not is_of_sides):
                continue
            if any(status_of(other) is None for other in other_marks) or not (
                not needs_header or _is_clear(candidate, debit, credit)
            ):
                continue
            return {
                value: "open" if mark == debit or mark in _CHARGES else "credit" if mark in credits_
                else "paid" if mark in _SETTLING else status_of(value)
                for value, mark in folded.items()
            }  # fmt: skip
    return None


def _names_sides(candidate: Candidate, debit: str, credits_: frozenset[str]) -> bool:
    """Return whether a header itself names both sides: S/H, Dr/Cr, Debit/Credit, +/-."""
    parts = [part for part in re.split(r"[\s/|()]+", candidate.column.header.casefold()) if part]
    return debit in parts and bool(credits_ & set(parts))


def _is_clear(candidate: Candidate, debit: str, credit: set[str]) -> bool:
    """Return whether marks can only be sides: plus and minus, two-letter codes, or a header of sides."""
    if debit in {"+", "1"} or (min(map(len, {debit, *credit})) > 1 and not debit.isdigit()):
        return True
    concepts = candidate.concepts
    return (
        _names_sides(candidate, debit, frozenset(credit))
        or {"debit", "credit"} <= concepts
        or bool(concepts & {"document", "credit_note"})
        or "sides" in concepts
    )
