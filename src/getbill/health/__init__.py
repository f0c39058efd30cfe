"""Health: probes and metrics for operators.

`/healthz` reports that the process answers, `/readyz` whether every part a debt needs is available, and which
is not, `/metrics`, by a token, the state of operations. A worker sends heartbeats by `beat`. No response
contains personal data.
"""

from getbill.health.actions import beat, has_workers
from getbill.health.api import router
from getbill.health.metrics_token import make as make_token
from getbill.health.metrics_token import read as read_token
from getbill.health.queries import Check, checks
from getbill.health.waiting_for_database import open_when_ready
