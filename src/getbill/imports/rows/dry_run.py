"""Dry run of rows: would-be debts are counted, errors are reported, and no debt is created.

References of the whole file are held in memory for one pass; an interrupted pass starts over.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from getbill import debts, quarantine
from getbill.debts import Debt
from getbill.imports.model import LeaseLost
from getbill.imports.rows import create, failures, update
from getbill.imports.rows.create import ChunkTally, ExistingDebt, ImportPass
from getbill.imports.rows.reader import Line
from getbill.kit import ids
from getbill.kit.database import Transaction

# By reference: the first line that would create its debt, or the last that would update it, and its
# fingerprint.
SeenReferences = dict[str, tuple[int, bytes]]


async def examine_rows(
    work: ImportPass, lines: Sequence[Line], cursor: int, seen_references: SeenReferences
) -> ChunkTally:
    """Preview a chunk of rows and advance the cursor; a row that fails is rejected on its own."""
    references = [line.new.reference for line in lines if line.new]
    before = {
        reference: seen_references[reference] for reference in references if reference in seen_references
    }

    async def trial(subset: Sequence[Line]) -> None:
        with suppress(failures.TrialRolledBack):
            async with work.database.transaction(work.workspace.now()) as tx:
                await _examine(tx, work, subset, dict(before))
                await failures.end_trial(work.database, tx)

    try:
        return await _examine_all(work, lines, cursor, seen_references)
    except Exception as error:
        is_own = not (isinstance(error, LeaseLost) or quarantine.is_transient(error))
        if not (is_own and await failures.refuse_failing(work.database, work.primary_key, lines, trial)):
            raise
    for reference in references:
        seen_references.pop(reference, None)
    seen_references |= before
    return await _examine_all(work, lines, cursor, seen_references)


async def _examine_all(
    work: ImportPass, lines: Sequence[Line], cursor: int, seen_references: SeenReferences
) -> ChunkTally:
    async with work.database.transaction(work.workspace.now()) as tx:
        tally = await _examine(tx, work, lines, seen_references)
        await create.advance_cursor(tx, work, cursor, tally)
    return tally


async def _examine(
    tx: Transaction, work: ImportPass, lines: Sequence[Line], seen_references: SeenReferences
) -> ChunkTally:
    tally = ChunkTally()
    await create.refuse_creditors(tx, work, lines)
    existing_debts = await create.find_existing(tx, work, [line for line in lines if line.new])
    debts_by_id: Mapping[UUID, Debt] = {}
    if work.import_.on_duplicate == "update":
        debts_by_id = await debts.find_many(
            tx, work.workspace, [existing_debt.debt_id for existing_debt in existing_debts.values()]
        )
    for line in lines:
        new = line.new
        if new is None:
            tally.rejected += 1
            tally.reported_rows.append(line.row_result("rejected"))
            continue
        if line.merged_into is not None:
            create.count_merged(tally, line)
            continue
        fingerprint = debts.fingerprint(work.workspace, new)
        before = seen_references.get(new.reference)
        if new.reference in existing_debts:
            existing_debt = existing_debts[new.reference]
            debt = debts_by_id.get(existing_debt.debt_id)
            if debt is not None and not _is_settled(line, fingerprint, existing_debt, before):
                await _preview_update(tx, work, tally, line, debt)
            else:
                _preview_duplicate(
                    tally, work.import_.on_duplicate, (line, fingerprint), (existing_debt, before)
                )
            if work.import_.on_duplicate == "update":
                seen_references[new.reference] = line.line, fingerprint
        elif before is not None:
            create.count_repeat(tally, line, before[0], is_same=before[1] == fingerprint)
        else:
            seen_references[new.reference] = line.line, fingerprint
            tally.created += 1
            if line.findings:
                tally.warnings += 1
                tally.reported_rows.append(line.row_result("warned"))
    create.save_findings(tx, work, tally)
    return tally


def _is_settled(
    line: Line, fingerprint: bytes, existing_debt: ExistingDebt, before: tuple[int, bytes] | None
) -> bool:
    """Return whether a row repeats another row of its file, or the values its debt was created from."""
    return existing_debt.line not in {None, line.line} or fingerprint == (
        before[1] if before else existing_debt.fingerprint
    )


async def _preview_update(
    tx: Transaction, work: ImportPass, tally: ChunkTally, line: Line, debt: Debt
) -> None:
    """Count the changes a row would make to a debt, without those of earlier rows."""
    try:
        effect = await update.preview(tx, work.workspace, debt, line)
    except update.CannotUpdate as error:
        tally.rejected += 1
        tally.reported_rows.append(create.cannot_update_row(line, debt.id, error.problem))
    else:
        create.count_update(tally, line, effect, debt.id)


def _preview_duplicate(
    tally: ChunkTally,
    on_duplicate: str,
    candidate: tuple[Line, bytes],
    duplicate: tuple[ExistingDebt, tuple[int, bytes] | None],
) -> None:
    """Count a row whose reference belongs to a debt; an earlier update in the file counts as its values."""
    (line, fingerprint), (existing_debt, before) = candidate, duplicate
    debt_id, is_same = (
        existing_debt.debt_id,
        fingerprint == (before[1] if before else existing_debt.fingerprint),
    )
    finding = create.reference_finding("reference-known", line, debt=ids.show("debt", debt_id))
    if existing_debt.line not in {None, line.line}:
        create.count_repeat(tally, line, existing_debt.line, debt_id, is_same=is_same)
    elif is_same:
        tally.unchanged += 1
        tally.matched_references.append((line.line, existing_debt.reference))
    elif on_duplicate == "update":
        tally.updated += 1
    elif on_duplicate == "skip":
        tally.skipped += 1
        tally.reported_rows.append(line.row_result("skipped", finding, debt_id=debt_id))
    else:
        tally.rejected += 1
        tally.reported_rows.append(line.row_result("rejected", finding, debt_id=debt_id))
