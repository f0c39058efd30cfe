"""Tables that a process reads at the first phone number and the first holiday.

That takes a third of a second: not during a request, and once for all processes that are forked afterwards.
"""

from getbill.kit import calendar, clock, phones


def warm_up() -> None:
    """Load the tables of phone numbers and holidays now."""
    phones.is_mobile(phones.parse("+33639980001"))
    this_year = clock.wall().year
    for year in (this_year, this_year + 1):
        calendar.excluded_days(calendar.DEFAULT_REGION, calendar.Exclusions(), year)
