"""Debts as JSON: request bodies, responses, list filters and the bulk parser."""

from getbill.debts.wire.bodies import DEBTOR_NAMES, DebtChangeBody, NewDebtBody
from getbill.debts.wire.checks import destination_error
from getbill.debts.wire.debtor_bodies import DebtorChangeBody, MergeBody, SplitBody
from getbill.debts.wire.etags import IfMatch, check_etag, debtor_etag, etag
from getbill.debts.wire.filters import (
    DebtOwner,
    DebtQuery,
    build_filter,
    cursor_after,
    debtors_after,
    debtors_cursor,
)
from getbill.debts.wire.schemas import (
    DebtList,
    DebtorDetail,
    DebtorList,
    DebtorWithTotals,
    DebtShown,
    ErasureShown,
)
from getbill.debts.wire.serializers import (
    new_debt,
    new_debtor,
    parse_change,
    parse_debtor_change,
    refuse_other_name,
    serialize_debt,
    serialize_debtor,
    serialize_debtor_with_totals,
    serialize_erasure,
    serialize_history,
)
