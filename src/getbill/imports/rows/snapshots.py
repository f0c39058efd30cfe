"""Snapshots of the values that `on_duplicate=update` replaced, sealed while the import can be undone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill import debtors, debts
from getbill.companies import Workspace
from getbill.debtors import Debtor, Identity
from getbill.debts import Debt
from getbill.imports.model import change_context
from getbill.kit import json
from getbill.kit.database import Statement, Transaction
from getbill.vault import Key

_IDENTITY: Final = tuple(Identity.__dataclass_fields__)

_INSERT = Statement(
    "imports.insert_change",
    "Insert a snapshot of what a row replaced on an existing debt.",
    """
    INSERT INTO import_changes (workspace_id, import_id, line, debt_id, people, contacts, all_contacts, entries, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """,
)
_LEAVING: Final = """
    (SELECT count(*) FROM contacts c WHERE c.workspace_id = $1 AND c.debt_id = o.id
     AND c.state IN ('sending', 'accepted', 'unknown', 'delivered', 'bounced', 'answered'))
    """
_ACTIVITIES = Statement(
    "imports.count_activities",
    "Number of contacts and entries of these debts, and of contacts of all debts of their debtors.",
    f"""
    WITH about AS (
        SELECT o.debtor_id, o.id, o.contacts_count + {_LEAVING} AS contacts
        FROM debts o WHERE o.workspace_id = $1 AND o.debtor_id IN (
            SELECT n.debtor_id FROM debts n WHERE n.workspace_id = $1 AND n.id = ANY($2)))
    SELECT a.id, a.contacts,
        (SELECT sum(e.contacts)::bigint FROM about e WHERE e.debtor_id = a.debtor_id) AS all_contacts,
        (SELECT count(*) FROM payments p
         WHERE p.workspace_id = $1 AND p.debt_id = a.id AND p.kind <> 'adjustment') AS entries
    FROM about a WHERE a.id = ANY($2)
    """,
)
_CONTACTS = Statement(
    "imports.count_contacts",
    "Number of contacts of these debtors' debts.",
    f"""
    SELECT o.debtor_id, sum(o.contacts_count + {_LEAVING})::bigint AS contacts
    FROM debts o WHERE o.workspace_id = $1 AND o.debtor_id = ANY($2) GROUP BY o.debtor_id
    """,
)
_NEXT = Statement(
    "imports.list_changes",
    "Changes of an import that are neither restored nor kept, last one first.",
    """
    SELECT * FROM import_changes WHERE workspace_id = $1 AND import_id = $2 AND kept IS NULL
    ORDER BY number DESC LIMIT $3
    """,
)
_SETTLE = Statement(
    "imports.delete_changes",
    "Delete restored changes.",
    "DELETE FROM import_changes WHERE workspace_id = $1 AND import_id = $2 AND number = ANY($3)",
)
_KEEP = Statement(
    "imports.keep_change",
    "Mark a change as kept, with the reason.",
    "UPDATE import_changes SET kept = $4 WHERE workspace_id = $1 AND import_id = $2 AND number = $3",
)
CLEAR_REASONS = Statement(
    "imports.clear_reasons",
    "Clear the reasons of kept changes, so that each is decided anew.",
    "UPDATE import_changes SET kept = NULL WHERE workspace_id = $1 AND import_id = $2 AND kept IS NOT NULL",
)
EMPTY_CHANGES = Statement(
    "imports.empty_changes",
    "Erase the contents of an import's changes; the reasons remain.",
    "UPDATE import_changes SET sealed = NULL, people = '{}' WHERE workspace_id = $1 AND import_id = $2",
)
DELETE_CHANGES = Statement(
    "imports.delete_all_changes",
    "Delete the changes of an import.",
    "DELETE FROM import_changes WHERE workspace_id = $1 AND import_id = $2",
)
_ERASE = Statement(
    "imports.erase_changes",
    "Delete the changes of an erased debt, and those of people who are erased with it.",
    """
    DELETE FROM import_changes c WHERE c.workspace_id = $1 AND (c.debt_id = $2 OR c.people && $4::bytea[] AND EXISTS (
        SELECT FROM debtors p WHERE p.workspace_id = $1 AND p.id = $3 AND p.erased_at IS NOT NULL))
    """,
)


@dataclass(frozen=True, slots=True)
class DebtActivity:
    """Contacts and payments of a debt, compared to detect activity after a change."""

    contacts: int
    all_contacts: int
    entries: int


UNTOUCHED: Final = DebtActivity(0, 0, 0)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """One recorded change: debt and debtor before and after it."""

    number: int
    line: int
    debt_id: UUID
    activity: DebtActivity
    debts: tuple[dict[str, Any], dict[str, Any]]
    debtor_ids: tuple[UUID, UUID]
    identities: tuple[dict[str, Any], dict[str, Any]]

    @property
    def is_moved(self) -> bool:
        """Whether the debt moved to another debtor."""
        return self.debtor_ids[0] != self.debtor_ids[1]

    @property
    def person_fields(self) -> list[str]:
        """The fields in which the debtors before and after differ."""
        return differing_fields(*self.identities)

    @property
    def stated_fields(self) -> list[str]:
        """Those fields of a body among them; the rest are further addresses, names and codes."""
        return [name for name in self.person_fields if name in debtors.STATED_FIELDS]


def differing_fields(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of the fields in which two identities differ."""
    return [name for name in _IDENTITY if before.get(name) != after.get(name)]


@dataclass(frozen=True, slots=True)
class ChangeArchive:
    """The archive of the values that one import replaced."""

    workspace: Workspace
    import_id: UUID
    key: Key

    @property
    def primary_key(self) -> tuple[UUID, UUID]:
        """The primary key of the import's row."""
        return self.workspace.id, self.import_id

    async def activities(self, tx: Transaction, debt_ids: Iterable[UUID]) -> dict[UUID, DebtActivity]:
        """Return the activity of some debts."""
        rows = await tx.fetch(_ACTIVITIES, self.workspace.id, list(debt_ids))
        return {row["id"]: DebtActivity(row["contacts"], row["all_contacts"], row["entries"]) for row in rows}

    async def snapshot_people(
        self, tx: Transaction, learned: list[tuple[int, Debt, Identity]]
    ) -> "list[Snapshot]":
        """Return snapshots of people whom new debts changed: the line, its debt, and the identity before."""
        ids = [debt.debtor.id for _, debt, _ in learned]
        rows = await tx.fetch(_CONTACTS, self.workspace.id, ids)
        contacts = {row["debtor_id"]: row["contacts"] for row in rows}
        return [
            Snapshot(
                self,
                line,
                debt,
                (debt.debtor.id, before),
                DebtActivity(0, contacts.get(debt.debtor.id, 0), 0),
            )
            for line, debt, before in learned
        ]

    async def pending(self, tx: Transaction, limit: int) -> list[RecordedChange]:
        """Return the next changes to restore, the last one first, at most one per debt."""
        changes: dict[UUID, RecordedChange] = {}
        for row in await tx.fetch(_NEXT, *self.primary_key, limit):
            if row["debt_id"] in changes:
                break
            changes[row["debt_id"]] = self._open_change(row)
        return list(changes.values())

    async def next_change(self, tx: Transaction) -> tuple[int, int]:
        """Return the number and line of the next change to restore, which may fail to decrypt."""
        row = await tx.fetchrow(_NEXT, *self.primary_key, 1)
        assert row is not None  # noqa: S101 - the caller has met it
        return row["number"], row["line"]

    def _open_change(self, row: Record) -> RecordedChange:
        content = json.read(self.key.open(row["sealed"], self.context(row["debt_id"], row["line"])))
        before, after = content["debtor_ids"]
        return RecordedChange(
            row["number"],
            row["line"],
            row["debt_id"],
            DebtActivity(row["contacts"], row["all_contacts"], row["entries"]),
            tuple(content["debts"]),
            (UUID(hex=before), UUID(hex=after)),
            tuple(content["identities"]),
        )

    async def close_changes(
        self, tx: Transaction, restored_numbers: list[int], kept_codes: dict[int, str]
    ) -> None:
        """Delete restored changes, and store for the others why they are kept."""
        await tx.execute(_SETTLE, *self.primary_key, restored_numbers)
        for number, code in kept_codes.items():
            await tx.execute(_KEEP, *self.primary_key, number, code)

    def context(self, debt_id: UUID, line: int) -> bytes:
        """Return the encryption context of a change."""
        return change_context(self.import_id, debt_id, line)


class Snapshot:
    """A debt and its debtor before a change; their later state is read when the transaction ends."""

    def __init__(
        self,
        archive: ChangeArchive,
        line: int,
        debt: Debt,
        person: tuple[UUID, Identity],
        activity: DebtActivity,
    ) -> None:
        self._archive, self._line, self._debt, self._activity = archive, line, debt, activity
        self._before = debts.snapshot(debt), *person
        self._person: Debtor | None = None

    def set_person(self, debtor: Debtor) -> None:
        """Set the debtor as the change left them; later changes of the transaction are not this one's."""
        self._person = debtor

    def save(self, tx: Transaction) -> None:
        """Save the snapshot when the transaction is sent; no statement may be sent before that."""
        tx.defer_row(_INSERT, self._change_row)

    def _change_row(self) -> tuple[Any, ...]:
        archive, debt, activity = self._archive, self._debt, self._activity
        values, debtor_id, identity = self._before
        person = self._person or debt.debtor
        workspace = archive.workspace
        people = {*_traces(workspace, debtor_id, identity), *_traces(workspace, person.id, person.identity)}
        content = {
            "debts": (values, debts.snapshot(debt)),
            "debtor_ids": (debtor_id.hex, person.id.hex),
            "identities": (identity.present_fields(), person.identity.present_fields()),
        }
        sealed = archive.key.seal(json.write(content), archive.context(debt.id, self._line))
        counts = activity.contacts, activity.all_contacts, activity.entries
        return *archive.primary_key, self._line, debt.id, sorted(people), *counts, sealed


async def erase(tx: Transaction, debt: Debt) -> None:
    """Delete the snapshots of an erased debt, and of its debtor where they were erased too."""
    debtor = debt.debtor
    people = _traces(debt.workspace, debtor.id, debtor.identity)
    await tx.execute(_ERASE, debt.workspace_id, debt.id, debtor.id, people)


def _traces(workspace: Workspace, debtor_id: UUID, identity: Identity) -> list[bytes]:
    """Return the hashes that find a person in the snapshots of any import; a customer code may be shared."""
    identity_without_reference = replace(identity, reference=None, other_references=())
    return [debtor_id.bytes, *debtors.hash_identity(identity_without_reference, workspace.lookup).matches]
