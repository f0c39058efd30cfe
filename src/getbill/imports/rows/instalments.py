"""Instalments of one invoice: one debt each, or one debt of their sum, as a person chose for the layout."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeGuard

from getbill import sheets
from getbill.imports.rows.reader import Line, RowReader


@dataclass(frozen=True, slots=True)
class InstalmentSum:
    """The instalments of one reference, by due date, and the line to become the debt of their sum."""

    amounts: Mapping[str, Collection[Decimal]]
    line: int

    @property
    def amount(self) -> Decimal:
        """Total amount."""
        return sum((amount for amounts in self.amounts.values() for amount in amounts), Decimal(0))

    def lacks(self, line: Line) -> bool:
        """Return whether something is owed on a line that is not in the sum, as when it was corrected afterwards."""
        amount = line.body.get("amount")
        return _is_owed(amount) and amount not in self.amounts.get(line.body["due_date"], ())


@dataclass(frozen=True, slots=True)
class Instalments:
    """The references of a file with several due dates, and their mode: `split` or `merge`."""

    mode: str
    sums: Mapping[str, InstalmentSum]

    def apply(self, lines: Sequence[Line]) -> None:
        """Adapt each line to the debt that the mode makes of it."""
        for line in lines:
            if not line.has_errors and line.body.get("due_date") and line.body.get("reference"):
                self._apply(line)

    def _apply(self, line: Line) -> None:
        reference, due = str(line.body["reference"]), line.body["due_date"]
        total = self.sums.get(reference)
        if self.mode == "split":
            dated = f"{reference}-{due}"
            line.other_reference = reference if total else dated
            if total:
                line.body = {**line.body, "reference": dated}
        elif total and line.line == total.line:
            line.body = {**line.body, "amount": total.amount, "due_date": min(total.amounts)}
        elif total and not total.lacks(line):
            line.merged_into = total.line


def gather_instalments(mode: str, reader: RowReader, rows: Iterable[sheets.Row]) -> Instalments:
    """Gather references with several due dates among the unpaid rows; a row exported twice counts once."""
    first: dict[str, int] = {}
    amounts_by_due_date: dict[str, dict[str, set[Decimal]]] = {}
    for row in rows:
        line = reader.compose(row, 0)
        reference, amount, due = (line.body.get(name) for name in ("reference", "amount", "due_date"))
        if line.has_errors or not reference or not _is_owed(amount) or not due:
            continue
        first.setdefault(reference, line.line)
        amounts_by_due_date.setdefault(reference, {}).setdefault(due, set()).add(amount)
    return Instalments(
        mode,
        {
            reference: InstalmentSum(amounts, first[reference])
            for reference, amounts in amounts_by_due_date.items()
            if len(amounts) > 1
        },
    )


def _is_owed(amount: Any) -> TypeGuard[Decimal]:
    return isinstance(amount, Decimal) and amount > 0


def match_existing(
    lines: Sequence[Line], existing_debts: Mapping[str, Any], days: Mapping[str, date | None]
) -> None:
    """Match a row to the debt created from it when its invoice had more instalments on file, or fewer.

    `days` are the due dates of known debts, by their references.
    """
    for line in lines:
        new, other_reference = line.new, line.other_reference
        if (
            new is None
            or other_reference is None
            or other_reference not in existing_debts
            or days.get(other_reference) != new.due_on
        ):
            continue
        if new.reference not in existing_debts or days.get(new.reference) != new.due_on:
            line.new = replace(new, reference=other_reference)
