"""Contacts whose fate the journal of a dead worker knows: recovered at once, before their leases expire."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from getbill.contacts import ledger
from getbill.contacts.handovers import DeadJournal, Handover, HandoverJournal
from getbill.contacts.model import Contact
from getbill.contacts.sending import SendingContext
from getbill.kit import clock, failpoints, work
from getbill.kit.database import Database, Statement

_JOURNALS_MAX: Final = 8

_CLAIM_KNOWN: Final = Statement(
    "contacts.claim_known",
    "Claim the contacts of a workspace that a dead worker was sending and whose fate its journal knows.",
    """
    WITH lost AS (
        SELECT c.debt_id, c.run, c.step, c.attempt
        FROM contacts c
        JOIN unnest($2::uuid[], $3::bigint[]) AS known (handover_id, fence)
            ON known.handover_id = c.handover_id AND known.fence = c.fence
        WHERE c.workspace_id = $1 AND c.state = 'sending' AND c.lease_until IS NOT NULL
        FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE contacts c SET fence = c.fence + 1, lease_until = $4, crashes = c.crashes + 1
    FROM lost WHERE c.workspace_id = $1 AND c.debt_id = lost.debt_id AND c.run = lost.run AND c.step = lost.step
        AND c.attempt = lost.attempt
    RETURNING c.*
    """,
)
_IS_OPEN: Final = Statement(
    "contacts.has_open_handovers",
    "Whether a contact of a workspace is still being sent under one of these hand-overs.",
    """
    SELECT EXISTS (SELECT FROM contacts
        WHERE workspace_id = $1 AND state = 'sending' AND lease_until IS NOT NULL AND handover_id = ANY($2))
    """,
)
_FORGET: Final = Statement(
    "contacts.forget_handover",
    "Forget the hand-over of a contact that is sent once more, if its fence still holds.",
    """
    UPDATE contacts SET handover_id = NULL
    WHERE workspace_id = $1 AND debt_id = $2 AND run = $3 AND step = $4 AND attempt = $5 AND fence = $6
    """,
)


async def claim_known(context: SendingContext, lease_until: datetime) -> list[Contact]:
    """Claim the contacts that dead workers of this machine were sending and whose fate their journals know.

    The journal of a worker is deleted once no contact refers to it.
    """
    if context.handovers is None:
        return []
    contacts = []
    for journal in context.handovers.dead_journals(_JOURNALS_MAX):
        contacts += await _claim(context.database, journal.known_handovers, lease_until)
        await _remove_settled(context.database, context.handovers, journal)
    if contacts:
        failpoints.at("contacts.journals_read")
    return contacts


async def forget_handover(database: Database, contact: Contact) -> None:
    """Forget the hand-over of a contact that is sent once more: its journal knows of the first time only."""
    if contact.handover_id is not None:
        key = (contact.debt_id, contact.run, contact.step, contact.attempt, contact.fence)
        await database.execute(_FORGET, contact.workspace_id, *key)
        contact.handover_id = None


async def _claim(database: Database, handovers: Sequence[Handover], lease_until: datetime) -> list[Contact]:
    contacts = []
    for workspace_id, group in _by_workspace(handovers):
        ids = [handover.id for handover in group]
        fences = [handover.fence for handover in group]
        async with database.transaction(clock.wall()) as tx:
            rows = await tx.fetch(_CLAIM_KNOWN, workspace_id, ids, fences, lease_until)
            if rows:
                # It may end before that of the dead worker, at whose end the workspace is visited otherwise.
                work.note(tx, workspace_id, "contacts", lease_until)
        contacts += [ledger.contact_from_row(row) for row in rows]
    return contacts


async def _remove_settled(database: Database, journals: HandoverJournal, journal: DeadJournal) -> None:
    if not journal.was_examined:
        # The dead worker's last transaction may commit yet.
        return
    for workspace_id, group in _by_workspace(journal.handovers):
        if await database.fetchval(_IS_OPEN, workspace_id, [handover.id for handover in group]):
            return
    journals.remove_journal(journal)


def _by_workspace(handovers: Sequence[Handover]) -> list[tuple[UUID, list[Handover]]]:
    ordered = sorted(handovers, key=lambda handover: handover.workspace_id)
    return [
        (workspace_id, list(group))
        for workspace_id, group in groupby(ordered, lambda handover: handover.workspace_id)
    ]
