"""How anyone is reached: the channels, the addresses they need and the texts they carry.

Nothing here knows a debt: a message is rendered from plain facts, so that the dashboard, a preview and the
worker all show the same words.
"""

from getbill.channels.messages import (
    DISCLOSURES,
    LANGUAGES,
    NOTICES,
    HowToPayMissing,
    Message,
    MessageFacts,
    TemplateUnknown,
    is_web_link,
    language_of,
    render,
    template_names,
)
from getbill.channels.model import ADDRESS_OF, MISSING, AddressKind, Channel, reachable

__all__ = [
    "ADDRESS_OF",
    "DISCLOSURES",
    "LANGUAGES",
    "MISSING",
    "NOTICES",
    "AddressKind",
    "Channel",
    "HowToPayMissing",
    "Message",
    "MessageFacts",
    "TemplateUnknown",
    "is_web_link",
    "language_of",
    "reachable",
    "render",
    "template_names",
]
