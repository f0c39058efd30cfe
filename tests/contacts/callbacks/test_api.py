"""Messages by a gateway, from the ledger to its signed report."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

import collecting
from calls import Answer, Site
from collecting import JEAN, WorkspaceEngine, at
from gateway import Exchange, exchanging
from getbill.channels import Channel
from getbill.channels.senders import Assurance, senders
from getbill.contacts.sending.decide import prepare_sends
from getbill.kit import ids, json

MORNING = "2026-01-08 09:00"


async def place_by(site: Site, exchange: Exchange, **settings: Any) -> tuple[WorkspaceEngine, UUID]:
    """Open a live debt of somebody with a phone alone; its text message is due and a gateway carries it."""
    state = site.app.state
    gateways = {Channel.SMS: exchange.settings(Channel.SMS, **settings)}
    state.gateways = gateways
    workspace = await collecting.new_engine(state.database, state.vault, live=True)
    workspace.context = replace(workspace.context, senders=senders(None, gateways, "https://getbill.example"))
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(replace(JEAN, email=None))
    await workspace.set_clock(MORNING)
    return workspace, debt.id


async def text_sent(workspace: WorkspaceEngine) -> None:
    while await workspace.send_due_live():
        pass


async def report(site: Site, exchange: Exchange, _workspace: WorkspaceEngine, **fields: Any) -> Answer:
    """Report on the message that the gateway took last."""
    batch = list(exchange.taken.values())[-1]
    message = {"id": batch["id"], "workspace": batch["workspace"], "status": "delivered"} | fields
    raw = json.write(message)
    return await signed(site, exchange.report(raw), raw)


async def signed(site: Site, headers: dict[str, str], raw: bytes, channel: str = "sms") -> Answer:
    return await site.call("POST", f"/gateways/{channel}/status", body=raw, headers=headers)


async def test_a_text_message_is_handed_over_and_its_delivery_reported(site: Site) -> None:
    async with exchanging() as exchange:
        workspace, debt_id = await place_by(site, exchange, gives_receipt=True)
        await text_sent(workspace)
        before = (await workspace.find(debt_id)).contacted_at

        answered = await report(site, exchange, workspace, ref="provider-9")
        again = await report(site, exchange, workspace, ref="provider-9")
        await workspace.context.senders.close()

    assert (answered.status, answered.json()) == (200, {"changed": True})
    assert (again.status, again.json()) == (200, {"changed": False})
    assert before is None
    assert (await workspace.find(debt_id)).contacted_at == at(MORNING)
    assert ("wave_1_sms", "delivered") in await workspace.ledger(debt_id)
    assert await workspace.followups(debt_id) == [("sms", "delivered")]
    (message,) = exchange.delivered
    assert message["to"] == "+33612345678"
    assert message["workspace"] == ids.show("workspace", workspace.id)
    assert (await workspace.events(debt_id)).count("debt.contacted") == 1


async def test_a_bounce_reported_later_is_written_down(site: Site) -> None:
    async with exchanging() as exchange:
        workspace, debt_id = await place_by(site, exchange, gives_receipt=True)
        await text_sent(workspace)

        answered = await report(site, exchange, workspace, status="failed", reason="no such number")
        await workspace.context.senders.close()

    assert answered.json() == {"changed": True}
    assert ("wave_1_sms", "bounced") in await workspace.ledger(debt_id)
    assert "debt.contacted" not in await workspace.events(debt_id)
    assert (await workspace.events(debt_id))[-2:] == ["followup.completed", "followup.failed"]


async def test_what_is_not_signed_by_the_gateway_is_refused(site: Site) -> None:
    async with exchanging() as exchange, exchanging() as stranger:
        workspace, debt_id = await place_by(site, exchange, gives_receipt=True)
        await text_sent(workspace)
        batch = list(exchange.taken.values())[-1]
        raw = json.write({"id": batch["id"], "workspace": batch["workspace"], "status": "delivered"})
        good = exchange.report(raw)
        stranger.taken = exchange.taken

        answers = [
            await signed(site, stranger.report(raw), raw),
            await signed(site, good, raw.replace(b"delivered", b"answered")),
            await signed(site, good | {"webhook-id": "msg_2"}, raw),
            await signed(site, exchange.report(raw, seconds_ago=400), raw),
            await signed(site, exchange.report(raw, seconds_ago=-400), raw),
            await signed(site, {}, raw),
        ]
        await workspace.context.senders.close()

    assert [answered.status for answered in answers] == [401] * 6
    assert {answered.json()["type"] for answered in answers} == {"/problems/report-not-signed"}
    assert ("wave_1_sms", "accepted") in await workspace.ledger(debt_id)


async def test_a_report_on_what_nobody_sent_finds_nothing(site: Site) -> None:
    async with exchanging() as exchange:
        workspace, _ = await place_by(site, exchange, gives_receipt=True)
        await text_sent(workspace)
        raw = json.write({"id": "followup_1", "workspace": "workspace_1", "status": "delivered"})

        answers = [
            await report(site, exchange, workspace, id=ids.show("followup", ids.new())),
            await report(site, exchange, workspace, workspace=ids.show("workspace", ids.new())),
            await signed(site, exchange.report(raw), raw),
            await signed(site, exchange.report(raw), raw, "letter"),
            await signed(site, exchange.report(raw), raw, "pigeon"),
        ]
        await workspace.context.senders.close()

    assert [answered.status for answered in answers] == [404] * 5


async def test_a_report_that_overtakes_the_answer_is_asked_for_again(site: Site) -> None:
    async with exchanging() as exchange:
        workspace, debt_id = await place_by(site, exchange, gives_receipt=True)
        (departing,) = await begun(workspace)
        exchange.taken[departing.message.key] = {
            "id": departing.message.key,
            "workspace": departing.message.workspace,
        }

        answered = await report(site, exchange, workspace)
        await workspace.context.senders.close()

    assert answered.status == 409
    assert answered.json()["type"] == "/problems/report-too-early"
    assert ("wave_1_sms", "sending") in await workspace.ledger(debt_id)


async def begun(workspace: WorkspaceEngine) -> list[Any]:
    """Commit the message as `sending` and stop there, as a worker does that dies."""
    while True:
        snapshot = await workspace.snapshot()
        claim = await workspace.claim()
        departing = await prepare_sends(workspace.context, snapshot, claim)
        if departing:
            await workspace.database.pool.execute(
                "UPDATE contacts SET lease_until = now() - interval '1 minute' WHERE state = 'sending'"
            )
            return departing


@pytest.mark.parametrize(
    ("assurance", "was_taken", "state", "times"),
    [
        (Assurance.IDEMPOTENCY_KEY, True, "accepted", 1),
        (Assurance.IDEMPOTENCY_KEY, False, "accepted", 1),
        (Assurance.LOOK_UP, True, "accepted", 1),
        (Assurance.LOOK_UP, False, "accepted", 1),
        (Assurance.NEITHER, True, "unknown", 1),
        (Assurance.NEITHER, False, "unknown", 0),
    ],
)
async def test_a_worker_that_died_leaves_nobody_told_twice(
    site: Site, assurance: Assurance, was_taken: bool, state: str, times: int
) -> None:
    async with exchanging(assurance) as exchange:
        workspace, debt_id = await place_by(site, exchange)
        (departing,) = await begun(workspace)
        if was_taken:
            await departing.sender.send(departing.message)

        await workspace.recover()
        await text_sent(workspace)
        await workspace.context.senders.close()

    # What other tests left behind is recovered as well.
    ours = [
        message
        for message in exchange.delivered
        if message["workspace"] == ids.show("workspace", workspace.id)
    ]
    assert len(ours) == times
    assert ("wave_1_sms", state) in await workspace.ledger(debt_id)
