"""The score of the mapping over the corpus: columns right, asked and wrong, and values against the truth."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from getbill import mapping, sheets
from testbed.corpus import Labelled, Layout, disguised, layouts
from testbed.corpus.people import WHOLE, Debt

_VALUES = ("amount", "currency", "invoice_date", "due_date")


@dataclass(slots=True)
class Score:
    """What was right, field by field, and every value that was not."""

    layouts: int = 0
    columns: int = 0
    right: int = 0
    # Taken for something else, or taken for anything where a human must be asked.
    guessed: int = 0
    asked: int = 0
    values: int = 0
    answered_values: int = 0
    misses: list[str] = field(default_factory=list)
    wrong_values: list[str] = field(default_factory=list)
    answered_wrong: list[str] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    truly: Counter[str] = field(default_factory=Counter)
    both: Counter[str] = field(default_factory=Counter)

    def by_field(self) -> dict[str, tuple[float, float, int]]:
        """Return precision, recall and how many columns truly are it, per field."""
        return {
            name: (
                self.both[name] / self.taken[name] if self.taken[name] else 1.0,
                self.both[name] / self.truly[name] if self.truly[name] else 1.0,
                self.truly[name],
            )
            for name in self.taken | self.truly
        }


def score(part: str, *, is_disguised: bool = False) -> Score:
    """Score the layouts of a part of the corpus, as they are or with their headers disguised."""
    total = Score()
    for layout in layouts(part):
        # Without headers there is nothing to disguise, and a label belongs to its place.
        if is_disguised and (layout.options.get("header") == "0" or layout.options.get("kind") == "xlsx"):
            continue
        total.layouts += 1
        if is_disguised:
            _score(disguised(layout), total)
            continue
        _score(layout, total)
    return total


def _score(layout: Layout, total: Score) -> None:
    with sheets.open(layout.file(), layout.file_name) as sheet:
        profile = sheets.profile(sheet)
        company = layout.options.get("company", layout.options["currency"].split("+")[0])
        country = layout.options.get("home", layout.options["country"].split("+")[0])
        result = mapping.propose(sheet.layout, profile, company_country=country, company_currency=company)
        if len(result.columns) != len(layout.columns):
            total.misses.append(
                f"{layout.name}: read with {len(result.columns)} columns of {len(layout.columns)}"
            )
            total.columns += len(layout.columns)
            return
        for column, label in zip(result.columns, layout.columns, strict=True):
            is_asked = any(column.index in question.columns for question in result.questions)
            _column(layout, column, label, is_asked, total)
        rows = list(sheet.rows())
        _compare(layout, rows, mapping.compose(result, profile), _open(result), total)
        _after_answers(layout, rows, result, profile, total)


def _column(
    layout: Layout, column: mapping.ColumnMapping, label: Labelled, is_asked: bool, total: Score
) -> None:
    total.columns += 1
    must_ask = label.label.startswith("?")
    expected = label.label.removeprefix("?")
    got = column.field.value if column.field else "-"
    if not must_ask and expected != "-":
        total.truly[expected] += 1
    if not is_asked and got != "-":
        total.taken[got] += 1
    is_right = is_asked if must_ask else (not is_asked and got == expected)
    if is_right:
        total.right += 1
        total.both[got] += 0 if must_ask or got == "-" else 1
        return
    if is_asked:
        total.asked += 1
    else:
        total.guessed += 1
    request = " and asked" if is_asked else ""
    total.misses.append(
        f"{layout.name}: {label.header!r} is {label.label}, taken for {got}{request} ({column.confidence:.2f} {column.reason.code})"
    )


def _open(proposal: mapping.Mapping) -> set[str]:
    """Return the values that a question concerns."""
    fields = {column.index: column.field for column in proposal.columns}
    request: set[str] = set()
    for question in proposal.questions:
        about = {question.field, *(fields[index] for index in question.columns)}
        request |= {str(field) for field in about if field in _VALUES}
        if about & {"amount", "amount_invoiced", "amount_paid"}:
            request.add("amount")
    return request


def _truth(debt: Debt) -> dict[str, Any]:
    return {
        "amount": debt.due,
        "currency": debt.currency,
        "invoice_date": debt.invoice_date.isoformat(),
        "due_date": debt.due_date.isoformat(),
    }


def _compare(
    layout: Layout, rows: list[sheets.Row], composer: mapping.Composer, skipped: set[str], total: Score
) -> None:
    if len(rows) != len(layout.debts):
        total.wrong_values.append(f"{layout.name}: {len(rows)} rows read of {len(layout.debts)}")
        return
    for row, debt in zip(rows, layout.debts, strict=True):
        body, _ = composer.compose(row)
        for name, truth in _truth(debt).items():
            if name in skipped or name not in body:
                continue
            total.values += 1
            if body[name] != truth:
                total.wrong_values.append(f"{layout.name}: {name} {body[name]} is {truth}, line {row.line}")


def _after_answers(
    layout: Layout, rows: list[sheets.Row], proposal: mapping.Mapping, profile: sheets.Profile, total: Score
) -> None:
    """Answer every question as the labels say, and compare again: nothing may be asked or wrong any more."""
    answered = mapping.apply_changes(proposal, _answers(layout, proposal), profile)
    answered = mapping.confirm(answered)
    # What is not in the file stays asked, whoever answers.
    open_still = [question.code for question in answered.questions if not question.code.startswith("missing")]
    if open_still:
        total.answered_wrong.append(f"{layout.name}: still asks {open_still}")
    if len(rows) != len(layout.debts) or not layout.is_whole:
        return
    composer = mapping.compose(answered, profile)
    columns = {label.label.removeprefix("?") for label in layout.columns}
    for row, debt in zip(rows, layout.debts, strict=True):
        body, _ = composer.compose(row)
        for name, truth in _truth(debt).items():
            if name in {"invoice_date", "due_date"} and name not in columns:
                continue
            total.answered_values += 1
            if body.get(name) != truth:
                total.answered_wrong.append(
                    f"{layout.name}: {name} {body.get(name)} is {truth}, line {row.line}"
                )


def _answers(layout: Layout, proposal: mapping.Mapping) -> dict[str, Any]:
    labels = {
        column.index: label.label.removeprefix("?")
        for column, label in zip(proposal.columns, layout.columns, strict=True)
    }
    answers: dict[str, Any] = {
        "columns": {index: None if field == "-" else field for index, field in labels.items()}
    }
    shape = layout.options.get("number", "1234,56")
    mark = {"1.234": ",", "1,234": "."}.get(shape) or ("," if shape[-3] == "," or shape in WHOLE else ".")
    amounts = [index for index, field in labels.items() if field.startswith("amount")]
    dates = [index for index, field in labels.items() if field.endswith("_date")]
    answers["numbers"] = dict.fromkeys(amounts, mark) if layout.options.get("kind") != "xlsx" else {}
    if layout.options.get("kind") != "xlsx" and layout.options.get("date", "dd/mm/yyyy")[0] in "dm":
        order = "mdy" if layout.options.get("date", "").startswith("m") else "dmy"
        answers["dates"] = dict.fromkeys(dates, order)
    if layout.options.get("header") == "0" or any("minus" in label.writer for label in layout.columns):
        answers["units"] = {
            column.index: "negated"
            for column, label in zip(proposal.columns, layout.columns, strict=True)
            if label.writer.endswith("minus")
        }
    for question in proposal.questions:
        if question.code == "phone_country":
            answers["country"] = layout.options["country"].split("+")[0]
        if question.field == "currency":
            answers["currency"] = layout.options["currency"].split("+")[0]
            if "sign" in question.facts:
                answers.setdefault("signs", {})[question.facts["sign"]] = answers["currency"]
    return answers
