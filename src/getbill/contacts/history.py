"""What was done towards a debtor so far: on this debt, and by the same address on the person's other ones.

The caps of the rules count over it, and the scenario goes on after the last step it passed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from asyncpg import Record

from getbill import compliance, followups
from getbill.channels import MISSING, Channel
from getbill.companies import DRY_RUN
from getbill.compliance import STANDARD, Cap
from getbill.compliance import Contact as Made
from getbill.contacts.model import MADE, PASSED, REHEARSED
from getbill.debts import EXPENSIVE, NEVER, Debt, Past, hashes_of
from getbill.kit.database import Statement, Transaction

# How far back a cap looks.
LOOK_BACK = timedelta(days=max(rule.limit.days for rule in STANDARD.rules if isinstance(rule.limit, Cap)))

_UNREACHABLE = frozenset(MISSING.values())
_CHANNELS = {str(channel): channel for channel in Channel}
# The keyed hashes of an e-mail address and a phone number; None for what is not known.
Hashes = tuple[bytes | None, bytes | None]

_OF_DEBTS = Statement(
    "contacts.history_of_debts",
    "What was done, or begun, on these debts?",
    """
    SELECT debt_id, run, step, attempt, channel, state, reason, sent_at, settled_at, address_hash FROM contacts
    WHERE workspace_id = $1 AND debt_id = ANY($2) ORDER BY attempt
    """,
)
_BY_ADDRESSES = Statement(
    "contacts.history_by_addresses",
    "What went to these addresses of late on other debts?",
    """
    SELECT debt_id, run, step, attempt, channel, state, sent_at, address_hash FROM contacts
    WHERE workspace_id = $1 AND address_hash = ANY($2) AND sent_at > $3 AND debt_id <> ALL($4)
    """,
)
_ONE_AT_A_TIME = Statement(
    "contacts.one_at_a_time",
    "Let one transaction at a time decide on contacts to an address.",
    "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key",
)


@dataclass(slots=True)
class History:
    """What happened on one debt, and to its debtor's addresses."""

    contacts: tuple[Made, ...] = ()
    suppressed: frozenset[bytes] = frozenset()
    # What was agreed to by these addresses, and by those of others held with them.
    consents: frozenset[tuple[bytes, str]] = frozenset()
    # The keyed hashes of the debtor's e-mail address and phone number, where they are known.
    hashes: tuple[bytes | None, bytes | None] | None = None
    # How often each step of the debt's present run was tried, in whatever state the try is.
    attempts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    # Steps of the present run that are behind us. Those passed over because nobody could, or might, be reached are
    # not: an address may be learned. And steps of any run by which the debtor was contacted.
    passed: set[str] = field(default_factory=set)
    unreachable: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    # Steps that a dry run, over by now, only rehearsed.
    rehearsed: set[str] = field(default_factory=set)
    # Whether a contact of the debt is on its way, and nobody knows yet what becomes of it.
    is_on_its_way: bool = False

    def last_step(self, debt: Debt) -> str | None:
        """Return the last step of the scenario that is behind us in the present run."""
        keys = [step.key for step in debt.script.steps if step.key in self.passed]
        return keys[-1] if keys else None

    def past(self, debt: Debt) -> Past:
        """Return what the rules know of it, with the notices that the contacts made so far gave."""
        given = (notice for step in debt.script.steps if step.key in self.made for notice in step.notices)
        return Past(self.contacts, tuple(given), self.suppressed, self.consents, self.hashes)

    def rehearse(self, step: str, channel: Channel, at: datetime) -> None:
        """Count a contact that a dry run, which lasts, supposes to be made."""
        self.passed.add(step)
        self.made.add(step)
        self.add(Made(channel, at))

    def after(self, step: str) -> "History":
        """Return the same history once the contact that was counted in it has left: the debtor was, or may be, contacted."""
        self.passed.add(step)
        self.made.add(step)
        return self

    def add(self, made: Made) -> None:
        """Count a contact that is being made now."""
        self.contacts = (*self.contacts, made)


async def lock_addresses(tx: Transaction, debts: Mapping[UUID, Debt]) -> dict[UUID, Hashes]:
    """Let no other transaction decide on contacts to these debtors until this one ends; debts are locked first.

    Returns the keyed hashes of their e-mail addresses and phone numbers.
    """
    hashes = {debt_id: addresses(debt) for debt_id, debt in debts.items()}
    # In one order everywhere, so that two workers never wait for each other.
    keys = sorted(
        {int.from_bytes(one[:8], signed=True) for one in chain.from_iterable(hashes.values()) if one}
    )
    if keys:
        await tx.execute(_ONE_AT_A_TIME, keys)
    return hashes


def addresses(debt: Debt) -> Hashes:
    """Return the keyed hashes of a debtor's e-mail address and phone number."""
    return hashes_of(debt.workspace, debt.debtor.identity)


async def load(
    tx: Transaction,
    workspace_id: UUID,
    held: Mapping[UUID, Debt],
    hashed: Mapping[UUID, Hashes] | None = None,
) -> dict[UUID, History]:
    """Return the history of each of some debts of one workspace; `hashed` are their addresses where they are known."""
    debt_ids = list(held)
    own = await tx.fetch(_OF_DEBTS, workspace_id, debt_ids)
    known = hashed or {debt_id: addresses(debt) for debt_id, debt in held.items()}
    hashes = {debt_id: frozenset(filter(None, known[debt_id])) for debt_id in held}
    every = list(frozenset(chain.from_iterable(hashes.values())))
    others, suppressed = [], frozenset[bytes]()
    consents = frozenset[tuple[bytes, str]]()
    if every:
        consents = await compliance.consented(tx, workspace_id, every)
        suppressed = await compliance.suppressed(tx, workspace_id, every)
        others = await tx.fetch(_BY_ADDRESSES, workspace_id, every, tx.now - LOOK_BACK, debt_ids)
    by_people = await followups.made_by_hand(tx, workspace_id, debt_ids, every, tx.now - LOOK_BACK)
    by_debt = _grouped(own, "debt_id")
    by_address = _grouped([row for row in (*own, *others) if _is_made(row)], "address_hash")
    histories = {}
    for debt_id, debt in held.items():
        history = histories[debt_id] = History(hashes=known[debt_id], consents=consents)
        history.suppressed = suppressed & hashes[debt_id] if suppressed else suppressed
        for row in by_debt.get(debt_id, ()):
            _note(history, row, debt)
        elsewhere = chain.from_iterable(by_address.get(one, ()) for one in hashes[debt_id])
        mine = [_made(row, same_case=True) for row in by_debt.get(debt_id, ()) if _is_made(row)]
        theirs = [_made(row, same_case=False) for row in elsewhere if row["debt_id"] != debt_id]
        made = [_by_people(row, debt_id) for row in by_people if _concerns(row, debt_id, hashes[debt_id])]
        history.contacts = (*mine, *theirs, *made, *history.contacts)
    return histories


def _grouped(rows: list[Record], column: str) -> dict[Any, list[Record]]:
    found: dict[Any, list[Record]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _is_made(row: Record) -> bool:
    return row["state"] in MADE and row["sent_at"] is not None


def _made(row: Record, *, same_case: bool) -> Made:
    return Made(_CHANNELS[row["channel"]], row["sent_at"], row["address_hash"], same_case)


def _concerns(row: Record, debt_id: UUID, hashes: frozenset[bytes]) -> bool:
    return row["debt_id"] == debt_id or row["address_hash"] in hashes


def _by_people(row: Record, debt_id: UUID) -> Made:
    channel = Channel.AI_CALL if row["channel"] == "phone" else Channel(row["channel"])
    return Made(channel, row["sent_at"], row["address_hash"], row["debt_id"] == debt_id)


def _note(history: History, row: Record, debt: Debt) -> None:
    step = row["step"]
    history.is_on_its_way |= row["state"] == "sending"
    if _is_made(row):
        history.made.add(step)
    if row["state"] == REHEARSED and row["run"] == debt.run:
        history.attempts[step] += 1
        if debt.workspace.contact == DRY_RUN:
            history.rehearse(step, Channel(row["channel"]), row["settled_at"])
        else:
            history.rehearsed.add(step)
    elif row["run"] == debt.run:
        history.attempts[step] += 1
        history.failures[step] += row["state"] == "failed"
        if row["state"] == "skipped" and _is_unreachable(row["reason"] or ""):
            history.unreachable[step] = row["reason"]
        elif row["state"] in PASSED:
            history.passed.add(step)
        else:
            # A try that failed is behind us only where no other was to follow it.
            history.passed.discard(step)


def _is_unreachable(reason: str) -> bool:
    return reason in _UNREACHABLE or reason.startswith((NEVER, EXPENSIVE))
