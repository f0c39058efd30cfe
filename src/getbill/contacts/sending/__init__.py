"""Sending of due contacts: the final check, the rendered message and the provider's answer."""

from getbill.contacts.sending.context import PreparedSend, SendingContext, SendResult, isolate_workspace
from getbill.contacts.sending.crossed_messages import crossed_by
from getbill.contacts.sending.rendering import (
    CannotBeSaid,
    CannotBeWritten,
    load_render_context,
    render_message,
)
from getbill.contacts.sending.settle import (
    REACHED,
    replan_undelivered,
    send_prepared,
    settle_contacts,
    suppress_dead_address,
)

__all__ = [
    "REACHED",
    "CannotBeSaid",
    "CannotBeWritten",
    "PreparedSend",
    "SendResult",
    "SendingContext",
    "crossed_by",
    "isolate_workspace",
    "load_render_context",
    "render_message",
    "replan_undelivered",
    "send_prepared",
    "settle_contacts",
    "suppress_dead_address",
]
