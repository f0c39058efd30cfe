"""Changing the debts that a file names again, where its sender asked for that.

A row is an update in the same words as `PUT /debts/{id}`: what it says replaces what was there, what it leaves out
stays.
"""

from typing import Any, Final
from uuid import UUID

from getbill import debts
from getbill.companies import Workspace
from getbill.debts import DebtChangeBody
from getbill.imports.rows import Line
from getbill.kit.db import Transaction
from getbill.kit.errors import Problem
from getbill.kit.http import JsonBody

_BODY: Final = JsonBody(DebtChangeBody, optional=False)


class CannotUpdate(Exception):
    """A debt refused the change that a row asks for."""

    def __init__(self, line: int, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.line = line
        self.problem = problem


async def change(tx: Transaction, workspace: Workspace, debt_id: UUID, line: Line) -> None:
    """Change the debt of a row's reference to what the row says; raise CannotUpdate when it refuses."""
    assert line.new is not None  # noqa: S101 - a row that asks for a debt
    try:
        debt = await debts.lock(tx, workspace, debt_id)
        body: DebtChangeBody = _BODY.check(_said(line.body))
        await debts.update(tx, workspace, debt, debts.changes(body, debt))
    except Problem as problem:
        raise CannotUpdate(line.line, problem) from None
    # The same row again is known.
    debt.fingerprint = debts.fingerprint(workspace, line.new)
    debt.touch(tx)


def _said(body: Any) -> dict[str, Any]:
    """Return what a row says, without what only a new debt has."""
    return {name: value for name, value in body.items() if value is not None and name not in _ONLY_NEW}


_ONLY_NEW: Final = frozenset(
    {"timeline_start_mode", "accept_expensive_destination", "reference", "internal_id"}
)
