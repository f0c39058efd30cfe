"""Sending of due contacts: the final check, the rendered message and the provider's answer."""

from getbill.contacts.sending.context import (
    GroupMember,
    PreparedSend,
    SendingContext,
    SendResult,
    isolate_workspace,
)
from getbill.contacts.sending.crossed_messages import crossed_by
from getbill.contacts.sending.deliver import send_prepared
from getbill.contacts.sending.jobs import KeepGoing, send_crashed_live, send_due_live
from getbill.contacts.sending.rendering import (
    MessageNotRenderable,
    StepNotPossible,
    load_render_context,
    render_message,
)
from getbill.contacts.sending.settlement import (
    REACHED,
    replan_undelivered,
    settle_contacts,
    suppress_dead_address,
)
