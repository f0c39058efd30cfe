"""Decisions on todos: one table from a todo's type and the answer to the change.

It is above all packages that create todos, so that these do not depend on the deciders. A decision and its
effects are one transaction: a todo is never closed without its effects, and decided only once.
"""

from getbill.todo_decisions.actions import TABLE, Decision, decide
from getbill.todo_decisions.retries import retry, retry_due
