"""An edition of a template: one wording in one language, by its number; 0 is the one that comes with GetBill."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from getbill import channels
from getbill.channels import Channel, MessageFacts, RenderedMessage, TemplateUnknown, Wording
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message

BUILT_IN = 0
# Of a wording that is not published yet.
UNPUBLISHED = -1
# Ends with what it is for; a name that is new makes a template of the workspace's own.
_NAME = re.compile(r"[a-z0-9_]{1,50}_(email|sms|call|letter|whatsapp)")


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of what a template says in a language."""

    name: str
    language: str
    version: int
    wording: Wording
    published_at: datetime | None = None

    @property
    def channel(self) -> Channel:
        """The channel the template is for."""
        return channels.channel_of(self.name)


def template_key(name: str, language: str) -> tuple[str, str]:
    """Return the place of a template; raise NotFound where none can be."""
    if language not in channels.LANGUAGES:
        raise NotFound(
            message(
                "Templates are written in {languages}, not in '{language}'.",
                languages=list(channels.LANGUAGES),
                language=excerpt(language),
            )
        )
    if not _NAME.fullmatch(name):
        raise NotFound(message("A template's name ends with _email, _sms, _call, _letter or _whatsapp."))
    return name, language


def built_in(name: str, language: str) -> Edition:
    """Return the edition that comes with GetBill; raise TemplateUnknown where there is none."""
    return Edition(name, language, BUILT_IN, channels.built_in_wording(name, language))


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """A workspace's own editions that are in force, by name and language; ours stand behind them."""

    own_editions: Mapping[tuple[str, str], Edition]

    def render(self, name: str, language: str, facts: MessageFacts) -> tuple[RenderedMessage, int]:
        """Return a template's message and the version it is of.

        Raises TemplateUnknown where nobody has written it, HowToPayMissing where there is no way to pay. What has a
        name of the workspace's own and is not written in the language is said in one in which it is: in English,
        else in the first.
        """
        edition = self.own_editions.get((name, language))
        if edition is None and name not in channels.built_in_names():
            language, edition = self._in_other_language(name, language)
        if edition is None:
            return channels.render(name, language, facts), BUILT_IN
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
