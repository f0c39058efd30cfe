"""Row status: which rows of an export are open debts."""

from getbill.mapping.row_status.columns import (
    decide_row_status,
    leave_out_closing_days,
    refusal_step,
    remaining_question,
)
from getbill.mapping.row_status.words import STATUSES

__all__ = ["STATUSES", "decide_row_status", "leave_out_closing_days", "refusal_step", "remaining_question"]
