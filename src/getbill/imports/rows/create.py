"""Making debts of rows, a chunk at a time: the debts, what is said of the others, and the cursor in one transaction.

Whoever holds the lease no more writes nothing: the fence on the import's row is asked for in the same transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from getbill import debts, quarantine
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Debt, NewDebt
from getbill.imports import findings
from getbill.imports.findings import Finding, ImportRow
from getbill.imports.model import Import
from getbill.imports.rows import doubts, failures, instalments, people, update
from getbill.imports.rows.reader import Line
from getbill.imports.rows.snapshots import UNTOUCHED, ChangeArchive, DebtActivity, Snapshot
from getbill.kit import failpoints, ids
from getbill.kit.database import Database, OptimisticConflict, Statement, Transaction
from getbill.kit.errors import Problem
from getbill.vault import Key

_EXISTING = Statement(
    "imports.taken",
    "Which debts have these references already, made of what, and by this import at which line?",
    """
    SELECT id, reference, fingerprint, due_on, CASE WHEN import_id = $3 THEN import_line END AS line FROM debts
    WHERE workspace_id = $1 AND reference = ANY($2) AND undone_at IS NULL
    """,
)
_ADVANCE = Statement(
    "imports.advance",
    "Move an import on by a chunk of rows, if we still hold its lease.",
    """
    UPDATE imports SET cursor = $4, rows_done = rows_done + $5, created = created + $6, updated = updated + $7,
        unchanged = unchanged + $8, skipped = skipped + $9, rejected = rejected + $10, warnings = warnings + $11,
        tries = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task IS NOT NULL
    RETURNING cursor
    """,
)
TRIES: Final = 5
COLLISIONS: Final = (
    OptimisticConflict,
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)


class LeaseLost(Exception):
    """Another process does this import's work now; whatever was begun here is rolled back."""


@dataclass(slots=True)
class ChunkTally:
    """What became of a chunk's rows: each is counted once, in one of the first five."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    warnings: int = 0
    reported_rows: list[ImportRow] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    # Lines and references of rows that were debts already, of which nothing is said.
    matched_references: list[tuple[int, str]] = field(default_factory=list)

    @property
    def rows_count(self) -> int:
        """How many rows there were."""
        return self.created + self.updated + self.unchanged + self.skipped + self.rejected


@dataclass(slots=True)
class ExistingDebt:
    """A debt that has a row's reference: which, made of what, and where this import made it, at which line."""

    debt_id: UUID
    reference: str
    fingerprint: bytes | None
    line: int | None
    due_on: date | None = None
    # Contacts and money on it, where it may be changed.
    activity: DebtActivity = UNTOUCHED


@dataclass(frozen=True, slots=True)
class Work:
    """What a pass over an import's rows needs to know: whose, which, under which fence, sealed by which key."""

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
        """Where the import keeps what it replaced."""
        return ChangeArchive(self.workspace, self.import_.id, self.key)

    def grace_ends_at(self, now: datetime) -> datetime | None:
        """Return until when the debts made now are left alone."""
        hours = self.import_.grace_hours
        return now + timedelta(hours=hours) if hours else None


async def create_debts(
    work: Work, lines: Sequence[Line], cursor: int, drop_earlier: Statement | None = None
) -> None:
    """Make what a chunk of rows asks for and move the cursor; raise LeaseLost when it is not ours any more.

    Rows that were refused before are taken `again`: the statement drops what was said of them.
    """
    if work.import_.on_duplicate != "update":
        await _create_chunk(work, lines, cursor, drop_earlier)
        return
    *first, last = _split_repeats(lines)
    for part in first:
        await _create_chunk(work, part, cursor if drop_earlier else part[-1].line, drop_earlier)
    await _create_chunk(work, last, cursor, drop_earlier)


def _split_repeats(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Divide rows so that no reference stands in a part twice: what a transaction changes it does not see yet."""
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
    work: Work, lines: Sequence[Line], cursor: int, drop_earlier: Statement | None
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
            # The whole chunk is taken back, and decided again knowing that.
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
            failpoints.at("imports.committed")
            return


async def _refuse_failing(work: Work, lines: Sequence[Line], trial: failures.Trial, error: Exception) -> bool:
    """Refuse the rows of a chunk that fail by themselves; tell whether it can be made without them."""
    if isinstance(error, LeaseLost) or quarantine.is_transient(error):
        return False
    return await failures.refuse_failing(work.database, work.primary_key, lines, trial)


async def decide_rows(
    tx: Transaction, work: Work, lines: Sequence[Line], refusals: Mapping[int, Problem] | None = None
) -> ChunkTally:
    """Make what can be made of some rows, and have kept what is said of them; `refused` could not be changed before."""
    tally = ChunkTally()
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


def save_findings(tx: Transaction, work: Work, tally: ChunkTally) -> None:
    """Have kept what is said of some rows, and by what the people in them are found."""
    findings.write(tx, work.workspace.id, work.import_.id, work.key, tally.reported_rows)
    people.index_rows(tx, work.workspace, work.import_.id, tally.reported_rows)
    people.index_references(tx, work.workspace, work.import_.id, tally.matched_references)


def is_repeat(new: NewDebt, first: NewDebt | None) -> bool:
    """Tell whether a row asks for the same debt as another: an invoice exported line by line names its lines apart."""
    return first is not None and new == replace(first, details=new.details)


def count_merged(tally: ChunkTally, line: Line) -> None:
    """Settle an instalment that is in the amount of another line's debt."""
    tally.skipped += 1
    tally.reported_rows.append(
        line.row_result("skipped", reference_finding("instalment-merged", line, line_before=line.merged_into))
    )


async def find_existing(tx: Transaction, work: Work, lines: Sequence[Line]) -> dict[str, ExistingDebt]:
    """Return the debts that have these lines' references, and let instalments meet the debts made of them before."""
    references = {line.new.reference for line in lines if line.new}
    other_references = {line.other_reference for line in lines if line.other_reference}
    existing_debts = await _find_by_reference(tx, work, [*references, *other_references])
    if other_references:
        instalments.match_existing(
            lines, existing_debts, {reference: debt.due_on for reference, debt in existing_debts.items()}
        )
    return existing_debts


async def _find_by_reference(tx: Transaction, work: Work, references: list[str]) -> dict[str, ExistingDebt]:
    """Return the debts that have these references, by reference."""
    rows = await tx.fetch(_EXISTING, work.workspace.id, references, work.import_.id)
    return {
        row["reference"]: ExistingDebt(
            row["id"], row["reference"], row["fingerprint"], row["line"], row["due_on"]
        )
        for row in rows
    }


async def _create_new(
    tx: Transaction, work: Work, tally: ChunkTally, new_lines: list[Line]
) -> dict[str, UUID]:
    new_debts = [line.new for line in new_lines if line.new]
    lines = [line.line for line in new_lines]
    # A batch is many single requests; a file rewrites nobody.
    replaces = work.import_.source == "batch"
    origin = debts.Origin(work.import_.id, lines, work.grace_ends_at(tx.now), replaces)
    debt_ids: dict[str, UUID] = {}
    learned: list[tuple[int, Debt, Identity]] = []
    for line, outcome in zip(
        new_lines, await debts.create_many(tx, work.workspace, new_debts, origin), strict=True
    ):
        if not isinstance(outcome, debts.Created) or not outcome.is_new:
            # Somebody made it between our question and this one.
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
    """Settle a row whose reference stands in the file already, where it may be a debt's by now."""
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
    work: Work,
    tally: ChunkTally,
    duplicate: tuple[Line, ExistingDebt],
    refusal: Problem | None,
) -> None:
    """Settle a row whose reference is a debt's already."""
    line, existing_debt = duplicate
    assert line.new is not None  # noqa: S101 - only such a row has a reference
    fingerprint = debts.fingerprint(work.workspace, line.new)
    is_same = existing_debt.fingerprint == fingerprint
    public_id = ids.show("debt", existing_debt.debt_id)
    # A debt of this very line was made before the import was taken back, and could not go.
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
    """Return a row whose debt cannot be changed to it."""
    public_id = ids.show("debt", debt_id)
    return line.row_result(
        "rejected",
        reference_finding("cannot-update", line, debt=public_id, why=problem.detail),
        debt_id=debt_id,
    )


def count_update(tally: ChunkTally, line: Line, effect: update.Effect, debt_id: UUID) -> None:
    """Count a row that changes a debt, and say what it changes."""
    tally.updated += 1
    if line.findings or effect.person:
        tally.warnings += 1
    tally.reported_rows.append(line.row_result("warned", *effect.findings(line, debt_id), debt_id=debt_id))


def reference_finding(code: str, line: Line, **facts: object) -> Finding:
    """Return what is said of a row's reference."""
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
    tx: Transaction, work: Work, cursor: int, tally: ChunkTally, *, refused_before: int = 0
) -> None:
    """Move the import on, as the last thing before its rows go out; raise LeaseLost when it is not ours any more."""
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
