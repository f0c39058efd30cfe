"""Messages people read: constant English templates with facts, translated by catalogues."""

from getbill.kit.messages.translation import (
    DEFAULT,
    LANGUAGES,
    VALUE,
    Message,
    TranslatedMessage,
    counted,
    excerpt,
    joined,
    message,
    negotiated,
    preferred,
    template,
    translated,
)

__all__ = [
    "DEFAULT",
    "LANGUAGES",
    "VALUE",
    "Message",
    "TranslatedMessage",
    "counted",
    "excerpt",
    "joined",
    "message",
    "negotiated",
    "preferred",
    "template",
    "translated",
]
