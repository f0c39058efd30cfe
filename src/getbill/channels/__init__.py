"""Channels to contact a debtor: the addresses they need and the messages they carry.

This package does not know debts: a message is rendered from plain facts, so that the dashboard, a preview and
the worker all show the same text.
"""

from getbill.channels.custom_templates import (
    ContentCheck,
    Fault,
    Wording,
    built_in_wording,
    channel_of,
    faults,
    render_wording,
    sample,
    variables,
)
from getbill.channels.letters import Letter, fits_line, fits_window, print_letter
from getbill.channels.messages import (
    LANGUAGES,
    NOTICES,
    MessageFacts,
    RenderedMessage,
    TemplateUnknown,
    built_in_names,
    disclosure,
    has_template,
    has_way_to_pay,
    is_web_link,
    language_of,
    render,
)
from getbill.channels.model import ADDRESS_OF, MISSING, AddressKind, Channel, reachable
from getbill.channels.template_source import WordingBroken
