"""High-water marks: the known end of every stream, kept in a file beside the database.

A database that was restored, or failed over to a lagging replica, has lost events that integrators have read.
Its streams then end before their marks; each begins a new epoch, once, and every older cursor is answered
with that.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from asyncpg import Record

from getbill.kit import clock, failpoints
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.files import append_only_log

_log = structlog.get_logger(__name__)

# The channel that announces a stream's growth or new epoch: `workspace_id epoch position`.
STREAM_CHANNEL: Final = "getbill_streams"
# Lines per stream above which the file is rewritten.
_LINES_EACH_MAX: Final = 1_000

_STREAMS = Statement(
    "events.list_streams",
    "Positions and epochs of all streams.",
    "SELECT workspace_id, epoch, position FROM streams WHERE position > 0 OR epoch > 1",
)
_BEGIN_EPOCH_BEHIND = Statement(
    "events.begin_epoch_behind",
    "Begin a new epoch of a workspace's stream if it is behind its high-water mark.",
    """
    UPDATE streams SET epoch = greatest(epoch, $2) + 1
    WHERE workspace_id = $1 AND (epoch, position - $4) < ($2::int, $3::bigint)
    RETURNING workspace_id, epoch, position
    """,
)
_BEGIN_EPOCH = Statement(
    "events.begin_epoch",
    "Begin a new epoch of a workspace's stream.",
    "UPDATE streams SET epoch = epoch + 1 WHERE workspace_id = $1 RETURNING workspace_id, epoch, position",
)
_ANNOUNCE = Statement(
    "events.announce_stream",
    "Notify every process of a stream's end after the commit.",
    "SELECT pg_notify($1, $2)",
)

# Epoch and position, in ascending order over time.
Mark = tuple[int, int]
_FIRST: Final = (1, 0)


async def begin_epoch(tx: Transaction, workspace_id: UUID) -> None:
    """Restart every cursor of a workspace; for callers that remove events from its stream."""
    for row in await tx.fetch(_BEGIN_EPOCH, workspace_id):
        await _announce(tx, row)


async def _announce(tx: Transaction, row: Record) -> None:
    payload = f"{row['workspace_id']} {row['epoch']} {row['position']}"
    await tx.execute(_ANNOUNCE, STREAM_CHANNEL, payload)


class HighWaterMarks:
    """The marks known to one process: current in memory, and as of the last `save` in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = list(append_only_log.read(path))
        self._marks = _latest(lines)
        self._saved_marks = dict(self._marks)
        if len(lines) > _LINES_EACH_MAX * (len(self._marks) + 1):
            append_only_log.rewrite(path, lambda lines: _mark_lines(_latest(lines)))

    def on_notification(self, payload: str) -> None:
        """Update a mark from a notification on `STREAM_CHANNEL`."""
        workspace_id, epoch, position = payload.split()
        self.raise_mark(UUID(workspace_id), (int(epoch), int(position)))

    def raise_mark(self, workspace_id: UUID, mark: Mark) -> None:
        """Raise the mark of a stream; it never goes back."""
        self._marks[workspace_id] = max(mark, self._marks.get(workspace_id, mark))

    def is_behind(self, workspace_id: UUID, mark: Mark) -> bool:
        """Return whether a stream ends before its mark."""
        return mark < self._marks.get(workspace_id, mark)

    async def begin_epochs(self, tx: Transaction, behind: Mapping[UUID, int]) -> set[UUID]:
        """Begin a new epoch of streams that are behind, unless another process just did; return which.

        `behind` maps each to the number of events that this transaction has just added to it.
        """
        begun: set[UUID] = set()
        for workspace_id, added in sorted(behind.items()):
            mark = self._marks[workspace_id]
            row = await tx.fetchrow(_BEGIN_EPOCH_BEHIND, workspace_id, *mark, added)
            if row is not None:
                await _announce(tx, row)
                _log.warning("stream_epoch_begun", workspace_id=str(workspace_id), epoch=row["epoch"])
                self.raise_mark(workspace_id, (row["epoch"], row["position"]))
                begun.add(workspace_id)
        return begun

    async def check(self, database: Database) -> int:
        """Begin a new epoch of every stream that ends before its mark; return how many.

        Run at startup, before any read or sequencing.
        """
        if not self._marks:
            return 0
        marks = {
            row["workspace_id"]: (row["epoch"], row["position"]) for row in await database.fetch(_STREAMS)
        }
        # A stream at its very beginning may have been restored to it.
        behind = [stream_id for stream_id, mark in self._marks.items() if marks.get(stream_id, _FIRST) < mark]
        renewed: set[UUID] = set()
        if behind:
            async with database.transaction(clock.wall()) as tx:
                renewed = await self.begin_epochs(tx, dict.fromkeys(behind, 0))
            for workspace_id in set(behind) - marks.keys() - renewed:
                # Its workspace is newer than the backup: the stream no longer exists.
                del self._marks[workspace_id]
        return len(renewed)

    async def save(self, database: Database) -> int:
        """Check, then save changed marks safely to disk; return how many there were."""
        await self.check(database)
        for row in await database.fetch(_STREAMS):
            self.raise_mark(row["workspace_id"], (row["epoch"], row["position"]))
        changed_marks = {
            stream_id: mark
            for stream_id, mark in self._marks.items()
            if self._saved_marks.get(stream_id) != mark
        }
        if changed_marks:
            failpoints.at("events.marking")
            append_only_log.append(self._path, _mark_lines(changed_marks))
            failpoints.at("events.marked")
            self._saved_marks |= changed_marks
        return len(changed_marks)


def _latest(lines: Iterable[Mapping[str, Any]]) -> dict[UUID, Mark]:
    latest: dict[UUID, Mark] = {}
    for line in lines:
        try:
            workspace_id, mark = UUID(line["workspace_id"]), (int(line["epoch"]), int(line["position"]))
        except (KeyError, ValueError, TypeError, AttributeError):
            _log.warning("stream_mark_broken")
            continue
        latest[workspace_id] = max(mark, latest.get(workspace_id, mark))
    return latest


def _mark_lines(marks: dict[UUID, Mark]) -> list[append_only_log.Line]:
    return [
        {"workspace_id": str(workspace_id), "epoch": epoch, "position": position}
        for workspace_id, (epoch, position) in marks.items()
    ]
