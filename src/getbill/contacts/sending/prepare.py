"""The transaction before a contact is sent: read under the debt's lock, decided, committed as `sending`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from getbill import debts, templates
from getbill.channels import Channel
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.handovers import withdrawn_on_failure
from getbill.contacts.model import Contact
from getbill.contacts.sending.apply import apply
from getbill.contacts.sending.context import PreparedSend, SendingContext
from getbill.contacts.sending.decision import Case, Means, decide_all
from getbill.contacts.sending.rendering import load_render_context
from getbill.debts import Debt
from getbill.kit import failpoints, ids
from getbill.kit.database import Transaction
from getbill.templates import TemplateSet


async def prepare_sends(
    context: SendingContext, workspace: Workspace, contacts: Sequence[Contact]
) -> list[PreparedSend]:
    """Decide on claimed contacts of one workspace; return those committed as `sending`."""
    failpoints.at("contacts.claimed")
    with withdrawn_on_failure(context.handovers, contacts):
        async with context.database.transaction(workspace.now()) as tx:
            template_set = await templates.in_force(tx, workspace.id)
            workspace = _with_means(context, workspace, template_set)
            debts_by_id = await debts.lock_many(tx, workspace, {contact.debt_id for contact in contacts})
            claimed_contacts = await ledger.lock_unchanged(tx, contacts)
            prepared = await _decide_contacts(context, tx, template_set, debts_by_id, claimed_contacts)
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
            debts_by_id = await debts.lock_many(tx, workspace, {contact.debt_id for contact in contacts})
            await _decide_contacts(context, tx, template_set, debts_by_id, contacts)
    return len(contacts)


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
) -> list[PreparedSend]:
    if not contacts:
        return []
    hashes_by_debt = await history.lock_addresses(tx, debts_by_id)
    workspace_id = contacts[0].workspace_id
    render_context = await load_render_context(tx, workspace_id, debts_by_id.values(), template_set)
    histories = await history.load(tx, workspace_id, debts_by_id, hashes_by_debt)
    cases = [
        Case(
            contact,
            debts_by_id.get(contact.debt_id),
            histories.get(contact.debt_id),
            contact.followup_id or ids.new(),
        )
        for contact in contacts
    ]
    prepared = await apply(context, tx, cases, decide_all(cases, Means(render_context), tx.now))
    failpoints.at("contacts.preparing")
    return prepared
