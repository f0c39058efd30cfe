"""Where the debtor lives, out of one cell or of five, and the telephone number that depends on it."""

from collections.abc import Callable, Sequence

from getbill import sheets
from getbill.imports.mapping import addresses
from getbill.imports.mapping.cells import NOTHING, Draft, Step, digits_of, text_of
from getbill.imports.mapping.dialling import international
from getbill.imports.mapping.model import Column, Field

_PARTS = {
    Field.STREET_ADDRESS: "street_address",
    Field.STREET_NUMBER: "street_number",
    Field.POSTAL_CODE: "postal_code",
    Field.CITY: "city",
}
_DIGITS = frozenset({Field.POSTAL_CODE, Field.STREET_NUMBER})
# Postal codes of five digits of which a spreadsheet drops the first when it is a zero.
_FIVE_DIGITS = frozenset({"FR", "DE", "ES", "IT", "US"})


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


def finish(columns: dict[Field, Column], country: str) -> Callable[[Draft], None]:
    """Return what is done once all cells are read: the postal code's zero, the telephone's country."""
    has_place = bool(
        columns.keys() & {*_PARTS, Field.ADDRESS, Field.POSTAL_CITY, Field.COUNTRY, Field.ADDRESS_EXTRA}
    )
    phones = [columns[field] for field in (Field.MOBILE, Field.PHONE) if field in columns]

    def done(draft: Draft) -> None:
        if has_place and (address := draft.address):
            code = address.get("postal_code", "")
            if len(code) == 4 and code.isdigit() and address.get("country", country) in _FIVE_DIGITS:
                address["postal_code"] = "0" + code
            # A line whose shape is not known stays one line, unless other columns say more.
            whole = address.pop("whole", None)
            draft.debtor["address"] = (
                whole if whole and not address else address | ({"street_address": whole} if whole else {})
            )
        if draft.phones:
            number, *others = draft.phones
            draft.debtor["phone"] = international(number, draft.address.get("country", country))
            if others:
                draft.metadata[phones[-1].header or "phone"] = others[0]

    return done


def _whole(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        text = text_of(cells[index])
        if not text or text.casefold() in NOTHING:
            return
        found = addresses.parts(text)
        if found:
            draft.address.update(found)
        else:
            draft.address["whole"] = " ".join(text.split())

    return step


def _postal_city(column: Column) -> Step:
    index = column.index

    def step(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        if text := text_of(cells[index]):
            draft.address.update(addresses.postal_city(text))

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
