"""Debts as JSON: request bodies, answers, list filters and the bulk parser."""

from getbill.debts.wire.bodies import DebtChangeBody, Line, NewDebtBody, Text
from getbill.debts.wire.filters import (
    DebtQuery,
    PageQuery,
    cursor_after,
    debtors_after,
    debtors_cursor,
    wanted,
)
from getbill.debts.wire.schemas import DebtList, DebtorList, DebtorWithTotals, DebtShown, ErasedShown
from getbill.debts.wire.serializers import (
    change,
    debt,
    debtor,
    debtor_with_totals,
    erased,
    new_debt,
    refuse_other_name,
    tag,
)

__all__ = [
    "DebtChangeBody",
    "DebtList",
    "DebtQuery",
    "DebtShown",
    "DebtorList",
    "DebtorWithTotals",
    "ErasedShown",
    "Line",
    "NewDebtBody",
    "PageQuery",
    "Text",
    "change",
    "cursor_after",
    "debt",
    "debtor",
    "debtor_with_totals",
    "debtors_after",
    "debtors_cursor",
    "erased",
    "new_debt",
    "refuse_other_name",
    "tag",
    "wanted",
]
