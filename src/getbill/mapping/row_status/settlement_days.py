"""Dates on which rows were paid, cancelled or disputed."""

from collections.abc import Iterable
from typing import Final

from getbill import sheets
from getbill.mapping.columns import Candidate
from getbill.mapping.fields import Field
from getbill.mapping.model import CERTAIN, ColumnReason
from getbill.mapping.row_status.model import ANY_VALUE
from getbill.mapping.row_status.words import LISTS, status_of
from getbill.mapping.vocabulary import CONCEPTS

_SETTLED: Final = LISTS.members("settled", "concepts", CONCEPTS)
_NOT_YET: Final = LISTS.pattern("not_yet")
_NOT_DAYS: Final = LISTS.pattern("not_days", r"\b(?:{})\b|[\W_]")


def settlement_day_status(candidate: Candidate, *, has_remainder: bool) -> dict[str, str | None] | None:
    """Read the date on which some rows were paid, cancelled or disputed; None for any other column.

    Where a column has the remaining amount, a payment date adds nothing.
    """
    profile, tokens = candidate.profile, candidate.tokens
    is_day = max(profile.share(sheets.CellKind.DATE), profile.share(sheets.CellKind.SERIAL_DATE)) >= CERTAIN
    is_other = tokens.concepts & {"due", "open", "invoice", "issue", "terms"}
    if not is_day or is_other or profile.filled >= profile.rows:
        return None
    status = _day_status(candidate)
    if status in {"paid", "partly_paid"} and has_remainder and "cancelled" not in tokens.concepts:
        return None
    return {ANY_VALUE: status} if status else None


def _day_status(candidate: Candidate) -> str | None:
    """Return the row status for a date header: a payment, a dispute, a death."""
    header, concepts = candidate.plain_header, candidate.concepts
    word = status_of(" ".join(_NOT_DAYS.sub(" ", header).split()))
    if word in {"paid", "credit", "excluded"}:
        return None if _NOT_YET.search(header) else word
    if "disputed" in concepts:
        return "excluded"
    if not concepts & _SETTLED or _NOT_YET.search(header):
        return None
    return "partly_paid" if "booking" in concepts else "paid"


def leave_out_closing_days(candidates: Iterable[Candidate]) -> None:
    """Leave out dates of events that end a debt (payment, liquidation, death): they are not due dates."""
    for candidate in candidates:
        dates = {Field.INVOICE_DATE, Field.DUE_DATE}
        if (
            candidate.may_be(dates)
            and candidate.is_known
            and settlement_day_status(candidate, has_remainder=False)
        ):
            candidate.set_claims(
                [], ColumnReason("not_ours", {"header": candidate.column.header or candidate.column.letter})
            )
