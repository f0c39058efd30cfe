"""An amount is read with its sign, its currency and its size, or it is refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tables
from getbill import sheets
from getbill.sheets.cells import numbers, types

POINT = sheets.NumberShape(".", ",", is_certain=True, why="decimal_seen")
COMMA = sheets.NumberShape(",", " ", is_certain=True, why="decimal_seen")
GERMAN = sheets.NumberShape(",", ".", is_certain=True, why="decimal_seen")


def marked(shape: sheets.NumberShape, marks: str) -> sheets.NumberShape:
    return sheets.NumberShape(shape.decimal, shape.thousands, is_certain=True, why=shape.why, marks=marks)


@pytest.mark.parametrize(
    ("cell", "shape", "number"),
    [
        ("$(75.00)", POINT, "-75.00"),
        ("-$80.00", POINT, "-80.00"),
        ("$-81.00", POINT, "-81.00"),
        ("($82.00)", POINT, "-82.00"),
        ("83.00-$", POINT, "-83.00"),
        ("USD (84.00)", POINT, "-84.00"),
        ("(USD 84.00)", POINT, "-84.00"),
        ("84.00- EUR", POINT, "-84.00"),
        ("<75.00>", POINT, "-75.00"),
        ("€ -75,00", COMMA, "-75.00"),
        ("75,00 -€", COMMA, "-75.00"),
        ("\u221275,00", COMMA, "-75.00"),
        ("\u201375,00", COMMA, "-75.00"),
        ("\u201275,00", COMMA, "-75.00"),
        ("\u201175,00", COMMA, "-75.00"),
        ("75,00\u2212", COMMA, "-75.00"),
        ("-12,- €", COMMA, "-12"),
        ("+75", COMMA, "75"),
        ("- €", COMMA, "0"),
        ("$   -  ", POINT, "0"),
        ("12.500 F CFA", GERMAN, "12500"),
        ("75 EUR", COMMA, "75"),
        ("75 (EUR)", COMMA, "75"),
        ("EUR 12,00 EUR", COMMA, "12.00"),
        ("$84.00 USD", POINT, "84.00"),
        # The words of credits and debits; their letters only where the column shows both.
        ("5,000.00 Cr", POINT, "-5000.00"),
        ("5,000.00 CR.", POINT, "-5000.00"),
        ("₹ 5,000.00 Cr", POINT, "-5000.00"),
        ("₹ 2.50 Cr", marked(POINT, "cd"), "-2.50"),
        ("Cr 5,000.00", POINT, "-5000.00"),
        ("5,000.00 Dr", POINT, "5000.00"),
        ("1.234,50 Haben", GERMAN, "-1234.50"),
        ("1.234,50 Soll", GERMAN, "1234.50"),
        ("5,000.00 C", marked(POINT, "cd"), "-5000.00"),
        ("5,000.00 D", marked(POINT, "cd"), "5000.00"),
        ("120,00 H", marked(COMMA, "hs"), "-120.00"),
        ("120,00 S", marked(COMMA, "hs"), "120.00"),
        ("S 120,00", marked(COMMA, "hs"), "120.00"),
        ("120,00 H", marked(COMMA, "dh"), "-120.00"),
        # Magnitudes.
        ("10,5 k€", COMMA, "10500"),
        ("10.5K", POINT, "10500"),
        ("2 M€", COMMA, "2000000"),
        ("T€ 10,5", COMMA, "10500"),
        ("10,5 TEUR", COMMA, "10500"),
        ("1.2 Mio", POINT, "1200000"),
        ("3 lakh", POINT, "300000"),
        ("-1,5 Tsd. €", COMMA, "-1500"),
        # Groups.
        ("1,18,000.00", POINT, "118000.00"),
        ("12,34,56,789.00", POINT, "123456789.00"),
        ("Rs. 5,000/-", POINT, "5000"),
        ("1,2345,6789", POINT, "123456789"),
        ("12\u2019345.00", POINT, "12345.00"),
        ("1 234,567", POINT, "1234.567"),
        ("Fr.100", COMMA, "100"),
        ("€ 80,00=", COMMA, "80.00"),
        ("\uff11\uff12\uff0c\uff15\uff10\uff10円", POINT, "12500"),
        # What a spreadsheet or a program leaves around a cell.
        ("'1200.50", POINT, "1200.50"),
        ("\u20191200.50", POINT, "1200.50"),
        ("'-80.00", POINT, "-80.00"),
        ('="120.00"', POINT, "120.00"),
        ("120.00;", POINT, "120.00"),
        ("\ufeff12.00\u200b", POINT, "12.00"),
        ("80.10000000000001", POINT, "80.10"),
        (80.10000000000001, POINT, "80.10"),
        (1234.5600000001, POINT, "1234.56"),
        (12.345, POINT, "12.345"),
        (12.3400001526, POINT, "12.34"),
        (12.3456, POINT, "12.3456"),
        (1234567890, POINT, "1234567890"),
        ("12.34567", POINT, "12.34567"),
    ],
)
def test_an_amount_is_read_with_all_that_stands_around_it(
    cell: sheets.Cell, shape: sheets.NumberShape, number: str
) -> None:
    assert sheets.read_number(cell, shape) == Decimal(number)


@pytest.mark.parametrize(
    ("cell", "shape", "code"),
    [
        ("-(75)", POINT, "sign_unclear"),
        ("-$(75)", POINT, "sign_unclear"),
        ("- 75 -", POINT, "sign_unclear"),
        ("+(75)", POINT, "sign_unclear"),
        ("-75 Cr", POINT, "sign_unclear"),
        ("(75) Dr", POINT, "sign_unclear"),
        ("+75 Cr", POINT, "sign_unclear"),
        ("75 C", POINT, "sign_unclear"),
        ("75 H", marked(POINT, "h"), "sign_unclear"),
        ("75 S", POINT, "sign_unclear"),
        ("500,00 K", COMMA, "sign_unclear"),
        ("10 K", marked(POINT, "d"), "sign_unclear"),
        ("₹ 2.5 Cr", POINT, "magnitude_unclear"),
        ("2 M", POINT, "magnitude_unclear"),
        ("2M$", POINT, "magnitude_unclear"),
        ("€2m", POINT, "magnitude_unclear"),
        ("10 T", POINT, "magnitude_unclear"),
        ("EUR.50", POINT, "number_invalid"),
        ("- - €", POINT, "number_invalid"),
        ("+ €", POINT, "number_invalid"),
        ("[75.00]", POINT, "number_invalid"),
        ("(75.00", POINT, "number_invalid"),
        ("75.00)", POINT, "number_invalid"),
        ("\u2014 75", POINT, "number_invalid"),
        ("$84.00 EUR", POINT, "number_invalid"),
        ("10,5 '000", COMMA, "number_invalid"),
        ("1_000", POINT, "number_invalid"),
        ("12 %", POINT, "number_invalid"),
        ("12€50", COMMA, "number_invalid"),
        ("VRAI", COMMA, "number_invalid"),
        ("cent euros", COMMA, "number_invalid"),
        ("#DIV/0!", COMMA, "formula_error"),
        ("1,234", COMMA, "number_ambiguous"),
    ],
)
def test_what_leaves_an_amount_open_is_refused(cell: str, shape: sheets.NumberShape, code: str) -> None:
    if code == "number_ambiguous":
        shape = sheets.NumberShape(".", "", is_certain=True, why="decimal_seen")
    with pytest.raises(sheets.CellWrong) as refused:
        sheets.read_number(cell, shape)

    assert refused.value.code == code
    assert refused.value.suggestion is None


@pytest.mark.parametrize(
    ("cell", "suggestion"),
    [
        ("12,50 TTC", "12,50"),
        ("(75) € TTC", "(75) €"),
        ("env. 75 USD", "75 USD"),
        ("1,5 k€ TTC", "1,5 k€"),
        ("-12,50 TTC", None),
        ("75 remboursé", None),
        ("moins 75", None),
        ("75 thalers", None),
        ("75 grand", None),
        ("75 C TTC", None),
    ],
)
def test_a_suggestion_is_the_same_amount_or_there_is_none(cell: str, suggestion: str | None) -> None:
    with pytest.raises(sheets.CellWrong) as refused:
        sheets.read_number(cell, COMMA)

    assert refused.value.suggestion == suggestion


def lakhs(amount: Decimal) -> str:
    whole, cents = f"{amount:.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, at - 2) : at] for at in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail]) + f".{cents}"


@pytest.mark.parametrize(
    "text", ["C00123", "D-00013", "K12", "CR2024", "12 B", "12 C", "T-1", "A 12", "S100"]
)
def test_a_code_of_a_letter_and_digits_is_no_amount(text: str) -> None:
    assert sheets.CellKind.NUMBER not in types.kinds_of(text)


@pytest.mark.parametrize(
    "text", ["5,000 Cr", "5,000 Dr", "3 lakh", "120,00 H", "120,00S", "10 k€", "€ 10K", "- €"]
)
def test_an_amount_with_its_mark_is_a_number(text: str) -> None:
    assert sheets.CellKind.NUMBER in types.kinds_of(text)


STYLES = [
    tables.grouped(*style)
    for style in (
        (",", ""),
        (".", ""),
        (".", ","),
        (",", "."),
        (",", " "),
        (",", "\u202f"),
        (".", "'"),
        (".", "\u2019"),
    )
]
STYLES.append(lakhs)
CURRENCIES = ["€", "$", "EUR", "USD", "CHF", "kr", "£", "Fr.", "zł", "FCFA", "US$", "₦"]
MINUSES = ["-", "\u2212", "\u2013", "\u2012", "\u2011"]
NEGATIVE = [
    "{minus}{number}", "{number}{minus}", "{number} {minus}", "({number})", "<{number}>",
    "{minus}{currency}{number}", "{minus} {currency} {number}", "{currency}{minus}{number}",
    "{currency} {minus}{number}", "{currency}({number})", "({currency} {number})", "({number} {currency})",
    "{number}{minus}{currency}", "{number} {currency}{minus}", "{number} Cr", "{currency} {number} CR",
]  # fmt: skip
POSITIVE = ["{number}", "+{number}", "{currency}{number}", "{number} {currency}", "{currency} {number}", "{number} Dr"]  # fmt: skip
# What leaves an amount as it is, and what is a second sign to one below zero.
AROUND = ["{}", "'{}", " {} ", '="{}"', "{};", "\ufeff{}"]
SECOND = ["-{}", "{}-", "({})", "<{}>", "{} Cr", "{} C", "H {}"]

written = st.tuples(
    st.decimals(0, 10**9, places=2),
    st.sampled_from(STYLES),
    st.sampled_from([*NEGATIVE, *POSITIVE]),
    st.sampled_from(MINUSES),
    st.sampled_from(CURRENCIES),
)


def text_of(case: tuple[Decimal, Callable[[Decimal], str], str, str, str]) -> tuple[str, Decimal]:
    """Return an amount as somebody writes it, and the amount."""
    amount, write, form, minus, currency = case
    text = form.format(number=write(amount), minus=minus, currency=currency)
    return text, -amount if form in NEGATIVE else amount


def shape_of(case: tuple[Decimal, Callable[[Decimal], str], str, str, str]) -> sheets.NumberShape:
    shape = numbers.decide_number_shape([(numbers.body_of(case[1](Decimal("1234.50"))) or "", 1)])
    assert shape is not None
    return shape


def read_or_suggested(text: str, shape: sheets.NumberShape) -> tuple[Decimal | None, str | None]:
    try:
        return sheets.read_number(text, shape), None
    except sheets.CellWrong as refused:
        return None, refused.suggestion


@given(written, st.sampled_from(AROUND))
def test_an_amount_reads_as_itself_in_every_notation(case: Any, around: str) -> None:
    text, value = text_of(case)

    assert sheets.read_number(around.format(text), shape_of(case)) == value
    if "{currency}" in case[2]:
        beside = sheets.currency_beside(around.format(text))
        assert sheets.currencies_of(beside) == sheets.currencies_of(case[4])


@given(written, st.sampled_from(SECOND))
def test_a_second_sign_is_read_as_neither(case: Any, around: str) -> None:
    text, value = text_of(case)
    read, suggestion = read_or_suggested(around.format(text), shape_of(case))

    assert suggestion is None
    # The only sign, of an amount that had none.
    assert read is None or (case[2] in POSITIVE and read == -value)


@given(written, st.sampled_from(["k", "Mio", "K", "M", "T", "m", "lakh", "TTC", "env.", "%", "x", "'000"]))
def test_a_word_behind_an_amount_never_changes_it_unnoticed(case: Any, word: str) -> None:
    text, value = text_of(case)
    factors = {"k": 10**3, "K": 10**3, "T": 10**3, "Mio": 10**6, "M": 10**6, "lakh": 10**5}
    read, suggestion = read_or_suggested(f"{text} {word}", shape_of(case))

    assert read is None or read == value * factors[word]
    if suggestion is not None:
        assert word in {"TTC", "env."}
        assert sheets.read_number(suggestion, shape_of(case)) == value
