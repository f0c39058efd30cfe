"""The debtor's address, from one cell or five, and the phone number that depends on it."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from getbill import sheets
from getbill.kit.calendar import DEFAULT_COUNTRY
from getbill.mapping import values
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping
from getbill.mapping.values import NOTHING, PHONES, BodyDraft, HomeCountry, Step, digits_of, text_of

_PARTS = {
    Field.STREET_ADDRESS: "street_address",
    Field.STREET_NUMBER: "street_number",
    Field.POSTAL_CODE: "postal_code",
    Field.CITY: "city",
}
_DIGITS = frozenset({Field.POSTAL_CODE, Field.STREET_NUMBER})
_REMEMBERED_MAX = 10_000


def steps(columns: dict[Field, ColumnMapping]) -> list[Step]:
    """Return the steps that fill the address; separate columns have precedence over parts of one cell."""
    row_steps: list[Step] = []
    if column := columns.get(Field.ADDRESS):
        row_steps.append(_whole_address_step(column))
    if column := columns.get(Field.POSTAL_CITY):
        row_steps.append(_postal_city_step(column))
    for field, name in _PARTS.items():
        if column := columns.get(field):
            row_steps.append(_part_step(column, name))
    if column := columns.get(Field.ADDRESS_EXTRA):
        row_steps.append(_extra_step(column))
    if column := columns.get(Field.COUNTRY):
        row_steps.append(_country_step(column))
    return row_steps


def address_finisher(columns: dict[Field, ColumnMapping], home: HomeCountry) -> Callable[[BodyDraft], None]:
    """Return the final step after all cells are read: the country, the postal code's zero, the phone."""
    phones = [columns[field] for field in PHONES if field in columns]
    codes = columns.get(Field.POSTAL_CODE) or columns.get(Field.POSTAL_CITY) or columns.get(Field.ADDRESS)

    def finish_address(draft: BodyDraft) -> None:
        row_country = values.country_of_row(draft, home)
        address = draft.address
        if row_country.lacks_zero:
            if row_country.country:
                address["postal_code"] = "0" + address["postal_code"]
            elif codes:
                code = address["postal_code"]
                draft.warn(codes, code, "postal_code_short", {"value": code})
        if draft.phones:
            values.put_phones(draft, row_country, home, phones[-1])
        if address:
            _put_address(draft, row_country.country)
        elif row_country.country != DEFAULT_COUNTRY and values.is_dialled_in(draft, row_country.country):
            draft.debtor["address"] = {"country": row_country.country}

    return finish_address


def _put_address(draft: BodyDraft, country: str | None) -> None:
    """Add the address to the body; an unknown format stays one line, unless other columns have parts."""
    address = draft.address
    whole = address.pop("whole", None)
    if whole and not address:
        draft.debtor["address"] = whole
        if country:
            draft.body["country"] = country
        return
    if country:
        address.setdefault("country", country)
    draft.debtor["address"] = address | ({"street_address": whole} if whole else {})


def _whole_address_step(column: ColumnMapping) -> Step:
    index = column.index

    def put_whole_address(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if not text or text.casefold() in NOTHING:
            return
        parts = values.split_address(text)
        if parts:
            draft.address.update(parts)
        else:
            draft.address["whole"] = " ".join(text.split())

    return put_whole_address


def _postal_city_step(column: ColumnMapping) -> Step:
    index = column.index

    def put_postal_city(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        if text := text_of(cells[index]):
            draft.address.update(values.postal_city(text))

    return put_postal_city


def _part_step(column: ColumnMapping, name: str) -> Step:
    index = column.index
    read = digits_of if column.field in _DIGITS else text_of

    def put_part(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = read(cells[index])
        if text and text not in NOTHING:
            draft.address[name] = text

    return put_part


def _extra_step(column: ColumnMapping) -> Step:
    index = column.index

    def put_extra(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if text and text not in NOTHING:
            street = draft.address.get("street_address")
            draft.address["street_address"] = f"{street}, {text}" if street else text

    return put_extra


def _country_step(column: ColumnMapping) -> Step:
    index = column.index
    country_of = lru_cache(_REMEMBERED_MAX)(sheets.country_of)

    def put_country(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = text_of(cells[index])
        if not text:
            return
        if code := country_of(text):
            draft.address["country"] = code
        elif text.casefold() not in NOTHING:
            draft.warn(column, text, "country_unknown", {"value": text})

    return put_country
