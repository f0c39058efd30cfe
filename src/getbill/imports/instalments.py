"""Instalments of one invoice on their way in: a debt each, or one debt of their sum, as a person said of the layout."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from getbill import sheets
from getbill.debts import NewDebt
from getbill.imports.rows import Line, Reader


@dataclass(frozen=True, slots=True)
class Sum:
    """The instalments of one reference: what is owed in all, the earliest day due, and the line that becomes the debt."""

    amount: Decimal
    due_date: str
    line: int


Sums = Mapping[str, Sum]


def sums(reader: Reader, rows: Iterable[sheets.Row]) -> Sums:
    """Add up the instalments of each reference that stands in several rows which are owed."""
    totals: dict[str, Sum] = {}
    several: set[str] = set()
    for row in rows:
        line = reader.compose(row, 0)
        body = line.body
        reference, amount, due = body.get("reference"), body.get("amount"), body.get("due_date")
        if line.has_errors or not reference or not isinstance(amount, Decimal) or amount <= 0 or not due:
            continue
        if before := totals.get(reference):
            several.add(reference)
            totals[reference] = Sum(before.amount + amount, min(before.due_date, due), before.line)
        else:
            totals[reference] = Sum(amount, due, line.line)
    return {reference: totals[reference] for reference in several}


def merge(lines: Sequence[Line], totals: Sums) -> None:
    """Let the first line of each reference ask for the sum, and the others say that they are in it."""
    for line in lines:
        total = totals.get(line.body.get("reference", ""))
        if total is None or line.has_errors:
            continue
        if line.line == total.line:
            line.body = {**line.body, "amount": total.amount, "due_date": total.due_date}
        else:
            line.merged_into = total.line


def meet(lines: Sequence[Line], known: Mapping[str, Any], days: Mapping[str, date | None]) -> None:
    """Let an instalment meet the debt that was made of it before its layout was known to have instalments.

    `days` are the due dates of the debts whose references are the invoices' own.
    """
    for line in lines:
        new, plain = line.new, line.invoice_reference
        if new is None or plain is None or new.reference in known or plain not in known:
            continue
        if days.get(plain) == new.due_on:
            line.new = _called(new, plain)


def _called(new: NewDebt, reference: str) -> NewDebt:
    return replace(new, reference=reference)
