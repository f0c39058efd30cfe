"""Where the debtor lives, out of one cell or of five, and the telephone number that depends on it."""

from collections.abc import Callable, Sequence

from getbill import sheets
from getbill.kit.calendar import DEFAULT_COUNTRY
from getbill.mapping import values
from getbill.mapping.model import Column, Field
from getbill.mapping.values import NOTHING, PHONES, Draft, Home, Step, digits_of, text_of

_PARTS = {
    Field.STREET_ADDRESS: "street_address",
    Field.STREET_NUMBER: "street_number",
    Field.POSTAL_CODE: "postal_code",
    Field.CITY: "city",
}
_DIGITS = frozenset({Field.POSTAL_CODE, Field.STREET_NUMBER})


def steps(columns: dict[Field, Column]) -> list[Step]:
    """Return the steps that fill the address; parts in columns of their own win over those of one cell."""
    made: list[Step] = []
    if column := columns.get(Field.ADDRESS):
        made.append(_whole(column))
    if column := columns.get(Field.POSTAL_CITY):
        made.append(_postal_city(column))
    for field, name in _PARTS.items():
        if column := columns.get(field):
            made.append(_part(column, name))
    if column := columns.get(Field.ADDRESS_EXTRA):
        made.append(_extra(column))
    if column := columns.get(Field.COUNTRY):
        made.append(_country(column))
    return made


def finish(columns: dict[Field, Column], home: Home) -> Callable[[Draft], None]:
    """Return what is done once all cells are read: the country, the postal code's zero, the telephone."""
    phones = [columns[field] for field in PHONES if field in columns]
    codes = columns.get(Field.POSTAL_CODE) or columns.get(Field.POSTAL_CITY) or columns.get(Field.ADDRESS)

    def done(draft: Draft) -> None:
        place = values.of_row(draft, home)
        address = draft.address
        if place.lacks_zero:
            if place.country:
                address["postal_code"] = "0" + address["postal_code"]
            elif codes:
                code = address["postal_code"]
                draft.warn(codes, code, "postal_code_short", {"value": code})
        if draft.phones:
            values.dial(draft, place, home, phones[-1])
        if address:
            _put(draft, place.country)
        elif place.country != DEFAULT_COUNTRY and values.is_dialled_in(draft, place.country):
            draft.debtor["address"] = {"country": place.country}

    return done


def _put(draft: Draft, country: str | None) -> None:
    """Put the address into the body; a line whose shape is not known stays one line, unless other columns say more."""
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


def _whole(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if not text or text.casefold() in NOTHING:
            return
        found = values.split_address(text)
        if found:
            draft.address.update(found)
        else:
            draft.address["whole"] = " ".join(text.split())

    return step


def _postal_city(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        if text := text_of(cells[index]):
            draft.address.update(values.postal_city(text))

    return step


def _part(column: Column, name: str) -> Step:
    index = column.index
    read = digits_of if column.field in _DIGITS else text_of

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = read(cells[index])
        if text and text not in NOTHING:
            draft.address[name] = text

    return step


def _extra(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if text and text not in NOTHING:
            street = draft.address.get("street_address")
            draft.address["street_address"] = f"{street}, {text}" if street else text

    return step


def _country(column: Column) -> Step:
    index = column.index
    known: dict[str, str | None] = {}

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if not text:
            return
        if text not in known:
            known[text] = sheets.country_of(text)
        if code := known[text]:
            draft.address["country"] = code
        elif text.casefold() not in NOTHING:
            draft.warn(column, text, "country_unknown", {"value": text})

    return step
