"""Row statuses of the values of one column, given the other columns."""

from collections.abc import Sequence
from typing import Final

from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping
from getbill.mapping.row_status.remainders import is_remainder_after, states_beside_amounts, without_closed
from getbill.mapping.row_status.settlement_days import settlement_day_status
from getbill.mapping.row_status.values import read_values
from getbill.mapping.row_status.words import LISTS
from getbill.mapping.vocabulary import normalize

_CANCELLED: Final = LISTS.pattern("cancelled")


def column_statuses(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: SampleRows
) -> dict[str, str | None] | None:
    """Return the row status of a column's values, given the other columns; None where it has none."""
    has_remainder = any(
        column.field == Field.AMOUNT and other.concepts & {"open", "overdue"}
        for column, other in zip(columns, candidates, strict=True)
    )
    values = settlement_day_status(candidate, has_remainder=has_remainder) or read_values(candidate)
    if values is None:
        return states_beside_amounts(candidate, columns, candidates, head)
    if _is_order_type(candidate) and any(column.field == Field.INVOICE_REFERENCE for column in columns):
        # An order with an invoice number was invoiced.
        return {value: "open" if status == "paid" else status for value, status in values.items()}
    has_payments = any(map(_is_of_payment, candidates)) or any(
        column.field in {Field.AMOUNT_PAID, Field.AMOUNT} for column in columns
    )
    if _is_of_order(candidate) and has_payments:
        return {
            value: status for value, status in values.items() if _CANCELLED.search(normalize(value))
        } or None
    if not has_remainder:
        return values
    if is_remainder_after(candidate, columns, candidates, head):
        return None
    return without_closed(candidate, values, columns, candidates, head)


def _is_of_payment(candidate: Candidate) -> bool:
    """Return whether a header names the state of a payment."""
    concepts = candidate.concepts
    return "status" in concepts and bool(concepts & {"payment", "paid"})


def _is_of_order(candidate: Candidate) -> bool:
    """Return whether a header names the state of an order, without a payment."""
    concepts = candidate.concepts
    return {"order", "status"} <= concepts and not concepts & {"invoice", "payment", "paid", "open"}


def _is_order_type(candidate: Candidate) -> bool:
    """Return whether a header names types of orders."""
    concepts = candidate.concepts
    return {"order", "kind"} <= concepts and "status" not in concepts
