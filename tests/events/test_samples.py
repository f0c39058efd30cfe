"""The samples of the catalogue are what the product emits: one case, told by the stream, in a company of its own.

Identifiers and the wall's instants differ from run to run and nothing else may. After a change that is meant, write
the samples anew: GETBILL_SAMPLES=write, and look at what `git diff` says of them.
"""

import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import collecting
import streaming
from calls import Site
from collecting import ContactWorkspace, Provider
from getbill import contacts, events
from getbill.channels import Channel
from getbill.channels.senders import Fate, Senders, SendOutcome
from getbill.contacts import SendingContext, SendingSettings
from getbill.kit import clock, ids, json
from getbill.streams import WebhookData
from getbill.webhooks.deliveries import auto_disable
from getbill.webhooks.deliveries.ledger import FailingEndpoint

SAMPLES = Path(events.__file__).parent / "samples"
_ID = re.compile(r"\b(debt|followup|pay|wh|we)_[0-9a-z]{26}\b")
DEBT = {
    "debtor": {
        "name": "Jean Dupont",
        "email": "jean.dupont@email.com",
        "phone": "+33612345678",
        "language": "en",
    },
    "amount": 2340.00,
    "currency": "EUR",
    "reference": "F-2024-0847",
    "due_date": "2026-01-01",
    "scenario": "standard_3_waves",
}


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("samples")) as site:
        yield site


@pytest.fixture(scope="module")
async def story(site: Site) -> dict[str, Any]:
    """The first event of each kind in the story."""
    workspace = await collecting.open_live(site)
    mail = Provider(Channel.EMAIL, outcome=SendOutcome(Fate.ACCEPTED, "ref"), gives_receipt=True)
    # The clock stands in the past: what comes next is due at once by the wall's, and is left for another turn.
    pace = SendingSettings(workspace_share=1)
    # Each channel has a provider, so that a plan has all its steps.
    senders = Senders({channel: Provider(channel) for channel in Channel} | {Channel.EMAIL: mail})
    workspace.engine.context = SendingContext(
        workspace.engine.database, workspace.engine.vault, senders, pace
    )
    # Its debts are contacted each for itself, and on one day.
    await workspace.engine.contact_each_debt_alone()
    await _tell(workspace, mail)
    while await streaming.sequence(workspace.engine.database):
        pass
    answered = await workspace.get("/events?limit=1000")
    assert answered.status == 200
    result: dict[str, Any] = {}
    for event in json.read(answered.body)["data"]:
        is_paid = "status_change_context" in event["data"]
        if event["event"] not in result or (event["event"] == "debt.status_changed" and is_paid):
            result[event["event"]] = event
    return result


async def _tell(workspace: ContactWorkspace, mail: Provider) -> None:
    await _set_clock(workspace, "2026-01-05 09:00")
    debt = json.read((await workspace.post("/debts", DEBT)).body)
    await workspace.call(
        "PUT", f"/debts/{debt['id']}", {"due_date": "2026-01-02", "object": "Invoice of May"}
    )
    await workspace.engine.send_due_live()
    followup = await workspace.engine.database.pool.fetchval(
        "SELECT followup_id FROM contacts WHERE debt_id = $1 AND followup_id IS NOT NULL",
        ids.read("debt", debt["id"]),
    )
    snapshot = await workspace.engine.snapshot()
    await contacts.receive_callback(
        workspace.engine.database, snapshot, followup, SendOutcome(Fate.DELIVERED, "ref")
    )
    await _set_clock(workspace, "2026-01-07 14:32")
    paid = {"amount": 2340.00, "method": "card", "provider": "stripe", "provider_id": "pi_3Ox1m804scmte4gb"}
    assert (await workspace.post(f"/debts/{debt['id']}/payments", paid)).status == 201

    refund = {
        "amount": 100.00,
        "kind": "refund",
        "method": "card",
        "provider": "stripe",
        "provider_id": "re_3Ox1",
    }
    assert (await workspace.post(f"/debts/{debt['id']}/payments", refund)).status == 201
    (payment, *_) = json.read((await workspace.get(f"/debts/{debt['id']}/payments")).body)["data"]
    disputed = {"amount": 2240.00, "kind": "chargeback", "payment_id": payment["id"], "provider": "stripe"}
    body = disputed | {"method": "card", "provider_id": "dp_3Ox1"}
    assert (await workspace.post(f"/debts/{debt['id']}/payments", body)).status == 201

    mail.outcome = SendOutcome(Fate.FAILED, None, "the mailbox does not exist", is_permanent=True)
    other = json.read((await workspace.post("/debts", DEBT | {"reference": "F-2024-0848"})).body)
    await workspace.engine.send_due_live()
    decided = {"reason": "No answer to three letters.", "decided_by": "Marie Martin"}
    assert (await workspace.post(f"/debts/{other['id']}/escalate", decided)).status == 200

    silent = DEBT | {"debtor": {"name": "Jean Dupont", "language": "en"}, "reference": "F-2024-0850"}
    await workspace.post("/debts", silent)
    await _set_clock(workspace, "2026-02-09 09:00")
    await workspace.engine.send_due_live()
    await _set_clock(workspace, "2026-01-07 14:32")

    gone = json.read((await workspace.post("/debts", DEBT | {"reference": "F-2024-0849"})).body)
    assert (await workspace.call("DELETE", f"/debts/{gone['id']}")).status == 200
    await _have_a_webhook_fail(workspace)


async def _have_a_webhook_fail(workspace: ContactWorkspace) -> None:
    sent = {"url": "https://example.com/hooks", "description": "The accounts"}
    hook = json.read((await workspace.post("/webhooks", sent)).body)
    since = clock.wall() - timedelta(days=5, minutes=1)
    failing = FailingEndpoint(workspace.engine.id, ids.read("we", hook["id"]), since, is_gone=False)
    database = workspace.engine.database
    await database.pool.execute(
        "UPDATE webhook_endpoints SET failing_since = $2 WHERE id = $1", failing.id, since
    )
    await auto_disable.disable_failing(database, workspace.engine.vault, [failing])


async def _set_clock(workspace: ContactWorkspace, text: str) -> None:
    await workspace.engine.set_clock(text)
    workspace.site.app.state.auth.invalidate(workspace.engine.id)


def nameless(value: Any) -> Any:
    """An event without what differs from run to run: identifiers are numbered as they come."""
    names: dict[str, str] = {}
    if "webhook" in value["data"]:
        walls = dict.fromkeys(("disabled_at", "failing_since"), "on the wall's clock")
        value = value | {"data": {"webhook": value["data"]["webhook"] | walls}}

    def number(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"{match[1]}_{len(names)}")

    return json.read(_ID.sub(number, json.write(value).decode()).encode())


@pytest.mark.parametrize("entry", events.CATALOGUE, ids=lambda entry: entry.kind)
def test_a_sample_is_what_the_product_emits(story, entry: events.EventKind) -> None:
    real = story[entry.kind]
    path = SAMPLES / f"{entry.kind}.json"
    if os.environ.get("GETBILL_SAMPLES") == "write" and (
        not path.exists() or nameless(entry.sample) != nameless(real)
    ):
        path.write_text(json.pretty(real), "utf-8")

    assert nameless(json.read(path.read_bytes())) == nameless(real), "GETBILL_SAMPLES=write writes it anew."


@pytest.mark.parametrize("entry", events.CATALOGUE, ids=lambda entry: entry.kind)
def test_the_catalogue_names_what_a_sample_carries(entry: events.EventKind) -> None:
    common = WebhookData.model_fields.keys() | {"erased"}

    own = entry.sample["data"].keys() - common

    assert own <= entry.carries.keys(), f"Say in the catalogue what {own - entry.carries.keys()} is."


def test_there_is_a_sample_of_every_kind_and_no_other() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(events.KINDS)


def test_the_six_of_the_published_contract_are_the_default() -> None:
    assert events.DEFAULTS == (
        "debt.created",
        "debt.contacted",
        "debt.payment_received",
        "debt.resolved",
        "debt.escalated",
        "followup.completed",
    )
