"""Creation of debts from rows in chunks: debts, findings and cursor are committed in one transaction.

A process that lost its lease writes nothing: the transaction checks the fence on the import's row.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from getbill import creditors, debts, quarantine
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Debt, NewDebt
from getbill.imports import findings
from getbill.imports.findings import Finding, ImportRow
from getbill.imports.model import Import, LeaseLost
from getbill.imports.rows import doubts, failures, instalments, people, update
from getbill.imports.rows.reader import Line
from getbill.imports.rows.snapshots import UNTOUCHED, ChangeArchive, DebtActivity, Snapshot
from getbill.kit import ids
from getbill.kit.database import Database, OptimisticConflict, Statement, Transaction
from getbill.kit.errors import Problem
from getbill.vault import Key

_EXISTING = Statement(
    "imports.find_existing",
    "Debts with these references, with their fingerprints and, if of this import, their lines.",
    """
    SELECT id, reference, fingerprint, due_on, CASE WHEN import_id = $3 THEN import_line END AS line FROM debts
    WHERE workspace_id = $1 AND reference = ANY($2) AND undone_at IS NULL
    """,
)
_ADVANCE = Statement(
    "imports.advance_import",
    "Advance an import by a chunk of rows, if its fence still holds.",
    """
    UPDATE imports SET cursor = $4, rows_done = rows_done + $5, created = created + $6, updated = updated + $7,
        unchanged = unchanged + $8, skipped = skipped + $9, rejected = rejected + $10, warnings = warnings + $11,
        crashes = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task IS NOT NULL
    RETURNING cursor
    """,
)
TRIES: Final = 5
COLLISIONS: Final = (
    OptimisticConflict,
    asyncpg.UniqueViolationError,
    # A row that was read has been deleted.
    asyncpg.ForeignKeyViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)


@dataclass(slots=True)
class ChunkTally:
    """The outcome of a chunk's rows: each row is counted once, in one of the first five fields."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    warnings: int = 0
    reported_rows: list[ImportRow] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    # Lines and references of rows without findings that were debts already.
    matched_references: list[tuple[int, str]] = field(default_factory=list)

    @property
    def rows_count(self) -> int:
        """Number of rows."""
        return self.created + self.updated + self.unchanged + self.skipped + self.rejected


@dataclass(slots=True)
class ExistingDebt:
    """A debt with a row's reference: its id, its fingerprint, and the line of this import that created it."""

    debt_id: UUID
    reference: str
    fingerprint: bytes | None
    line: int | None
    due_on: date | None = None
    # Its contacts and payments, where it may be updated.
    activity: DebtActivity = UNTOUCHED


@dataclass(frozen=True, slots=True)
class ImportPass:
    """The context of a pass over an import's rows: database, workspace, import with its fence, and key."""

    database: Database
    workspace: Workspace
    import_: Import
    key: Key

    @property
    def primary_key(self) -> tuple[UUID, UUID]:
        """The primary key of the import's row."""
        return self.workspace.id, self.import_.id

    @property
    def archive(self) -> ChangeArchive:
        """The archive of the values that the import replaced."""
        return ChangeArchive(self.workspace, self.import_.id, self.key)

    def grace_ends_at(self, now: datetime) -> datetime | None:
        """Return the end of the grace period of debts created now."""
        hours = self.import_.grace_hours
        return now + timedelta(hours=hours) if hours else None


async def create_debts(
    work: ImportPass, lines: Sequence[Line], cursor: int, drop_earlier: Statement | None = None
) -> None:
    """Create and update debts from a chunk of rows and advance the cursor; raise LeaseLost on a lost lease.

    For rows that were rejected before, `drop_earlier` deletes their earlier findings.
    """
    if work.import_.on_duplicate != "update":
        await _create_chunk(work, lines, cursor, drop_earlier)
        return
    *first, last = _split_repeats(lines)
    for part in first:
        await _create_chunk(work, part, cursor if drop_earlier else part[-1].line, drop_earlier)
    await _create_chunk(work, last, cursor, drop_earlier)


def _split_repeats(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Split rows so that no part has a reference twice: a transaction does not see its own unsent changes."""
    part: list[Line] = []
    references: set[str] = set()
    for line in lines:
        reference = line.new.reference if line.new else None
        if reference in references:
            yield part
            part, references = [], set()
        part.append(line)
        if reference is not None:
            references.add(reference)
    yield part


async def _create_chunk(
    work: ImportPass, lines: Sequence[Line], cursor: int, drop_earlier: Statement | None
) -> None:
    refusals: dict[int, Problem] = {}
    tries = 0
    is_searched = False

    async def trial(subset: Sequence[Line]) -> None:
        with suppress(failures.TrialRolledBack):
            async with work.database.transaction(work.workspace.now()) as tx:
                await decide_rows(tx, work, subset, refusals)
                await failures.end_trial(work.database, tx)

    while True:
        try:
            async with work.database.transaction(work.workspace.now()) as tx:
                if drop_earlier is not None:
                    await tx.execute(drop_earlier, *work.primary_key, [line.line for line in lines])
                tally = await decide_rows(tx, work, lines, refusals)
                await advance_cursor(
                    tx, work, cursor, tally, refused_before=len(lines) if drop_earlier else 0
                )
        except update.CannotUpdate as error:
            # The whole chunk is rolled back and decided again with this refusal.
            refusals[error.line] = error.problem
        except COLLISIONS:
            tries += 1
            if tries == TRIES:
                raise
        except Exception as error:
            if is_searched or not await _refuse_failing(work, lines, trial, error):
                raise
            is_searched = True
        else:
            return


async def _refuse_failing(
    work: ImportPass, lines: Sequence[Line], trial: failures.Trial, error: Exception
) -> bool:
    """Reject the rows of a chunk that fail on their own; return whether the rest can be created."""
    if isinstance(error, LeaseLost) or quarantine.is_transient(error):
        return False
    return await failures.refuse_failing(work.database, work.primary_key, lines, trial)


async def decide_rows(
    tx: Transaction, work: ImportPass, lines: Sequence[Line], refusals: Mapping[int, Problem] | None = None
) -> ChunkTally:
    """Create or update debts from some rows and save their findings; `refusals` are updates that failed."""
    tally = ChunkTally()
    await refuse_creditors(tx, work, lines)
    valid_lines = [line for line in lines if line.new is not None]
    existing_debts = await find_existing(tx, work, valid_lines)
    if existing_debts and work.import_.on_duplicate == "update":
        activities = await work.archive.activities(
            tx, [existing_debt.debt_id for existing_debt in existing_debts.values()]
        )
        for existing_debt in existing_debts.values():
            existing_debt.activity = activities[existing_debt.debt_id]
    first_lines: dict[str, Line] = {}
    new_lines: list[Line] = []
    repeats: list[tuple[ImportRow, str]] = []
    for line in lines:
        new = line.new
        if new is None:
            tally.rejected += 1
            tally.reported_rows.append(line.row_result("rejected"))
        elif line.merged_into is not None:
            count_merged(tally, line)
        elif new.reference in first_lines:
            first = first_lines[new.reference]
            repeats.append(
                (count_repeat(tally, line, first.line, is_same=is_repeat(new, first.new)), new.reference)
            )
        elif (duplicate := existing_debts.get(new.reference)) is not None:
            await _on_duplicate(tx, work, tally, (line, duplicate), (refusals or {}).get(line.line))
        else:
            first_lines[new.reference] = line
            new_lines.append(line)
    debt_ids = await _create_new(tx, work, tally, new_lines)
    for repeated_row, reference in repeats:
        repeated_row.debt_id = debt_ids[reference]
    save_findings(tx, work, tally)
    for snapshot in tally.snapshots:
        snapshot.save(tx)
    return tally


async def refuse_creditors(tx: Transaction, work: ImportPass, lines: Sequence[Line]) -> None:
    """Reject the rows whose `creditor_id` names no creditor, or another one than their `company`."""
    choices = {line.new.creditor_choice for line in lines if line.new and line.new.creditor_id}
    errors = await creditors.choice_errors(tx, work.workspace, choices)
    for line in lines:
        if line.new is not None and (error := errors.get(line.new.creditor_choice)) is not None:
            line.new = None
            line.findings.append(findings.from_error(error, line.body))


def save_findings(tx: Transaction, work: ImportPass, tally: ChunkTally) -> None:
    """Save the findings of some rows, and the hashes by which the people in them are found."""
    findings.write(tx, work.workspace.id, work.import_.id, work.key, tally.reported_rows)
    people.index_rows(tx, work.workspace, work.import_.id, tally.reported_rows)
    people.index_references(tx, work.workspace, work.import_.id, tally.matched_references)


def is_repeat(new: NewDebt, first: NewDebt | None) -> bool:
    """Return whether a row requests the same debt as another; lines of one invoice differ in details only."""
    return first is not None and new == replace(first, details=new.details)


def count_merged(tally: ChunkTally, line: Line) -> None:
    """Count an instalment that is included in the amount of another line's debt."""
    tally.skipped += 1
    tally.reported_rows.append(
        line.row_result("skipped", reference_finding("instalment-merged", line, line_before=line.merged_into))
    )


async def find_existing(tx: Transaction, work: ImportPass, lines: Sequence[Line]) -> dict[str, ExistingDebt]:
    """Return the debts with these lines' references, and match instalments to their existing debts."""
    references = {line.new.reference for line in lines if line.new}
    other_references = {line.other_reference for line in lines if line.other_reference}
    existing_debts = await _find_by_reference(tx, work, [*references, *other_references])
    if other_references:
        instalments.match_existing(
            lines, existing_debts, {reference: debt.due_on for reference, debt in existing_debts.items()}
        )
    return existing_debts


async def _find_by_reference(
    tx: Transaction, work: ImportPass, references: list[str]
) -> dict[str, ExistingDebt]:
    """Return the debts with these references, by reference."""
    rows = await tx.fetch(_EXISTING, work.workspace.id, references, work.import_.id)
    return {
        row["reference"]: ExistingDebt(
            row["id"], row["reference"], row["fingerprint"], row["line"], row["due_on"]
        )
        for row in rows
    }


async def _create_new(
    tx: Transaction, work: ImportPass, tally: ChunkTally, new_lines: list[Line]
) -> dict[str, UUID]:
    new_debts = [line.new for line in new_lines if line.new]
    lines = [line.line for line in new_lines]
    source = "api" if work.import_.source == "batch" else "file"
    origin = debts.Origin(work.import_.id, lines, work.grace_ends_at(tx.now), source)
    debt_ids: dict[str, UUID] = {}
    learned: list[tuple[int, Debt, Identity]] = []
    for line, outcome in zip(
        new_lines, await debts.create_many(tx, work.workspace, new_debts, origin), strict=True
    ):
        if not isinstance(outcome, debts.Created) or not outcome.is_new:
            # The debt was created between the optimistic lookup and this one.
            raise OptimisticConflict
        debt_ids[str(outcome.debt.reference)] = outcome.debt.id
        tally.created += 1
        if line.findings or outcome.doubts:
            tally.warnings += 1
            doubt_findings = doubts.identity_findings(line, outcome)
            tally.reported_rows.append(line.row_result("warned", *doubt_findings, debt_id=outcome.debt.id))
        if outcome.previous_identity is not None:
            learned.append((line.line, outcome.debt, outcome.previous_identity))
    if learned:
        tally.snapshots += await work.archive.snapshot_people(tx, learned)
    return debt_ids


def count_repeat(
    tally: ChunkTally, line: Line, first_line: int, debt_id: UUID | None = None, *, is_same: bool
) -> ImportRow:
    """Count a row whose reference occurred earlier in the file, and may belong to a debt by now."""
    if is_same:
        tally.skipped += 1
        row = line.row_result(
            "skipped", reference_finding("repeated-row", line, line_before=first_line), debt_id=debt_id
        )
    else:
        tally.rejected += 1
        row = line.row_result(
            "rejected", reference_finding("duplicate-in-file", line, line_before=first_line), debt_id=debt_id
        )
    tally.reported_rows.append(row)
    return row


async def _on_duplicate(
    tx: Transaction,
    work: ImportPass,
    tally: ChunkTally,
    duplicate: tuple[Line, ExistingDebt],
    refusal: Problem | None,
) -> None:
    """Settle a row whose reference belongs to an existing debt."""
    line, existing_debt = duplicate
    assert line.new is not None  # noqa: S101 - only such a row has a reference
    fingerprint = debts.fingerprint(work.workspace, line.new)
    is_same = existing_debt.fingerprint == fingerprint
    public_id = ids.show("debt", existing_debt.debt_id)
    # A debt from this very line was created before the undo, and could not be undone.
    if existing_debt.line not in {None, line.line}:
        count_repeat(tally, line, existing_debt.line, existing_debt.debt_id, is_same=is_same)
    elif is_same:
        tally.unchanged += 1
        tally.matched_references.append((line.line, existing_debt.reference))
    elif refusal is not None:
        tally.rejected += 1
        tally.reported_rows.append(cannot_update_row(line, existing_debt.debt_id, refusal))
    elif work.import_.on_duplicate == "update":
        effect = await update.update_debt(
            tx, work.archive, existing_debt.debt_id, line, existing_debt.activity
        )
        existing_debt.fingerprint = fingerprint
        count_update(tally, line, effect, existing_debt.debt_id)
        if effect.snapshot is not None:
            tally.snapshots.append(effect.snapshot)
    elif work.import_.on_duplicate == "skip":
        tally.skipped += 1
        tally.reported_rows.append(
            line.row_result(
                "skipped",
                reference_finding("reference-known", line, debt=public_id),
                debt_id=existing_debt.debt_id,
            )
        )
    else:
        tally.rejected += 1
        tally.reported_rows.append(
            line.row_result(
                "rejected",
                reference_finding("reference-known", line, debt=public_id),
                debt_id=existing_debt.debt_id,
            )
        )


def cannot_update_row(line: Line, debt_id: UUID, problem: Problem) -> ImportRow:
    """Return the finding of a row whose debt cannot be updated."""
    public_id = ids.show("debt", debt_id)
    return line.row_result(
        "rejected",
        reference_finding("cannot-update", line, debt=public_id, why=problem.detail),
        debt_id=debt_id,
    )


def count_update(tally: ChunkTally, line: Line, effect: update.Effect, debt_id: UUID) -> None:
    """Count a row that updates a debt, and add findings for its changes."""
    tally.updated += 1
    if line.findings or effect.person:
        tally.warnings += 1
    tally.reported_rows.append(line.row_result("warned", *effect.findings(line, debt_id), debt_id=debt_id))


def reference_finding(code: str, line: Line, **facts: object) -> Finding:
    """Return a finding about a row's reference."""
    assert line.new is not None  # noqa: S101 - only such a row has a reference
    finding = findings.from_code(
        code,
        {"reference": line.new.reference, **facts},
        pointer="/reference",
        value=line.new.reference,
    )
    finding.severity = "error" if code in {"duplicate-in-file", "cannot-update"} else "warning"
    return finding


async def advance_cursor(
    tx: Transaction, work: ImportPass, cursor: int, tally: ChunkTally, *, refused_before: int = 0
) -> None:
    """Advance the import's cursor, as the last statement before the rows; raise LeaseLost on a lost lease."""
    values = (
        tally.rows_count - refused_before,
        tally.created,
        tally.updated,
        tally.unchanged,
        tally.skipped,
        tally.rejected - refused_before,
        tally.warnings,
    )
    if await tx.fetchval(_ADVANCE, *work.primary_key, work.import_.fence, cursor, *values) is None:
        raise LeaseLost
