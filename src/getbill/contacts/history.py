"""The contact history of a debtor: on this debt, and to the same addresses on their other debts.

The caps of the rules count over it, and the scenario continues after its last passed step.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Any
from uuid import UUID

from asyncpg import Record

from getbill import compliance, followups
from getbill.channels import MISSING, Channel
from getbill.companies import DRY_RUN
from getbill.compliance import STANDARD, Cap, PastContact
from getbill.contacts.model import COMPLETED, CONTACTED, State
from getbill.debts import EXPENSIVE, NEVER, WAITS, Debt, PriorContacts, hashes_of, is_obstacle
from getbill.kit.database import Statement, Transaction

# The longest period of a cap.
LOOKBACK = timedelta(days=max(rule.limit.days for rule in STANDARD.rules if isinstance(rule.limit, Cap)))

_UNREACHABLE = frozenset(MISSING.values())
_CHANNELS = {str(channel): channel for channel in Channel}
# The keyed hashes of an e-mail address and a phone number; None if unknown.
AddressHashes = tuple[bytes | None, bytes | None]

_OF_DEBTS = Statement(
    "contacts.list_by_debts",
    "Contacts of these debts, for the decision on the next one.",
    """
    SELECT debt_id, run, step, attempt, channel, state, reason, sent_at, settled_at, address_hash, group_id
    FROM contacts
    WHERE workspace_id = $1 AND debt_id = ANY($2) ORDER BY attempt
    """,
)
_ON_OTHER_DEBTS = Statement(
    "contacts.list_on_other_debts",
    "Recent contacts on other debts, at these addresses or with these debtors.",
    """
    SELECT c.debt_id, c.channel, c.state, c.sent_at, c.address_hash, c.group_id, d.debtor_id
    FROM contacts c JOIN debts d ON d.workspace_id = c.workspace_id AND d.id = c.debt_id
    WHERE c.workspace_id = $1 AND c.address_hash = ANY($2) AND c.sent_at > $3 AND c.debt_id <> ALL($4)
    UNION ALL
    SELECT c.debt_id, c.channel, c.state, c.sent_at, c.address_hash, c.group_id, d.debtor_id
    FROM debts d JOIN contacts c ON c.workspace_id = d.workspace_id AND c.debt_id = d.id
    WHERE d.workspace_id = $1 AND d.debtor_id = ANY($5) AND d.erased_at IS NULL AND d.id <> ALL($4)
        AND c.sent_at > $3 AND (c.address_hash IS NULL OR c.address_hash <> ALL($2))
    """,
)
_LOCK_RECIPIENTS = Statement(
    "contacts.lock_recipients",
    "Lock persons and addresses against concurrent decisions on contacts.",
    "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key",
)


@dataclass(slots=True)
class ContactHistory:
    """The contact history of one debt and of its debtor's addresses."""

    contacts: tuple[PastContact, ...] = ()
    suppressed: frozenset[bytes] = frozenset()
    # Consents given by these addresses, and by those of others held with them.
    consents: frozenset[tuple[bytes, str]] = frozenset()
    # The keyed hashes of the debtor's e-mail address and phone number, where known.
    hashes: tuple[bytes | None, bytes | None] | None = None
    # Attempts of each step in the debt's current run, in any state.
    attempts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    # Passed steps of the current run. Steps skipped because the debtor could not, or must not, be reached, or
    # because something was missing, do not count: it may be supplied. `contacted_steps` are those of any run by which the debtor was
    # contacted.
    passed_steps: set[str] = field(default_factory=set)
    unreachable_reasons: dict[str, str] = field(default_factory=dict)
    # Steps taken in the current run, and when.
    taken_steps: dict[str, datetime] = field(default_factory=dict)
    contacted_steps: set[str] = field(default_factory=set)
    # Steps that a finished dry run only simulated.
    rehearsed_steps: set[str] = field(default_factory=set)
    # Whether a contact of the debt is being sent and its outcome is unknown yet.
    is_sending: bool = False

    def last_step(self, debt: Debt) -> str | None:
        """Return the last passed step of the scenario in the current run."""
        keys = [step.key for step in debt.running_scenario.steps if step.key in self.passed_steps]
        return keys[-1] if keys else None

    def prior_contacts(self, debt: Debt) -> PriorContacts:
        """Return the input of the rules: past contacts, with the notices they gave."""
        notices = (
            notice
            for step in debt.running_scenario.steps
            if step.key in self.contacted_steps
            for notice in step.notices
        )
        taken_steps = tuple(sorted(self.taken_steps.items(), key=itemgetter(1)))
        slow_steps = {
            key: reason for key, reason in self.unreachable_reasons.items() if reason.startswith(WAITS)
        }
        return PriorContacts(
            self.contacts,
            tuple(notices),
            self.suppressed,
            self.consents,
            self.hashes,
            taken_steps,
            slow_steps,
        )

    def rehearse(self, step: str, channel: Channel, at: datetime) -> None:
        """Count a simulated contact of the running dry run."""
        self.passed_steps.add(step)
        self.contacted_steps.add(step)
        self.taken_steps[step] = at
        self.add(PastContact(channel, at))

    def after_contact(self, step: str, at: datetime | None) -> "ContactHistory":
        """Return the history with a counted contact as passed: the debtor was or may have been contacted."""
        self.passed_steps.add(step)
        if at is not None:
            self.taken_steps[step] = at
        self.contacted_steps.add(step)
        return self

    def attempts_before(self, step: str, channel: Channel) -> int:
        """Return the number of attempts by a channel for this debt so far, with failed ones of a step."""
        made_count = sum(past.channel == channel for past in self.contacts if past.same_case)
        return made_count + self.failures[step]

    def add(self, contact: PastContact) -> None:
        """Count a contact that is being made now."""
        self.contacts = (*self.contacts, contact)


async def lock_recipients(tx: Transaction, debts: Mapping[UUID, Debt]) -> dict[UUID, AddressHashes]:
    """Block other decisions on contacts with these debtors, and at their addresses, until the transaction ends.

    Lock debts first.

    Returns the keyed hashes of their e-mail addresses and phone numbers.
    """
    hashes = {debt_id: address_hashes(debt) for debt_id, debt in debts.items()}
    # In one order everywhere, so that two workers never deadlock.
    recipients = chain(
        filter(None, chain.from_iterable(hashes.values())),
        # The last bytes of an identifier are random, the first are its time.
        (debt.debtor.id.bytes[8:] for debt in debts.values()),
    )
    keys = sorted({int.from_bytes(recipient[:8], signed=True) for recipient in recipients})
    if keys:
        await tx.execute(_LOCK_RECIPIENTS, keys)
    return hashes


def address_hashes(debt: Debt) -> AddressHashes:
    """Return the keyed hashes of a debtor's e-mail address and phone number."""
    return hashes_of(debt.workspace, debt.debtor.identity)


async def load(
    tx: Transaction,
    workspace_id: UUID,
    debts: Mapping[UUID, Debt],
    known_hashes: Mapping[UUID, AddressHashes] | None = None,
) -> dict[UUID, ContactHistory]:
    """Return the history of each given debt of one workspace; `known_hashes` are hashes computed before."""
    debt_ids = list(debts)
    own_rows = await tx.fetch(_OF_DEBTS, workspace_id, debt_ids)
    hashes_by_debt = known_hashes or {debt_id: address_hashes(debt) for debt_id, debt in debts.items()}
    address_sets = {debt_id: frozenset(filter(None, hashes_by_debt[debt_id])) for debt_id in debts}
    all_hashes = list(frozenset(chain.from_iterable(address_sets.values())))
    suppressed = frozenset[bytes]()
    consents = frozenset[tuple[bytes, str]]()
    if all_hashes:
        consents = await compliance.granted_consents(tx, workspace_id, all_hashes)
        suppressed = await compliance.suppressed_hashes(tx, workspace_id, all_hashes)
    debtor_ids = list({debt.debtor.id for debt in debts.values()})
    other_rows = await tx.fetch(
        _ON_OTHER_DEBTS, workspace_id, all_hashes, tx.now - LOOKBACK, debt_ids, debtor_ids
    )
    manual_rows = await followups.find_manual_contacts(
        tx, workspace_id, debt_ids, all_hashes, tx.now - LOOKBACK
    )
    own_by_debt = _group_by(own_rows, "debt_id")
    made_contacts = _MadeContacts(debts, own_rows, other_rows)
    histories = {}
    for debt_id, debt in debts.items():
        addresses = address_sets[debt_id]
        history = histories[debt_id] = ContactHistory(hashes=hashes_by_debt[debt_id], consents=consents)
        history.suppressed = suppressed & addresses if suppressed else suppressed
        past_contacts = []
        for row in own_by_debt.get(debt_id, ()):
            _count_row(history, row, debt)
            if _is_made(row):
                past_contacts.append(_past_contact(row, same_case=True))
        own_groups = {contact.group for contact in past_contacts if contact.group is not None}
        past_contacts += made_contacts.on_other_debts(debt, addresses, own_groups)
        past_contacts += [
            _manual_contact(row, debt_id) for row in manual_rows if _concerns(row, debt_id, addresses)
        ]
        history.contacts = (*past_contacts, *history.contacts)
    return histories


class _MadeContacts:
    """The contacts made on some debts, and on others of the same debtors or addresses."""

    def __init__(self, debts: Mapping[UUID, Debt], own_rows: list[Record], other_rows: list[Record]) -> None:
        self._by_address: dict[bytes, list[tuple[Record, UUID | None]]] = {}
        self._by_person: dict[UUID, list[tuple[Record, UUID | None]]] = {}
        for row in filter(_is_made, own_rows):
            self._add(row, debts[row["debt_id"]].debtor.id)
        for row in filter(_is_made, other_rows):
            self._add(row, row["debtor_id"])

    def _add(self, row: Record, person: UUID | None) -> None:
        if row["address_hash"] is not None:
            self._by_address.setdefault(row["address_hash"], []).append((row, person))
        if person is not None:
            self._by_person.setdefault(person, []).append((row, person))

    def on_other_debts(
        self, debt: Debt, addresses: frozenset[bytes], own_groups: Collection[UUID]
    ) -> list[PastContact]:
        """Return the contacts with the debtor of a debt, and at their addresses, on any other debt.

        Each message comes once, and those in which the debt itself took part not at all.
        """
        rows = {
            row["group_id"] or id(row): (row, person)
            for row, person in chain(
                self._by_person.get(debt.debtor.id, ()),
                chain.from_iterable(self._by_address.get(address, ()) for address in addresses),
            )
            if row["debt_id"] != debt.id and row["group_id"] not in own_groups
        }
        return [
            _past_contact(row, same_case=False, same_person=person == debt.debtor.id)
            for row, person in rows.values()
        ]


def _group_by(rows: Iterable[Record], column: str) -> dict[Any, list[Record]]:
    groups: dict[Any, list[Record]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


def _is_made(row: Record) -> bool:
    return row["sent_at"] is not None and row["state"] in CONTACTED


def _past_contact(row: Record, *, same_case: bool, same_person: bool = True) -> PastContact:
    return PastContact(
        _CHANNELS[row["channel"]],
        row["sent_at"],
        row["address_hash"],
        same_case,
        same_person,
        row["group_id"],
    )


def _concerns(row: Record, debt_id: UUID, hashes: frozenset[bytes]) -> bool:
    return row["debt_id"] == debt_id or row["address_hash"] in hashes


def _manual_contact(row: Record, debt_id: UUID) -> PastContact:
    channel = Channel.AI_CALL if row["channel"] == "phone" else Channel(row["channel"])
    return PastContact(channel, row["sent_at"], row["address_hash"], row["debt_id"] == debt_id)


def _count_row(history: ContactHistory, row: Record, debt: Debt) -> None:
    step, state = row["step"], row["state"]
    if state == State.SENDING:
        history.is_sending = True
    if _is_made(row):
        history.contacted_steps.add(step)
    if row["run"] != debt.run:
        return
    history.attempts[step] += 1
    if _is_made(row):
        history.taken_steps[step] = row["sent_at"]
    if state == State.REHEARSED:
        _count_rehearsal(history, row, debt)
        return
    if state == State.FAILED:
        history.failures[step] += 1
    if state == State.SKIPPED and _is_unreachable(row["reason"] or ""):
        history.unreachable_reasons[step] = row["reason"]
    elif state in COMPLETED:
        history.passed_steps.add(step)
    else:
        # A failed attempt passes its step only if no further attempt was to follow.
        history.passed_steps.discard(step)


def _count_rehearsal(history: ContactHistory, row: Record, debt: Debt) -> None:
    if debt.workspace.contact == DRY_RUN:
        history.rehearse(row["step"], Channel(row["channel"]), row["settled_at"])
    else:
        history.rehearsed_steps.add(row["step"])


def _is_unreachable(reason: str) -> bool:
    return reason in _UNREACHABLE or reason.startswith((NEVER, EXPENSIVE, WAITS)) or is_obstacle(reason)
