"""A person's answers: which fields a question concerns, and the one PUT that answers all questions of a file.

Everything is taken from the layout, by the question's code; a code that is not known here is a fault of the scoring or
of the API, and is reported.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from getbill.mapping import Field
from testbed.corpus.exports.layout import Layout

Shown = Mapping[str, Any]
Changes = dict[str, dict[str, Any] | str | list[str]]

# What is scored, with the columns that it comes from. `rows` stands for which rows are debts at all.
SCORED = (
    "reference", "name", "amount", "currency", "due_date", "invoice_date", "email", "phone", "postal_code", "city",
    "country",
)  # fmt: skip
ROWS = "rows"
_COLUMNS = {
    "reference": (Field.REFERENCE, Field.INVOICE_REFERENCE),
    "name": (
        Field.NAME,
        Field.FIRST_NAME,
        Field.LAST_NAME,
        Field.COMPANY,
        Field.CIVILITY,
        Field.DEBTOR_REFERENCE,
    ),
    "amount": (Field.AMOUNT, Field.AMOUNT_INVOICED, Field.AMOUNT_PAID),
    "currency": (Field.CURRENCY,),
    "due_date": (Field.DUE_DATE,),
    "invoice_date": (Field.INVOICE_DATE,),
    "email": (Field.EMAIL,),
    "phone": (Field.PHONE, Field.MOBILE),
    "postal_code": (Field.POSTAL_CODE, Field.POSTAL_CITY, Field.ADDRESS),
    "city": (Field.CITY, Field.POSTAL_CITY, Field.ADDRESS),
    "country": (Field.COUNTRY, Field.ADDRESS),
}
# What a question concerns beside its field and its columns.
_BESIDE = {
    "row_status": {ROWS, "amount"},
    "negative_amounts": {ROWS, "amount"},
    "instalments": {ROWS, "reference", "due_date", "amount"},
    "reference_repeats": {ROWS, "reference"},
    "phone_country": {"phone", "country"},
    "amount_unit": {"amount"},
}
# An answer that is missing in the layout is the company's own way.
_DATE = "dmy"


def scored_as(column_field: str | None) -> set[str]:
    """Return what a column of this field is scored as: a whole address is three things."""
    return {name for name, columns in _COLUMNS.items() if column_field in columns}


def concerns(layout: Layout, mapping: Shown) -> set[str]:
    """Return what the open questions of a mapping concern."""
    return {name for question in mapping["questions"] for name in _concerned(layout, mapping, question)}


def _concerned(layout: Layout, mapping: Shown, question: Shown) -> set[str]:
    names = scored_as(question["field"]) | _BESIDE.get(question["code"], set())
    if question["field"] == "row_status":
        names |= _BESIDE["row_status"]
    for column in _columns(mapping, question):
        names |= scored_as(column["field"]) | scored_as(_label(layout, column))
        if layout.statuses(column["header"], column["letter"]) is not None:
            names |= _BESIDE["row_status"]
    return names


def answers(layout: Layout, mapping: Shown) -> tuple[Changes, list[str]]:
    """Return the changes that answer every question of a mapping, and what nobody could answer."""
    changes: Changes = {}
    faults = []
    for question in mapping["questions"]:
        answer = _ANSWERS.get(question["code"])
        if answer is None:
            faults.append(f"unknown question {question['code']}: {question.get('message')}")
            answer = _name_columns
        has_answer = False
        for key, value in answer(layout, mapping, question):
            has_answer = True
            if isinstance(value, dict):
                part = changes.setdefault(key, {})
                assert isinstance(part, dict)
                part.update(value)
            else:
                changes[key] = value
        if not has_answer and question["proposed"] is None:
            faults.append(f"nothing answers {question['code']}: {question.get('message')}")
    return changes, faults


Answer = Callable[[Layout, Shown, Shown], Iterator[tuple[str, Any]]]


def _columns(mapping: Shown, question: Shown) -> list[Shown]:
    return [column for column in mapping["columns"] if column["index"] in question["columns"]]


def _label(layout: Layout, column: Shown) -> Field | None:
    return layout.label(column["header"], column["letter"])


def _name_columns(layout: Layout, mapping: Shown, question: Shown) -> Iterator[tuple[str, Any]]:
    """Say what the question's columns are, and which column is the field that it is about."""
    concerned = {column["index"] for column in _columns(mapping, question)}
    field = question["field"]
    group = {name for columns in _COLUMNS.values() if field in columns for name in columns} | {field}
    for column in mapping["columns"]:
        label = _label(layout, column)
        if column["index"] in concerned or (label in group and label != column["field"]):
            yield "columns", {str(column["index"]): label}


def _name_reference(layout: Layout, mapping: Shown, question: Shown) -> Iterator[tuple[str, Any]]:
    """Say which column is the reference; where a file has none, the customer's code or what the layout names is."""
    labels = {column["index"]: _label(layout, column) for column in mapping["columns"]}
    if set(labels.values()) & set(_COLUMNS["reference"]):
        yield from _name_columns(layout, mapping, question)
        return
    is_named = False
    for column in mapping["columns"]:
        stand_in = layout.stand_ins.get(column["header"].strip().casefold())
        if stand_in == Field.REFERENCE or (
            not layout.stand_ins and labels[column["index"]] == Field.DEBTOR_REFERENCE
        ):
            is_named = True
            yield "columns", {str(column["index"]): Field.REFERENCE}
    if not is_named:
        # What tells the rows of such a file apart: whose they are, and of when.
        parts = {*_COLUMNS["name"], Field.OBJECT, Field.INVOICE_DATE, Field.DUE_DATE} - {Field.CIVILITY}
        yield "reference_from", [str(index) for index, label in labels.items() if label in parts]


def _unless_right(layout: Layout, mapping: Shown, question: Shown) -> Iterator[tuple[str, Any]]:
    """Confirm what is proposed, unless a column is something else."""
    if any(_label(layout, column) != column["field"] for column in _columns(mapping, question)):
        yield from _name_columns(layout, mapping, question)


def _by_column(key: str, answer: Callable[[Layout, Shown], Any]) -> Answer:
    def give(layout: Layout, mapping: Shown, question: Shown) -> Iterator[tuple[str, Any]]:
        for column in _columns(mapping, question):
            yield key, {str(column["index"]): answer(layout, column)}

    return give


def _number(layout: Layout, _: Shown) -> str:
    return str(layout.answers.get("number", "," if layout.country != "GB" else "."))


def _date(layout: Layout, _: Shown) -> str:
    return str(layout.answers.get("date", _DATE))


def _turned(layout: Layout, _: Shown) -> str:
    return str(layout.answers.get("dates", "turned"))


def _unit(layout: Layout, column: Shown) -> str | None:
    units: Mapping[str, str] = layout.answers.get("units", {})
    folded = {key.strip().casefold(): unit for key, unit in units.items()}
    return folded.get(column["header"].strip().casefold()) or folded.get(column["letter"].casefold())


def _currency(layout: Layout, _mapping: Shown, question: Shown) -> Iterator[tuple[str, Any]]:
    due = Counter(truth.values["currency"] for truth in layout.debts if "currency" in truth.values)
    usual = due.most_common(1)[0][0] if due else layout.currency
    code = str(layout.answers.get("currency", usual))
    if sign := question["facts"].get("sign"):
        yield "signs", {sign: code}
    else:
        yield "currency", code


def _country(layout: Layout, _mapping: Shown, _question: Shown) -> Iterator[tuple[str, Any]]:
    yield "country", str(layout.answers.get("country", layout.country))


def _row_status(layout: Layout, mapping: Shown, question: Shown) -> Iterator[tuple[str, Any]]:
    for column in _columns(mapping, question):
        statuses = layout.statuses(column["header"], column["letter"])
        # Where the layout knows no states, every row is a debt whatever the column says.
        of_file = {str(value["value"]): "open" for value in question["facts"].get("values", ())}
        yield "row_status", {str(column["index"]): statuses or of_file}


def _instalments(layout: Layout, _mapping: Shown, _question: Shown) -> Iterator[tuple[str, Any]]:
    yield "instalments", str(layout.answers.get("instalments", "split"))


_ANSWERS: dict[str, Answer] = {
    **dict.fromkeys(
        ("which_amount", "missing_amount", "missing_name", "which_field", "amount_or_invoiced",
         "contents_changed", "iban_whose"),
        _name_columns,
    ),
    **dict.fromkeys(
        ("reference_repeats", "invoiced_only", "tax_included", "amounts_disagree"), _unless_right
    ),
    **dict.fromkeys(("number_format", "number_format_changed"), _by_column("numbers", _number)),
    **dict.fromkeys(("date_order", "date_order_changed"), _by_column("dates", _date)),
    "dates_turned": _by_column("dates", _turned),
    **dict.fromkeys(("currency_sign", "currency_unstated", "currencies_differ", "currency_changed"), _currency),
    **dict.fromkeys(("negative_amounts", "amount_unit"), _by_column("units", _unit)),
    "missing_reference": _name_reference,
    "phone_country": _country,
    "row_status": _row_status,
    "instalments": _instalments,
}  # fmt: skip
