"""What operations watches: requests by route and status, how long they took, log lines lost."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "getbill_http_requests", "Requests answered, by route template.", ("method", "route", "status")
)
SECONDS = Histogram(
    "getbill_http_request_seconds",
    "Time to answer a request, by route template.",
    ("route",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
)
LOG_DROPPED = Counter("getbill_access_log_dropped", "Access-log lines dropped because too many waited.")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# Looking a labelled series up costs more than counting on it.
_requests: dict[tuple[str, str, int], Counter] = {}
_seconds: dict[str, Histogram] = {}


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is a template, never a path."""
    key = (method if method in _METHODS else "OTHER", route, status)
    series = _requests.get(key)
    if series is None:
        series = _requests[key] = REQUESTS.labels(key[0], route, str(status))
    series.inc()
    timing = _seconds.get(route)
    if timing is None:
        timing = _seconds[route] = SECONDS.labels(route)
    timing.observe(seconds)
