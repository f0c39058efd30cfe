"""Who owes, and how to reach them, out of a row's cells."""

import re
from collections.abc import Mapping, Sequence

from getbill import sheets
from getbill.mapping import values
from getbill.mapping.model import Column, Field
from getbill.mapping.values import (
    NO_NUMBER,
    NOTHING,
    Draft,
    Step,
    are_digits_lost,
    digits_of,
    name_of,
    plain,
    several,
    text_of,
)
from getbill.mapping.vocabulary import CIVILITIES, LANGUAGES

_PLAIN = {Field.FIRST_NAME: "first_name", Field.LAST_NAME: "last_name", Field.COMPANY: "company"}
_NAMED = frozenset({"name", "last_name", "company"})
_APART = re.compile(r"[;,\s|]+")
_ANGLE = re.compile(r".*<([^<>]+@[^<>]+)>.*")


_HOUSEHOLDS = frozenset(
    {
        "familie",
        "famille",
        "family",
        "famiglia",
        "familia",
        "fam.",
        "fam",
        "eheleute",
        "ehepaar",
        "erbengemeinschaft",
    }
)


def steps(columns: dict[Field, Column], profile: sheets.Profile) -> list[Step]:
    """Return the steps that fill the debtor's part of a body."""
    made: list[Step] = []
    if column := columns.get(Field.NAME):
        texts = [str(sample) for sample in profile.of(column.index).samples if sample]
        made.append(_name(column, values.style_of(column.header, texts)))
    for field, name in _PLAIN.items():
        if column := columns.get(field):
            made.append(_text(column, name))
    if column := columns.get(Field.NAME_INFIX):
        made.append(_infix(column))
    if Field.NAME in columns and Field.FIRST_NAME in columns and Field.LAST_NAME not in columns:
        made.append(_join)
    if column := columns.get(Field.CONTACT):
        made.append(_contact(column))
    if column := columns.get(Field.CIVILITY):
        made.append(_table(column, "civility", _civilities(profile.of(column.index))))
        made.append(_household(column))
    if column := columns.get(Field.LANGUAGE):
        made.append(_table(column, "language", LANGUAGES))
    if column := columns.get(Field.EMAIL):
        made.append(_email(column))
    # A mobile can be called and written to: it is the number where a row has both.
    made += [_phone(columns[field]) for field in (Field.MOBILE, Field.PHONE) if field in columns]
    return made


def _civilities(found: sheets.ColumnProfile) -> dict[str, str | None]:
    # In Spanish H is a man and M a woman.
    letters = {value.casefold() for value in found.values}
    return CIVILITIES | {"m": "Ms"} if {"h", "m"} <= letters and "f" not in letters else CIVILITIES


def _name(column: Column, style: values.Style) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        if not (text := name_of(column, cells[index], draft)):
            return
        if text[-1].isalpha() and "," in text and (place := values.place_of(text)):
            text, code, city = place
            draft.address.setdefault("postal_code", code)
            draft.address.setdefault("city", city)
        draft.debtor.update(values.split_name(text, style))

    return step


def _join(_cells: Sequence[sheets.Cell], draft: Draft) -> None:
    """Name a person by both names where a column of names holds companies and the last names of people."""
    first, name = draft.debtor.get("first_name"), draft.debtor.get("name")
    if first and name and "company" not in draft.debtor and first.casefold() not in name.casefold():
        draft.debtor |= {"name": f"{first} {name}", "last_name": name}


def _contact(column: Column) -> Step:
    """Name a debtor by the contact where the row names nobody else: contacts change, debtors do not."""
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        if (
            not draft.debtor.keys() & _NAMED
            and (text := text_of(cells[index]))
            and text.casefold() not in NOTHING
        ):
            draft.debtor.update(values.split_name(text, values.Style("whole")))

    return step


def _text(column: Column, name: str) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        if text := name_of(column, cells[index], draft):
            draft.debtor[name] = text

    return step


def _household(column: Column) -> Step:
    """Keep the word that makes a last name a household's: Familie, Eheleute."""
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if text and text.casefold() in _HOUSEHOLDS and not draft.debtor.get("first_name"):
            for field in ("last_name", "name"):
                if last := draft.debtor.get(field):
                    draft.debtor[field] = f"{text} {last}"
                    return

    return step


def _infix(column: Column) -> Step:
    """Put what stands between the names before the last one: van der, de."""
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if text and (last := draft.debtor.get("last_name")):
            draft.debtor["last_name"] = f"{text} {last}"

    return step


def _table(column: Column, name: str, table: Mapping[str, str | None]) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if not text:
            return
        word = text.casefold()
        value = table.get(word) or table.get(word.rstrip("."))
        if value:
            draft.debtor[name] = value
        elif word not in table and word.rstrip(".") not in table and word not in NOTHING:
            draft.warn(column, text, "value_unknown", {"value": text})

    return step


def _email(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if not text or text.casefold() in NOTHING:
            return
        if (angle := _ANGLE.fullmatch(text)) is not None:
            text = angle[1].strip()
        text = text.removeprefix("mailto:")
        if text.count("@") > 1:
            text, *others = [part for part in _APART.split(text) if "@" in part]
            draft.warn(column, cells[index], "first_of_several", {"taken": text, "others": ", ".join(others)})
        draft.debtor["email"] = text

    return step


def _phone(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = digits_of(cells[index])
        if not text or text.casefold() in NO_NUMBER:
            return
        if are_digits_lost(cells[index], text):
            draft.refuse(column, text, sheets.CellWrong("digits_lost", value=text), is_warning=True)
            return
        draft.phones.append((column, plain(text)))
        if len(text) > 15 and len(numbers := several(text)) > 1:
            draft.phones[-1] = column, plain(numbers[0])
            draft.warn(
                column, text, "first_of_several", {"taken": numbers[0], "others": ", ".join(numbers[1:])}
            )

    return step
