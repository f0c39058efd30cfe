"""A provider that answers inside the transaction: what it leaves behind is what one asked after it leaves."""

from dataclasses import replace
from typing import Any

import pytest

import collecting
from collecting import JEAN, WorkspaceEngine
from getbill.channels import Channel
from getbill.channels.senders import Capabilities, Sender, Senders
from getbill.channels.senders.fakes import Fake
from getbill.kit.database.transactions import Database, Transaction

_LEDGER = """
SELECT step, attempt, channel, state, due_at, provider, reason, sent_at, settled_at, missed_at,
    followup_id IS NOT NULL AS has_followup, address_hash IS NOT NULL AS has_address, lease_until
FROM contacts WHERE debt_id = $1 ORDER BY created_at, due_at, step
"""
_FOLLOWUPS = """
SELECT channel, type, status, step, scheduled_at, direction, is_retry, created_at, updated_at, sent_at, processed_at,
    reached_at, provider_ref IS NOT NULL AS has_ref, duration_ms, disconnection_reason, crossed_by
FROM followups WHERE debt_id = $1 ORDER BY created_at, id
"""
_EVENTS = "SELECT kind, occurred_at FROM events WHERE debt_id = $1 ORDER BY sequence"
_DEBT = """
SELECT status, next_action_at, contacts_count, answers_count, event_sequence, contacted_at, updated_at
FROM debts WHERE id = $1
"""
_RESPONSES = """
SELECT kind, due_at, percent, promise_days, address_kind, address_hash IS NOT NULL AS has_address
FROM debtor_responses WHERE debt_id = $1 ORDER BY due_at, id
"""
PEOPLE = {
    "reached": JEAN,
    "bounces": replace(JEAN, name="Eve Petit", email="bounce@example.com", phone="+33612345601"),
    "deferred": replace(JEAN, name="Luc Petit", email="soft-bounce@example.com", phone="+33639989981"),
    "responds": replace(JEAN, name="Zoé Petit", email="promise@example.com", phone="+33639989986"),
    "no address at all": replace(JEAN, name="Guy Petit", email=None, phone=None, street_address=None),
}


class AskedAfter(Fake):
    """The sandbox's fake, asked as providers are: once the transaction is committed."""

    capabilities: Capabilities = replace(Fake.capabilities, answers_inside=False)


class Outside(Senders):
    """Such fakes for every channel of a sandbox."""

    def for_channel(self, channel: Channel, *, is_live: bool) -> Sender | None:
        return None if is_live else AskedAfter(channel)


async def left(workspace: WorkspaceEngine, debt_id: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that was written of a debt, apart from identifiers."""
    pool = workspace.database.pool
    expected = {
        "contacts": _LEDGER,
        "followups": _FOLLOWUPS,
        "events": _EVENTS,
        "debt": _DEBT,
        "responses": _RESPONSES,
    }
    return {name: [tuple(row) for row in await pool.fetch(sql, debt_id)] for name, sql in expected.items()}


@pytest.mark.parametrize("person", list(PEOPLE))
async def test_what_is_left_is_the_same_wherever_the_provider_is_asked(
    database: Database, person: str
) -> None:
    inside, outside = await collecting.new_engine(database), await collecting.new_engine(database)
    outside.context = replace(outside.context, senders=Outside({}))
    result = []

    for workspace in (inside, outside):
        await workspace.set_clock("2026-01-05 09:00")
        debt = await workspace.debt(PEOPLE[person])
        await workspace.run_until("2026-05-05 09:00")
        result.append(await left(workspace, debt.id))

    assert len(result[0]["contacts"]) > 3
    assert result[0] == result[1]


async def test_nobody_ever_sees_a_sandboxs_contact_on_its_way(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    before, context = await left(workspace, debt.id), workspace.context

    async def lost(tx: Transaction) -> None:
        raise ConnectionResetError

    # The fakes have answered by the time this database is lost.
    workspace.context = replace(context, database=Database(workspace.database.pool, lost))
    with pytest.raises(ConnectionResetError):
        await workspace.send_due()

    assert await left(workspace, debt.id) == before
    workspace.context = context
    await workspace.send_due()
    assert await workspace.ledger(debt.id) == [("wave_1_email", "delivered"), ("wave_1_sms", "planned")]
