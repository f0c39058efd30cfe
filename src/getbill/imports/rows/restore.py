"""Giving back what `on_duplicate=update` replaced, the last change first.

What was contacted about or paid since, moved on, or was changed again keeps the change, with the reason. Each step is
one transaction under the import's fence: whoever comes next goes on with what is left.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from getbill import debtors, debts, quarantine
from getbill.debtors import Debtor, Identity
from getbill.debts import Debt, Person
from getbill.imports.rows.create import COLLISIONS, TRIES, LeaseLost, Work
from getbill.imports.rows.snapshots import Change, Standing
from getbill.kit import failpoints
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import NotFound, Problem
from getbill.kit.messages import message
from getbill.quarantine import Item

_CHUNK: Final = 50
_OPEN: Final = frozenset({"pending", "in_progress", "on_hold"})

_ADVANCE = Statement(
    "imports.advance_restore",
    "Count changes that were given back or stay, if we still hold the import's lease.",
    """
    UPDATE imports SET restored = restored + $4, kept = kept + $5, tries = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task = 'undo'
    RETURNING id
    """,
)


class _CannotRestore(Exception):
    """A debt refuses its earlier values: the chunk is rolled back and done again without it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(slots=True)
class _Outcome:
    restored: list[int] = field(default_factory=list)
    # What new debts of the import had taught of people; it is counted nowhere.
    unlearned: list[int] = field(default_factory=list)
    kept: dict[int, str] = field(default_factory=dict)


async def give_back(work: Work) -> None:
    """Give back every change of an import that nothing rests on; raise LeaseLost when it is not ours any more."""
    refused: set[int] = set()
    tries, most = 0, _CHUNK
    while True:
        try:
            if not await _give_back_some(work, most, refused):
                return
        except _CannotRestore as error:
            refused.add(error.number)
        except COLLISIONS:
            tries += 1
            if tries == TRIES:
                raise
        except Exception as error:
            if isinstance(error, LeaseLost) or quarantine.is_passing(error):
                raise
            if most == 1:
                await _leave(work, error)
            most = max(1, most // 4)
        else:
            tries, most = 0, min(_CHUNK, most * 2)
            failpoints.at("imports.restored")


async def _give_back_some(work: Work, most: int, refused: set[int]) -> bool:
    """Give back the next changes; tell whether there was any."""
    async with work.database.transaction(work.workspace.now()) as tx:
        changes = await work.archive.pending(tx, most)
        if not changes:
            return False
        outcome = await _restore_all(tx, work, changes, refused)
        await work.archive.settle(tx, outcome.restored + outcome.unlearned, outcome.kept)
        await _advance(tx, work, len(outcome.restored), len(outcome.kept))
    return True


async def _leave(work: Work, error: Exception) -> None:
    """Leave the next change as it is, and set it aside: it fails by itself."""
    async with work.database.transaction(work.workspace.now()) as tx:
        number, line = await work.archive.next_place(tx)
        await work.archive.settle(tx, [], {number: "cannot-restore"})
        await _advance(tx, work, 0, 1)
        reason = message(
            "the change of line {line} stays: {reason}", line=line, reason=quarantine.reason_of(error)
        )
        await quarantine.put(tx, Item(work.workspace.id, "row", work.found.id), reason)


async def _advance(tx: Transaction, work: Work, restored: int, kept: int) -> None:
    if await tx.fetchval(_ADVANCE, *work.place, work.found.fence, restored, kept) is None:
        raise LeaseLost


async def _restore_all(tx: Transaction, work: Work, changes: list[Change], refused: set[int]) -> _Outcome:
    outcome = _Outcome()
    held = await debts.lock_many(tx, work.workspace, [change.debt_id for change in changes])
    standings = await work.archive.standings(tx, held)
    for change in changes:
        debt = held.get(change.debt_id)
        code = "cannot-restore" if change.number in refused else None
        is_own = debt is not None and debt.import_id == work.found.id
        if debt is not None and code is None:
            step = _unlearn if is_own else _restore
            code = await step(tx, work, change, debt, standings[debt.id])
        if code is None and is_own:
            outcome.unlearned.append(change.number)
        elif code is None:
            outcome.restored.append(change.number)
        else:
            outcome.kept[change.number] = code
    return outcome


async def _restore(tx: Transaction, work: Work, change: Change, debt: Debt, standing: Standing) -> str | None:
    """Give one change back, or return the code of what keeps it."""
    before, after = change.debts
    values = debts.replaced(before, after)
    debtor = await _debtor(tx, work, change, debt)
    if (code := _followed(change, debt, standing)) is not None:
        return code
    if debtor is None or _is_changed(change, debt, debtor, values):
        return "changed-since"
    try:
        person = await _person(tx, work, change, debt, debtor)
        await debts.update(tx, work.workspace, debt, debts.restoring(before, values), person)
    except Problem:
        raise _CannotRestore(change.number) from None
    debt.fingerprint = bytes.fromhex(before["fingerprint"]) if before["fingerprint"] else None
    debt.touch(tx)
    return None


async def _unlearn(tx: Transaction, work: Work, change: Change, debt: Debt, standing: Standing) -> str | None:
    """Give back who a person was before a new debt of the import, unless that debt stays."""
    if debt.undone_at is None:
        return None
    if standing.all_contacts > change.standing.all_contacts:
        return "contacted-since"
    debtor = await _debtor(tx, work, change, debt)
    if debtor is None or _is_changed(change, debt, debtor, []):
        return "changed-since"
    await _person(tx, work, change, debt, debtor)
    return None


async def _debtor(tx: Transaction, work: Work, change: Change, debt: Debt) -> Debtor | None:
    if debt.debtor.id != change.debtor_ids[1]:
        return None
    return await debtors.lock(tx, work.workspace, debt.debtor.id)


def _followed(change: Change, debt: Debt, standing: Standing) -> str | None:
    before = change.standing
    is_person = bool(change.person_fields) and not change.is_moved
    if standing.contacts > before.contacts or (is_person and standing.all_contacts > before.all_contacts):
        return "contacted-since"
    if standing.entries > before.entries:
        return "money-since"
    return None if debt.status in _OPEN or debt.status == change.debts[0]["status"] else "moved-since"


def _is_changed(change: Change, debt: Debt, debtor: Debtor, values: list[str]) -> bool:
    """Tell whether somebody replaced since what the import had replaced."""
    now, after = debts.snapshot(debt), change.debts[1]
    known, expected = debtor.identity.given(), change.identities[1]
    if not set(debts.replaced(now, after)).isdisjoint(values):
        return True
    return not change.is_moved and any(known.get(name) != expected.get(name) for name in change.person_fields)


async def _person(tx: Transaction, work: Work, change: Change, debt: Debt, debtor: Debtor) -> Person | None:
    if change.is_moved:
        return await _move_back(tx, work, change, debt, debtor)
    fields = change.person_fields
    if not fields:
        return None
    earlier: dict[str, Any] = {name: change.identities[0].get(name) for name in fields}
    await debtors.restore(tx, work.workspace, debtor, debtor.identity.updated(earlier))
    return Person(debtor, fields)


async def _move_back(tx: Transaction, work: Work, change: Change, debt: Debt, debtor: Debtor) -> Person:
    earlier = await _earlier(tx, work, change)
    if not await debts.has_others(tx, work.workspace, debt, debtor.id):
        await debtors.erase(tx, work.workspace.id, debtor.id)
    return Person(earlier, change.person_fields)


async def _earlier(tx: Transaction, work: Work, change: Change) -> Debtor:
    """Return the debtor before a change; met anew where their record went with their last debt."""
    workspace = work.workspace
    try:
        return await debtors.lock(tx, workspace, change.debtor_ids[0])
    except NotFound:
        pass
    identity = Identity(**change.identities[0])
    hashes = debtors.hashes(identity, workspace.lookup)
    holders = await debtors.holders_of(tx, workspace.id, hashes.matches)
    matcher = debtors.Matcher(tx, workspace, holders, replaces=False)
    earlier = (await matcher.find_or_create(identity, hashes)).debtor
    if earlier.is_new:
        await tx.send()
        earlier.is_new = False
    return earlier
