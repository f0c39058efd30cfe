"""Row status: which rows of an export are open debts."""

from getbill.mapping.row_status.columns import decide_row_status, leave_days, left_open, step
from getbill.mapping.row_status.words import STATUSES

__all__ = ["STATUSES", "decide_row_status", "leave_days", "left_open", "step"]
