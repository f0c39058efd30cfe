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
from getbill.imports.findings import Finding, Row
from getbill.imports.model import Import
from getbill.imports.rows import doubts, failures, instalments, people, update
from getbill.imports.rows.reader import Line
from getbill.imports.rows.snapshots import UNTOUCHED, Archive, Snapshot, Standing
from getbill.kit import failpoints, ids
from getbill.kit.database import Database, PresumedWrong, Statement, Transaction
from getbill.kit.errors import Problem
from getbill.vault import Key

_TAKEN = Statement(
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
    PresumedWrong,
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)


class LeaseLost(Exception):
    """Another process does this import's work now; whatever was begun here is rolled back."""


@dataclass(slots=True)
class Tally:
    """What became of a chunk's rows: each is counted once, in one of the first five."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    warnings: int = 0
    said: list[Row] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    # Lines and references of rows that were debts already, of which nothing is said.
    met: list[tuple[int, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.created + self.updated + self.unchanged + self.skipped + self.rejected


@dataclass(slots=True)
class Known:
    """A debt that has a row's reference: which, made of what, and where this import made it, at which line."""

    debt_id: UUID
    reference: str
    fingerprint: bytes | None
    line: int | None
    due_on: date | None = None
    # Contacts and money on it, where it may be changed.
    standing: Standing = UNTOUCHED


@dataclass(frozen=True, slots=True)
class Work:
    """What a pass over an import's rows needs to know: whose, which, under which fence, sealed by which key."""

    database: Database
    workspace: Workspace
    found: Import
    key: Key

    @property
    def place(self) -> tuple[UUID, UUID]:
        """The primary key of the import's row."""
        return self.workspace.id, self.found.id

    @property
    def archive(self) -> Archive:
        """Where the import keeps what it replaced."""
        return Archive(self.workspace, self.found.id, self.key)

    def rest(self, now: datetime) -> datetime | None:
        """Return until when the debts made now are left alone."""
        hours = self.found.grace_hours
        return now + timedelta(hours=hours) if hours else None


async def make(work: Work, lines: Sequence[Line], cursor: int, again: Statement | None = None) -> None:
    """Make what a chunk of rows asks for and move the cursor; raise LeaseLost when it is not ours any more.

    Rows that were refused before are taken `again`: the statement drops what was said of them.
    """
    if work.found.on_duplicate != "update":
        await _make(work, lines, cursor, again)
        return
    *first, last = _apart(lines)
    for part in first:
        await _make(work, part, cursor if again else part[-1].line, again)
    await _make(work, last, cursor, again)


def _apart(lines: Sequence[Line]) -> Iterator[list[Line]]:
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


async def _make(work: Work, lines: Sequence[Line], cursor: int, again: Statement | None) -> None:
    refused: dict[int, Problem] = {}
    tries = 0
    is_searched = False

    async def trial(some: Sequence[Line]) -> None:
        with suppress(failures.TakenBack):
            async with work.database.transaction(work.workspace.now()) as tx:
                await decide(tx, work, some, refused)
                await failures.trying(work.database, tx)

    while True:
        try:
            async with work.database.transaction(work.workspace.now()) as tx:
                if again is not None:
                    await tx.execute(again, *work.place, [line.line for line in lines])
                tally = await decide(tx, work, lines, refused)
                await advance(tx, work, cursor, tally, refused_before=len(lines) if again else 0)
        except update.CannotUpdate as error:
            # The whole chunk is taken back, and decided again knowing that.
            refused[error.line] = error.problem
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
    if isinstance(error, LeaseLost) or quarantine.is_passing(error):
        return False
    return await failures.refuse_failing(work.database, work.place, lines, trial)


async def decide(
    tx: Transaction, work: Work, lines: Sequence[Line], refused: Mapping[int, Problem] | None = None
) -> Tally:
    """Make what can be made of some rows, and have kept what is said of them; `refused` could not be changed before."""
    tally = Tally()
    asked = [line for line in lines if line.new is not None]
    known = await taken_by(tx, work, asked)
    if known and work.found.on_duplicate == "update":
        standings = await work.archive.standings(tx, [met.debt_id for met in known.values()])
        for met in known.values():
            met.standing = standings[met.debt_id]
    seen: dict[str, Line] = {}
    fresh: list[Line] = []
    repeats: list[tuple[Row, str]] = []
    for line in lines:
        new = line.new
        if new is None:
            tally.rejected += 1
            tally.said.append(line.about("rejected"))
        elif line.merged_into is not None:
            merged(tally, line)
        elif new.reference in seen:
            first = seen[new.reference]
            repeats.append(
                (repeat(tally, line, first.line, is_same=is_repeat(new, first.new)), new.reference)
            )
        elif (debt := known.get(new.reference)) is not None:
            await _meet(tx, work, tally, (line, debt), (refused or {}).get(line.line))
        else:
            seen[new.reference] = line
            fresh.append(line)
    made = await _open(tx, work, tally, fresh)
    for repeated, reference in repeats:
        repeated.debt_id = made[reference]
    keep(tx, work, tally)
    for snapshot in tally.snapshots:
        snapshot.keep(tx)
    return tally


def keep(tx: Transaction, work: Work, tally: Tally) -> None:
    """Have kept what is said of some rows, and by what the people in them are found."""
    findings.write(tx, work.workspace.id, work.found.id, work.key, tally.said)
    people.keep_rows(tx, work.workspace, work.found.id, tally.said)
    people.keep_references(tx, work.workspace, work.found.id, tally.met)


def is_repeat(new: NewDebt, first: NewDebt | None) -> bool:
    """Tell whether a row asks for the same debt as another: an invoice exported line by line names its lines apart."""
    return first is not None and new == replace(first, details=new.details)


def merged(tally: Tally, line: Line) -> None:
    """Settle an instalment that is in the amount of another line's debt."""
    tally.skipped += 1
    tally.said.append(line.about("skipped", note("instalment-merged", line, line_before=line.merged_into)))


async def taken_by(tx: Transaction, work: Work, lines: Sequence[Line]) -> dict[str, Known]:
    """Return the debts that have these lines' references, and let instalments meet the debts made of them before."""
    references = {line.new.reference for line in lines if line.new}
    others = {line.other_reference for line in lines if line.other_reference}
    known = await taken(tx, work, [*references, *others])
    if others:
        instalments.meet(lines, known, {reference: debt.due_on for reference, debt in known.items()})
    return known


async def taken(tx: Transaction, work: Work, references: list[str]) -> dict[str, Known]:
    """Return the debts that have these references, by reference."""
    rows = await tx.fetch(_TAKEN, work.workspace.id, references, work.found.id)
    return {
        row["reference"]: Known(row["id"], row["reference"], row["fingerprint"], row["line"], row["due_on"])
        for row in rows
    }


async def _open(tx: Transaction, work: Work, tally: Tally, fresh: list[Line]) -> dict[str, UUID]:
    news = [line.new for line in fresh if line.new]
    lines = [line.line for line in fresh]
    # A batch is many single requests; a file rewrites nobody.
    replaces = work.found.source == "batch"
    origin = debts.Origin(work.found.id, lines, work.rest(tx.now), replaces)
    made: dict[str, UUID] = {}
    taught: list[tuple[int, Debt, Identity]] = []
    for line, outcome in zip(fresh, await debts.create_many(tx, work.workspace, news, origin), strict=True):
        if not isinstance(outcome, debts.Created) or not outcome.is_new:
            # Somebody made it between our question and this one.
            raise PresumedWrong
        made[str(outcome.debt.reference)] = outcome.debt.id
        tally.created += 1
        if line.findings or outcome.doubts:
            tally.warnings += 1
            more = doubts.doubted(line, outcome)
            tally.said.append(line.about("warned", *more, debt_id=outcome.debt.id))
        if outcome.person_before is not None:
            taught.append((line.line, outcome.debt, outcome.person_before))
    if taught:
        tally.snapshots += await work.archive.of_people(tx, taught)
    return made


def repeat(tally: Tally, line: Line, first_line: int, debt_id: UUID | None = None, *, is_same: bool) -> Row:
    """Settle a row whose reference stands in the file already, where it may be a debt's by now."""
    if is_same:
        tally.skipped += 1
        row = line.about("skipped", note("repeated-row", line, line_before=first_line), debt_id=debt_id)
    else:
        tally.rejected += 1
        row = line.about("rejected", note("duplicate-in-file", line, line_before=first_line), debt_id=debt_id)
    tally.said.append(row)
    return row


async def _meet(
    tx: Transaction, work: Work, tally: Tally, met: tuple[Line, Known], refusal: Problem | None
) -> None:
    """Settle a row whose reference is a debt's already."""
    line, known = met
    assert line.new is not None  # noqa: S101 - only such a row has a reference
    own = debts.fingerprint(work.workspace, line.new)
    is_same = known.fingerprint == own
    shown = ids.show("debt", known.debt_id)
    # A debt of this very line was made before the import was taken back, and could not go.
    if known.line not in {None, line.line}:
        repeat(tally, line, known.line, known.debt_id, is_same=is_same)
    elif is_same:
        tally.unchanged += 1
        tally.met.append((line.line, known.reference))
    elif refusal is not None:
        tally.rejected += 1
        tally.said.append(refused(line, known.debt_id, refusal))
    elif work.found.on_duplicate == "update":
        effect = await update.change(tx, work.archive, known.debt_id, line, known.standing)
        known.fingerprint = own
        count_update(tally, line, effect, known.debt_id)
        if effect.snapshot is not None:
            tally.snapshots.append(effect.snapshot)
    elif work.found.on_duplicate == "skip":
        tally.skipped += 1
        tally.said.append(
            line.about("skipped", note("reference-known", line, debt=shown), debt_id=known.debt_id)
        )
    else:
        tally.rejected += 1
        tally.said.append(
            line.about("rejected", note("reference-known", line, debt=shown), debt_id=known.debt_id)
        )


def refused(line: Line, debt_id: UUID, problem: Problem) -> Row:
    """Return a row whose debt cannot be changed to it."""
    shown = ids.show("debt", debt_id)
    return line.about(
        "rejected", note("cannot-update", line, debt=shown, why=problem.detail), debt_id=debt_id
    )


def count_update(tally: Tally, line: Line, effect: update.Effect, debt_id: UUID) -> None:
    """Count a row that changes a debt, and say what it changes."""
    tally.updated += 1
    if line.findings or effect.person:
        tally.warnings += 1
    tally.said.append(line.about("warned", *effect.findings(line, debt_id), debt_id=debt_id))


def note(code: str, line: Line, **facts: object) -> Finding:
    """Return what is said of a row's reference."""
    assert line.new is not None  # noqa: S101 - only such a row has a reference
    found = findings.said(
        code,
        {"reference": line.new.reference, **facts},
        pointer="/reference",
        value=line.new.reference,
    )
    found.severity = "error" if code in {"duplicate-in-file", "cannot-update"} else "warning"
    return found


async def advance(tx: Transaction, work: Work, cursor: int, tally: Tally, *, refused_before: int = 0) -> None:
    """Move the import on, as the last thing before its rows go out; raise LeaseLost when it is not ours any more."""
    values = (
        tally.rows - refused_before,
        tally.created,
        tally.updated,
        tally.unchanged,
        tally.skipped,
        tally.rejected - refused_before,
        tally.warnings,
    )
    if await tx.fetchval(_ADVANCE, *work.place, work.found.fence, cursor, *values) is None:
        raise LeaseLost
