"""Repeated references: lines of one invoice, its instalments, or a column that does not identify debts.

The rows of a reference decide: the same amount and date is an invoice exported line by line, different dates
are instalments, and any other difference raises a question.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, Literal, get_args

from getbill import sheets
from getbill.mapping.fields import NAMES, Field
from getbill.mapping.model import Mapping, Question
from getbill.mapping.rows.composition import Composer
from getbill.mapping.values import text_of

# `split`: a debt per instalment, with the due date appended to its reference. `merge`: one debt of their sum,
# due on the first open due date.
Instalments = Literal["split", "merge"]
INSTALMENTS: Final[tuple[str, ...]] = get_args(Instalments)
_NAMED: Final = frozenset({"name", "company", "last_name"})
_ROWS_MAX: Final = 50_000
_EXAMPLES_MAX: Final = 3
# Up to this share the rows are wrong, and rejected one by one; above it the column is.
_UNCLEAR_MAX: Final = 0.05


@dataclass(slots=True)
class Repeats:
    """Number of repeated references, by what their rows have in common, with example rows."""

    references: int = 0
    rows: int = 0
    instalments: int = 0
    unclear: int = 0
    examples: list[str] = field(default_factory=list)


def check_repeats(
    mapping: Mapping, profile: sheets.Profile, rows: Callable[[], Iterable[sheets.Row]]
) -> Mapping:
    """Return the mapping with questions about repeated references; the first rows of a file are checked.

    `rows` reads them again: once for the references, and once more for the contents of repeated ones.
    """
    column = mapping.column_for(Field.REFERENCE) or mapping.column_for(Field.INVOICE_REFERENCE)
    if column is None and mapping.reference_from:
        return _check_identifying_columns(mapping, rows())
    if column is None or mapping.instalments is not None:
        return mapping
    cells = profile.column(column.index)
    if cells.filled <= cells.distinct:
        return mapping
    counted = Counter(_reference_texts(column.index, rows()))
    if counted.total() == len(counted):
        return mapping
    repeated = {text for text, count in counted.items() if count > 1}
    several = (
        row
        for row in islice(rows(), _ROWS_MAX)
        if row.wrong is None and text_of(row.cells[column.index]) in repeated
    )
    repeats = _count_repeats(mapping, Composer(mapping, profile), several)
    repeats.references += len(counted) - len(repeated)
    repeats.rows += len(counted) - len(repeated)
    questions = [question for question in mapping.questions if question.code != "reference_repeats"]
    header = column.header or column.letter
    facts: dict[str, Any] = {"header": header, "rows": repeats.rows, "distinct": repeats.references}
    indexes: tuple[int, ...] = (column.index,)
    if repeats.instalments:
        due = mapping.column_for(Field.DUE_DATE)
        indexes += (due.index,) if due else ()
        facts |= {"references": repeats.instalments, "examples": repeats.examples}
        questions.append(Question("instalments", indexes, Field.REFERENCE, INSTALMENTS, None, facts))
    elif repeats.unclear > repeats.references * _UNCLEAR_MAX:
        questions.append(Question("reference_repeats", indexes, column.field, (), column.field, facts))
    return replace(mapping, questions=tuple(questions))


def _check_identifying_columns(mapping: Mapping, rows: Iterable[sheets.Row]) -> Mapping:
    """Return the mapping, with a question where two rows are equal in all identifying columns."""
    keys: set[tuple[str, ...]] = set()
    for row in islice(rows, _ROWS_MAX):
        key = tuple(text_of(row.cells[index]).casefold() for index in mapping.reference_from)
        if row.wrong is not None or not all(key):
            continue
        if key in keys:
            question = Question("missing_reference", (), Field.REFERENCE)
            return replace(mapping, reference_from=(), questions=(*mapping.questions, question))
        keys.add(key)
    return mapping


def _reference_texts(index: int, rows: Iterable[sheets.Row]) -> Iterator[str]:
    for row in islice(rows, _ROWS_MAX):
        if row.wrong is None and (text := text_of(row.cells[index])):
            yield text


def _count_repeats(mapping: Mapping, composer: Composer, rows: Iterable[sheets.Row]) -> Repeats:
    # Lines of other accounts without a name are not debts.
    has_names = any(mapping.column_for(name) for name in NAMES)
    lines_by_reference: dict[str, list[tuple[Any, Any, str]]] = {}
    for row in rows:
        body, findings = composer.compose(row)
        if (reference := body.get("reference")) and not any(not finding.is_warning for finding in findings):
            amount = body.get("amount")
            debtor = body.get("debtor", {})
            if has_names and not debtor.keys() & _NAMED:
                continue
            name = str(debtor.get("name") or debtor.get("company") or debtor.get("last_name") or "")
            lines_by_reference.setdefault(reference, []).append((body.get("due_date"), amount, name))
    repeats = Repeats(len(lines_by_reference), sum(map(len, lines_by_reference.values())))
    for reference, lines in lines_by_reference.items():
        _classify(repeats, reference, lines)
    return repeats


def _classify(repeats: Repeats, reference: str, lines: list[tuple[Any, Any, str]]) -> None:
    days, amounts, names = ({line[at] for line in lines} for at in range(3))
    if len(lines) == 1 or (len(days) == len(amounts) == len(names) == 1):
        return
    if len(days) == len(lines) and None not in days and len(names) == 1:
        repeats.instalments += 1
        if len(repeats.examples) < _EXAMPLES_MAX:
            repeats.examples += [f"{reference} · {day} · {amount}" for day, amount, _ in lines]
    else:
        repeats.unclear += 1
