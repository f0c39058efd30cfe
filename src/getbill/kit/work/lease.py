"""The lease: a row of a workspace is held by one worker at a time, until an instant.

Three columns: `lease_until` (wall time), `fence`, which grows with every claim, and `crashes`, the number of
claims in a row whose lease expired. The guarantees:

- One worker at a time holds a row. A claim skips rows that others are claiming, and never waits.
- A worker writes only under its own fence: after its lease has expired and the row was claimed anew, it
  extends, releases and writes nothing.
- A renewal extends the lease of the current fence alone.
- A release gives a row back at once, and is no crash.
- An expired lease makes the row claimable again, and counts as one crash. Whoever makes progress sets
  `crashes` to 0 in its own statement.

The end of a lease is due work of its kind (`index`): whoever sets a lease that may end earlier than the row was
due, or claims a row of another kind, notes it. A release of a row that is due again earlier is noted too.

A `Lease` declares this for a table and makes its statements. All of them take the workspace as $1. A package
hands in what is its own, such as its condition and order, with parameters from $5 on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from getbill.kit.database import Statement


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of a table's rows, which SQL parts call `t`.

    `key` has the columns that identify a row in its workspace, with their types. A row may be claimed while
    `is_waiting`, and is held while `is_held`; `on_claim`, `on_renew` and `on_release` set
    further columns.
    """

    table: str
    key: Mapping[str, str]
    is_waiting: str
    is_held: str
    on_claim: str = ""
    on_renew: str = ""
    on_release: str = ""

    def claim_statement(
        self,
        name: str,
        sentence: str,
        *,
        order: str,
        condition: str = "true",
        joined: str = "",
        locked: str = "t",
    ) -> Statement:
        """Return the claim: $1 workspace, $2 now, $3 lease_until, $4 limit; returns the rows as claimed.

        `joined` extends FROM, and `locked` names the aliases whose rows are locked.
        """
        return Statement(
            name,
            sentence,
            f"""
    WITH due AS (
        SELECT {self._columns("t")} FROM {self.table} t {joined}
        WHERE t.workspace_id = $1 AND {self.is_waiting} AND (t.lease_until IS NULL OR t.lease_until < $2)
            AND {condition}
        ORDER BY {order} LIMIT $4 FOR UPDATE OF {locked} SKIP LOCKED
    )
    UPDATE {self.table} t SET {_prefix(self.on_claim)}fence = t.fence + 1, lease_until = $3,
        crashes = least(t.crashes + (t.lease_until IS NOT NULL)::integer, 32767)
    FROM due WHERE t.workspace_id = $1 AND {self._equal("due")}
    RETURNING t.*
    """,
        )

    def renewal_statement(self, name: str, sentence: str) -> Statement:
        """Return the renewal: $1 workspace, $2 lease_until, then `claim_arrays`; returns the keys still held."""
        return Statement(
            name,
            sentence,
            f"""
    UPDATE {self.table} t SET {_prefix(self.on_renew)}lease_until = $2 FROM {self._held(3)}
    WHERE t.workspace_id = $1 AND {self._equal("held")} AND t.fence = held.fence AND {self.is_held}
    RETURNING {self._columns("t")}
    """,
        )

    def release_statement(self, name: str, sentence: str) -> Statement:
        """Return the release: $1 workspace, then `claim_arrays`; returns the rows as released."""
        return Statement(
            name,
            sentence,
            f"""
    UPDATE {self.table} t SET {_prefix(self.on_release)}lease_until = NULL FROM {self._held(2)}
    WHERE t.workspace_id = $1 AND {self._equal("held")} AND t.fence = held.fence AND {self.is_held}
    RETURNING t.*
    """,
        )

    def fence_statement(self, name: str, sentence: str, condition: str = "true") -> Statement:
        """Return the fence check: $1 workspace, then `claim_arrays`; locks and returns the keys still held."""
        return Statement(
            name,
            sentence,
            f"""
    SELECT {self._columns("t")} FROM {self.table} t JOIN {self._held(2)} ON {self._equal("held")}
    WHERE t.workspace_id = $1 AND t.fence = held.fence AND {condition}
    FOR UPDATE OF t
    """,
        )

    def recovery_statement(self, name: str, sentence: str, condition: str = "true") -> Statement:
        """Return the recovery: $1 workspace, $2 now, $3 limit; returns the rows as released.

        For a table whose waiting rows are marked; any other has expired leases claimed directly.
        """
        return Statement(
            name,
            sentence,
            f"""
    WITH lost AS (
        SELECT {self._columns("t")} FROM {self.table} t
        WHERE t.workspace_id = $1 AND {self.is_held} AND t.lease_until < $2 AND {condition}
        LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE {self.table} t SET {_prefix(self.on_release)}lease_until = NULL, crashes = least(t.crashes + 1, 32767)
    FROM lost WHERE t.workspace_id = $1 AND {self._equal("lost")}
    RETURNING t.*
    """,
        )

    def _columns(self, alias: str) -> str:
        return ", ".join(f"{alias}.{column}" for column in self.key)

    def _equal(self, alias: str) -> str:
        return " AND ".join(f"t.{column} = {alias}.{column}" for column in self.key)

    def _held(self, first: int) -> str:
        columns = {**self.key, "fence": "bigint"}
        values = ", ".join(f"${number}::{sql}[]" for number, sql in enumerate(columns.values(), start=first))
        return f"unnest({values}) AS held ({', '.join(columns)})"


def _prefix(assignment: str) -> str:
    return f"{assignment}, " if assignment else ""


def claim_arrays(claims: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Return claims, each the key's values and its fence, as the arrays that the statements take."""
    return list(map(list, zip(*claims, strict=True)))
