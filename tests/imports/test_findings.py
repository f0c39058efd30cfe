"""What is said of rows and kept of files: nothing changes on the way into the database and out again."""

import io
from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import sheets
from getbill.debts.wire.bodies import NewDebtBody
from getbill.imports import reading_plan
from getbill.imports.findings import domain_suggestions, messages, model
from getbill.imports.findings.model import ImportRow
from getbill.imports.reading_plan import ReadingPlan
from getbill.kit.errors import FieldError, Invalid
from getbill.kit.http.bodies import JsonBody
from getbill.mapping import propose
from getbill.vault import Key

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    st.dates(),
    st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
)


@given(st.lists(CELLS, max_size=8))
def test_cells_come_back_as_they_were(cells: list[sheets.Cell]) -> None:
    key, import_id = Key.new(), uuid4()
    row = ImportRow(
        7, 5, "rejected", [model.from_code("date-far", {"date": "2999-01-01", "years": 10})], cells=cells
    )

    record = {
        "line": 7,
        "index": 5,
        "outcome": "rejected",
        "import_id": import_id,
        "sealed": model.seal_row(import_id, key, row),
        "debt_id": None,
    }

    back = model.open_row(record, key)  # type: ignore[arg-type]
    assert back.cells == cells
    assert [type(cell) for cell in back.cells or ()] == [type(cell) for cell in cells]
    assert back.findings == row.findings


def test_a_plan_comes_back_as_it_was() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Référence", "Nom", "Montant dû", "Échéance"])
    for number in range(5):
        sheet.append([f"F-{number}", f"Jean {number}", 12.5 + number, datetime(2026, 1, 1 + number)])  # noqa: DTZ001 - a workbook's
    content = io.BytesIO()
    book.save(content)
    with sheets.open(content, "debts.xlsx") as resource:
        profile = sheets.profile(resource)
        mapped = propose(resource.layout, profile, company_country="FR", company_currency="EUR")
        plan = ReadingPlan(resource.layout, profile, mapped, (("layout-changed", {"changes": []}),))

    back = ReadingPlan.read(plan.write())

    assert back.layout == plan.layout
    assert back.mapping == plan.mapping
    assert back.profile.columns[2].number == profile.columns[2].number
    assert [column.kinds for column in back.profile.columns] == [
        dict(column.kinds) for column in profile.columns
    ]
    assert back.write() == plan.write()
    assert b"Jean" not in plan.scrubbed().write()


@pytest.mark.parametrize(
    ("domain", "intended"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("hotmal.fr", "hotmail.fr"),
        ("orange.fr", None),
        ("email.com", None),
        ("live.be", None),
        ("martin-conseil.fr", None),
        ("example.com", None),
    ],
)
def test_only_what_is_one_slip_from_a_domain_everybody_knows_is_doubted(
    domain: str, intended: str | None
) -> None:
    assert domain_suggestions.suggest_domain(domain) == intended


@pytest.mark.parametrize("domain", sorted(domain_suggestions._REAL))
def test_a_domain_in_use_is_named_only_where_it_would_be_doubted(
    domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_left_alone = domain_suggestions.suggest_domain(domain) is None
    domain_suggestions.suggest_domain.cache_clear()
    monkeypatch.setattr(domain_suggestions, "_REAL", domain_suggestions._REAL - {domain})

    assert is_left_alone
    assert domain_suggestions.suggest_domain(domain) is not None
    domain_suggestions.suggest_domain.cache_clear()


@given(st.text(max_size=60))
def test_no_mended_address_is_the_one_that_was_refused(text: str) -> None:
    mended = domain_suggestions.suggest_address(text)

    assert mended is None or mended != text


@pytest.mark.parametrize("is_cell", [True, False])
def test_a_column_is_named_in_words_and_a_bodys_field_by_its_name(*, is_cell: bool) -> None:
    (error,) = (item for item in _refused({"amount": None}) if item.pointer == "/amount")

    finding = model.from_error(error, {}, is_cell=is_cell)

    name = "montant" if is_cell else "amount"
    assert finding.message("fr") == f"Le champ « {name} » est obligatoire : la somme due."
    assert finding.message("en") == "The field 'amount' is required: the amount owed."


@pytest.mark.parametrize(
    ("field", "value", "suggestion"),
    [
        ("amount", "12,50", Decimal("12.50")),
        ("amount", "1 234,50", Decimal("1234.50")),
        ("amount", "1,234.50", Decimal("1234.50")),
        ("amount", "12,50 EUR", Decimal("12.50")),
        ("amount", "12,50 \N{EURO SIGN}", Decimal("12.50")),
        # Each of these could be two amounts, another currency's, or none.
        ("amount", "1,234", None),
        ("amount", "1.234", None),
        ("amount", "$12.50", None),
        ("amount", "-12,50", None),
        ("amount", "12,505", None),
        ("amount", "12,50k", None),
        ("amount", "0", None),
        ("due_date", "15/01/2024", "2024-01-15"),
        ("due_date", "01/15/2024", "2024-01-15"),
        ("due_date", "15 janvier 2024", "2024-01-15"),
        ("due_date", "20240115", "2024-01-15"),
        ("due_date", "01/02/2024", None),
        ("due_date", "15/01/24", None),
        ("due_date", "30/02/2024", None),
        ("email", "jean@@gmail,com", "jean@gmail.com"),
        ("country", "France", "FR"),
        ("currency", "\N{EURO SIGN}", "EUR"),
        ("currency", "$", None),
        ("reference", 4711, "4711"),
        ("object", True, None),
    ],
)
def test_a_suggestion_is_made_where_only_one_value_can_be_meant(
    field: str, value: object, suggestion: object
) -> None:
    body = {"currency": "EUR", field: value}
    errors = [item for item in _refused(body) if item.pointer == f"/{field}"]

    (finding,) = (model.from_error(error, body) for error in errors)

    assert (finding.suggestion, type(finding.suggestion)) == (suggestion, type(suggestion))


def _refused(body: dict[str, object]) -> list[FieldError]:
    with pytest.raises(Invalid) as refused:
        JsonBody(NewDebtBody, optional=False).check(body)
    return list(refused.value.errors)


def test_every_sentence_of_an_imports_own_is_in_both_languages() -> None:
    names = "reference line_before debt why domain meant date years status fields customer"
    facts = {name: name for name in names.split()}

    for code in messages.codes():
        said = messages.message_of(code, facts)
        assert said.translated("fr") != said


def test_layouts_of_another_kind_of_file_are_no_change() -> None:
    def layout(*names: str) -> sheets.Layout:
        columns = tuple(
            sheets.Column(number, sheets.letter(number), name) for number, name in enumerate(names)
        )
        return sheets.Layout("csv", columns, 1, 2, len(names))

    assert reading_plan._is_similar(layout("A", "B", "C"), layout("a", "B", "D"))
    assert not reading_plan._is_similar(layout("A", "B", "C"), layout("X", "Y", "C"))


def test_dates_have_a_shape_of_their_own_in_json() -> None:
    assert model.cells_out([date(2026, 1, 2), "x", 1]) == [["2026-01-02"], "x", 1]
