"""How a cell of the corpus is written: each writer takes a debt and shows one thing of it as a program would."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from testbed.corpus.people import PLACES, STATES, WHOLE, Debt

Cell = str | int | float | date | None
_MONTHS = {
    "fr": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "de": ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
}
_SIGN = {"EUR": "€", "GBP": "£", "USD": "$", "CHF": "CHF", "CAD": "$", "SEK": "kr"}


class Writer:
    """Writes debts in the way of one layout."""

    def __init__(self, options: dict[str, str]) -> None:
        self.options = options
        self.is_typed = options.get("kind") == "xlsx" and options.get("cells") != "text"

    def cell(self, debt: Debt, how: str) -> Cell:
        """Return a debt's cell, written as `how` says: a writer's name and what it is told."""
        name, _, report = how.partition(" ")
        if name in _AMOUNTS:
            return self._money(_AMOUNTS[name](debt), report, debt)
        if name in _DATES:
            return self._day(_DATES[name](debt), report, debt)
        return _TEXTS[name](debt, report)

    def _money(self, amount: Decimal, message_text: str, debt: Debt) -> Cell:
        if message_text == "blank0" and not amount:
            return ""
        if message_text == "minus":
            amount = -amount
        if message_text == "cents":
            return int(amount * 100) if self.is_typed else str(int(amount * 100))
        if self.is_typed and message_text not in {"sign", "code"}:
            return float(amount)
        text = number(amount, self.options.get("number", "1234,56"))
        if message_text == "sign":
            sign = _SIGN[debt.currency]
            return f"{sign}{text}" if sign in "$£" else f"{text} {sign}"
        return f"{text} {debt.currency}" if message_text == "code" else text

    def _day(self, day: date, text: str, debt: Debt) -> Cell:
        if text == "blank" and debt.n % 5 == 0:
            return ""
        if self.is_typed and not text.startswith("text"):
            return day
        return written(day, self.options.get("date", "dd/mm/yyyy"), debt.place.language)


def number(amount: Decimal, shape: str) -> str:
    """Write an amount as the shape shows."""
    if shape in WHOLE:
        return f"{int(amount):,}".replace(",", shape[1] if len(shape) == 5 else "")
    thousands = shape[1] if not shape[1].isdigit() else ""
    plain = f"{amount:,.2f}"
    return plain.replace(",", "T").replace(".", shape[-3]).replace("T", thousands)


def written(day: date, shape: str, language: str) -> str:
    """Write a date as the shape shows."""
    month = _MONTHS.get(language, _MONTHS["en"])[day.month - 1]
    marks = {
        "yyyy": f"{day.year}", "yy": f"{day.year % 100:02}", "mmm": month, "mm": f"{day.month:02}",
        "dd": f"{day.day:02}", "D": f"{day.day}", "M": f"{day.month}", "_": " ",
    }  # fmt: skip
    return re.sub("|".join(marks), lambda mark: marks[mark[0]], shape)


def _address(debt: Debt, text: str) -> str:
    town = f"{debt.zip} {debt.city}"
    number, street = debt.number, debt.street
    if debt.country == "US":
        return f"{number} {street}, {debt.city}, {STATES[debt.zip]} {debt.zip}"
    if debt.country == "GB":
        return f"{number} {street}, {debt.city} {debt.zip}"
    line = f"{number} {street}" if debt.country in {"FR", "BE"} else f"{street} {number}"
    joined = "\n" if text == "lines" else " " if text == "spaces" else ", "
    return f"{line}{joined}{town}" + (f", {debt.place.name}" if text == "country" else "")


def _line(debt: Debt, _: str) -> str:
    first = debt.country in {"FR", "BE", "GB", "US"}
    return f"{debt.number} {debt.street}" if first else f"{debt.street} {debt.number}"


def _pick(debt: Debt, text: str) -> str:
    return debt.random.choice(text.split(",")).strip()


def _civility(debt: Debt, text: str) -> str:
    words = text.split(",") if text else list(debt.place.civilities)
    return words[2] if debt.is_company and len(words) > 2 else words[0 if debt.is_man else 1]


def _bare(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit())


def _abroad(debt: Debt, _: str) -> str:
    digits = _bare(debt.mobile)
    return debt.place.dialled + (digits if debt.country == "IT" else digits.lstrip("0"))


_SALES = ("Paul Rep", "Nina Vendeur", "Tom Verkauf")
_AMOUNTS: dict[str, Callable[[Debt], Decimal]] = {
    "due": lambda debt: debt.due,
    "invoiced": lambda debt: debt.invoiced,
    "paid": lambda debt: debt.paid,
    "net": lambda debt: debt.net,
    "tax": lambda debt: debt.invoiced - debt.net,
    "foreign": lambda debt: (debt.due * Decimal("1.1")).quantize(Decimal("0.01")),
    "overdue": lambda debt: debt.due if debt.n % 3 else Decimal(0),
    "fee": lambda _: Decimal("40.00"),
    "zero": lambda _: Decimal(0),
    "limit": lambda debt: Decimal(1000 * (debt.n % 5 + 1)),
    "late30": lambda debt: debt.due if debt.n % 2 else Decimal(0),
    "late60": lambda debt: Decimal(0) if debt.n % 2 else debt.due,
}
_DATES: dict[str, Callable[[Debt], date]] = {
    "idate": lambda debt: debt.invoice_date,
    "ddate": lambda debt: debt.due_date,
    "before": lambda debt: debt.invoice_date - timedelta(days=9),
    "after": lambda debt: debt.due_date + timedelta(days=11),
    "born": lambda debt: date(1950 + debt.n % 50, debt.n % 12 + 1, debt.n % 27 + 1),
    "paidon": lambda debt: debt.due_date + timedelta(days=3),
}
_TEXTS: dict[str, Callable[[Debt, str], Any]] = {
    "name": lambda debt, _: debt.name,
    "upper": lambda debt, _: debt.name.upper(),
    "person": lambda debt, _: debt.person,
    "company": lambda debt, _: debt.company,
    "maybe-company": lambda debt, _: debt.company if debt.is_company else "",
    "first": lambda debt, _: debt.first,
    "last": lambda debt, _: debt.last,
    "LAST": lambda debt, _: debt.last.upper(),
    "LAST-first": lambda debt, _: f"{debt.last.upper()} {debt.first}",
    "last,first": lambda debt, _: f"{debt.last}, {debt.first}",
    "civ-name": lambda debt, _: f"{debt.place.civilities[0 if debt.is_man else 1]} {debt.person}",
    "civility": _civility,
    "email": lambda debt, _: debt.email,
    "phone": lambda debt, _: debt.landline,
    "phone-bare": lambda debt, _: _bare(debt.landline),
    "phone-lost": lambda debt, _: _bare(debt.landline).lstrip("0"),
    "mobile": lambda debt, _: debt.mobile,
    "mobile-lost": lambda debt, _: _bare(debt.mobile).lstrip("0"),
    "abroad": _abroad,
    "fax": lambda debt, _: debt.landline[:-1] + "9",
    "street": lambda debt, _: debt.street,
    "line": _line,
    "no": lambda debt, _: debt.number,
    "extra": lambda debt, report: report if debt.n % 4 == 0 else "",
    "zip": lambda debt, _: debt.zip,
    "zip-lost": lambda debt, _: debt.zip.lstrip("0"),
    "city": lambda debt, _: debt.city,
    "CITY": lambda debt, _: debt.city.upper(),
    "zip-city": lambda debt, _: f"{debt.zip} {debt.city}",
    "state": lambda debt, _: STATES.get(debt.zip, ""),
    "address": _address,
    "country": lambda debt, _: debt.country,
    "country-name": lambda debt, _: PLACES[debt.country].name,
    "currency": lambda debt, _: debt.currency,
    "sign": lambda debt, _: _SIGN[debt.currency],
    "invoice": lambda debt, report: (report or "F2025-%04d") % (debt.n + 840),
    "customer": lambda debt, report: (report or "C%05d") % (1000 + (debt.n * 37) % 60),
    "file": lambda debt, report: (report or "D-%05d") % (debt.n + 12),
    "int": lambda debt, report: str(debt.n % int(report or 90) + 1),
    "row": lambda debt, _: str(debt.n),
    "const": lambda _, report: report,
    "empty": lambda _debt, _told: "",
    "pick": _pick,
    "object": lambda debt, _: debt.object,
    "note": lambda debt, _: ("à rappeler", "ok", "", "promesse de paiement le 12")[debt.n % 4],
    "rep": lambda debt, _: _SALES[debt.n % 3],
    "rep-email": lambda debt, _: f"rep{debt.n % 3}@example.com",
    "iban": lambda debt, _: debt.place.iban,
    "iban-own": lambda debt, _: IBANS[debt.n % len(IBANS)],
    "vat": lambda debt, _: f"{debt.country}{10_000_000 + debt.n * 7919 % 89_999_999:09d}",
    "siret": lambda debt, _: f"{732_829_320 + debt.n}000{debt.n % 90 + 10}",
    "url": lambda debt, _: f"https://pay.example.com/i/{debt.n:05d}",
    "days": lambda debt, _: str((date(2026, 3, 1) - debt.due_date).days),
    "po": lambda debt, report: (report or "PO-%d") % (debt.n * 13),
    "terms": lambda debt, _: ("30 jours", "Net 30", "14 Tage")[debt.n % 3],
}
IBANS = (
    "FR7630006000011234567890189", "DE89370400440532013000", "ES9121000418450200051332", "NL91ABNA0417164300",
    "GB29NWBK60161331926819", "BE68539007547034",
)  # fmt: skip
