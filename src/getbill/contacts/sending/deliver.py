"""Hand-over of prepared messages to their providers, outside any transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from getbill.channels.senders import Assurance, Fate, Outgoing, SendOutcome, failed, unknown
from getbill.contacts.handovers import HandoverNotJournaled
from getbill.contacts.sending.context import PreparedSend, SendResult
from getbill.kit import clock, failpoints

_log = structlog.get_logger(__name__)

_TOO_LATE = "the worker exceeded the time to send it"


async def answer_inside(prepared: Sequence[PreparedSend]) -> list[SendResult]:
    """Return the outcomes of providers that answer at once, without the network."""
    return [_result(send, await _ask(send, send.message)) for send in prepared]


async def send_prepared(prepared: Sequence[PreparedSend]) -> list[SendResult]:
    """Call the providers concurrently and return their outcomes."""
    outcomes = await asyncio.gather(*(_call_provider(send) for send in prepared))
    failpoints.at("contacts.sent")
    return list(map(_result, prepared, outcomes))


def _result(send: PreparedSend, outcome: SendOutcome) -> SendResult:
    gives_receipt = send.sender.capabilities.gives_receipt
    return SendResult(send.contact, send.followup, outcome, gives_receipt, send.debt, send.contact_history)


def can_be_asked(send: PreparedSend, outcome: SendOutcome) -> bool:
    """Return whether a live message is in doubt and its provider will tell, so that no person is asked.

    A sandbox, whose callers wait for its clock, settles it at once.
    """
    is_in_doubt = outcome.fate == Fate.UNKNOWN and send.contact.is_live
    return is_in_doubt and send.sender.capabilities.assurance != Assurance.NEITHER


async def _call_provider(send: PreparedSend) -> SendOutcome:
    # A process that slept since the commit must not send now: another may be sending, or have found that it
    # never left.
    lease_until = send.contact.lease_until
    if lease_until is None or lease_until - clock.wall() < timedelta(seconds=send.timeout_seconds):
        outcome = failed(_TOO_LATE, permanent=False)
    else:
        outcome = await _hand_over(send)
    failpoints.at("contacts.answered")
    if send.handovers is not None:
        send.handovers.answer(send.contact.handover_id, outcome)
    failpoints.at("contacts.submitted")
    return outcome


async def _hand_over(send: PreparedSend) -> SendOutcome:
    message = replace(send.message, before_handover=partial(_begin_handover, send))
    try:
        async with asyncio.timeout(send.timeout_seconds):
            if not send.sender.capabilities.announces_handover:
                message.before_handover()
            return await _ask(send, message)
    except HandoverNotJournaled:
        return failed("the journal of hand-overs cannot be written", permanent=False)
    except TimeoutError:
        if send.handovers is not None and send.handovers.is_unsent(send.contact.handover_id):
            return failed(_TOO_LATE, permanent=False)
        return unknown("the provider did not respond in time")


async def _ask(send: PreparedSend, message: Outgoing) -> SendOutcome:
    try:
        return await send.sender.send(message)
    except (HandoverNotJournaled, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever broke, the message may have left
        _log.error("sender_failed", sender=send.sender.name, error=type(error).__name__, exc_info=error)
        return unknown("the sender failed; the worker's log has the traceback")


def _begin_handover(send: PreparedSend) -> None:
    # Again: the machine may have been suspended while a connection was awaited, which no timeout notices.
    lease_until = send.contact.lease_until
    if lease_until is None or lease_until <= clock.wall():
        raise TimeoutError
    if send.handovers is not None:
        failpoints.at("contacts.handing_over")
        send.handovers.hand_over(send.contact.handover_id)
        failpoints.at("contacts.handed_over")
