"""Debts as JSON: request bodies, responses, list filters and the bulk parser."""

from getbill.debts.wire.bodies import DebtChangeBody, NewDebtBody
from getbill.debts.wire.filters import (
    DebtOwner,
    DebtQuery,
    build_filter,
    cursor_after,
    debtors_after,
    debtors_cursor,
)
from getbill.debts.wire.schemas import DebtList, DebtorList, DebtorWithTotals, DebtShown, ErasureShown
from getbill.debts.wire.serializers import (
    etag,
    new_debt,
    parse_change,
    refuse_other_name,
    serialize_debt,
    serialize_debtor,
    serialize_debtor_with_totals,
    serialize_erasure,
)
