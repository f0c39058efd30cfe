"""Files as creditors export them, made by code: a table of debts in any encoding, delimiter and way of writing."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

import openpyxl

HEADER = [
    "Référence",
    "Nom du débiteur",
    "E-mail",
    "Téléphone",
    "Montant TTC",
    "Date de facture",
    "Échéance",
    "Ville",
]
PEOPLE = [
    ("Zoé Lefèvre", "Orléans"),
    ("François Gérard", "Besançon"),
    ("Müller & Söhne", "Köln"),
    ("Ana Peña", "La Coruña"),
    ("Hélène Noël", "Fréjus"),
    ("Jürgen Groß", "Düsseldorf"),
    ("Benoît Châtelain", "Nîmes"),
    ("Anaïs Prévôt", "Évreux"),
    ("Jean Dupont", "Lyon"),
    ("Mária García", "Málaga"),
    ('La "Belle" Époque; bar, café', "Paris"),
    ("Rue d'Artois\nbureau 2", "Orsay"),
]
AMOUNTS = [
    Decimal(text)
    for text in (
        "1234.56", "12.50", "0.99", "1000.00", "120.00", "98765.43", "1234567.89", "5.05", "300.10", "42.00", "7.70",
        "10000.01",
    )
]  # fmt: skip
INVOICED = [date(2025, 1 + at % 12, 3 + at * 2) for at in range(12)]
DUE = [date(2025 + (at % 12 + 2) // 13, 1 + (at + 1) % 12, 28 - at) for at in range(12)]


def grouped(decimal: str, thousands: str) -> Callable[[Decimal], str]:
    """Return a way to write amounts."""

    def write(amount: Decimal) -> str:
        return f"{amount:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)

    return write


NUMBERS: dict[str, Callable[[Decimal], str]] = {
    "1234.56": grouped(".", ""),
    "1234,56": grouped(",", ""),
    "1,234.56": grouped(".", ","),
    "1.234,56": grouped(",", "."),
    "1 234,56": grouped(",", " "),
    "1 234.56": grouped(".", " "),
    "1_234,56": grouped(",", "\u00a0"),
    "1'234.50": grouped(".", "'"),
    "1 234,56 EUR": lambda amount: f"{grouped(',', ' ')(amount)} EUR",
    "$1,234.56": lambda amount: f"${grouped('.', ',')(amount)}",
    "CHF 1'234.50": lambda amount: f"CHF {grouped('.', chr(39))(amount)}",
}
# Signs that not every encoding has.
WIDE_NUMBERS: dict[str, Callable[[Decimal], str]] = {
    "1\u202f234,56 €": lambda amount: f"{grouped(',', chr(0x202F))(amount)} €",
    "1\u2009234,56": grouped(",", "\u2009"),
    "1\u2019234.50": grouped(".", "\u2019"),
}
MONTHS = ("janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
DATES: dict[str, Callable[[date], str]] = {
    "dd/mm/yyyy": lambda day: f"{day:%d/%m/%Y}",
    "mm/dd/yyyy": lambda day: f"{day:%m/%d/%Y}",
    "yyyy-mm-dd": lambda day: f"{day:%Y-%m-%d}",
    "dd.mm.yyyy": lambda day: f"{day:%d.%m.%Y}",
    "d/m/yy": lambda day: f"{day.day}/{day.month}/{day:%y}",
    "dd-mm-yyyy": lambda day: f"{day:%d-%m-%Y}",
    "yyyymmdd": lambda day: f"{day:%Y%m%d}",
    "yyyy/mm/dd": lambda day: f"{day:%Y/%m/%d}",
    "d mois yyyy": lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    "dd-Mon-yy": lambda day: f"{day:%d-%b-%y}",
    "instant": lambda day: f"{day:%Y-%m-%d}T10:30:00Z",
    "dd/mm/yyyy hh:mm": lambda day: f"{day:%d/%m/%Y} 14:05",
}
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp1252": "cp1252",
    "latin-1": "cp1252",
    "mac_roman": "mac-roman",
    "cp850": "cp850",
}
DELIMITERS = (";", ",", "\t", "|")


def debts(number: Callable[[Decimal], str], day: Callable[[date], str]) -> list[list[str]]:
    """Return the rows of a table of debts, written in these ways."""
    return [
        [
            f"FAC-2025-{at:04d}",
            PEOPLE[at][0],
            f"debiteur{at}@example.com",
            f"06 12 34 5{at % 10} 7{at % 10}",
            number(AMOUNTS[at]),
            day(INVOICED[at]),
            day(DUE[at]),
            PEOPLE[at][1],
        ]
        for at in range(12)
    ]


def csv_of(
    rows: Iterable[Sequence[str]], encoding: str = "utf-8", delimiter: str = ";", lineterminator: str = "\r\n"
) -> io.BytesIO:
    """Return the rows as the bytes of a CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=lineterminator).writerows(rows)
    return io.BytesIO(text.getvalue().encode(encoding))


def xlsx_of(rows: Iterable[Sequence[object]], **sheets: Iterable[Sequence[object]]) -> io.BytesIO:
    """Return the rows as a workbook, with more sheets by name."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Créances"
    for row in rows:
        page.append(list(row))
    for name, rest in sheets.items():
        other = book.create_sheet(name)
        for row in rest:
            other.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out
