"""Messages for people: constant English templates with values, translated by catalogues."""

from getbill.kit.messages.translation import (
    DEFAULT,
    LANGUAGES,
    VALUE,
    Message,
    Template,
    counted,
    excerpt,
    joined,
    locale_of,
    message,
    negotiated,
    preferred,
    template,
    translated,
)
