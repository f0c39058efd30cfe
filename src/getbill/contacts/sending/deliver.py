"""Hand-over of prepared messages to their providers, outside any transaction."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from getbill.channels.senders import SendOutcome, failed, unknown
from getbill.contacts.sending.context import PreparedSend, SendResult
from getbill.kit import clock, failpoints

_log = structlog.get_logger(__name__)


async def answer_inside(prepared: Sequence[PreparedSend]) -> list[SendResult]:
    """Return the outcomes of providers that answer at once, without the network."""
    return [_result(send, await _ask(send)) for send in prepared]


async def send_prepared(prepared: Sequence[PreparedSend]) -> list[SendResult]:
    """Call the providers concurrently and return their outcomes."""
    outcomes = await asyncio.gather(*(_call_provider(send) for send in prepared))
    failpoints.at("contacts.sent")
    return list(map(_result, prepared, outcomes))


def _result(send: PreparedSend, outcome: SendOutcome) -> SendResult:
    gives_receipt = send.sender.capabilities.gives_receipt
    return SendResult(send.contact, send.followup, outcome, gives_receipt, send.debt, send.contact_history)


async def _call_provider(send: PreparedSend) -> SendOutcome:
    # A process that slept since the commit must not send now: another may be sending, or have found that it
    # never left.
    lease_until = send.contact.lease_until
    if lease_until is None or lease_until - clock.wall() < timedelta(seconds=send.timeout_seconds):
        return failed("the worker exceeded the time to send it", permanent=False)
    try:
        async with asyncio.timeout(send.timeout_seconds):
            return await _ask(send)
    except TimeoutError:
        return unknown("the provider did not respond in time")


async def _ask(send: PreparedSend) -> SendOutcome:
    try:
        outcome = await send.sender.send(send.message)
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever broke, the message may have left
        _log.error("sender_failed", sender=send.sender.name, error=type(error).__name__, exc_info=error)
        return unknown("the sender failed; the worker's log has the traceback")
    failpoints.at("contacts.submitted")
    return outcome
