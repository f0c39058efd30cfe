"""The contact schedule: planning the next contact of a debt, and forecasting those after it."""

from getbill.contacts.schedule.forecast import Foreseen, Reason, foresee
from getbill.contacts.schedule.planning import facts, go_on, take_again, try_again

__all__ = ["Foreseen", "Reason", "facts", "foresee", "go_on", "take_again", "try_again"]
