"""Batches: thousands of debts in one request, each checked before the answer and made after it.

What is refused is said at once, with the first hundred reasons; what is accepted is stored with the answer, so that
nothing of it is lost, and made by the worker as if each debt had been sent alone.
"""

from getbill.imports.batch.api import router
from getbill.imports.batch.pool import Checkers

__all__ = ["Checkers", "router"]
