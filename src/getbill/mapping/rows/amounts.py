"""Amount and currency of a row: the amount due, or the amount invoiced less the amount paid."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from getbill import sheets
from getbill.mapping import amounts
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping, Mapping
from getbill.mapping.values import BodyDraft, CellFinding, Step, is_nothing, is_unknown, text_of
from getbill.mapping.vocabulary import currency_of, parse_header

# The rest of « 1 234,50 € » without these is its currency symbol.
_FIGURES = "0123456789.,'\u2019 \u00a0\u202f\u2009-+()\u2212"
_REMEMBERED_MAX = 10_000
_CENT = Decimal("0.011")


def steps(columns: dict[Field, ColumnMapping], mapping: Mapping, profile: sheets.Profile) -> list[Step]:
    """Return the steps that add a row's amount and its currency to the body."""
    readers: dict[Field, AmountReader] = {
        field: _reader(columns[field], mapping, profile)
        for field in (Field.AMOUNT, Field.AMOUNT_INVOICED, Field.AMOUNT_PAID)
        if field in columns
    }
    due, invoiced = columns.get(Field.AMOUNT), columns.get(Field.AMOUNT_INVOICED)
    row_steps: list[Step] = []
    if due:
        row_steps.append(_amount_step(due, readers[Field.AMOUNT]))
        if invoiced and Field.AMOUNT_PAID in columns:
            row_steps.append(_check_step(columns, readers))
    elif invoiced:
        row_steps.append(_difference_step(columns, readers))
    # A corrected cell may name a currency where no cell of the file does.
    return [*row_steps, _currency_step(columns.get(Field.CURRENCY), due or invoiced, mapping)]


def has_remainder(columns: dict[Field, ColumnMapping], profile: sheets.Profile) -> bool:
    """Return whether the amounts include the remainder of a part payment."""
    if Field.AMOUNT_PAID in columns:
        return True
    due = columns.get(Field.AMOUNT)
    if due is None:
        return False
    header = parse_header(due.header, profile.column(due.index).column.group)
    return bool(header.concepts & {"open", "overdue", "due"}) or header.whole == Field.AMOUNT.value


AmountReader = Callable[[sheets.Cell], Decimal]


def _reader(column: ColumnMapping, mapping: Mapping, profile: sheets.Profile) -> AmountReader:
    shape = profile.column(column.index).number or sheets.NumberShape(
        ".", "", is_certain=False, why="nothing_seen"
    )
    mark = mapping.numbers.get(column.index)
    if mark and (mark != shape.decimal or not shape.is_certain):
        other = {",": ".", ".": ","}[mark]
        is_other = shape.thousands in {",", "."} or (not shape.thousands and mark != shape.decimal)
        thousands = other if is_other else shape.thousands
        shape = replace(shape, decimal=mark, thousands=thousands, is_certain=True, why="answered", places=3)  # type: ignore[arg-type]
    read = sheets.number_reader(shape)
    return read if column.unit is None else lambda cell: amounts.scale(read(cell), column.unit)


def _read_amount(
    column: ColumnMapping, read: AmountReader, cells: Sequence[sheets.Cell], draft: BodyDraft
) -> Decimal | None:
    cell = cells[column.index]
    if cell is None or cell == "":
        return None
    try:
        return read(cell)
    except sheets.CellWrong as error:
        if not is_nothing(cell) or error.code == "formula_error":
            draft.refuse(column, cell, error)
        return None


def _amount_step(column: ColumnMapping, read: AmountReader) -> Step:
    def put_amount(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        amount = _read_amount(column, read, cells, draft)
        if amount is not None:
            draft.body["amount"] = amount

    return put_amount


def _difference_step(columns: dict[Field, ColumnMapping], readers: dict[Field, AmountReader]) -> Step:
    total, paid = columns[Field.AMOUNT_INVOICED], columns.get(Field.AMOUNT_PAID)

    def put_difference(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        wrong = len(draft.findings)
        invoiced = _read_amount(total, readers[Field.AMOUNT_INVOICED], cells, draft)
        received = _read_amount(paid, readers[Field.AMOUNT_PAID], cells, draft) if paid else None
        if paid and received is None and len(draft.findings) == wrong and is_unknown(cells[paid.index]):
            draft.refuse(paid, cells[paid.index], _not_a_number(cells[paid.index]))
        # With an unreadable amount paid, the amount due is unknown.
        if invoiced is not None and len(draft.findings) == wrong:
            draft.body["amount"] = invoiced - abs(received) if received else invoiced

    return put_difference


def _check_step(columns: dict[Field, ColumnMapping], readers: dict[Field, AmountReader]) -> Step:
    due, total, paid = (columns[field] for field in (Field.AMOUNT, Field.AMOUNT_INVOICED, Field.AMOUNT_PAID))

    def check_remainder(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        remainder = draft.body.get("amount")
        if remainder is None:
            return
        invoiced = _read_amount(total, readers[Field.AMOUNT_INVOICED], cells, draft)
        received = _read_amount(paid, readers[Field.AMOUNT_PAID], cells, draft) or Decimal(0)
        if invoiced is not None and abs(invoiced - abs(received) - remainder) > _CENT:
            facts = {"invoiced": str(invoiced), "paid": str(received), "due": str(remainder)}
            draft.warn(due, cells[due.index], "amounts_disagree", facts)

    return check_remainder


def _currency_step(
    currency_column: ColumnMapping | None, amount_column: ColumnMapping | None, mapping: Mapping
) -> Step:
    signs, otherwise = mapping.currency.signs, mapping.currency.code
    headed = parse_header(amount_column.header).currency if amount_column else None

    @lru_cache(_REMEMBERED_MAX)
    def code_of(text: str) -> str | None:
        codes = currency_of(text)
        return codes[0] if len(codes) == 1 else signs.get(text.casefold(), signs.get(text))

    def put_currency(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        affix = _affix(amount_column, cells)
        stated = [
            (column, text, code_of(text))
            for column, text in (
                (currency_column, text_of(cells[currency_column.index]) if currency_column else ""),
                (amount_column, _affix_currency(affix) if affix else ""),
            )
            if column and text
        ]
        for column, text, code in stated:
            if code is None:
                draft.findings.append(
                    CellFinding(column.index, Field.CURRENCY, text, "currency_unknown", {"value": text})
                )
                return
        codes: list[Any] = [code for *_, code in stated]
        if codes and headed and headed != codes[0]:
            # `Montant EUR` beside the currency of another amount.
            codes = [codes[0], headed]
        # A symbol of several currencies stands for the one that its row names.
        is_shared = len(stated) == 2 and codes[0] in currency_of(stated[1][1])
        if len(codes) == 2 and codes[0] != codes[1] and not is_shared:
            facts = {"value": codes[0], "other": codes[1]}
            draft.findings.append(
                CellFinding(stated[0][0].index, Field.CURRENCY, codes[0], "currency_conflict", facts)
            )
            return
        draft.body["currency"] = codes[0] if codes else otherwise

    if currency_column is None and amount_column is None:
        return lambda _cells, draft: draft.body.__setitem__("currency", otherwise)
    return put_currency


def _not_a_number(cell: sheets.Cell) -> sheets.CellWrong:
    return sheets.CellWrong("number_invalid", value=text_of(cell))


def _affix(column: ColumnMapping | None, cells: Sequence[sheets.Cell]) -> str:
    """Return an amount's text without its outer digits."""
    cell = cells[column.index] if column else None
    return cell.strip(_FIGURES) if isinstance(cell, str) else ""


@lru_cache(_REMEMBERED_MAX)
def _affix_currency(affix: str) -> str:
    """Return the currency in a text around an amount; empty where it names none."""
    return sheets.currency_beside(affix if any(map(str.isdigit, affix)) else f"{affix} 1")
