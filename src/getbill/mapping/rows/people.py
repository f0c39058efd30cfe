"""The debtor of a row, and their contact details."""

import re
from collections.abc import Mapping, Sequence

from getbill import sheets
from getbill.mapping import values
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping
from getbill.mapping.rows.labels import LISTS
from getbill.mapping.values import (
    NO_NUMBER,
    NOTHING,
    BodyDraft,
    Step,
    are_digits_lost,
    bare_number,
    digits_of,
    name_of,
    split_numbers,
    text_of,
)
from getbill.mapping.vocabulary import CIVILITIES, LANGUAGES

_PLAIN = {Field.FIRST_NAME: "first_name", Field.LAST_NAME: "last_name", Field.COMPANY: "company"}
_NAMED = frozenset({"name", "last_name", "company"})
_APART = re.compile(r"[;,\s|]+")
_ANGLE = re.compile(r".*<([^<>]+@[^<>]+)>.*")


_HOUSEHOLDS = frozenset(LISTS.words("households"))


def steps(columns: dict[Field, ColumnMapping], profile: sheets.Profile) -> list[Step]:
    """Return the steps that fill the debtor's part of a body."""
    row_steps: list[Step] = []
    if column := columns.get(Field.NAME):
        texts = [str(sample) for sample in profile.column(column.index).samples if sample]
        row_steps.append(_name_step(column, values.style_of(column.header, texts)))
    for field, name in _PLAIN.items():
        if column := columns.get(field):
            row_steps.append(_text_step(column, name))
    if column := columns.get(Field.NAME_INFIX):
        row_steps.append(_infix_step(column))
    if Field.NAME in columns and Field.FIRST_NAME in columns and Field.LAST_NAME not in columns:
        row_steps.append(_join_names)
    if column := columns.get(Field.CONTACT):
        row_steps.append(_contact_step(column))
    if column := columns.get(Field.CIVILITY):
        row_steps.append(_table_step(column, "civility", _civilities(profile.column(column.index))))
        row_steps.append(_household_step(column))
    if column := columns.get(Field.LANGUAGE):
        row_steps.append(_table_step(column, "language", LANGUAGES))
    if column := columns.get(Field.EMAIL):
        row_steps.append(_email_step(column))
    # A mobile phone receives calls and messages: it has precedence where a row has both.
    row_steps += [_phone_step(columns[field]) for field in (Field.MOBILE, Field.PHONE) if field in columns]
    return row_steps


def _civilities(profile: sheets.ColumnProfile) -> dict[str, str | None]:
    # In Spanish H is a man and M a woman.
    letters = {value.casefold() for value in profile.values}
    return CIVILITIES | {"m": "Ms"} if {"h", "m"} <= letters and "f" not in letters else CIVILITIES


def _name_step(column: ColumnMapping, style: values.Style) -> Step:
    index = column.index

    def put_name(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if not (text := name_of(column, cells[index], draft)):
            return
        if text[-1].isalpha() and "," in text and (place := values.name_with_place(text)):
            text, code, city = place
            draft.address.setdefault("postal_code", code)
            draft.address.setdefault("city", city)
        draft.debtor.update(values.split_name(text, style))

    return put_name


def _join_names(_cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
    """Join a person's first and last name in a column that otherwise has company names."""
    first, name = draft.debtor.get("first_name"), draft.debtor.get("name")
    if first and name and "company" not in draft.debtor and first.casefold() not in name.casefold():
        draft.debtor |= {"name": f"{first} {name}", "last_name": name}


def _contact_step(column: ColumnMapping) -> Step:
    """Use the contact as the debtor's name where the row has no other: contacts change, debtors do not."""
    index = column.index

    def put_contact(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if (
            not draft.debtor.keys() & _NAMED
            and (text := text_of(cells[index]))
            and text.casefold() not in NOTHING
        ):
            draft.debtor.update(values.split_name(text, values.Style("whole")))

    return put_contact


def _text_step(column: ColumnMapping, name: str) -> Step:
    index = column.index

    def put_text(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if text := name_of(column, cells[index], draft):
            draft.debtor[name] = text

    return put_text


def _household_step(column: ColumnMapping) -> Step:
    """Keep a word that makes a last name a household's: Familie, Eheleute."""
    index = column.index

    def put_household(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if text and text.casefold() in _HOUSEHOLDS and not draft.debtor.get("first_name"):
            for field in ("last_name", "name"):
                if last := draft.debtor.get(field):
                    draft.debtor[field] = f"{text} {last}"
                    return

    return put_household


def _infix_step(column: ColumnMapping) -> Step:
    """Insert a name particle before the last name: van der, de."""
    index = column.index

    def put_infix(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if text and (last := draft.debtor.get("last_name")):
            draft.debtor["last_name"] = f"{text} {last}"

    return put_infix


def _table_step(column: ColumnMapping, name: str, table: Mapping[str, str | None]) -> Step:
    index = column.index

    def put_value(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if not text:
            return
        word = text.casefold()
        value = table.get(word) or table.get(word.rstrip("."))
        if value:
            draft.debtor[name] = value
        elif word not in table and word.rstrip(".") not in table and word not in NOTHING:
            draft.warn(column, text, "value_unknown", {"value": text})

    return put_value


def _email_step(column: ColumnMapping) -> Step:
    index = column.index

    def put_email(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if not text or text.casefold() in NOTHING:
            return
        if (angle := _ANGLE.fullmatch(text)) is not None:
            text = angle[1].strip()
        text = text.removeprefix("mailto:")
        if text.count("@") > 1:
            text, *other_addresses = [part for part in _APART.split(text) if "@" in part]
            draft.warn(
                column,
                cells[index],
                "first_of_several",
                {"taken": text, "others": ", ".join(other_addresses)},
            )
        draft.debtor["email"] = text

    return put_email


def _phone_step(column: ColumnMapping) -> Step:
    index = column.index

    def put_phone(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = digits_of(cells[index])
        if not text or text.casefold() in NO_NUMBER:
            return
        if are_digits_lost(cells[index], text):
            draft.refuse(column, text, sheets.CellWrong("digits_lost", value=text), is_warning=True)
            return
        draft.phones.append((column, bare_number(text)))
        if len(text) > 15 and len(numbers := split_numbers(text)) > 1:
            draft.phones[-1] = column, bare_number(numbers[0])
            draft.warn(
                column, text, "first_of_several", {"taken": numbers[0], "others": ", ".join(numbers[1:])}
            )

    return put_phone
