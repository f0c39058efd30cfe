"""Edition of a template: one wording in one language, numbered by version; 0 is the built-in one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from getbill import channels
from getbill.channels import (
    Channel,
    MessageFacts,
    RenderedMessage,
    TemplateUnknown,
    Wording,
    WordingBroken,
)
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message
from getbill.templates import wording_rules

BUILT_IN = 0
# The version number of an unpublished wording.
UNPUBLISHED = -1
# The name ends with the channel; a new name creates a template of the workspace's own.
_NAME = re.compile(r"[a-z0-9_]{1,50}_(email|sms|call|letter|whatsapp)")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """An administrator's confirmation of a wording that a rule allows only with a reason."""

    rule: str
    reason: str
    confirmed_by: str


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a template in a language."""

    name: str
    language: str
    version: int
    wording: Wording
    published_at: datetime | None = None
    confirmations: tuple[Confirmation, ...] = ()

    @property
    def channel(self) -> Channel:
        """The channel of the template."""
        return channels.channel_of(self.name)


def template_key(name: str, language: str) -> tuple[str, str]:
    """Return the key of a template; raise NotFound for an invalid name or language."""
    if language not in channels.LANGUAGES:
        raise NotFound(
            message(
                "Templates are available in {languages}, not in '{language}'.",
                languages=list(channels.LANGUAGES),
                language=excerpt(language),
            )
        )
    if not _NAME.fullmatch(name):
        raise NotFound(
            message("The name of a template must end with _email, _sms, _call, _letter or _whatsapp.")
        )
    return name, language


def built_in(name: str, language: str) -> Edition:
    """Return the built-in edition; raise TemplateUnknown where there is none."""
    return Edition(name, language, BUILT_IN, channels.built_in_wording(name, language))


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """A workspace's own editions in force, by name and language, with the built-in ones as fallback."""

    own_editions: Mapping[tuple[str, str], Edition]

    def own_names(self) -> frozenset[str]:
        """Return the names of which the workspace has an edition in any language."""
        return frozenset(name for name, _ in self.own_editions)

    def render(self, name: str, language: str, facts: MessageFacts) -> tuple[RenderedMessage, int]:
        """Return a template's message and its version.

        Raises TemplateUnknown where no edition exists, HowToPayMissing where there is no way to pay,
        WordingBroken where the wording cannot be filled in or a rule refuses it. A template with a name of the workspace's own falls back to English where it lacks the language, else to
        its first language.
        """
        edition = self.own_editions.get((name, language))
        if edition is None and name not in channels.built_in_names():
            language, edition = self._in_other_language(name, language)
        if edition is None:
            return channels.render(name, language, facts), BUILT_IN
        if breach := wording_rules.refused_words(edition.wording, language, facts.sent_on):
            raise WordingBroken(breach.detail)
        return channels.render_wording(edition.wording, name, language, facts), edition.version

    def _in_other_language(self, name: str, language: str) -> tuple[str, Edition]:
        by_language = {
            edition.language: edition
            for (own_name, _), edition in self.own_editions.items()
            if own_name == name
        }
        if not by_language:
            raise TemplateUnknown(
                message(
                    "There is no template '{name}' in '{language}'.",
                    name=excerpt(name),
                    language=excerpt(language),
                )
            )
        fallback = "en" if "en" in by_language else min(by_language)
        return fallback, by_language[fallback]
