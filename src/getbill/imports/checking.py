"""Checking rows without making anything: what would become a debt is counted, what would not is said.

The references of the whole file are remembered for as long as the pass takes; a pass that was cut short begins again.
"""

from collections.abc import Sequence
from uuid import UUID

from getbill import debts
from getbill.imports import findings, making
from getbill.imports.making import Tally, Work
from getbill.imports.rows import Line
from getbill.kit import ids


async def examine(work: Work, lines: Sequence[Line], cursor: int, seen: dict[str, int]) -> Tally:
    """Say what would become of a chunk of rows, and move the cursor."""
    async with work.database.transaction(work.workspace.now()) as tx:
        tally = Tally()
        taken = await making.taken(tx, work, [line.new.reference for line in lines if line.new])
        for line in lines:
            new = line.new
            if new is None:
                tally.rejected += 1
                tally.said.append(line.about("rejected"))
            elif new.reference in seen:
                making.repeat(tally, line, seen[new.reference], is_same=False)
            elif new.reference in taken:
                row = taken[new.reference]
                is_same = row["fingerprint"] == debts.fingerprint(work.workspace, new)
                _known(tally, work.found.on_duplicate, line, (row["id"], is_same))
            else:
                tally.created += 1
                if line.findings:
                    tally.warnings += 1
                    tally.said.append(line.about("warned"))
            if new is not None:
                seen.setdefault(new.reference, line.line)
        findings.write(tx, work.workspace.id, work.found.id, work.key, tally.said)
        await making.advance(tx, work, cursor, tally)
    return tally


def _known(tally: Tally, on_duplicate: str, line: Line, met: tuple[UUID, bool]) -> None:
    debt_id, is_same = met
    known = making.note("reference-known", line, debt=ids.show("debt", debt_id))
    if is_same:
        tally.unchanged += 1
    elif on_duplicate == "update":
        tally.updated += 1
    elif on_duplicate == "skip":
        tally.skipped += 1
        tally.said.append(line.about("skipped", known, debt_id=debt_id))
    else:
        tally.rejected += 1
        tally.said.append(line.about("rejected", known, debt_id=debt_id))
