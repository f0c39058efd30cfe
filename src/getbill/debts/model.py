"""A debt as stored, the table of its transitions, and its data in events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from getbill.companies import Workspace
from getbill.creditors import PREFIX as CREDITOR_PREFIX
from getbill.creditors import Creditor, CreditorChoice
from getbill.debtors import STATED_FIELDS, Debtor, Identity
from getbill.kit import ids, json
from getbill.kit.database import Transaction, column_types, insert_statement, update_statement
from getbill.kit.http import ApiField
from getbill.kit.money import Money
from getbill.scenarios import Scenario, Skip
from getbill.vault import Key

# The statuses as a schema shows them.
StatusName = Literal[
    "pending", "in_progress", "on_hold", "payment_plan", "resolved", "escalated", "unresolved", "archived"
]
ResolutionName = Literal["paid", "settled", "written_off"]


class Status(StrEnum):
    """The status of a debt: the state of its collection."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    PAYMENT_PLAN = "payment_plan"
    UNRESOLVED = "unresolved"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    ARCHIVED = "archived"


STATUSES: Final = tuple(Status)
CONTACTABLE: Final = frozenset({Status.PENDING, Status.IN_PROGRESS})
# Contact has stopped, and may go on where it stopped.
RESUMABLE: Final = frozenset({Status.ON_HOLD, Status.UNRESOLVED})
# Nothing is left to collect.
CLOSED: Final = frozenset({Status.RESOLVED, Status.ARCHIVED})
# The table of moves: the statuses that may follow each.
TRANSITIONS: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset(Status) - {Status.PENDING},
    Status.IN_PROGRESS: frozenset(Status) - {Status.PENDING, Status.IN_PROGRESS},
    Status.ON_HOLD: frozenset(Status) - {Status.ON_HOLD, Status.UNRESOLVED},
    Status.PAYMENT_PLAN: frozenset(
        {Status.IN_PROGRESS, Status.ON_HOLD, Status.RESOLVED, Status.ESCALATED, Status.ARCHIVED}
    ),
    Status.UNRESOLVED: frozenset(Status) - {Status.UNRESOLVED},
    Status.ESCALATED: frozenset({Status.IN_PROGRESS, Status.ON_HOLD, Status.RESOLVED, Status.ARCHIVED}),
    # A balance that arises again takes a resolved debt back to where it stood.
    Status.RESOLVED: frozenset(Status) - {Status.RESOLVED},
    # Back from the archive: resolved without a balance, else on hold until a person resumes it.
    Status.ARCHIVED: frozenset({Status.RESOLVED, Status.ON_HOLD}),
}


class MoveNotAllowed(Exception):
    """The table of moves has no such move."""


def transition(before: Status, after: Status) -> Status:
    """Return the status after a move; raise MoveNotAllowed unless the table has it."""
    if after not in TRANSITIONS[before]:
        raise MoveNotAllowed(f"A debt never moves from {before} to {after}.")
    return after


@dataclass(frozen=True, slots=True)
class Details:
    """The details of a debt besides its money, sealed with the debt's own key."""

    object: Annotated[str | None, ApiField("line", "Subject of the debt, such as the service invoiced.")] = (
        None
    )
    iban: Annotated[
        str | None,
        ApiField("iban", "IBAN to which the debtor pays: one of your accounts, or else the creditor's."),
    ] = None
    payment_link: Annotated[str | None, ApiField("link", "URL of the payment page.")] = None
    invoice_date: Annotated[str | None, ApiField("day_text", "Date of the invoice, YYYY-MM-DD.")] = None
    creditor: Annotated[
        str | None,
        ApiField(
            "text",
            "Name of the creditor, if it is not your company. It finds the creditor or creates one.",
            name="company",
            is_shown=False,
        ),
    ] = None
    start_mode: Annotated[
        str | None,
        ApiField(
            "start_mode",
            "Start of the scenario: `immediate`, or `next_day` for the next midnight.",
            name="timeline_start_mode",
            is_shown=False,
            is_only_new=True,
        ),
    ] = None
    accept_expensive_destination: Annotated[
        bool | None,
        ApiField(
            "flag",
            "Whether to accept expensive phone numbers, such as premium-rate numbers, satellite phones and pagers, which are refused otherwise.",
            is_shown=False,
        ),
    ] = None
    contract_number: Annotated[
        str | None,
        ApiField("text", "Number of the contract under which the debt arose, as the debtor knows it."),
    ] = None
    hold_reason: str | None = None
    escalation: dict[str, str] | None = None
    metadata: Annotated[
        dict[str, Any] | None, ApiField("metadata", "Custom key-value data, returned unchanged.")
    ] = None
    # The debtor's promise: `date`, `amount` in minor units or null, and `paid` at the time of the promise.
    promise: dict[str, Any] | None = None

    def present_fields(self) -> dict[str, Any]:
        """Return the fields that have a value."""
        return {name: value for name in _DETAILS if (value := getattr(self, name)) is not None}


_DETAILS = tuple(field.name for field in fields(Details))
# The details that every fingerprint has, with or without a value. One more would change the stored fingerprints.
_FINGERPRINT_DETAILS = (
    "object",
    "iban",
    "payment_link",
    "invoice_date",
    "creditor",
    "start_mode",
    "accept_expensive_destination",
    "hold_reason",
    "escalation",
    "metadata",
    "promise",
)


@dataclass(frozen=True, slots=True)
class NewDebt:
    """A validated request for a debt: every address normalised, the amount in its currency."""

    identity: Identity
    amount: Money
    reference: Annotated[
        str,
        ApiField(
            "text",
            "Your reference for the debt, unique in the workspace.",
            aliases=("internal_id",),
            example="F-2024-0847",
        ),
    ]
    scenario: Annotated[
        str,
        ApiField(
            "text",
            "Name of the scenario; defaults to the company's.",
            example="standard_3_waves",
        ),
    ]
    details: Details
    invoice_reference: Annotated[str | None, ApiField("text", "Invoice number, shown to the debtor.")] = None
    due_on: Annotated[date | None, ApiField("day", "Payment due date, YYYY-MM-DD.", name="due_date")] = None
    # The creditor by id; its name is a detail.
    creditor_id: UUID | None = None

    @property
    def creditor_choice(self) -> CreditorChoice:
        """The creditor that the body names."""
        return CreditorChoice(self.creditor_id, self.details.creditor)

    def canonical(self) -> str:
        """Return the same text for every body that describes the same debt."""
        present_details = self.details.present_fields()
        # Any other detail counts only where it has a value, so that earlier fingerprints stay valid.
        content = {name: getattr(self, name) for name in _NEW_DEBT} | {
            "identity": {name: getattr(self.identity, name) for name in STATED_FIELDS},
            "details": dict.fromkeys(_FINGERPRINT_DETAILS) | present_details,
        }
        if self.creditor_id is None:
            del content["creditor_id"]
        return json.write(content).decode()


_NEW_DEBT = tuple(field.name for field in fields(NewDebt))


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of imported debts: their import, the line of each, and the end of their initial hold."""

    import_id: UUID
    lines: Sequence[int]
    not_before: datetime | None = None
    # Where an address of a row comes from, as its person's contact point says.
    source: str = "api"


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
    running_scenario: Scenario
    # The columns of the row, down to `entries_count`.
    id: UUID
    reference: str | None
    invoice_reference: str | None
    fingerprint: bytes | None
    status: Status
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
    # Where a resolved debt stood: it is reopened there.
    status_before_resolution: Status | None = None
    # The balance below the minimum about which a person was asked.
    reviewed_balance: int | None = None
    # None: the company itself is the creditor.
    creditor_id: UUID | None = None
    entries_count: int = 0
    is_new: bool = False
    # Whether this transaction resumed it, after a hold or when a balance arose again.
    is_resumed: bool = False
    # Whether a balance arose again in this transaction on a debt that was resolved.
    is_reopened: bool = False
    # The first contact of a new debt, for the ledger.
    first_contact: PlannedContact | None = None
    is_changed: bool = False
    # Its scenario ended in this transaction; no other contact was planned.
    is_over: bool = False
    # Its `stable_values` as loaded; None if the row was never read in full.
    stored_values: tuple[Any, ...] | None = None
    # Set only in the erasing transaction.
    erased_person: ErasedPerson | None = None
    # The creditor of `creditor_id`.
    creditor: Creditor | None = None
    # What `debts.schedule` computed of it, kept while what it depends on is unchanged.
    schedule_terms: object | None = field(default=None, compare=False)

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

    @property
    def creditor_name(self) -> str | None:
        """The name of its creditor; None if that is the company itself."""
        return self.details.creditor if self.creditor is None else self.creditor.name

    @property
    def creditor_public_id(self) -> str | None:
        """The public id of its creditor; None if that is the company itself."""
        return None if self.creditor_id is None else ids.show(CREDITOR_PREFIX, self.creditor_id)

    def assign_creditor(self, creditor: Creditor | None) -> None:
        """Assign the creditor to whom the debt is owed; None for the company itself."""
        self.creditor = creditor
        self.creditor_id = None if creditor is None else creditor.id

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
            "creditor_id": self.creditor_public_id,
            "company": self.creditor_name,
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
                tx.defer(_UPDATE_PROGRESS, *_progress_values(self))
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
        debtor_id = self.debtor.id if self.erased_at is None else None
        return (self.workspace.id, self.id, debtor_id, sealed, *_plain_values(self))


_NAMES = [field.name for field in fields(Debt)]
# The columns of a debt, in the order of its fields.
COLUMNS = tuple(_NAMES[_NAMES.index("id") : _NAMES.index("entries_count") + 1])
_PLAIN_COLUMNS = COLUMNS[1:]
_plain_values = attrgetter(*_PLAIN_COLUMNS)
_KEYS = {"workspace_id": "uuid", "id": "uuid"}
_ROW_COLUMNS = {"debtor_id": "uuid", "details": "bytea"} | column_types(Debt, _PLAIN_COLUMNS)
INSERT = insert_statement(
    "debts.insert_debt",
    "Insert a debt as it is at the end of its transaction.",
    "debts",
    [*_KEYS, *_ROW_COLUMNS],
)
_UPDATE = update_statement("debts.update_debt", "Update a locked debt.", "debts", _KEYS, _ROW_COLUMNS)
# What contacts and events change; the rest of the row is not written again.
_PROGRESS_COLUMNS = (
    "status",
    "next_action_at",
    "contacts_count",
    "answers_count",
    "event_sequence",
    "version",
    "contacted_at",
    "updated_at",
)
_UPDATE_PROGRESS = update_statement(
    "debts.update_progress",
    "Update what contacts and events change of a locked debt.",
    "debts",
    _KEYS,
    column_types(Debt, _PROGRESS_COLUMNS),
)
_progress_values = attrgetter("workspace.id", "id", *_PROGRESS_COLUMNS)
# The values that `_UPDATE_PROGRESS` never changes.
stable_values = attrgetter(
    "debtor.id", "details", *(name for name in COLUMNS if name not in _PROGRESS_COLUMNS)
)


def details_context(workspace_id: UUID, debt_id: UUID) -> bytes:
    """Return the sealing context of a debt's details."""
    return b"debt" + workspace_id.bytes + debt_id.bytes
