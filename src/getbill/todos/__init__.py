"""Todos: questions that require a person's decision, one row per question, asked once while it is open.

A package creates a todo when it cannot continue without a person; a todo that becomes obsolete is withdrawn
as `gone`. The effects of a decision are in the package `todo_decisions`, above all packages that create
todos.
"""

from getbill.todos.actions import ask_about_amount, ask_again, change_amount, close, create, erase, withdraw
from getbill.todos.model import KINDS, Todo, TodoDecided
from getbill.todos.queries import find
from getbill.todos.wire import TodoShown, serialize_todo
