"""Decisions: what a person's answer to a todo does. One table, from the type and the answer to the change.

It stands above everything that asks, so that no lower package knows who answers. Deciding and what it does are one
transaction: a question is never closed without its consequence, and decided only once.
"""

from getbill.todo_decisions.actions import TABLE, Case, Decision, decide
from getbill.todo_decisions.api import router
from getbill.todo_decisions.retries import retry, retry_due

__all__ = ["TABLE", "Case", "Decision", "decide", "retry", "retry_due", "router"]
