"""The schedule of a debt: its next contact, day 0, the pace of its scenario, and the first contacts of new debts."""

from getbill.debts.schedule.evaluator import (
    EXPENSIVE,
    NEVER,
    WAITS,
    ChannelOption,
    PriorContacts,
    ScheduleEvaluator,
    hashes_of,
    usable_kinds,
)
from getbill.debts.schedule.initial import InitialSchedule
from getbill.debts.schedule.next_contact import (
    END,
    REVIEW,
    condition_facts,
    day_zero,
    due_date_over_at,
    moved_day_zero,
    next_contact,
    quiet_until,
)
