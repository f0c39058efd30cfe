"""The transaction before a contact is sent: read under the debt's lock, decided, committed as `sending`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from getbill import debts, templates
from getbill.channels import Channel
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.handovers import withdrawn_on_failure
from getbill.contacts.model import Contact
from getbill.contacts.sending.apply import apply
from getbill.contacts.sending.context import PreparedSend, SendingContext
from getbill.contacts.sending.decision import Case, Means
from getbill.contacts.sending.groups import CRASHES_MAX, decide_all, join_until
from getbill.contacts.sending.rendering import load_render_context
from getbill.debts import Debt
from getbill.kit import failpoints, ids
from getbill.kit.database import Transaction
from getbill.scenarios import Grouping
from getbill.templates import TemplateSet


async def prepare_sends(
    context: SendingContext, workspace: Workspace, contacts: Sequence[Contact], *, is_grouped: bool = True
) -> list[PreparedSend]:
    """Decide on claimed contacts of one workspace; return those committed as `sending`.

    Open contacts of the same debtors may share their messages, unless `is_grouped` is false.
    """
    failpoints.at("contacts.claimed")
    open_contacts: list[Contact] = []
    with withdrawn_on_failure(context.handovers, contacts, open_contacts):
        async with context.database.transaction(workspace.now()) as tx:
            template_set = await templates.in_force(tx, workspace.id)
            workspace = _with_means(context, workspace, template_set)
            claimed_ids = {contact.debt_id for contact in contacts}
            until = join_until(contacts, tx.now)
            other_ids = await _find_open(tx, workspace, claimed_ids, until) if is_grouped else []
            debts_by_id = await debts.lock_many(tx, workspace, claimed_ids.union(other_ids))
            claimed_contacts = await ledger.lock_unchanged(tx, contacts)
            open_contacts += await _lock_open(tx, workspace, debts_by_id.keys() - claimed_ids, until)
            prepared = await _decide_contacts(
                context, tx, template_set, debts_by_id, claimed_contacts, open_contacts
            )
    failpoints.at("contacts.prepared")
    return prepared


async def send_inside_transaction(context: SendingContext, workspace: Workspace) -> int:
    """Decide on due contacts of a sandbox whose providers all answer inside the transaction.

    Decision and outcome are one transaction, so no claim is needed. Returns how many were decided.
    """
    async with context.database.transaction(workspace.now()) as tx:
        contacts = await ledger.lock_due(tx, workspace.id, context.settings.batch)
        if contacts:
            template_set = await templates.in_force(tx, workspace.id)
            workspace = _with_means(context, workspace, template_set)
            due_ids = {contact.debt_id for contact in contacts}
            debts_by_id = dict(await debts.lock_many(tx, workspace, due_ids))
            until = join_until(contacts, tx.now)
            other_ids = await _find_open(tx, workspace, due_ids, until)
            if other_ids:
                # Whoever holds one may be waiting for ours: it is left out, and never waited for.
                debts_by_id |= await debts.lock_free(tx, workspace, other_ids)
            open_contacts = await _lock_open(tx, workspace, debts_by_id.keys() - due_ids, until)
            await _decide_contacts(context, tx, template_set, debts_by_id, contacts, open_contacts)
    return len(contacts)


async def _find_open(
    tx: Transaction, workspace: Workspace, debt_ids: Collection[UUID], until: datetime
) -> list[UUID]:
    if workspace.grouping == Grouping.OFF:
        return []
    return await ledger.find_open_of_debtors(tx, workspace.id, list(debt_ids), until, CRASHES_MAX)


async def _lock_open(
    tx: Transaction, workspace: Workspace, debt_ids: Collection[UUID], until: datetime
) -> list[Contact]:
    if not debt_ids:
        return []
    return await ledger.lock_open(tx, workspace.id, list(debt_ids), until, CRASHES_MAX)


def _with_means(context: SendingContext, workspace: Workspace, template_set: TemplateSet) -> Workspace:
    """Return the workspace with this worker's own providers and its templates."""
    for_channel = context.senders.for_channel
    provided_channels = frozenset(
        channel for channel in Channel if for_channel(channel, is_live=workspace.is_live) is not None
    )
    return replace(workspace, provided_channels=provided_channels, template_names=template_set.own_names())


async def _decide_contacts(
    context: SendingContext,
    tx: Transaction,
    template_set: TemplateSet,
    debts_by_id: Mapping[UUID, Debt],
    contacts: Sequence[Contact],
    open_contacts: Sequence[Contact],
) -> list[PreparedSend]:
    if not contacts:
        return []
    hashes_by_debt = await history.lock_recipients(tx, debts_by_id)
    workspace_id = contacts[0].workspace_id
    render_context = await load_render_context(tx, workspace_id, debts_by_id.values(), template_set)
    histories = await history.load(tx, workspace_id, debts_by_id, hashes_by_debt)
    cases = [
        Case(
            contact,
            debts_by_id.get(contact.debt_id),
            histories.get(contact.debt_id),
            contact.followup_id or ids.new(),
            is_claimed,
        )
        for group, is_claimed in ((contacts, True), (open_contacts, False))
        for contact in group
    ]
    prepared = await apply(context, tx, cases, decide_all(cases, Means(render_context), tx.now))
    failpoints.at("contacts.preparing")
    return prepared
