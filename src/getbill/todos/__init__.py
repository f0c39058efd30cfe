"""Todos: questions that require a person's decision, one row per question, asked once while it is open.

A package creates a todo when it cannot continue without a person; a todo that becomes obsolete is withdrawn
as `gone`. The effects of a decision are in the package `todo_decisions`, above all packages that create
todos.
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
