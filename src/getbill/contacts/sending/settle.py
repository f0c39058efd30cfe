"""Asking the providers, and writing down what they said: how far the contact came, and what is planned next.

The debtor was contacted when a delivery is confirmed or a call answered; where a channel never confirms, its
acceptance counts and is marked as unconfirmed. Nothing unknown is ever sent again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from getbill import compliance, debts, followups, todos
from getbill.channels import Channel
from getbill.channels.senders import Fate, Outcome, failed, unknown
from getbill.companies import Workspace
from getbill.contacts import history, ledger, schedule
from getbill.contacts.history import History
from getbill.contacts.in_doubt import ASKED
from getbill.contacts.model import MADE, Contact
from getbill.contacts.sending.context import Carried, Departing, Desk
from getbill.contacts.sending.crossed_messages import crossed_by
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit import clock, failpoints
from getbill.kit.database import Transaction

_log = structlog.get_logger(__name__)

# For each fate the ledger's state and the followup's status. A call that was answered has found no agreement
# unless somebody says so; what is unknown is held until a person has decided.
_ENDS = {
    Fate.ACCEPTED: ("accepted", "sent"),
    Fate.DELIVERED: ("delivered", "delivered"),
    Fate.ANSWERED: ("answered", "deal_not_found"),
    Fate.UNANSWERED: ("accepted", "no_answer"),
    Fate.FAILED: ("failed", "failed"),
    Fate.UNKNOWN: ("unknown", "on_hold"),
}
# What ends a try to write down what a provider said, and does not end the next one; between the two, seconds.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
_AGAIN_SECONDS = 0.5
_NEVER_SEEN = "the provider never saw it"
REACHED = frozenset({Fate.DELIVERED, Fate.ANSWERED})


async def hand_over(departing: Sequence[Departing]) -> list[Carried]:
    """Ask the providers, all at the same time, and return what they said."""
    outcomes = await asyncio.gather(*(_ask(one) for one in departing))
    failpoints.at("contacts.handed_over")
    return [
        Carried(one.contact, one.followup, outcome, one.sender.capabilities.gives_receipt, one.debt, one.past)
        for one, outcome in zip(departing, outcomes, strict=True)
    ]


async def _ask(one: Departing) -> Outcome:
    # Whoever slept since it was committed must not ask now: another may be asking, or have said that it never left.
    lease_until = one.contact.lease_until
    if lease_until is None or lease_until - clock.wall() < timedelta(seconds=one.patience):
        return failed("its worker was too slow to send it", permanent=False)
    try:
        async with asyncio.timeout(one.patience):
            outcome = await one.sender.send(one.message)
    except TimeoutError:
        return unknown("the provider did not answer in time")
    except Exception as error:  # noqa: BLE001 - whatever broke, the message may have left
        _log.error("sender_broke", sender=one.sender.name, error=type(error).__name__, exc_info=error)
        return unknown("the sender broke; the worker's log has the traceback")
    failpoints.at("contacts.asked")
    return outcome


async def settle_contacts(desk: Desk, workspace: Workspace, carried: Sequence[Carried]) -> None:
    """Write down what became of contacts of one workspace that were `sending`, and plan what follows.

    What a provider said is not lost with the database: it is written once there is one again, while the leases last.
    """
    leases = [one.contact.lease_until for one in carried if one.contact.lease_until is not None]
    read = {one.debt.id: one.debt for one in carried if one.debt is not None}
    standing = [one.contact.standing() for one in carried]
    while leases:
        try:
            await _settle(desk, workspace, carried, read)
        except _LOST as error:
            if min(leases) <= clock.wall():
                raise
            # What the lost try did to them did not happen; or it did, and then the next one finds them settled.
            read = {}
            for one, before in zip(carried, standing, strict=True):
                one.contact.stand(before)
            _log.warning("settled_later", contacts=len(carried), error=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            failpoints.at("contacts.settled")
            return


async def _settle(
    desk: Desk, workspace: Workspace, carried: Sequence[Carried], read: Mapping[UUID, Debt]
) -> None:
    async with desk.database.transaction(workspace.now()) as tx:
        held = await debts.lock_many(tx, workspace, {one.contact.debt_id for one in carried}, read)
        ours = {id(contact) for contact in await ledger.held(tx, [one.contact for one in carried])}
        mine = [one for one in carried if id(one.contact) in ours]
        write_down(tx, held, mine)
        await ledger.write(tx, [one.contact for one in mine])
        book = await enter(desk, tx, workspace, held, mine)
        await ledger.plan(tx, book.planned)
        await followups.move(tx, book.moved)
        failpoints.at("contacts.settling")


async def enter(
    desk: Desk, tx: Transaction, workspace: Workspace, held: Mapping[UUID, Debt], carried: Sequence[Carried]
) -> "Book":
    """Return what follows from contacts that are written down: what is planned next, and how far their followups came."""
    for one in carried:
        await suppress_dead(tx, one.contact, one.outcome)
    book = Book(desk, tx, workspace, await _pasts(tx, workspace, held, carried))
    for one in carried:
        debt = held.get(one.contact.debt_id)
        if debt is not None and one.followup is not None:
            book.enter(debt, one, one.followup)
    return book


async def _pasts(
    tx: Transaction, workspace: Workspace, held: Mapping[UUID, Debt], mine: Sequence[Carried]
) -> dict[UUID, History]:
    """Return the history of each debt with its contact behind it; all that was done is written by now.

    Where every contact of the round counts, that is the one its departure knew. One that failed does not, for its
    debt or for another one of the person: then all are read again.
    """
    found: dict[UUID, History] = {}
    if all(_ENDS[one.outcome.fate][0] in MADE for one in mine):
        for one in mine:
            if one.debt is not None and one.past is not None and held.get(one.debt.id) is one.debt:
                found[one.debt.id] = one.past.after(one.contact.step)
    others = {debt_id: debt for debt_id, debt in held.items() if debt_id not in found}
    return found | await history.load(tx, workspace.id, others) if others else found


async def suppress_dead(tx: Transaction, contact: Contact, outcome: Outcome) -> None:
    """Write no more to an e-mail address that takes no mail. A number that fails once may be busy, or abroad."""
    if outcome.is_dead_address and contact.channel == Channel.EMAIL and contact.address_hash is not None:
        await compliance.suppress(tx, contact.workspace_id, "email", contact.address_hash, "hard_bounce")


async def take_back(desk: Desk, workspace: Workspace, contact: Contact, followup: Followup) -> None:
    """Plan again a contact that was `sending`, of which its provider says that it never saw it."""
    async with desk.database.transaction(workspace.now()) as tx:
        held = await debts.lock_many(tx, workspace, [contact.debt_id])
        debt = held.get(contact.debt_id)
        if not await ledger.held(tx, [contact]) or debt is None:
            return
        contact.sent_at = contact.address_hash = None
        is_current = debt.is_contactable and contact.contact_epoch == debt.contact_epoch
        if is_current:
            contact.postpone(tx.now, _NEVER_SEEN)
            debts.plan(tx, debt, contact.due_at)
        else:
            contact.settle("stopped", tx.now, f"{_NEVER_SEEN}; the debt has changed since")
        await ledger.write(tx, [contact])
        # Whoever went on with the debt meanwhile took the step for done.
        if is_current or await schedule.take_again(tx, debt, contact):
            after = followup.moved("scheduled", tx.now)
        else:
            after = followup.moved("cancelled", tx.now, processed_at=tx.now)
        await followups.move(tx, [(debt, after, after.status == "cancelled")])
        failpoints.at("contacts.taking_back")
    failpoints.at("contacts.taken_back")


def write_down(tx: Transaction, held: Mapping[UUID, Debt], carried: Sequence[Carried]) -> None:
    """Note on contacts what their providers said; their rows are written by the caller."""
    for one in carried:
        _write_down(tx, one, held.get(one.contact.debt_id))


def _write_down(tx: Transaction, one: Carried, debt: Debt | None) -> None:
    contact, outcome = one.contact, one.outcome
    contact.settle(_ENDS[outcome.fate][0], tx.now, outcome.reason)
    if debt is None:
        # Erased while it was on its way: only that it was remains.
        contact.reason = contact.followup_id = contact.address_hash = None
        return
    contact.provider_ref = outcome.ref
    if contact.contact_epoch != debt.contact_epoch:
        contact.reason = "; ".join(filter(None, [contact.reason, f"crossed: the debt is {debt.status}"]))


@dataclass(slots=True)
class Book:
    """What is written of some contacts once their providers have spoken."""

    desk: Desk
    tx: Transaction
    workspace: Workspace
    pasts: Mapping[UUID, History]
    planned: list[Contact] = field(default_factory=list)
    moved: list[tuple[Debt, Followup, bool]] = field(default_factory=list)

    def enter(self, debt: Debt, one: Carried, followup: Followup) -> None:
        """Plan what follows a contact, announce that it reached the debtor, and move its followup on."""
        contact, outcome, now = one.contact, one.outcome, self.tx.now
        again = None
        if debt.is_contactable and contact.contact_epoch == debt.contact_epoch:
            again = self._plan(debt, contact, outcome)
        status = "scheduled" if again else _ENDS[outcome.fate][1]
        is_unconfirmed = outcome.fate == Fate.ACCEPTED and not one.gives_receipt
        is_complete = is_unconfirmed or status in followups.FINAL
        is_reached = followup.reached_at is None and (is_unconfirmed or outcome.fate in REACHED)
        after = followup.moved(
            status,
            now,
            provider_ref=outcome.ref,
            duration_ms=outcome.duration_ms,
            disconnection_reason=outcome.reason if contact.channel == "ai_call" else None,
            sent_at=None if outcome.fate == Fate.FAILED else contact.sent_at,
            processed_at=now if is_complete else None,
            reached_at=now if is_reached else followup.reached_at,
            crossed_by=crossed_by(debt, followup, outcome.fate),
        )
        if is_reached:
            followups.announce_reach(self.tx, debt, after, is_confirmed=not is_unconfirmed)
        if outcome.fate == Fate.UNKNOWN:
            todos.ask(self.tx, debt.workspace_id, ASKED, followup.id, debt.id)
        self.moved.append((debt, after, is_complete))

    def _plan(self, debt: Debt, contact: Contact, outcome: Outcome) -> Contact | None:
        """Plan another try of a step that failed for now, and return it; else the step that comes next."""
        past, pace = self.pasts[debt.id], self.desk.pace
        failures = past.failures[contact.step]
        if outcome.fate == Fate.FAILED and not outcome.is_permanent and failures < pace.tries_max:
            pause = timedelta(seconds=pace.retry_seconds * 2 ** (failures - 1))
            again = schedule.try_again(self.tx, debt, past, contact, self.tx.now + pause)
            if again is not None:
                self.planned.append(again)
                return again
        is_late = contact.sent_at is not None and contact.is_late(contact.sent_at, debt.script.late_after)
        self.planned.extend(schedule.go_on(self.tx, debt, past, contact.step, is_late=is_late))
        return None
