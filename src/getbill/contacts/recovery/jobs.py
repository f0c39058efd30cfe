"""Recovery of dead workers' contacts: claimed ones are planned again, the outcome of others determined.

A provider with a look-up is queried; one with idempotency keys is sent the message once more, if the debtor
may be contacted at that moment. A message is never reported as failed before the provider answers, and one
whose outcome cannot be determined becomes unknown.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby
from uuid import UUID

from getbill import companies, compliance, debts, followups, quarantine
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Fate, MessageAuthor, Outgoing, Sender, SendOutcome, unknown
from getbill.companies import Workspace
from getbill.compliance import PastContact
from getbill.contacts import claims, failures, history, schedule, sending
from getbill.contacts.handovers import Handover
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact, State
from getbill.contacts.recovery import dead_journals
from getbill.contacts.sending import (
    GroupMember,
    PreparedSend,
    SendingContext,
    SendResult,
    isolate_workspace,
)
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit import clock, failpoints, ids

_WORKER_DIED = "the worker died while it was sent"
# Concurrent look-ups at providers.
_LOOKUPS_MAX = 8


@dataclass(frozen=True, slots=True)
class _InterruptedSend:
    """A message that was `sending` when its worker died: its leader's followup, its sender and every contact."""

    followup: Followup
    sender: Sender
    # The leader first.
    group: Sequence[GroupMember]

    @property
    def contact(self) -> Contact:
        """The contact whose message it is."""
        return self.group[0].contact


async def recover(context: SendingContext, workspace_id: UUID) -> int:
    """Plan again what dead workers had only claimed in a workspace, and resolve what they were sending.

    Returns how many contacts were examined. One that cannot be resolved now is examined again when its lease
    ends.
    """
    expired_states = await claims.expired_states(context.database, workspace_id)
    examined_count = await _release_claimed(context, workspace_id) if State.CLAIMED in expired_states else 0
    if State.SENDING in expired_states:
        examined_count += await _resolve_interrupted(context, workspace_id)
    return examined_count


async def _release_claimed(context: SendingContext, workspace_id: UUID) -> int:
    """Set aside the contacts that kill every process that works on them, and plan the others again."""
    settings = context.settings
    crashing_contacts = await claims.find_crashing(
        context.database, workspace_id, settings.batch, settings.crashes_max - 1
    )
    if crashing_contacts:
        workspace = await companies.workspace(context.database, context.vault, workspace_id)
        for contact in crashing_contacts:
            await failures.quarantine_contact(
                context.database, workspace, contact, quarantine.ProcessesDied()
            )
    released_count = await claims.release_expired(
        context.database, workspace_id, settings.batch, settings.crashes_max - 1
    )
    failpoints.at("contacts.released")
    return released_count


async def _resolve_interrupted(context: SendingContext, workspace_id: UUID) -> int:
    """Determine the outcome of contacts that dead workers were sending."""
    settings = context.settings
    interrupted_contacts = await claims.claim_interrupted(
        context.database,
        workspace_id,
        clock.wall(),
        min(settings.batch, _LOOKUPS_MAX),
        _lease_of_recovery(context),
    )
    if interrupted_contacts:
        failpoints.at("contacts.reclaimed")
        await _resolve_contacts(context, interrupted_contacts, _known_handovers(context))
    return len(interrupted_contacts)


async def recover_journaled(context: SendingContext) -> int:
    """Settle what the journals of this machine's dead workers know, before the leases end; return how many."""
    contacts = await dead_journals.claim_known(context, _lease_of_recovery(context))
    if contacts:
        failpoints.at("contacts.reclaimed")
    contacts.sort(key=lambda contact: contact.workspace_id)
    groups = [list(group) for _, group in groupby(contacts, lambda contact: contact.workspace_id)]
    known_handovers = _known_handovers(context) if groups else {}

    async def resolve_workspace(group: Sequence[Contact]) -> None:
        async with isolate_workspace(context.database, group[0].workspace_id):
            await _resolve_contacts(context, group, known_handovers)

    # Concurrently: one after the other they would outlast their leases, and none would ever be settled.
    await asyncio.gather(*map(resolve_workspace, groups))
    return len(contacts)


def _lease_of_recovery(context: SendingContext) -> datetime:
    return clock.wall() + timedelta(seconds=context.settings.recovery_seconds)


def _known_handovers(context: SendingContext) -> Mapping[UUID, Handover]:
    return context.handovers.known_handovers() if context.handovers else {}


async def _resolve_contacts(
    context: SendingContext, interrupted_contacts: Sequence[Contact], known_handovers: Mapping[UUID, Handover]
) -> None:
    """Determine and store the outcome of interrupted contacts of one workspace."""
    workspace_id = interrupted_contacts[0].workspace_id
    workspace = await companies.workspace(context.database, context.vault, workspace_id)

    async def resolve_batch(batch: Sequence[Sequence[Contact]]) -> None:
        contacts = list(chain.from_iterable(batch))
        snapshots = failures.snapshot_contacts(contacts)
        try:
            await _resolve_batch(context, workspace, batch, known_handovers)
        except BaseException:
            failures.restore_contacts(contacts, snapshots)
            raise

    async def mark_unknown(group: Sequence[Contact], error: Exception) -> None:
        for contact in group:
            await failures.mark_unknown(context.database, workspace, contact, error)

    members = await claims.claim_members(context.database, interrupted_contacts, _lease_of_recovery(context))
    groups = [
        (contact, *(members[contact.group_id] if contact.group_id else ()))
        for contact in interrupted_contacts
    ]
    await quarantine.isolate_failures(groups, resolve_batch, mark_unknown)


async def _resolve_batch(
    context: SendingContext,
    workspace: Workspace,
    contact_groups: Sequence[Sequence[Contact]],
    known_handovers: Mapping[UUID, Handover],
) -> None:
    """Determine and store the outcome of interrupted messages, each given by its contacts, the leader first."""
    followup_ids = [
        contact.followup_id for group in contact_groups for contact in group if contact.followup_id
    ]
    followups_by_id = await followups.find_many(context.database, workspace, followup_ids)

    async def resolve_message(contacts: Sequence[Contact]) -> SendResult | None:
        group = [
            GroupMember(contact, followups_by_id.get(contact.followup_id) if contact.followup_id else None)
            for contact in contacts
        ]
        contact, followup = group[0].contact, group[0].followup
        sender = context.senders.for_channel(contact.channel_kind, is_live=contact.is_live)
        gives_receipt = sender is not None and sender.capabilities.gives_receipt
        handover = known_handovers.get(contact.handover_id) if contact.handover_id else None
        has_followup = any(sent.followup is not None for sent in group)
        if handover is not None and handover.outcome is not None:
            outcome: SendOutcome | None = handover.outcome
        elif handover is not None and has_followup and contact.crashes < context.settings.crashes_max:
            await sending.replan_undelivered(context, workspace, group)
            outcome = None
        elif followup is None or sender is None or sender.name != contact.provider:
            outcome = unknown(_WORKER_DIED)
        else:
            outcome = await _find_outcome(context, workspace, _InterruptedSend(followup, sender, group))
        failpoints.at("contacts.looked_up")
        if outcome is None:
            return None
        return SendResult(contact, followup, outcome, gives_receipt, members=tuple(group[1:]))

    results = await asyncio.gather(*map(resolve_message, contact_groups))
    await sending.settle_contacts(context, workspace, [result for result in results if result is not None])


async def _find_outcome(
    context: SendingContext, workspace: Workspace, interrupted: _InterruptedSend
) -> SendOutcome | None:
    """Return the outcome of a message; None if it was planned again or is examined later."""
    match interrupted.sender.capabilities.assurance:
        case Assurance.NEITHER:
            return unknown(_WORKER_DIED)
        case Assurance.LOOK_UP:
            if not await _extend_lease(context, interrupted):
                return None
            outcome = await interrupted.sender.look_up(_outgoing_message(workspace, interrupted))
            if outcome is None:
                await sending.replan_undelivered(context, workspace, interrupted.group)
                return None
            return (
                outcome if outcome.fate != Fate.UNKNOWN else _postpone_lookup(context, interrupted, outcome)
            )
        case Assurance.IDEMPOTENCY_KEY:
            return await _send_again(context, workspace, interrupted)


async def _send_again(
    context: SendingContext, workspace: Workspace, interrupted: _InterruptedSend
) -> SendOutcome | None:
    now = workspace.now()
    allowed_from, reason = await _allowed_from(context, workspace, interrupted)
    if allowed_from is None:
        return unknown(f"{_WORKER_DIED}, and {reason}")
    # A sandbox reaches nobody, and an advance of its clock waits for this contact.
    if allowed_from > now and interrupted.contact.is_live:
        retry_at = clock.wall() + (allowed_from - now)
        await claims.extend_leases(context.database, _contacts_of(interrupted), retry_at)
        return None
    if not await _extend_lease(context, interrupted):
        return None
    # From now on the dead worker's journal does not tell everything.
    await dead_journals.forget_handover(context.database, _contacts_of(interrupted))
    timeout_seconds = context.answer_timeout(interrupted.sender)
    prepared = PreparedSend(
        interrupted.contact,
        _outgoing_message(workspace, interrupted),
        interrupted.followup,
        interrupted.sender,
        timeout_seconds,
    )
    (result,) = await sending.send_prepared([prepared])
    outcome = result.outcome
    # A failure to reach the provider this time says nothing about the first attempt.
    is_in_doubt = outcome.fate == Fate.UNKNOWN or outcome.is_temporary_failure
    return _postpone_lookup(context, interrupted, outcome) if is_in_doubt else outcome


async def _extend_lease(context: SendingContext, interrupted: _InterruptedSend) -> bool:
    """Extend the lease for as long as the provider may take; False if another worker holds it by now."""
    lease_until = clock.wall() + timedelta(seconds=2 * context.answer_timeout(interrupted.sender))
    return await claims.extend_leases(context.database, _contacts_of(interrupted), lease_until)


def _contacts_of(interrupted: _InterruptedSend) -> list[Contact]:
    return [sent.contact for sent in interrupted.group]


def _postpone_lookup(
    context: SendingContext, interrupted: _InterruptedSend, outcome: SendOutcome
) -> SendOutcome | None:
    """Examine the contact again when its lease ends; return unknown after too many look-ups."""
    if interrupted.contact.fence < context.settings.lookups_max:
        return None
    return unknown(f"{_WORKER_DIED}, and {outcome.reason}")


async def _allowed_from(
    context: SendingContext, workspace: Workspace, interrupted: _InterruptedSend
) -> tuple[datetime | None, str | None]:
    """Return when a message may be sent once more; None and the reason if it never may.

    It may once each of its debts allows it: what it says of each is still true.
    """
    switches = await companies.switches(context.database, workspace.id)
    if switches.contact != companies.ON or switches.stopped_at is not None:
        return None, "contact is stopped"
    if interrupted.followup.content.text is None:
        return None, "a debt of the message was erased since"
    allowed_from, reason = workspace.now(), None
    async with context.database.transaction(workspace.now()) as tx:
        contacts = _contacts_of(interrupted)
        debts_by_id = await debts.lock_many(tx, workspace, {contact.debt_id for contact in contacts})
        histories = await history.load(tx, workspace.id, debts_by_id)
        for contact in contacts:
            debt = debts_by_id.get(contact.debt_id)
            if debt is None or not debt.is_contactable or contact.contact_epoch != debt.contact_epoch:
                return None, "the debt has changed since"
            at, obstacle = _evaluate_rules(debt, histories[debt.id], contact, tx.now)
            if at is None:
                return None, obstacle
            if at > allowed_from:
                allowed_from, reason = at, obstacle
    return allowed_from, reason


def _evaluate_rules(
    debt: Debt, contact_history: ContactHistory, contact: Contact, now: datetime
) -> tuple[datetime | None, str | None]:
    # It counted when it was sent: only other contacts can block it now.
    is_own = _message_filter(contact, now)
    contact_history.contacts = tuple(past for past in contact_history.contacts if not is_own(past))
    try:
        facts = schedule.rule_facts(debt, contact_history, contact.step)
    except LookupError:
        return None, "the scenario has changed since"
    verdict = compliance.evaluate(facts, contact.channel_kind, now)
    return (now if verdict.is_allowed else verdict.next_allowed_at), f"the rules forbid it: {verdict.names}"


def _message_filter(contact: Contact, now: datetime) -> Callable[[PastContact], bool]:
    """Return the test whether a past contact is of the message itself, for this debt or another of its group."""
    if contact.group_id is not None:
        return lambda past: past.group == contact.group_id
    own_contact = PastContact(
        contact.channel_kind, contact.sent_at or now, contact.address_hash, same_person=True
    )
    return own_contact.__eq__


def _outgoing_message(workspace: Workspace, interrupted: _InterruptedSend) -> Outgoing:
    followup, contact = interrupted.followup, interrupted.contact
    content, company = followup.content, workspace.company
    return Outgoing(
        key=ids.show("followup", followup.id),
        channel=Channel(followup.channel),
        address=content.address or "",
        writer=MessageAuthor(company.name, company.email),
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
