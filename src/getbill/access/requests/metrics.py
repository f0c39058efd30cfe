"""Metrics for operations: requests by route and status, their duration, dropped log lines.

Requests are counted in plain numbers on the event loop and become series on collection: the locks of a
series, taken three times per request, cost more than the counting.
"""

from bisect import bisect_left
from collections import Counter as Numbers
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import REGISTRY, Counter
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

LOG_DROPPED = Counter("getbill_access_log_dropped", "Access-log lines dropped because the queue was full.")

_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10)
_BOUND_TEXTS: Final = [*(str(float(bound)) for bound in _BOUNDS), "+Inf"]
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class _Timing:
    """Histogram of one route's durations: how many up to each bound and beyond, and the total."""

    counts: list[int] = field(default_factory=lambda: [0] * len(_BOUND_TEXTS))
    seconds: float = 0.0


_requests: Numbers[tuple[str, str, int]] = Numbers()
_timings: dict[str, _Timing] = {}


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is a template, never a path."""
    _requests[method if method in _METHODS else "OTHER", route, status] += 1
    timing = _timings.get(route)
    if timing is None:
        timing = _timings[route] = _Timing()
    timing.counts[bisect_left(_BOUNDS, seconds)] += 1
    timing.seconds += seconds


class _Requests(Collector):
    def collect(self) -> Iterator[Metric]:
        """Return the counts as series."""
        requests = CounterMetricFamily(
            "getbill_http_requests",
            "Requests answered, by route template.",
            labels=("method", "route", "status"),
        )
        for (method, route, status), number in list(_requests.items()):
            requests.add_metric((method, route, str(status)), number)
        yield requests
        seconds = HistogramMetricFamily(
            "getbill_http_request_seconds", "Time to answer a request, by route template.", labels=("route",)
        )
        for route, timing in list(_timings.items()):
            buckets = list(zip(_BOUND_TEXTS, accumulate(timing.counts), strict=True))
            seconds.add_metric((route,), buckets, timing.seconds)
        yield seconds


REGISTRY.register(_Requests())
