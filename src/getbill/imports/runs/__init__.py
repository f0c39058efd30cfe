"""Import runs: the process that works on an import, its states, and a person's decisions on it."""

from getbill.imports.runs.user_decisions import change_mapping, confirm, correct, plan_of, start, undo
