"""Putting right what dead workers left: what they had only claimed is planned again, what they were sending is found out.

A provider that can be asked is; one that takes a key twice is handed the message once more, if the debtor may be
contacted at that moment. Until it has answered nobody says that a message failed, and what nobody can find out is
unknown from then on.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from getbill import companies, compliance, debts, followups, quarantine
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Fate, Outcome, Outgoing, Sender, Writer, unknown
from getbill.companies import Workspace
from getbill.contacts import failures, history, ledger, schedule, sending
from getbill.contacts.history import History
from getbill.contacts.model import Contact
from getbill.contacts.sending import Carried, Departing, Desk, others_go_on
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit import clock, failpoints, ids

_DIED = "the worker died while it was sent"
# So many providers are asked at the same time what became of a message.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Lost:
    """A contact that was `sending` when its worker died, with its followup and who carried it."""

    contact: Contact
    followup: Followup
    sender: Sender


async def recover(desk: Desk) -> int:
    """Put right what dead workers left: plan again what they had only claimed, find out what they were sending.

    Returns how many contacts were looked at. What cannot be found out now is looked at again when its lease ends.
    """
    pace = desk.pace
    await _set_deadly_aside(desk)
    given_back = await ledger.give_back(desk.database, clock.wall(), pace.batch, pace.crashes_max - 1)
    failpoints.at("contacts.given_back")
    lease = clock.wall() + timedelta(seconds=pace.recovery_seconds)
    lost = await ledger.take_over(desk.database, clock.wall(), min(pace.batch, _AT_ONCE), lease)
    if lost:
        failpoints.at("contacts.taken_over")
    lost.sort(key=lambda contact: contact.workspace_id)
    theirs = [list(group) for _, group in groupby(lost, lambda contact: contact.workspace_id)]
    # All at the same time: one after the other they would outlast their lease, and nobody would ever write one down.
    await asyncio.gather(*(_find_out(desk, group) for group in theirs))
    return given_back + len(lost)


async def _set_deadly_aside(desk: Desk) -> None:
    """Set aside the contacts that kill whatever process works on them."""
    deadly = await ledger.deadly(desk.database, clock.wall(), desk.pace.batch, desk.pace.crashes_max - 1)
    left_alone = await quarantine.workspaces(desk.database) if deadly else []
    for contact in deadly:
        if contact.workspace_id not in left_alone:
            async with others_go_on(desk.database, contact.workspace_id):
                workspace = await companies.workspace(desk.database, desk.vault, contact.workspace_id)
                await failures.put_aside(desk.database, workspace, contact, quarantine.ProcessesDied())


async def _find_out(desk: Desk, lost: Sequence[Contact]) -> None:
    """Find out what became of contacts of one workspace, and write it down."""
    workspace_id = lost[0].workspace_id
    async with others_go_on(desk.database, workspace_id):
        workspace = await companies.workspace(desk.database, desk.vault, workspace_id)

        async def find_out(some: Sequence[Contact]) -> None:
            before = failures.standing(some)
            try:
                await _find_out_in(desk, workspace, some)
            except BaseException:
                failures.stand(some, before)
                raise

        async def give_up(contact: Contact, error: Exception) -> None:
            await failures.give_up(desk.database, workspace, contact, error)

        await quarantine.isolated(lost, find_out, give_up)


async def _find_out_in(desk: Desk, workspace: Workspace, lost: Sequence[Contact]) -> None:
    ids_of = [contact.followup_id for contact in lost if contact.followup_id]
    begun = await followups.find_many(desk.database, workspace, ids_of)

    async def find_out(contact: Contact) -> Carried | None:
        followup = begun.get(contact.followup_id) if contact.followup_id else None
        sender = desk.senders.of(contact.channel_kind, is_live=contact.is_live)
        gives_receipt = sender is not None and sender.capabilities.gives_receipt
        if followup is None or sender is None or sender.name != contact.provider:
            outcome: Outcome | None = unknown(_DIED)
        else:
            outcome = await _fate_of(desk, workspace, _Lost(contact, followup, sender))
        failpoints.at("contacts.found_out")
        return None if outcome is None else Carried(contact, followup, outcome, gives_receipt)

    found = await asyncio.gather(*map(find_out, lost))
    await sending.settle_contacts(desk, workspace, [one for one in found if one is not None])


async def _fate_of(desk: Desk, workspace: Workspace, lost: _Lost) -> Outcome | None:
    """Return what became of a message; None when it was planned again, or is looked at again later."""
    match lost.sender.capabilities.assurance:
        case Assurance.NEITHER:
            return unknown(_DIED)
        case Assurance.LOOK_UP:
            if not await _has_time(desk, lost):
                return None
            found = await lost.sender.look_up(_message(workspace, lost))
            if found is None:
                await sending.take_back(desk, workspace, lost.contact, lost.followup)
                return None
            return found if found.fate != Fate.UNKNOWN else _later(desk, lost, found)
        case Assurance.IDEMPOTENCY_KEY:
            return await _ask_again(desk, workspace, lost)


async def _ask_again(desk: Desk, workspace: Workspace, lost: _Lost) -> Outcome | None:
    now = workspace.now()
    allowed_from, reason = await _allowed_from(desk, workspace, lost.contact)
    if allowed_from is None:
        return unknown(f"{_DIED}, and {reason}")
    if allowed_from > now:
        until = clock.wall() + (allowed_from - now)
        await ledger.look_after_at(desk.database, lost.contact, until)
        return None
    if not await _has_time(desk, lost):
        return None
    patience = desk.patience_with(lost.sender)
    departing = Departing(lost.contact, _message(workspace, lost), lost.followup, lost.sender, patience)
    (carried,) = await sending.hand_over([departing])
    outcome = carried.outcome
    # Not having reached the provider this time says nothing of the first time.
    is_in_doubt = outcome.fate == Fate.UNKNOWN or (outcome.fate == Fate.FAILED and not outcome.is_permanent)
    return _later(desk, lost, outcome) if is_in_doubt else outcome


async def _has_time(desk: Desk, lost: _Lost) -> bool:
    """Keep a contact for as long as its provider may take to answer; False when somebody else has it by now."""
    lease = clock.wall() + timedelta(seconds=2 * desk.patience_with(lost.sender))
    return await ledger.look_after_at(desk.database, lost.contact, lease)


def _later(desk: Desk, lost: _Lost, doubt: Outcome) -> Outcome | None:
    """Have a contact looked at again when its lease ends; unknown once that was often enough."""
    if lost.contact.fence < desk.pace.asks_max:
        return None
    return unknown(f"{_DIED}, and {doubt.reason}")


async def _allowed_from(
    desk: Desk, workspace: Workspace, contact: Contact
) -> tuple[datetime | None, str | None]:
    """Return from when on a message may be handed over once more, or None and why it never may."""
    switches = await companies.switches(desk.database, workspace.id)
    if switches.contact != companies.ON or switches.stopped_at is not None:
        return None, "contact is stopped"
    async with desk.database.transaction(workspace.now()) as tx:
        debt = (await debts.lock_many(tx, workspace, [contact.debt_id])).get(contact.debt_id)
        if debt is None or not debt.is_contactable or contact.contact_epoch != debt.contact_epoch:
            return None, "the debt has changed since"
        past = (await history.load(tx, workspace.id, {debt.id: debt}))[debt.id]
        return _by_the_rules(debt, past, contact, tx.now)


def _by_the_rules(
    debt: Debt, past: History, contact: Contact, now: datetime
) -> tuple[datetime | None, str | None]:
    # It counted when it was sent: what else was done since is what may stand against it now.
    own = compliance.Contact(contact.channel_kind, contact.sent_at or now, contact.address_hash)
    others = list(past.contacts)
    if own in others:
        others.remove(own)
    past.contacts = tuple(others)
    try:
        facts = schedule.facts(debt, past, contact.step)
    except LookupError:
        return None, "the scenario has changed since"
    verdict = compliance.evaluate(facts, contact.channel_kind, now)
    return (now if verdict.allowed else verdict.next_allowed_at), f"the rules forbid it: {verdict.names}"


def _message(workspace: Workspace, lost: _Lost) -> Outgoing:
    followup, contact = lost.followup, lost.contact
    content, company = followup.content, workspace.company
    return Outgoing(
        key=ids.show("followup", followup.id),
        channel=Channel(followup.channel),
        address=content.address or "",
        writer=Writer(company.name, company.email),
        subject=content.subject or "",
        text=content.text or "",
        html=content.html,
        language=content.language or company.language,
        workspace=ids.show("workspace", workspace.id),
        template=content.template,
        template_version=content.template_version or 0,
        letterhead=tuple(content.letterhead or ()),
        imprint=content.imprint,
        written_at=contact.sent_at if followup.channel == Channel.LETTER else None,
    )
