"""What numbers, dates, encodings and tables keep whatever is in them."""

import codecs
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tables
from getbill import sheets
from getbill.sheets import messages
from getbill.sheets.cells import dates, numbers
from getbill.sheets.files import encodings

COMMA = sheets.NumberShape(",", " ", is_certain=True, why="decimal_seen")
POINT = sheets.NumberShape(".", ",", is_certain=True, why="decimal_seen")
GERMAN = sheets.NumberShape(",", ".", is_certain=True, why="decimal_seen")
DMY = sheets.DateShape("dmy", is_certain=True, why="day_above_12")
MDY = sheets.DateShape("mdy", is_certain=True, why="day_above_12")
FORMAT_REASONS = {
    *(
        "decimal_seen",
        "decimal_ambiguous",
        "mixed_decimals",
        "whole_numbers",
        "typed",
        "other_columns",
        "serials",
    ),
    *(
        "day_above_12",
        "year_first",
        "all_agree",
        "years_close",
        "order_ambiguous",
        "mixed_orders",
        "half_converted",
    ),
}

amounts = st.decimals(0, 10**9, places=2)
days = st.dates(date(1901, 1, 1), date(2150, 12, 31))
# Text of any script, without what no spreadsheet keeps in a cell; a cell's outer spaces are not kept either.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff"), min_size=1, max_size=20).map(
    str.strip
)


@pytest.mark.parametrize(
    ("cell", "shape", "number"),
    [
        ("1234,56", COMMA, "1234.56"),
        ("1 234,56", COMMA, "1234.56"),
        ("1\u00a0234\u202f567,89 €", COMMA, "1234567.89"),
        (" 12,5 ", COMMA, "12.5"),
        ("€ 1,234.56", POINT, "1234.56"),
        ("US$1,234.56", POINT, "1234.56"),
        ("1.234,56-", GERMAN, "-1234.56"),
        ("(12,50)", COMMA, "-12.50"),
        ("\u2212 5,00 €", COMMA, "-5.00"),
        ("-5", COMMA, "-5"),
        ("+5", COMMA, "5"),
        ("12,-", COMMA, "12"),
        ("CHF 1'234.50", POINT, "1234.50"),
        ("1.234", GERMAN, "1234"),
        ("1.234", POINT, "1.234"),
        (".5", POINT, "0.5"),
        ("0012,50", COMMA, "12.50"),
        # One way only to read it: the column's slip is no doubt.
        ("12.50", COMMA, "12.50"),
        ("1,5", POINT, "1.5"),
        (12, COMMA, "12"),
        (12.5, COMMA, "12.5"),
    ],
)
def test_numbers_are_read_as_they_were_meant(
    cell: sheets.Cell, shape: sheets.NumberShape, number: str
) -> None:
    assert sheets.read_number(cell, shape) == Decimal(number)


@pytest.mark.parametrize(
    ("cell", "shape", "code", "suggestion"),
    [
        ("1.234", COMMA, "number_ambiguous", None),
        ("12 50", COMMA, "number_invalid", None),
        ("1.2.3", COMMA, "number_invalid", None),
        ("1,2E+11", COMMA, "digits_lost", None),
        ("#N/A", COMMA, "formula_error", None),
        ("#####", COMMA, "formula_error", None),
        ("", COMMA, "cell_empty", None),
        ("  ", COMMA, "cell_empty", None),
        (None, COMMA, "cell_empty", None),
        (True, COMMA, "number_invalid", None),
        ("120 TTC", COMMA, "number_invalid", "120"),
        ("env. 12,50", COMMA, "number_invalid", "12,50"),
        ("12 % de 30", COMMA, "number_invalid", None),
        ("douze", COMMA, "number_invalid", None),
    ],
)
def test_what_is_no_number_or_two_is_refused_with_what_can_be_suggested(
    cell: sheets.Cell, shape: sheets.NumberShape, code: str, suggestion: str | None
) -> None:
    with pytest.raises(sheets.CellWrong) as refused:
        sheets.read_number(cell, shape)

    assert (refused.value.code, refused.value.suggestion) == (code, suggestion)


@given(amounts, st.sampled_from(list({**tables.NUMBERS, **tables.WIDE_NUMBERS}.values())))
def test_an_amount_reads_as_itself_in_the_shape_of_its_column(amount: Decimal, write: object) -> None:
    assert callable(write)
    body = numbers.body_of(write(amount))
    assert body is not None
    shape = numbers.decide_number_shape([(body, 1), (numbers.body_of(write(Decimal("1234.50"))) or "", 1)])
    assert shape is not None

    assert shape.is_certain
    assert sheets.read_number(write(amount), shape) == amount


@given(
    st.lists(amounts, min_size=1, max_size=20),
    st.sampled_from(",."),
    st.sampled_from([" ", ".", ",", "'", ""]),
)
def test_a_column_is_never_certain_of_the_wrong_decimal_sign(
    column: list[Decimal], decimal: str, thousands: str
) -> None:
    assume(decimal != thousands)
    write = tables.grouped(decimal, thousands)
    # Without cents, as whole amounts are often written: the case in which thousands look like decimals.
    written = [write(amount).removesuffix(f"{decimal}00") for amount in column]

    shape = numbers.decide_number_shape((text, 1) for text in written)

    assert shape is not None
    if shape.is_certain:
        for text, amount in zip(written, column, strict=True):
            assert sheets.read_number(text, shape) == amount


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    for shape in (COMMA, POINT, GERMAN):
        try:
            assert isinstance(sheets.read_number(text, shape), Decimal)
        except sheets.CellWrong as wrong:
            assert wrong.message.translated("fr") != ""  # noqa: PT017 - either end is right


@pytest.mark.parametrize(
    ("seen", "shape"),
    [
        (["1.234"], (",", ".", False, "decimal_ambiguous")),
        (["1,234"], (".", ",", False, "decimal_ambiguous")),
        (["1.234", "12.5"], (".", "", True, "decimal_seen")),
        (["1.234", "1.234,5"], (",", ".", True, "decimal_seen")),
        (["1.234.567"], (",", ".", True, "decimal_seen")),
        (["0.125"], (".", "", True, "decimal_seen")),
        (["1234.567"], (".", "", True, "decimal_seen")),
        (["12", "1200"], (",", "", True, "whole_numbers")),
        (["1 234"], (",", " ", True, "whole_numbers")),
        (["12.5", "1,5"], (",", "", True, "mixed_decimals")),
        (["12.5", "1,5", "1.234"], (",", "", False, "mixed_decimals")),
    ],
)
def test_a_column_says_how_it_writes_numbers(seen: list[str], shape: tuple[str, str, bool, str]) -> None:
    result = numbers.decide_number_shape((body, 1) for body in seen)

    assert result is not None
    assert (result.decimal, result.is_certain, result.why) == (shape[0], shape[2], shape[3])


@pytest.mark.parametrize(
    ("cell", "shape", "day"),
    [
        ("02/03/2026", DMY, date(2026, 3, 2)),
        ("02/03/2026", MDY, date(2026, 2, 3)),
        ("2/3/26", DMY, date(2026, 3, 2)),
        ("2. 3. 2026", DMY, date(2026, 3, 2)),
        ("2026-03-02", DMY, date(2026, 3, 2)),
        ("2026/3/2", MDY, date(2026, 3, 2)),
        ("20260302", sheets.DateShape("ymd", is_certain=True, why="year_first"), date(2026, 3, 2)),
        ("02032026", DMY, date(2026, 3, 2)),
        ("2 janv. 2026", DMY, date(2026, 1, 2)),
        ("1er mars 2026", DMY, date(2026, 3, 1)),
        ("15 août 2026", DMY, date(2026, 8, 15)),
        ("lundi 2 mars 2026", DMY, date(2026, 3, 2)),
        ("2. März 2026", DMY, date(2026, 3, 2)),
        ("January 2, 2026", DMY, date(2026, 1, 2)),
        ("02-Jan-26", DMY, date(2026, 1, 2)),
        ("2 de marzo de 2026", DMY, date(2026, 3, 2)),
        ("2 gennaio 2026", DMY, date(2026, 1, 2)),
        ("2 mei 2026", DMY, date(2026, 5, 2)),
        ("2026-03-02T10:00:00Z", DMY, date(2026, 3, 2)),
        ("02/03/2026 14h30", DMY, date(2026, 3, 2)),
        ("2/3/2026 2:30 PM", MDY, date(2026, 2, 3)),
        ("31/12/69", DMY, date(1969, 12, 31)),
    ],
)
def test_dates_are_read_as_they_were_meant(cell: str, shape: sheets.DateShape, day: date) -> None:
    assert sheets.read_date(cell, shape) == day


@pytest.mark.parametrize(
    ("cell", "shape", "code", "suggestion"),
    [
        ("31/02/2026", DMY, "date_impossible", None),
        ("12/31/2026", DMY, "date_impossible", "2026-12-31"),
        ("31/12/2026", MDY, "date_impossible", "2026-12-31"),
        ("00/00/0000", DMY, "date_impossible", None),
        ("01/01/0202", DMY, "date_impossible", None),
        ("hier", DMY, "date_invalid", None),
        ("1,5", DMY, "date_invalid", None),
        ("", DMY, "cell_empty", None),
        (None, DMY, "cell_empty", None),
        (True, DMY, "date_invalid", None),
        (12, DMY, "date_invalid", None),
    ],
)
def test_what_is_no_date_is_refused_with_what_can_be_suggested(
    cell: sheets.Cell, shape: sheets.DateShape, code: str, suggestion: str | None
) -> None:
    with pytest.raises(sheets.CellWrong) as refused:
        sheets.read_date(cell, shape)

    assert (refused.value.code, refused.value.suggestion) == (code, suggestion)


@pytest.mark.parametrize(
    ("seen", "order", "is_certain", "why"),
    [
        (["02/03/2026", "13/03/2026"], "dmy", True, "day_above_12"),
        (["03/13/2026", "03/02/2026"], "mdy", True, "day_above_12"),
        (["02/03/2026", "04/05/2026"], "dmy", False, "order_ambiguous"),
        (["03/03/2026"], "dmy", True, "all_agree"),
        (["2026-01-02"], "ymd", True, "year_first"),
        (["2 mars 2026"], "dmy", True, "all_agree"),
        (["26-01-02", "26-01-30", "25-12-31", "26-02-15"], "ymd", True, "years_close"),
        (["31-01-26", "15-02-26", "03-03-25"], "dmy", True, "years_close"),
        (["20260102", "20260130"], "ymd", True, "year_first"),
        (["13/01/2026", "01/13/2026"], "dmy", False, "mixed_orders"),
        (["2026-01-02", "01/02/2026"], "dmy", False, "order_ambiguous"),
    ],
)
def test_a_column_says_which_of_day_and_month_stands_first(
    seen: list[str], order: str, is_certain: bool, why: str
) -> None:
    result = dates.decide_date_shape((text, 1) for text in seen)

    assert result is not None
    assert (result.order, result.is_certain, result.why) == (order, is_certain, why)


@given(
    st.lists(days, min_size=1, max_size=12), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y"])
)
def test_a_column_of_dates_is_never_certain_of_the_wrong_order(column: list[date], form: str) -> None:
    written = [day.strftime(form) for day in column]

    shape = dates.decide_date_shape((text, 1) for text in written)

    assert shape is not None
    if shape.is_certain:
        assert [sheets.read_date(text, shape) for text in written] == column


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        assert isinstance(sheets.read_date(text, DMY), date)
    except sheets.CellWrong as wrong:
        assert wrong.message.translated("fr") != ""  # noqa: PT017 - either end is right


def test_a_column_in_doubt_follows_the_others_of_its_file() -> None:
    rows = [
        ["A1", "1.234", "12,50", "02/03/2026", "13/03/2026"],
        ["A2", "2.345", "1,5", "04/05/2026", "14/04/2026"],
    ]
    header = ["Référence", "Facturé", "Reste dû", "Date", "Échéance"]

    with sheets.open(tables.csv_of([header, *rows]), "export.csv") as sheet:
        profile = sheets.profile(sheet)

    assert profile.column(1).number == sheets.NumberShape(",", ".", is_certain=True, why="other_columns")
    assert profile.column(3).date == sheets.DateShape("dmy", is_certain=True, why="other_columns")


@settings(max_examples=60)
@given(
    st.lists(st.lists(texts, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from(tables.DELIMITERS),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_texts_written_as_csv_come_back_as_they_were(
    rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    # A first cell that nothing takes for a header, a total or help, and the layout of an earlier reading.
    numbered = [[f"REF-{at}", *row] for at, row in enumerate(rows)]
    file = tables.csv_of([["reference", "nom", "ville", "note"], *numbered], encoding, delimiter)
    layout = sheets.Layout(
        kind="csv",
        columns=tuple(sheets.Column(at, "ABCD"[at], name) for at, name in enumerate(("reference", "nom", "ville", "note"))),
        header_line=1, data_line=2, width=4, encoding="utf-16" if encoding == "utf-16" else "utf-8",
        delimiter=delimiter, quote='"',
    )  # fmt: skip

    with sheets.open(file, "export.csv", layout=layout) as sheet:
        read = [list(row.cells) for row in sheet.rows()]
        left = sheet.left_out.counts.get("template", 0)

    assert len(read) + left == len(rows)
    if not left:
        assert read == numbered


@given(st.text(st.sampled_from("éèàçêôîûüöäßñ abcdefgABCD'"), min_size=4, max_size=200))
def test_a_text_of_western_letters_is_read_in_the_encoding_it_was_written_in(text: str) -> None:
    written = f"reference;nom\nA1;Hélène Lefèvre est passée à la poste\nA2;{text}\n"

    result = encodings.detect(io.BytesIO(written.encode("cp1252")))

    assert written.encode("cp1252").decode(result.codec) == written


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"plain ascii", "utf-8"),
        ("un seul accent, le dernier : Zoé".encode("cp1252"), "cp1252"),
        ("un seul accent, le dernier : Zoé".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "é".encode(), "utf-8"),
        ("naïve façade à Évreux".encode("mac_roman"), "mac-roman"),
        ("12,50 € — l\u2019échéance".encode("cp1252"), "cp1252"),
        ("12,50 € et cœur, Œuvre".encode("iso8859-15"), "iso8859-15"),
        ("Müller, Größe, Straße".encode("cp850"), "cp850"),
        ("Žaneta Dvořáková, Łódź, příjmení".encode("cp1250"), "cp1250"),
        ("a;b;c\né".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_encodings_are_told_by_what_their_letters_make(content: bytes, name: str) -> None:
    assert encodings.detect(io.BytesIO(content)).name == name


def test_a_letter_far_down_decides_the_encoding_as_well() -> None:
    content = b"reference;nom\n" + b"A1;Dupont\n" * 200_000 + "A2;Hélène Prévôt\n".encode("cp1252")

    assert encodings.detect(io.BytesIO(content)).name == "cp1252"


def test_foreign_lines_in_a_file_of_utf_8_are_read_as_windows_writes_them_and_it_is_said() -> None:
    content = b"reference;nom\n" + "A1;Hélène\n".encode() * 50 + "A2;Zoé\n".encode("cp1252")

    with sheets.open(io.BytesIO(content), "export.csv") as sheet:
        assert [row.cells[1] for row in sheet.rows()][-2:] == ["Hélène", "Zoé"]
        assert [note.code for note in sheet.layout.notes] == ["mixed_encoding"]


def test_a_person_says_the_encoding_and_an_unknown_one_is_refused() -> None:
    content = "reference;nom\nA1;Ж\n".encode("cp1251")

    with sheets.open(io.BytesIO(content), "a.csv", choices=sheets.ReadChoices(encoding="cp1251")) as sheet:
        assert [row.cells[1] for row in sheet.rows()] == ["Ж"]
    for unknown in ("klingon", "base64"):
        with pytest.raises(sheets.Unreadable) as refused:
            sheets.open(io.BytesIO(content), "a.csv", choices=sheets.ReadChoices(encoding=unknown))
        assert refused.value.code == "encoding_unknown"


@pytest.mark.parametrize(
    ("written", "codes"),
    [("€", ("EUR",)), ("eur", ("EUR",)), ("CHF", ("CHF",)), ("Fr.", ("CHF",)), ("£", ("GBP",)), ("?", ())],
)
def test_signs_of_currencies_are_their_codes(written: str, codes: tuple[str, ...]) -> None:
    assert sheets.currencies_of(written) == codes


def test_a_dollar_is_several_currencies() -> None:
    assert len(sheets.currencies_of("$")) > 1


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("FR", "FR"), ("fra", "FR"), ("France", "FR"), ("Allemagne", "DE"), ("Deutschland", "DE"), ("Belgique", "BE"),
        ("Belgien", "BE"), ("ESPAGNE", "ES"), ("Paesi Bassi", "NL"), ("UK", "GB"), ("États-Unis", "US"), ("Narnia", None),
    ],
)  # fmt: skip
def test_countries_are_known_by_code_and_by_name_in_six_languages(written: str, code: str | None) -> None:
    assert sheets.country_of(written) == code


def test_an_impossible_day_hides_no_column_of_days_in_whatever_row_it_stands() -> None:
    for due in (["31/02/2025", "15/03/2025", "28/02/2025"], ["15/03/2025", "28/02/2025", "31/02/2025"]):
        rows = [[f"A{at}", "12,50", day] for at, day in enumerate(due)]
        with sheets.open(tables.csv_of([["Référence", "Montant", "Échéance"], *rows]), "export.csv") as sheet:
            column = sheets.profile(sheet).column(2)

        assert column.date == sheets.DateShape("dmy", is_certain=True, why="day_above_12")
        assert column.kinds[sheets.CellKind.DATE] == 2


def test_eight_digits_that_are_no_days_are_numbers() -> None:
    rows = [
        [f"A{at}", f"{98_000_000 + at * 7}", f"2026{1 + at % 12:02}{1 + at % 28:02}"] for at in range(3_000)
    ]

    with sheets.open(tables.csv_of([["Référence", "Compte", "Date"], *rows]), "export.csv") as sheet:
        profile = sheets.profile(sheet)

    assert profile.column(1).kinds.get(sheets.CellKind.DATE, 0) < 30
    assert profile.column(2).kinds[sheets.CellKind.DATE] == 3_000
    assert profile.column(2).date == sheets.DateShape("ymd", is_certain=True, why="year_first")


def test_the_guide_names_every_refusal_and_every_reason() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "tables.md").read_text("utf-8")

    output = {*messages.UNREADABLE, *messages.CELLS, *FORMAT_REASONS}
    assert {code for code in output if f"`{code}`" not in guide} == set()
