"""The published webhook is what a receiver really gets, and it verifies."""

import base64
import hashlib
import hmac

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

import make
from contract import published
from getbill.kit import ids, json


async def test_the_payment_webhook_has_every_published_key_and_verifies(running_workspace) -> None:
    [sample] = [example for example in published.examples(published.documents()) if "event" in example]
    await running_workspace.subscribe(sample["event"])
    request = make.debt(amount=2340.00, currency="EUR", reference="F-2024-0847", due_date="2024-01-15")
    debt = await running_workspace.post("/debts", request)

    await running_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})

    await running_workspace.settle()
    [(headers, body)] = running_workspace.receiver.raw
    report = json.read(body)
    assert published.missing(sample, report) == []
    payment = report["data"]["payment"]
    assert (report["event"], report["data"]["status"], payment["method"]) == (
        "debt.payment_received",
        "resolved",
        "card",
    )
    assert payment["stripe_payment_id"].startswith("pi_")
    assert report["timestamp"] == "2026-03-02T06:00:00Z" == report["data"]["resolved_at"]
    assert report["webhook_id"] == headers["webhook-id"]
    assert ids.read("wh", report["webhook_id"])
    assert b'"amount":2340.00' in body
    _verifies_by_hand(running_workspace.receiver.secret, headers, body)
    _verifies_by_the_standards_own_library(running_workspace.receiver.secret, headers, body)


def _verifies_by_hand(secret: str, headers: dict[str, str], body: bytes) -> None:
    ours = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-GetBill-Signature"] == ours
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    standard = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert f"v1,{standard}" in headers["webhook-signature"].split()


def _verifies_by_the_standards_own_library(secret: str, headers: dict[str, str], body: bytes) -> None:
    assert Webhook(secret).verify(body, headers)["event"] == "debt.payment_received"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"2340.00", b"2340.01"), headers)
