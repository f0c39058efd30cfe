"""Restoring the values that `on_duplicate=update` replaced, last change first.

A debt that was contacted about, paid, moved on or changed again since keeps its change, with the reason. Each
step is one transaction under the import's fence: the next process continues with the rest.
"""

from dataclasses import dataclass, field
from typing import Final

from getbill import debtors, debts, quarantine
from getbill.debtors import Debtor, Identity
from getbill.debts import Debt, ReplacementDebtor
from getbill.imports.model import LeaseLost
from getbill.imports.rows.create import COLLISIONS, TRIES, ImportPass
from getbill.imports.rows.snapshots import DebtActivity, RecordedChange
from getbill.imports.rows.update import is_other_person
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import NotFound, Problem
from getbill.kit.messages import message
from getbill.quarantine import Item

_CHUNK: Final = 50
_OPEN: Final = debts.CONTACTABLE | {debts.Status.ON_HOLD}

_ADVANCE = Statement(
    "imports.advance_restore",
    "Count restored and kept changes of an undo, if the import's fence still holds.",
    """
    UPDATE imports SET restored = restored + $4, kept = kept + $5, crashes = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task = 'undo'
    RETURNING id
    """,
)


class _CannotRestore(Exception):
    """A debt refuses its earlier values: the chunk is rolled back and repeated without it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(slots=True)
class _RestoreOutcome:
    restored_numbers: list[int] = field(default_factory=list)
    # Changes to people made by new debts of the import; they are not counted.
    unlearned_numbers: list[int] = field(default_factory=list)
    kept_codes: dict[int, str] = field(default_factory=dict)


async def restore_changes(work: ImportPass) -> None:
    """Restore every change of an import that can be undone; raise LeaseLost when the lease is lost."""
    refused_numbers: set[int] = set()
    tries, limit = 0, _CHUNK
    while True:
        try:
            if not await _restore_chunk(work, limit, refused_numbers):
                return
        except _CannotRestore as error:
            refused_numbers.add(error.number)
        except COLLISIONS:
            tries += 1
            if tries == TRIES:
                raise
        except Exception as error:
            if isinstance(error, LeaseLost) or quarantine.is_transient(error):
                raise
            if limit == 1:
                await _skip_change(work, error)
            limit = max(1, limit // 4)
        else:
            tries, limit = 0, min(_CHUNK, limit * 2)


async def _restore_chunk(work: ImportPass, limit: int, refused_numbers: set[int]) -> bool:
    """Restore the next changes; return whether there was any."""
    async with work.database.transaction(work.workspace.now()) as tx:
        changes = await work.archive.pending(tx, limit)
        if not changes:
            return False
        outcome = await _restore_all(tx, work, changes, refused_numbers)
        await work.archive.close_changes(
            tx, outcome.restored_numbers + outcome.unlearned_numbers, outcome.kept_codes
        )
        await _advance(tx, work, len(outcome.restored_numbers), len(outcome.kept_codes))
    return True


async def _skip_change(work: ImportPass, error: Exception) -> None:
    """Keep the next change and quarantine it: it fails on its own."""
    async with work.database.transaction(work.workspace.now()) as tx:
        number, line = await work.archive.next_change(tx)
        await work.archive.close_changes(tx, [], {number: "cannot-restore"})
        await _advance(tx, work, 0, 1)
        reason = message(
            "the change of line {line} stays: {reason}", line=line, reason=quarantine.reason_of(error)
        )
        await quarantine.add(tx, Item(work.workspace.id, "row", work.import_.id), reason)


async def _advance(tx: Transaction, work: ImportPass, restored_count: int, kept_count: int) -> None:
    if await tx.fetchval(_ADVANCE, *work.primary_key, work.import_.fence, restored_count, kept_count) is None:
        raise LeaseLost


async def _restore_all(
    tx: Transaction, work: ImportPass, changes: list[RecordedChange], refused_numbers: set[int]
) -> _RestoreOutcome:
    outcome = _RestoreOutcome()
    locked_debts = await debts.lock_many(tx, work.workspace, [change.debt_id for change in changes])
    activities = await work.archive.activities(tx, locked_debts)
    for change in changes:
        debt = locked_debts.get(change.debt_id)
        code = "cannot-restore" if change.number in refused_numbers else None
        is_own = debt is not None and debt.import_id == work.import_.id
        if debt is not None and code is None:
            restore_one = _unlearn if is_own else _restore
            code = await restore_one(tx, work, change, debt, activities[debt.id])
        if code is None and is_own:
            outcome.unlearned_numbers.append(change.number)
        elif code is None:
            outcome.restored_numbers.append(change.number)
        else:
            outcome.kept_codes[change.number] = code
    return outcome


async def _restore(
    tx: Transaction, work: ImportPass, change: RecordedChange, debt: Debt, activity: DebtActivity
) -> str | None:
    """Restore one change, or return the code of the reason to keep it."""
    before, after = change.debts
    values = debts.differing_fields(before, after)
    debtor = await _debtor(tx, work, change, debt)
    if (code := _later_activity(change, debt, activity)) is not None:
        return code
    if debtor is None or _is_changed(change, debt, debtor, values):
        return "changed-since"
    try:
        person = await _restore_person(tx, work, change, debt, debtor)
        await debts.update(tx, work.workspace, debt, debts.restoring_change(before, values), person)
    except Problem:
        raise _CannotRestore(change.number) from None
    debt.fingerprint = bytes.fromhex(before["fingerprint"]) if before["fingerprint"] else None
    debt.touch(tx)
    return None


async def _unlearn(
    tx: Transaction, work: ImportPass, change: RecordedChange, debt: Debt, activity: DebtActivity
) -> str | None:
    """Restore a person to their state before a new debt of the import, unless that debt stays."""
    if debt.undone_at is None:
        return None
    if change.stated_fields and activity.all_contacts > change.activity.all_contacts:
        return "contacted-since"
    debtor = await _debtor(tx, work, change, debt)
    if debtor is None or _is_changed(change, debt, debtor, []):
        return "changed-since"
    await _restore_person(tx, work, change, debt, debtor)
    return None


async def _debtor(tx: Transaction, work: ImportPass, change: RecordedChange, debt: Debt) -> Debtor | None:
    if debt.debtor.id != change.debtor_ids[1]:
        return None
    return await debtors.lock(tx, work.workspace, debt.debtor.id)


def _later_activity(change: RecordedChange, debt: Debt, activity: DebtActivity) -> str | None:
    before = change.activity
    is_person = bool(change.stated_fields) and not change.is_moved
    if activity.contacts > before.contacts or (is_person and activity.all_contacts > before.all_contacts):
        return "contacted-since"
    if activity.entries > before.entries:
        return "money-since"
    return None if debt.status in _OPEN or debt.status in _own_statuses(change) else "moved-since"


def _own_statuses(change: RecordedChange) -> set[str]:
    """Return the status before the change, and the one after it: a raised amount may have reopened the debt."""
    return {values["status"] for values in change.debts}


def _is_changed(change: RecordedChange, debt: Debt, debtor: Debtor, values: list[str]) -> bool:
    """Return whether values that the import replaced were changed again since."""
    now, after = debts.snapshot(debt), change.debts[1]
    current_identity, expected_identity = debtor.identity.present_fields(), change.identities[1]
    if not set(debts.differing_fields(now, after)).isdisjoint(values):
        return True
    if change.is_moved:
        return is_other_person(Identity.from_fields(expected_identity), debtor.identity)
    return any(current_identity.get(name) != expected_identity.get(name) for name in change.stated_fields)


async def _restore_person(
    tx: Transaction, work: ImportPass, change: RecordedChange, debt: Debt, debtor: Debtor
) -> ReplacementDebtor | None:
    if change.is_moved:
        return await _move_back(tx, work, change, debt, debtor)
    fields = change.person_fields
    if not fields:
        return None
    before, after = (Identity.from_fields(identity) for identity in change.identities)
    await debtors.restore(tx, work.workspace, debtor, debtors.unlearned(debtor.identity, before, after))
    return ReplacementDebtor(debtor, fields)


async def _move_back(
    tx: Transaction, work: ImportPass, change: RecordedChange, debt: Debt, debtor: Debtor
) -> ReplacementDebtor:
    earlier = await _earlier_debtor(tx, work, change)
    if not await debts.has_other_debts(tx, work.workspace, debt, debtor.id):
        await debtors.erase(tx, work.workspace.id, debtor.id)
    return ReplacementDebtor(earlier, change.person_fields)


async def _earlier_debtor(tx: Transaction, work: ImportPass, change: RecordedChange) -> Debtor:
    """Return the debtor before a change; created anew where their record was deleted with their last debt."""
    workspace = work.workspace
    try:
        return await debtors.lock(tx, workspace, change.debtor_ids[0])
    except NotFound:
        pass
    identity = Identity.from_fields(change.identities[0])
    hashes = debtors.hash_identity(identity, workspace.lookup)
    holders = await debtors.holders_of(tx, workspace.id, hashes.matches)
    matcher = debtors.DebtorMatcher(tx, workspace, holders, source="file")
    earlier = (await matcher.find_or_create(identity, hashes)).debtor
    await tx.send()
    earlier.is_new = False
    return earlier
