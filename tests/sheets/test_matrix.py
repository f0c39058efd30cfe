"""Every way of writing a table, in every encoding and delimiter, comes back exactly."""

import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

import tables
from getbill import sheets

EVERYWHERE = list(itertools.product(tables.ENCODINGS, tables.DELIMITERS))
WAYS = list(itertools.product({**tables.NUMBERS, **tables.WIDE_NUMBERS}, tables.DATES))


def failures(
    encoding: str, delimiter: str, number: Callable[[Decimal], str], day: Callable[[date], str]
) -> list[str]:
    """Return what of a table was not read as it was written."""
    rows = tables.debts(number, day)
    wrong = []
    with sheets.open(tables.csv_of([tables.HEADER, *rows], encoding, delimiter), "export.csv") as sheet:
        layout = sheet.layout
        if (layout.encoding, layout.delimiter) != (tables.ENCODINGS[encoding], delimiter):
            wrong.append(f"{layout.encoding} {layout.delimiter!r}")
        if list(layout.headers) != tables.HEADER or layout.header_line != 1:
            wrong.append(f"headers {layout.headers}")
        read = [list(row.cells) for row in sheet.rows()]
        if read != rows:
            wrong.append(
                f"cells {[pair for pair in zip(rows, read, strict=False) if pair[0] != pair[1]][:1]}"
            )
            return wrong
        profile = sheets.profile(sheet)
    amount, invoiced, due = (profile.column(index) for index in (4, 5, 6))
    if not (amount.number and amount.number.is_certain):
        wrong.append(f"number {amount.number}")
    elif [sheets.read_number(row[4], amount.number) for row in read] != tables.AMOUNTS:
        wrong.append("amounts")
    for column, days in ((invoiced, tables.INVOICED), (due, tables.DUE)):
        if not (column.date and column.date.is_certain):
            wrong.append(f"date {column.date}")
        elif [sheets.read_date(row[column.column.index], column.date) for row in read] != days:
            wrong.append("dates")
    return wrong


@pytest.mark.parametrize("encoding", tables.ENCODINGS)
def test_any_encoding_with_any_delimiter_and_any_way_of_writing_amounts_is_read_exactly(
    encoding: str,
) -> None:
    missed = {}
    for delimiter, (name, number) in itertools.product(tables.DELIMITERS, tables.NUMBERS.items()):
        if wrong := failures(encoding, delimiter, number, tables.DATES["dd/mm/yyyy"]):
            missed[delimiter, name] = wrong

    assert missed == {}


@pytest.mark.parametrize("day", tables.DATES)
def test_any_way_of_writing_dates_with_any_of_amounts_is_read_exactly(day: str) -> None:
    missed = {}
    for name, number in {**tables.NUMBERS, **tables.WIDE_NUMBERS}.items():
        for delimiter in (";", ","):
            if wrong := failures("utf-8", delimiter, number, tables.DATES[day]):
                missed[delimiter, name] = wrong

    assert missed == {}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_machine(ending: str) -> None:
    rows = tables.debts(tables.NUMBERS["1234,56"], tables.DATES["dd/mm/yyyy"])[:10]
    file = tables.csv_of([tables.HEADER, *rows], lineterminator=ending)

    with sheets.open(file, "export.csv") as sheet:
        assert [(row.line, list(row.cells)) for row in sheet.rows()] == list(enumerate(rows, 2))
