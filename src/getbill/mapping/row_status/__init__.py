"""Row status: which rows of an export are open debts."""

from getbill.mapping.row_status.decisions import decide_row_status
from getbill.mapping.row_status.questions import remaining_question
from getbill.mapping.row_status.rows import refusal_step
from getbill.mapping.row_status.settlement_days import leave_out_closing_days
from getbill.mapping.row_status.words import STATUSES
