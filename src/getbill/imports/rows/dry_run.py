"""Checking rows without making anything: what would become a debt is counted, what would not is said.

The references of the whole file are remembered for as long as the pass takes; a pass that was cut short begins again.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from getbill import debts, quarantine
from getbill.debts import Debt
from getbill.imports.rows import create, failures, update
from getbill.imports.rows.create import Known, Tally, Work
from getbill.imports.rows.reader import Line
from getbill.kit import ids
from getbill.kit.database import Transaction

# By reference: the first line that would make its debt, or the last that would change it, and the values there.
Seen = dict[str, tuple[int, bytes]]


async def examine(work: Work, lines: Sequence[Line], cursor: int, seen: Seen) -> Tally:
    """Say what would become of a chunk of rows, and move the cursor; a row that fails is refused by itself."""
    references = [line.new.reference for line in lines if line.new]
    before = {reference: seen[reference] for reference in references if reference in seen}

    async def trial(some: Sequence[Line]) -> None:
        with suppress(failures.TakenBack):
            async with work.database.transaction(work.workspace.now()) as tx:
                await _examine(tx, work, some, dict(before))
                await failures.trying(work.database, tx)

    try:
        return await _examine_all(work, lines, cursor, seen)
    except Exception as error:
        is_own = not (isinstance(error, create.LeaseLost) or quarantine.is_passing(error))
        if not (is_own and await failures.refuse_failing(work.database, work.place, lines, trial)):
            raise
    for reference in references:
        seen.pop(reference, None)
    seen |= before
    return await _examine_all(work, lines, cursor, seen)


async def _examine_all(work: Work, lines: Sequence[Line], cursor: int, seen: Seen) -> Tally:
    async with work.database.transaction(work.workspace.now()) as tx:
        tally = await _examine(tx, work, lines, seen)
        await create.advance(tx, work, cursor, tally)
    return tally


async def _examine(tx: Transaction, work: Work, lines: Sequence[Line], seen: Seen) -> Tally:
    tally = Tally()
    taken = await create.taken_by(tx, work, [line for line in lines if line.new])
    book: Mapping[UUID, Debt] = {}
    if work.found.on_duplicate == "update":
        book = await debts.find_many(tx, work.workspace, [one.debt_id for one in taken.values()])
    for line in lines:
        new = line.new
        if new is None:
            tally.rejected += 1
            tally.said.append(line.about("rejected"))
            continue
        if line.merged_into is not None:
            create.merged(tally, line)
            continue
        own = debts.fingerprint(work.workspace, new)
        before = seen.get(new.reference)
        if new.reference in taken:
            known = taken[new.reference]
            debt = book.get(known.debt_id)
            if debt is not None and not _is_settled(line, own, known, before):
                await _update(tx, work, tally, line, debt)
            else:
                _meet(tally, work.found.on_duplicate, (line, own), (known, before))
            if work.found.on_duplicate == "update":
                seen[new.reference] = line.line, own
        elif before is not None:
            create.repeat(tally, line, before[0], is_same=before[1] == own)
        else:
            seen[new.reference] = line.line, own
            tally.created += 1
            if line.findings:
                tally.warnings += 1
                tally.said.append(line.about("warned"))
    create.keep(tx, work, tally)
    return tally


def _is_settled(line: Line, own: bytes, known: Known, before: tuple[int, bytes] | None) -> bool:
    """Tell whether a row repeats another of its file, or says what its debt was made from."""
    return known.line not in {None, line.line} or own == (before[1] if before else known.fingerprint)


async def _update(tx: Transaction, work: Work, tally: Tally, line: Line, debt: Debt) -> None:
    """Say what a row would change on a debt; what one before it would have changed is not counted in."""
    try:
        effect = await update.preview(tx, work.workspace, debt, line)
    except update.CannotUpdate as error:
        tally.rejected += 1
        tally.said.append(create.refused(line, debt.id, error.problem))
    else:
        create.count_update(tally, line, effect, debt.id)


def _meet(
    tally: Tally, on_duplicate: str, asked: tuple[Line, bytes], met: tuple[Known, tuple[int, bytes] | None]
) -> None:
    """Say what would become of a row whose reference is a debt's; what updated it before counts as its values."""
    (line, own), (debt, before) = asked, met
    debt_id, is_same = debt.debt_id, own == (before[1] if before else debt.fingerprint)
    known = create.note("reference-known", line, debt=ids.show("debt", debt_id))
    if debt.line not in {None, line.line}:
        create.repeat(tally, line, debt.line, debt_id, is_same=is_same)
    elif is_same:
        tally.unchanged += 1
        tally.met.append((line.line, debt.reference))
    elif on_duplicate == "update":
        tally.updated += 1
    elif on_duplicate == "skip":
        tally.skipped += 1
        tally.said.append(line.about("skipped", known, debt_id=debt_id))
    else:
        tally.rejected += 1
        tally.said.append(line.about("rejected", known, debt_id=debt_id))
