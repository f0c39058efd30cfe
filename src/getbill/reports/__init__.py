"""Reports: how well collecting goes - how many cases were resolved, how much came in, how long it took.

Every figure is counted from the rows when it is asked for. Erased debts count with their money alone, the only
thing that is kept of them.
"""

from getbill.reports.queries import Report, Statistics, period_of, report, statistics

__all__ = ["Report", "Statistics", "period_of", "report", "statistics"]
