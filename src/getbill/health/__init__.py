"""Health: what an operator's probes and graphs ask of an installation.

`/healthz` says that the process answers, `/readyz` that everything a debt needs is there and which part is not,
`/metrics`, by a token, how it goes. A worker proves that it lives by `beat`; nothing here tells anything about a person.
"""

from getbill.health.actions import beat, has_others
from getbill.health.api import router
from getbill.health.metrics_token import make as make_token
from getbill.health.metrics_token import read as read_token
from getbill.health.queries import Check, checks
from getbill.health.startup import open_when_ready

__all__ = ["Check", "beat", "checks", "has_others", "make_token", "open_when_ready", "read_token", "router"]
