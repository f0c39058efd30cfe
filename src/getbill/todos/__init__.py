"""Todos: what waits for a person, because no rule may decide it: one row per question, asked once while it is open.

Whoever cannot go on without a person asks; a question that answers itself is withdrawn as `gone`. What a decision
does to the debt stands in the package `decisions`, above everything that asks.
"""

from getbill.todos.actions import ask, ask_again, close, erase, withdraw
from getbill.todos.api import router
from getbill.todos.model import KINDS, Kind, Todo, TodoDecided
from getbill.todos.queries import find
from getbill.todos.wire import TodoShown, shown

__all__ = [
    "KINDS",
    "Kind",
    "Todo",
    "TodoDecided",
    "TodoShown",
    "ask",
    "ask_again",
    "close",
    "erase",
    "find",
    "router",
    "shown",
    "withdraw",
]
