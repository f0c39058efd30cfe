"""A debt as stored, the table of its transitions, and its data in events."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from getbill.companies import Workspace
from getbill.debtors import Debtor, Identity
from getbill.kit import ids, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.money import Money
from getbill.scenarios import Scenario, Skip
from getbill.vault import Key

# Allowed transitions from each status. No transition happens outside this table.
MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset(
        {"in_progress", "on_hold", "payment_plan", "resolved", "escalated", "unresolved", "archived"}
    ),
    "in_progress": frozenset({"on_hold", "payment_plan", "resolved", "escalated", "unresolved", "archived"}),
    "on_hold": frozenset({"pending", "in_progress", "payment_plan", "resolved", "escalated", "archived"}),
    "payment_plan": frozenset({"in_progress", "on_hold", "resolved", "escalated", "archived"}),
    "unresolved": frozenset(
        {"pending", "in_progress", "on_hold", "payment_plan", "resolved", "escalated", "archived"}
    ),
    "escalated": frozenset({"in_progress", "on_hold", "resolved", "archived"}),
    "resolved": frozenset({"pending", "in_progress", "archived"}),
    "archived": frozenset(),
}
STATUSES = tuple(MOVES)
CONTACTABLE = frozenset({"pending", "in_progress"})


@dataclass(frozen=True, slots=True)
class Details:
    """The details of a debt besides its money, sealed with the debt's own key."""

    object: str | None = None
    iban: str | None = None
    payment_link: str | None = None
    invoice_date: str | None = None
    creditor: str | None = None
    start_mode: str | None = None
    accept_expensive_destination: bool | None = None
    hold_reason: str | None = None
    escalation: dict[str, str] | None = None
    metadata: dict[str, Any] | None = None
    # The debtor's promise: `date`, `amount` in minor units or null, and `paid` at the time of the promise.
    promise: dict[str, Any] | None = None

    def present_fields(self) -> dict[str, Any]:
        """Return the fields that have a value."""
        return {name: value for name in _DETAILS if (value := getattr(self, name)) is not None}


_DETAILS = tuple(field.name for field in fields(Details))


@dataclass(frozen=True, slots=True)
class NewDebt:
    """A validated request for a debt: every address normalised, the amount in its currency."""

    identity: Identity
    amount: Money
    reference: str
    scenario: str
    details: Details
    invoice_reference: str | None = None
    due_on: date | None = None

    def canonical(self) -> str:
        """Return the same text for every body that describes the same debt."""
        return json.write(self).decode()


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of imported debts: their import, the line of each, and the end of their initial hold."""

    import_id: UUID
    lines: Sequence[int]
    not_before: datetime | None = None
    # Whether a row's data replaces what is already known of a person.
    replaces: bool = True


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """The next contact: its step and channel (or the end and its review), its instant, and skipped steps.

    `missed_at` is the original due time of a missed contact that is made up for.
    """

    step: str
    channel: str
    due_at: datetime
    skipped_steps: tuple[Skip, ...]
    missed_at: datetime | None = None


_UPDATE = Statement(
    "debts.update",
    "Write what changed on a debt that this transaction holds locked.",
    """
    UPDATE debts SET debtor_id = $3, reference = $4, invoice_reference = $5, fingerprint = $6, status = $7,
        resolution = $8, currency = $9, amount = $10, balance = $11, paid = $12, due_on = $13, scenario = $14,
        scenario_version = $15, details = $16, started_on = $17, next_action_at = $18, run = $19,
        contact_epoch = $20, contacts_count = $21, answers_count = $22, has_plan = $23, event_sequence = $24,
        version = $25, contacted_at = $26, resolved_at = $27, created_at = $28, updated_at = $29, erased_at = $30,
        entries_count = $31, not_before = $32, import_id = $33, import_line = $34, undone_at = $35
    WHERE workspace_id = $1 AND id = $2
    """,
    """
    UPDATE debts d SET debtor_id = w.debtor_id, reference = w.reference, invoice_reference = w.invoice_reference,
        fingerprint = w.fingerprint, status = w.status, resolution = w.resolution, currency = w.currency,
        amount = w.amount, balance = w.balance, paid = w.paid, due_on = w.due_on, scenario = w.scenario,
        scenario_version = w.scenario_version, details = w.details, started_on = w.started_on,
        next_action_at = w.next_action_at, run = w.run, contact_epoch = w.contact_epoch,
        contacts_count = w.contacts_count, answers_count = w.answers_count, has_plan = w.has_plan,
        event_sequence = w.event_sequence, version = w.version, contacted_at = w.contacted_at,
        resolved_at = w.resolved_at, created_at = w.created_at, updated_at = w.updated_at, erased_at = w.erased_at,
        entries_count = w.entries_count, not_before = w.not_before, import_id = w.import_id,
        import_line = w.import_line, undone_at = w.undone_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[],
        $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::date[], $14::text[], $15::integer[],
        $16::bytea[], $17::date[], $18::timestamptz[], $19::integer[], $20::integer[], $21::integer[],
        $22::integer[], $23::boolean[], $24::bigint[], $25::bigint[], $26::timestamptz[], $27::timestamptz[],
        $28::timestamptz[], $29::timestamptz[], $30::timestamptz[], $31::integer[], $32::timestamptz[],
        $33::uuid[], $34::integer[], $35::timestamptz[])
        AS w (workspace_id, id, debtor_id, reference, invoice_reference, fingerprint, status, resolution, currency,
              amount, balance, paid, due_on, scenario, scenario_version, details, started_on, next_action_at, run,
              contact_epoch, contacts_count, answers_count, has_plan, event_sequence, version, contacted_at,
              resolved_at, created_at, updated_at, erased_at, entries_count, not_before, import_id, import_line,
              undone_at)
    WHERE d.workspace_id = w.workspace_id AND d.id = w.id
    """,
)
_MOVE = Statement(
    "debts.move",
    "Write of a debt that this transaction holds locked what contacts and events change, where nothing else did.",
    """
    UPDATE debts SET status = $3, next_action_at = $4, contacts_count = $5, answers_count = $6, event_sequence = $7,
        version = $8, contacted_at = $9, updated_at = $10
    WHERE workspace_id = $1 AND id = $2
    """,
    """
    UPDATE debts d SET status = w.status, next_action_at = w.next_action_at, contacts_count = w.contacts_count,
        answers_count = w.answers_count, event_sequence = w.event_sequence, version = w.version,
        contacted_at = w.contacted_at, updated_at = w.updated_at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::integer[], $6::integer[], $7::bigint[],
        $8::bigint[], $9::timestamptz[], $10::timestamptz[])
        AS w (workspace_id, id, status, next_action_at, contacts_count, answers_count, event_sequence, version,
              contacted_at, updated_at)
    WHERE d.workspace_id = w.workspace_id AND d.id = w.id
    """,
)
# The columns that `_MOVE` writes besides the key.
_MOVE_COLUMNS = (
    "status",
    "next_action_at",
    "contacts_count",
    "answers_count",
    "event_sequence",
    "version",
    "contacted_at",
    "updated_at",
)
_move_values = attrgetter("workspace.id", "id", *_MOVE_COLUMNS)
INSERT = Statement(
    "debts.insert",
    "Open a debt, as it stands at the end of the transaction that opens it.",
    """
    INSERT INTO debts (workspace_id, id, debtor_id, reference, invoice_reference, fingerprint, status, resolution,
        currency, amount, balance, paid, due_on, scenario, scenario_version, details, started_on, next_action_at,
        run, contact_epoch, contacts_count, answers_count, has_plan, event_sequence, version, contacted_at,
        resolved_at, created_at, updated_at, erased_at, entries_count, not_before, import_id, import_line, undone_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)
    """,
)


@dataclass(frozen=True, slots=True, repr=False)
class ErasedPerson:
    """What an erasure removes, for other packages: references, and the identity with the last debt."""

    references: tuple[str, ...]
    identity: Identity | None


@dataclass(slots=True, repr=False)
class Debt:
    """A debt held by a transaction; its row is written once, at the end. Amounts are in minor units."""

    workspace: Workspace
    debtor: Debtor
    key: Key | None
    details: Details
    # The scenario version that the debt runs.
    script: Scenario
    # The columns of the row, down to `entries_count`.
    id: UUID
    reference: str | None
    invoice_reference: str | None
    fingerprint: bytes | None
    status: str
    resolution: str | None
    currency: str
    amount: int
    balance: int
    paid: int
    due_on: date | None
    scenario: str
    scenario_version: int
    started_on: date
    next_action_at: datetime | None
    run: int
    contact_epoch: int
    contacts_count: int
    answers_count: int
    has_plan: bool
    event_sequence: int
    version: int
    contacted_at: datetime | None
    resolved_at: datetime | None
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None = None
    # An imported debt is not contacted before.
    not_before: datetime | None = None
    # Its import, its line there, and when that import was undone.
    import_id: UUID | None = None
    import_line: int | None = None
    undone_at: datetime | None = None
    entries_count: int = 0
    is_new: bool = False
    # Whether this transaction resumed it, after a hold or when a balance arose again.
    is_resumed: bool = False
    # The first contact of a new debt, for the ledger.
    first_contact: PlannedContact | None = None
    is_changed: bool = False
    # Its scenario ended in this transaction; no other contact was planned.
    is_over: bool = False
    # Its `stable_values` as loaded; None if the row was never read in full.
    stored_values: tuple[Any, ...] | None = None
    # Set only in the erasing transaction.
    erased_person: ErasedPerson | None = None

    @property
    def workspace_id(self) -> UUID:
        """The workspace of the debt."""
        return self.workspace.id

    @property
    def is_contactable(self) -> bool:
        """Whether the scenario may contact the debtor."""
        return self.status in CONTACTABLE and self.erased_at is None

    def money(self, minor: int) -> Money:
        """Return an amount in the debt's currency."""
        return Money(minor, self.currency)

    def touch(self, tx: Transaction) -> None:
        """Mark the row to be written at the end of the transaction; call it with every change."""
        self.is_changed = True
        self.updated_at = tx.now
        tx.subjects[self.id] = self

    def stop_contact(self) -> None:
        """Void every contact planned so far, including one that a worker has just claimed."""
        self.contact_epoch += 1
        self.next_action_at = None

    def next_sequence(self) -> int:
        """Return the next sequence number of the debt's events."""
        self.event_sequence += 1
        self.is_changed = True
        return self.event_sequence

    def event_data(self) -> dict[str, Any]:
        """Return the debt's current data for an event."""
        identity = self.debtor.identity
        return {
            "debt_id": ids.show("debt", self.id),
            "reference": self.reference,
            "amount": self.money(self.amount).decimal,
            "currency": self.currency,
            "balance": self.money(self.balance).decimal,
            "status": self.status,
            "due_date": json.day(self.due_on),
            "scenario": self.scenario,
            "debtor": {"name": identity.name, "email": identity.email, "phone": identity.phone},
            "resolved_at": json.instant(self.resolved_at),
        }

    def store(self, tx: Transaction) -> None:
        """Update the row at the end of the transaction; a new debt's insert is deferred already."""
        if self.is_changed and not self.is_new:
            self.version += 1
            if stable_values(self) == self.stored_values:
                tx.defer(_MOVE, *_move_values(self))
            else:
                tx.defer(_UPDATE, *self.row())
                self.stored_values = stable_values(self)
        self.is_changed = False

    def row(self) -> tuple[Any, ...]:
        """Return the row's values in the order of `INSERT`."""
        detail_fields = self.details.present_fields()
        sealed = None
        if detail_fields and self.key is not None:
            sealed = self.key.seal(json.write(detail_fields), details_context(self.workspace.id, self.id))
        return (
            self.workspace.id,
            self.id,
            self.debtor.id if self.erased_at is None else None,
            self.reference,
            self.invoice_reference,
            self.fingerprint,
            self.status,
            self.resolution,
            self.currency,
            self.amount,
            self.balance,
            self.paid,
            self.due_on,
            self.scenario,
            self.scenario_version,
            sealed,
            self.started_on,
            self.next_action_at,
            self.run,
            self.contact_epoch,
            self.contacts_count,
            self.answers_count,
            self.has_plan,
            self.event_sequence,
            self.version,
            self.contacted_at,
            self.resolved_at,
            self.created_at,
            self.updated_at,
            self.erased_at,
            self.entries_count,
            self.not_before,
            self.import_id,
            self.import_line,
            self.undone_at,
        )


_NAMES = [field.name for field in fields(Debt)]
# The columns of a debt, in the order of its fields.
COLUMNS = tuple(_NAMES[_NAMES.index("id") : _NAMES.index("entries_count") + 1])
# The values that `_MOVE` never changes.
stable_values = attrgetter("debtor.id", "details", *(name for name in COLUMNS if name not in _MOVE_COLUMNS))


def details_context(workspace_id: UUID, debt_id: UUID) -> bytes:
    """Return the sealing context of a debt's details."""
    return b"debt" + workspace_id.bytes + debt_id.bytes


def can_move(status: str, to: str) -> bool:
    """Return whether the table allows a transition between two statuses."""
    return to in MOVES[status]
