"""The scoring of real exports: it must see what is wrong, and answer as the layout says."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from testbed.corpus.exports import Layout, LayoutWrong, Truth, read
from testbed.corpus.exports.answers import answers
from testbed.corpus.exports.files import file_of
from testbed.corpus.exports.judge import MISSING, QUESTIONED, REPORTED, RIGHT, WRONG, judge
from testbed.corpus.exports.upload import Exchange

_LAYOUTS = Path(__file__).parent / "layouts"


def _layout(name: str) -> Layout:
    return read(_LAYOUTS / f"{name}.toml")


def _debt(truth: Truth, number: int) -> dict[str, Any]:
    """The debt that is as its truth has it."""
    value = truth.get
    address = {name: value(name) for name in ("postal_code", "city", "country")}
    debtor = {
        "id": f"debtor_{number}",
        "name": value("name"),
        "email": value("email"),
        "phone": value("phone"),
    }
    debtor |= {"company": None, "first_name": None, "last_name": None, "address": address}
    answer = {name: value(name) for name in ("reference", "currency", "due_date", "invoice_date")}
    return {**answer, "invoice_reference": None, "balance": value("amount"), "debtor": debtor}


def _exchange(layout: Layout, **changes: Any) -> Exchange:
    mapping = {"columns": [_column(1, "Client", "name"), _column(5, "Restant dû", "amount")]}
    exchange = Exchange(
        layout, "key", "import_1", {"state": "completed", "doing": None, "waiting_for": None}, mapping
    )
    exchange.debts = [_debt(truth, number) for number, truth in enumerate(layout.debts)]
    for name, value in changes.items():
        setattr(exchange, name, value)
    return exchange


def _column(index: int, header: str, field: str | None) -> dict[str, Any]:
    return {"index": index, "letter": "ABCDEFGH"[index], "header": header, "field": field}


def _finding(line: int, letter: str | None, outcome: str) -> dict[str, Any]:
    return {"line": line, "letter": letter, "column": "Restant dû", "code": "odd", "outcome": outcome}


def _debtors(first: str, second: str) -> Callable[[list[dict[str, Any]]], None]:
    def change(debts: list[dict[str, Any]]) -> None:
        debts[0]["debtor"]["id"], debts[1]["debtor"]["id"] = first, second

    return change


def _first(**values: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(debts: list[dict[str, Any]]) -> None:
        for name, value in values.items():
            (debts[0] if name in debts[0] else debts[0]["debtor"])[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "exchange", "name", "outcome", "wrong"),
    [
        (lambda _: None, {}, "amount", RIGHT, 0),
        (_first(name="DUCHÊNE  élodie"), {}, "name", RIGHT, 0),
        (_first(name="SARL", first_name="Élodie", last_name="Duchêne"), {}, "name", RIGHT, 0),
        (_first(name="Théo Lefèvre"), {}, "name", WRONG, 1),
        (_first(balance="1.00"), {}, "amount", WRONG, 1),
        (_first(balance="1.00"), {"concerned": {"amount"}}, "amount", QUESTIONED, 0),
        (_first(balance="1.00"), {"findings": [_finding(2, "F", "warned")]}, "amount", REPORTED, 0),
        (_first(balance="1.00"), {"findings": [_finding(2, "B", "warned")]}, "amount", WRONG, 1),
        (_first(balance="1.00"), {"findings": [_finding(3, "F", "warned")]}, "amount", WRONG, 1),
        (_first(phone="+33612345678"), {}, "phone", WRONG, 1),
        (_first(due_date=None), {}, "due_date", MISSING, 0),
        (lambda debts: debts.pop(), {}, "amount", MISSING, 1),
        (lambda debts: debts.pop(), {"findings": [_finding(3, None, "rejected")]}, "amount", REPORTED, 0),
        (
            lambda debts: debts.append({**debts[0], "reference": "F-3", "balance": "80"}),
            {},
            "amount",
            RIGHT,
            1,
        ),
        (_debtors("same", "same"), {}, "name", RIGHT, 1),
    ],
)
def test_what_is_wrong_is_seen(
    change: Callable[[list[dict[str, Any]]], Any],
    exchange: Mapping[str, Any],
    name: str,
    outcome: str,
    wrong: int,
) -> None:
    item = _exchange(_layout("semicolons"), **exchange)
    change(item.debts)
    verdict = judge(item)
    assert verdict.outcomes[name][outcome] > 0
    assert verdict.wrong == wrong
    assert bool(verdict.misses) == (wrong > 0 or outcome != RIGHT)


def test_a_debt_questioned_and_wrong_all_the_same_is_counted() -> None:
    exchange = _exchange(_layout("semicolons"), concerned={"amount"})
    _first(balance="1.00")(exchange.debts)
    assert judge(exchange).wrong_after_answers == 1


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        ({"code": "which_amount", "columns": [3, 4], "field": "amount"}, {"columns": {"3": None, "4": "amount"}}),
        ({"code": "missing_amount", "field": "amount"}, {"columns": {"4": "amount"}}),
        ({"code": "date_order", "columns": [2]}, {"dates": {"2": "dmy"}}),
        ({"code": "number_format", "columns": [4]}, {"numbers": {"4": "."}}),
        ({"code": "negative_amounts", "columns": [4], "field": "amount"}, {"units": {"4": None}}),
        ({"code": "currency_unstated", "field": "currency"}, {"currency": "EUR"}),
        ({"code": "currency_sign", "field": "currency", "facts": {"sign": "$"}}, {"signs": {"$": "EUR"}}),
        ({"code": "phone_country", "field": "phone"}, {"country": "FR"}),
        ({"code": "instalments"}, {"instalments": "split"}),
        ({"code": "invoiced_only", "columns": [4], "field": "amount", "proposed": "amount"}, {"columns": {"4": "amount"}}),
    ],
    ids=lambda value: value.get("code"),
)  # fmt: skip
def test_a_question_is_answered_as_the_layout_says(question: dict[str, Any], changes: dict[str, Any]) -> None:
    whole = {"columns": [], "field": None, "facts": {}, "proposed": None, "message": "?"} | question
    columns = [
        _column(2, "Due date", "due_date"),
        _column(3, "Amount", "amount"),
        _column(4, "Total", "amount_invoiced"),
    ]
    sent, faults = answers(_layout("two_amounts"), {"columns": columns, "questions": [whole]})
    assert (sent, faults) == (changes, [])


def test_states_are_answered_value_by_value() -> None:
    question = {"code": "row_status", "columns": [6], "field": None, "facts": {}, "proposed": None}
    mapping = {"columns": [_column(6, "Statut", None)], "questions": [question]}
    sent, faults = answers(_layout("semicolons"), mapping)
    assert sent == {"row_status": {"6": {"En retard": "open", "Payée": "paid"}}}
    assert not faults


def test_an_unknown_question_is_a_fault() -> None:
    question = {"code": "whatever", "columns": [], "field": None, "facts": {}, "proposed": "x"}
    assert answers(_layout("semicolons"), {"columns": [], "questions": [question]})[1]


def test_a_workbook_has_the_cells_of_its_layout() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(file_of(_layout("workbook")))).active
    assert sheet is not None
    assert [str(area) for area in sheet.merged_cells.ranges] == ["A3:A4"]
    assert [cell.value for cell in sheet[2]][3:] == [410.25, "true"]
    assert (sheet["A3"].value, sheet["A4"].value, sheet["E3"].value) == ("Mara Quill", None, True)
    assert sheet["C2"].is_date
    assert sheet["D2"].number_format == "#,##0.00 [$€-40C]"
    assert sheet.row_dimensions[2].hidden


def test_a_line_may_be_of_another_encoding() -> None:
    lines = file_of(_layout("semicolons")).split(b"\r\n")
    assert "Théo Lefèvre".encode("cp1252") in lines[2]
    assert "Théo Lefèvre".encode() in lines[3]


def test_a_layout_of_another_form_is_refused(tmp_path: Path) -> None:
    text = (_LAYOUTS / "workbook.toml").read_text("utf-8")
    for wrong in (text.replace('"reference"', '"refrence"'), text.replace("hidden_rows", "hidden"), text.replace("line = 2\n", "")):  # fmt: skip
        (tmp_path / "wrong.toml").write_text(wrong, "utf-8")
        with pytest.raises(LayoutWrong):
            read(tmp_path / "wrong.toml")
