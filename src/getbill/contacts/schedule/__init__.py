"""The contact schedule: planning the next contact of a debt, and forecasting those after it."""

from getbill.contacts.schedule.forecast import ForecastStep, forecast_steps
from getbill.contacts.schedule.planning import allowed_from, plan_next, plan_retry, replan_unsent, rule_facts
from getbill.contacts.schedule.reasons import ScheduleReason, minimum_text, stored_reason
from getbill.contacts.schedule.replanning import replan_due
