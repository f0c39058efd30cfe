"""Todos: what waits for a person, because no rule may decide it: one row per question, asked once while it is open.

Whoever cannot go on without a person asks; a question that answers itself is withdrawn as `gone`. What a decision
does to the debt stands in the package `decisions`, above everything that asks.
"""

from getbill.todos.actions import ask_again, close, create, erase, withdraw
from getbill.todos.api import router
from getbill.todos.model import KINDS, Todo, TodoDecided, TodoKind
from getbill.todos.queries import find
from getbill.todos.wire import TodoShown, serialize_todo

__all__ = [
    "KINDS",
    "Todo",
    "TodoDecided",
    "TodoKind",
    "TodoShown",
    "ask_again",
    "close",
    "create",
    "erase",
    "find",
    "router",
    "serialize_todo",
    "withdraw",
]
