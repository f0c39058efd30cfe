"""Import runs: who works on an import, its states, and the decisions of a person on it."""

from getbill.imports.runs.user_decisions import change_mapping, confirm, correct, plan_of, start, undo

__all__ = ["change_mapping", "confirm", "correct", "plan_of", "start", "undo"]
