"""Batches: thousands of debts in one request, each checked before the response and created after it.

Refused rows are reported at once, with the first hundred reasons. Accepted rows are stored before the
response, so that none is lost, and the worker creates each as if it had been sent alone.
"""

from getbill.imports.batch.api import router
from getbill.imports.batch.pool import Checkers
