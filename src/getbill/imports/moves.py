"""Moves of an import: the only statements that write its state and its task.

Each move is one of the table in `model`. A single import moves only from the state and under the fence that it
was read with: a process whose lease was lost moves nothing.
"""

from uuid import UUID

from getbill.imports import due
from getbill.imports.model import (
    Import,
    LeaseLost,
    State,
    Task,
    transition,
)
from getbill.kit import clock, work
from getbill.kit.database import Statement, Transaction

_MOVE = Statement(
    "imports.move_import",
    "Move an import to a state with its task, if its state and its fence still hold.",
    """
    UPDATE imports SET state = $5, task = $6, crashes = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND state = $4
    RETURNING id
    """,
)
_REREAD = Statement(
    "imports.reread_files",
    "Reread files of a confirmed layout, unless a person decided on them or somebody in them was erased.",
    """
    UPDATE imports SET state = 'uploaded', task = 'read', crashes = 0, lease_until = NULL
    WHERE workspace_id = $1 AND state IN ('needs_mapping', 'mapped') AND id = ANY (ARRAY(
        SELECT id FROM imports WHERE workspace_id = $1 AND sender = $2 AND signature = $3 AND id <> $4
          AND state IN ('needs_mapping', 'mapped') AND is_auto AND NOT is_changed
          AND NOT is_unwanted
        FOR UPDATE SKIP LOCKED))
    """,
)


async def move_import(tx: Transaction, import_: Import, state: State, task: Task | None = None) -> Import:
    """Move an import to a state with its task, and return it; raise LeaseLost on a lost lease."""
    state, task = transition(import_.state, state, task)
    primary_key = import_.workspace_id, import_.id
    await _write_state(tx, primary_key, import_.fence, (import_.state, state, task))
    if task is None and import_.source == "sftp":
        # Its file is moved and its results are returned.
        work.note(tx, import_.workspace_id, "files", clock.wall())
    return import_.with_values(state=state, task=task)


async def receive(tx: Transaction, primary_key: tuple[UUID, UUID], fence: int, task: Task) -> None:
    """Give a draft, whose bytes are complete, its first state and task; raise LeaseLost if it has others."""
    state = State.IMPORTING if task is Task.IMPORT else State.UPLOADED
    await _write_state(tx, primary_key, fence, (State.UPLOADED, *transition(State.UPLOADED, state, task)))
    due.note_imports(tx, primary_key[0], clock.wall())


async def _write_state(
    tx: Transaction, primary_key: tuple[UUID, UUID], fence: int, states: tuple[State, State, Task | None]
) -> None:
    if await tx.fetchval(_MOVE, *primary_key, fence, *states) is None:
        raise LeaseLost


async def read_again(
    tx: Transaction, workspace_id: UUID, layout_key: tuple[str, str], confirmed_id: UUID
) -> None:
    """Move the other waiting files of a newly confirmed layout back to being read."""
    await tx.execute(_REREAD, workspace_id, *layout_key, confirmed_id)
    due.note_imports(tx, workspace_id, clock.wall())
