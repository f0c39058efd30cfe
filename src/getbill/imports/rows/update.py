"""Updates of debts that a file names again, where its sender chose `on_duplicate=update`.

A row updates a debt like `PUT /debts/{id}`: its values replace the earlier ones, and absent values are kept.
A row that names another person moves its debt to them: the debtor's other debts keep their debtor.
"""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from getbill import debtors, debts
from getbill.companies import Workspace
from getbill.debtors import Debtor, Identity, Likeness
from getbill.debts import Debt, DebtChange, DebtChangeBody, ReplacementDebtor
from getbill.imports import findings
from getbill.imports.findings import Finding
from getbill.imports.rows import snapshots
from getbill.imports.rows.reader import Line
from getbill.imports.rows.snapshots import ChangeArchive, DebtActivity, Snapshot
from getbill.kit import ids
from getbill.kit.database import Transaction
from getbill.kit.errors import Problem
from getbill.kit.http import JsonBody

_BODY: Final = JsonBody(DebtChangeBody, optional=False)


class CannotUpdate(Exception):
    """A debt refused the change that a row requests."""

    def __init__(self, line: int, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Effect:
    """The changes of a row: values of the debt, fields of the debtor, and whether the debtor changes."""

    values: list[str]
    person: list[str]
    is_moved: bool
    snapshot: Snapshot | None = None

    def findings(self, line: Line, debt_id: UUID) -> list[Finding]:
        """Return the findings that report the changes."""
        facts = {"debt": ids.show("debt", debt_id)}
        row_findings = [
            _update_finding(
                "updated", line, facts | {"fields": findings.field_names([*self.values, *self.person])}
            )
        ]
        if self.person:
            row_findings.append(
                _update_finding("person-changed", line, facts | {"fields": findings.field_names(self.person)})
            )
        if self.is_moved:
            row_findings.append(_update_finding("debt-moved", line, facts))
        return row_findings


def _update_finding(code: str, line: Line, facts: dict[str, Any]) -> Finding:
    reference = line.new.reference if line.new else None
    return findings.from_code(code, facts, pointer="/reference", value=reference, severity="warning")


async def update_debt(
    tx: Transaction, archive: ChangeArchive, debt_id: UUID, line: Line, activity: DebtActivity
) -> Effect:
    """Update the debt with a row's reference from the row; raise CannotUpdate when the debt refuses."""
    assert line.new is not None  # noqa: S101 - a row that asks for a debt
    workspace = archive.workspace
    try:
        debt = await debts.lock(tx, workspace, debt_id)
        debtor = await debtors.lock(tx, workspace, debt.debtor.id)
        debt_change = requested_change(debt, line)
        snapshot = Snapshot(archive, line.line, debt, (debtor.id, debtor.identity), activity)
        values = debts.replaced_fields(debt, debt_change)
        person = await _update_person(tx, workspace, debt, debtor, (debt_change, line.new.identity))
        await debts.update(tx, workspace, debt, replace(debt_change, identity={}), person)
        snapshot.set_person(person.debtor)
    except Problem as problem:
        raise CannotUpdate(line.line, problem) from None
    # The same row is recognised from now on.
    debt.fingerprint = debts.fingerprint(workspace, line.new)
    debt.touch(tx)
    return Effect(values, list(person.fields), person.debtor.id != debtor.id, snapshot)


async def preview(tx: Transaction, workspace: Workspace, debt: Debt, line: Line) -> Effect:
    """Return the changes a row would make; raise CannotUpdate where they are not possible."""
    assert line.new is not None  # noqa: S101 - a row that asks for a debt
    try:
        debt_change = requested_change(debt, line)
    except Problem as problem:
        raise CannotUpdate(line.line, problem) from None
    is_other = is_other_person(debt.debtor.identity, line.new.identity)
    is_moved = is_other and await debts.has_other_debts(tx, workspace, debt, debt.debtor.id)
    return Effect(
        debts.replaced_fields(debt, debt_change), changed_fields(debt.debtor, debt_change), is_moved
    )


def requested_change(debt: Debt, line: Line) -> DebtChange:
    """Return the change that a row requests; raise a Problem where it is invalid."""
    body: DebtChangeBody = _BODY.check(_values(line.body))
    return debts.debt_change(body, debt)


def changed_fields(debtor: Debtor, debt_change: DebtChange) -> list[str]:
    """Return the fields of a debtor that a change would replace."""
    return snapshots.differing_fields(
        debtor.identity.present_fields(), debtor.identity.with_changes(debt_change.identity).present_fields()
    )


def is_other_person(identity: Identity, row_identity: Identity) -> bool:
    """Return whether a row names another person than its debt's debtor."""
    if debtors.compare(identity, row_identity) is Likeness.OTHER:
        return True
    return "name" in debtors.differences(identity, row_identity)


async def _update_person(
    tx: Transaction, workspace: Workspace, debt: Debt, debtor: Debtor, request: tuple[DebtChange, Identity]
) -> ReplacementDebtor:
    change, row_identity = request
    fields, before = changed_fields(debtor, change), debtor.identity
    named_debtor = None
    if is_other_person(before, row_identity):
        named_debtor = await _find_other_debtor(tx, workspace, debt, row_identity)
    if named_debtor is None or named_debtor.id == debtor.id:
        await debtors.update(tx, workspace, debtor, debtors.replaced(before, change.identity, "file"))
        return ReplacementDebtor(debtor, fields)
    names = snapshots.differing_fields(before.present_fields(), named_debtor.identity.present_fields())
    fields = [name for name in names if name in debtors.STATED_FIELDS]
    if not await debts.has_other_debts(tx, workspace, debt, debtor.id):
        # The debtor has no debts left; the import's sealed snapshot can restore them.
        await debtors.erase(tx, workspace.id, debtor.id)
    return ReplacementDebtor(named_debtor, fields)


async def _find_other_debtor(
    tx: Transaction, workspace: Workspace, debt: Debt, row_identity: Identity
) -> Debtor | None:
    """Return the debtor that a row names: a known one, or a new one if the current debtor has other debts."""
    hashes = debtors.hash_identity(row_identity, workspace.lookup)
    holders = await debtors.holders_of(tx, workspace.id, hashes.matches)
    matcher = debtors.DebtorMatcher(tx, workspace, holders, source="file")
    existing_debtor = await matcher.find_by_name(row_identity)
    await tx.send()
    if existing_debtor is not None or not await debts.has_other_debts(tx, workspace, debt, debt.debtor.id):
        return existing_debtor
    new_debtor = (await matcher.find_or_create(row_identity, hashes)).debtor
    # Later rows of the same transaction recognise the debtor too.
    await tx.send()
    new_debtor.is_new = False
    return new_debtor


def _values(body: Any) -> dict[str, Any]:
    """Return a row's values, without those that only a new debt has."""
    return {name: value for name, value in body.items() if value is not None and name not in _ONLY_NEW}


_ONLY_NEW: Final = frozenset(
    {"timeline_start_mode", "accept_expensive_destination", "reference", "internal_id"}
)
