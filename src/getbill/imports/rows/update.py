"""Changing the debts that a file names again, where its sender asked for that.

A row is an update in the same words as `PUT /debts/{id}`: what it says replaces what was there, what it leaves out
stays. A row that names somebody else moves its debt to them: the other debts of a debtor keep the debtor they had.
"""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from getbill import debtors, debts
from getbill.companies import Workspace
from getbill.debtors import Debtor, Identity, Likeness
from getbill.debts import Change, Debt, DebtChangeBody, Person
from getbill.imports import findings
from getbill.imports.findings import Finding
from getbill.imports.rows import snapshots
from getbill.imports.rows.reader import Line
from getbill.imports.rows.snapshots import Archive, Snapshot, Standing
from getbill.kit import ids
from getbill.kit.database import Transaction
from getbill.kit.errors import Problem
from getbill.kit.http import JsonBody

_BODY: Final = JsonBody(DebtChangeBody, optional=False)


class CannotUpdate(Exception):
    """A debt refused the change that a row asks for."""

    def __init__(self, line: int, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Effect:
    """What a row changes: values of its debt, fields of the debtor, and whether the debt goes to another one."""

    values: list[str]
    person: list[str]
    is_moved: bool
    snapshot: Snapshot | None = None

    def findings(self, line: Line, debt_id: UUID) -> list[Finding]:
        """Return what is said of it."""
        facts = {"debt": ids.show("debt", debt_id)}
        said = [_said("updated", line, facts | findings.listed([*self.values, *self.person]))]
        if self.person:
            said.append(_said("person-changed", line, facts | findings.listed(self.person)))
        if self.is_moved:
            said.append(_said("debt-moved", line, facts))
        return said


def _said(code: str, line: Line, facts: dict[str, Any]) -> Finding:
    reference = line.new.reference if line.new else None
    return findings.said(code, facts, pointer="/reference", value=reference, severity="warning")


async def change(tx: Transaction, archive: Archive, debt_id: UUID, line: Line, standing: Standing) -> Effect:
    """Change the debt of a row's reference to what the row says; raise CannotUpdate when it refuses."""
    assert line.new is not None  # noqa: S101 - a row that asks for a debt
    workspace = archive.workspace
    try:
        debt = await debts.lock(tx, workspace, debt_id)
        debtor = await debtors.lock(tx, workspace, debt.debtor.id)
        asked = asked_of(debt, line)
        kept = Snapshot(archive, line.line, debt, (debtor.id, debtor.identity), standing)
        values = debts.changing(debt, asked)
        person = await _person(tx, workspace, debt, debtor, (asked, line.new.identity))
        await debts.update(tx, workspace, debt, replace(asked, identity={}), person)
    except Problem as problem:
        raise CannotUpdate(line.line, problem) from None
    # The same row again is known.
    debt.fingerprint = debts.fingerprint(workspace, line.new)
    debt.touch(tx)
    return Effect(values, list(person.fields), person.debtor.id != debtor.id, kept)


async def preview(tx: Transaction, workspace: Workspace, debt: Debt, line: Line) -> Effect:
    """Return what a row would change; raise CannotUpdate where it asks for what cannot be."""
    assert line.new is not None  # noqa: S101 - a row that asks for a debt
    try:
        asked = asked_of(debt, line)
    except Problem as problem:
        raise CannotUpdate(line.line, problem) from None
    is_other = is_somebody_else(debt.debtor.identity, line.new.identity)
    is_moved = is_other and await debts.has_others(tx, workspace, debt, debt.debtor.id)
    return Effect(debts.changing(debt, asked), fields_of(debt.debtor, asked), is_moved)


def asked_of(debt: Debt, line: Line) -> Change:
    """Return the change that a row asks for; raise a Problem where it cannot be one."""
    body: DebtChangeBody = _BODY.check(_values(line.body))
    return debts.changes(body, debt)


def fields_of(debtor: Debtor, asked: Change) -> list[str]:
    """Return the fields of a debtor that a change would replace."""
    return snapshots.differing(debtor.identity.given(), debtor.identity.updated(asked.identity).given())


def is_somebody_else(known: Identity, given: Identity) -> bool:
    """Tell whether a row names another person than its debt's debtor."""
    if debtors.compare(known, given) is Likeness.OTHER:
        return True
    return "name" in debtors.differences(known, given)


async def _person(
    tx: Transaction, workspace: Workspace, debt: Debt, debtor: Debtor, asked: tuple[Change, Identity]
) -> Person:
    change, given = asked
    fields, before = fields_of(debtor, change), debtor.identity
    other = None
    if is_somebody_else(before, given):
        other = await _other(tx, workspace, debt, given)
    if other is None or other.id == debtor.id:
        await debtors.update(tx, workspace, debtor, before.updated(change.identity))
        return Person(debtor, fields)
    fields = snapshots.differing(before.given(), other.identity.given())
    if not await debts.has_others(tx, workspace, debt, debtor.id):
        # Nobody's debtor any more; what the import keeps sealed can bring them back.
        await debtors.erase(tx, workspace.id, debtor.id)
    return Person(other, fields)


async def _other(tx: Transaction, workspace: Workspace, debt: Debt, given: Identity) -> Debtor | None:
    """Return the debtor whom a row names: known already, or new where theirs before has other debts."""
    hashes = debtors.hashes(given, workspace.lookup)
    holders = await debtors.holders_of(tx, workspace.id, hashes.matches)
    matcher = debtors.Matcher(tx, workspace, holders, replaces=False)
    known = await matcher.find_named(given)
    if known is not None or not await debts.has_others(tx, workspace, debt, debt.debtor.id):
        return known
    other = (await matcher.find_or_create(given, hashes)).debtor
    # Later rows of the same transaction recognise them too.
    await tx.send()
    other.is_new = False
    return other


def _values(body: Any) -> dict[str, Any]:
    """Return what a row says, without what only a new debt has."""
    return {name: value for name, value in body.items() if value is not None and name not in _ONLY_NEW}


_ONLY_NEW: Final = frozenset(
    {"timeline_start_mode", "accept_expensive_destination", "reference", "internal_id"}
)
