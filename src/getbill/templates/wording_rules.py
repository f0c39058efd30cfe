"""Rules on the wording of messages: what a template may not say, or only after an administrator's confirmation.

Rules are dated data with their source, one file per language in `wording`. A pattern matches the readable text in
lower case, without accents, markup and apostrophes. A phrase that an exception covers is allowed, such as a
statement that no costs are charged.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from html import unescape
from importlib.resources import files
from typing import Final, NamedTuple

from pydantic import ConfigDict, TypeAdapter

from getbill import channels
from getbill.kit.messages import Message, excerpt, joined, message
from getbill.kit.text.word_lists import plain

_ANY_LANGUAGE: Final = "any"
# Elements that do not separate words.
_INLINE: Final = re.compile(
    r"</?(?:a|b|i|u|s|em|strong|span|small|font|sup|sub|code|abbr|mark)\b[^>]*>", re.IGNORECASE
)
_TAG: Final = re.compile(r"<[^>]*>")
_APOSTROPHES: Final = re.compile(r"['\u2018\u2019\u02bc`\u00b4]")
_TEMPLATE_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


class Topic(StrEnum):
    """The subject of a wording rule."""

    ENFORCEMENT = "enforcement"
    COURT = "court"
    LAWYER = "lawyer"
    CRIMINAL_LAW = "criminal_law"
    CREDIT_FILE = "credit_file"
    COSTS = "costs"
    LATE_PAYMENT = "late_payment"
    SHAME = "shame"
    AUTHORITY = "authority"
    HIDDEN_SENDER = "hidden_sender"
    PRESSURE = "pressure"
    PREMIUM_NUMBER = "premium_number"


class Effect(StrEnum):
    """The effect of a breach: the wording is refused, or an administrator must confirm it with a reason."""

    REFUSE = "refuse"
    CONFIRM = "confirm"


_TOPIC_MESSAGES: Final[Mapping[Topic, Message]] = {
    Topic.ENFORCEMENT: message(
        "No enforcement without a court's decision: a message may not threaten with bailiffs or seizure."
    ),
    Topic.COURT: message("A message may name a court only where that step is possible and meant."),
    Topic.LAWYER: message("A message may name a lawyer or a legal department only where that is true."),
    Topic.CRIMINAL_LAW: message("A debt is no offence: a message may not mention police or punishment."),
    Topic.CREDIT_FILE: message("A message may name a credit file only where the entry is lawful and true."),
    Topic.COSTS: message("A message may not add costs that the law leaves to the creditor."),
    Topic.LATE_PAYMENT: message(
        "Penalties, the fixed sum and interest are due by businesses, or after a formal notice."
    ),
    Topic.SHAME: message(
        "A message may not shame the debtor or say that other people will learn of the debt."
    ),
    Topic.AUTHORITY: message("A message may not resemble one of a court, a bailiff or an authority."),
    Topic.HIDDEN_SENDER: message("A message may not hide its sender or its purpose."),
    Topic.PRESSURE: message(
        "A message may not press the debtor: no deadline of hours, no last warning, no advice to borrow or sell."
    ),
    Topic.PREMIUM_NUMBER: message("A message may not contain a premium-rate number."),
}


@dataclass(frozen=True, slots=True)
class WordingRule:
    """One dated rule on wording: patterns, and phrases that are allowed although a pattern matches in them.

    `jurisdiction` is the country of the law; a rule applies to every message in its language.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    topic: Topic
    effect: Effect
    jurisdiction: str
    source: str
    valid_from: date
    reviewed_on: date
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    valid_to: date | None = None
    party: str | None = None

    def is_in_force(self, on: date) -> bool:
        """Return whether the rule applies on a day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    @property
    def says(self) -> Message:
        """What the rule demands."""
        return _TOPIC_MESSAGES[self.topic]


class Breach(NamedTuple):
    """A rule that a text breaks, and the words that break it."""

    rule: WordingRule
    words: str

    @property
    def code(self) -> str:
        """The code of the breach in an error."""
        prefix = "wording" if self.rule.effect is Effect.REFUSE else "confirm"
        return f"{prefix}-{self.rule.topic.value.replace('_', '-')}"

    @property
    def detail(self) -> Message:
        """The error: the rule, the words, and the way out."""
        facts = {"rule": self.rule.id, "words": excerpt(self.words), "source": self.rule.source}
        if self.rule.effect is Effect.REFUSE:
            way_out = message("Remove '{words}' (rule {rule}: {source}).", **facts)
        else:
            way_out = message(
                "Remove '{words}', or send a confirmation of an administrator for the rule {rule} ({source}).",
                **facts,
            )
        return joined([self.rule.says, way_out])


_RULES: Final = TypeAdapter(tuple[WordingRule, ...])


@lru_cache(maxsize=8)
def _file_rules(name: str) -> tuple[WordingRule, ...]:
    content = tomllib.loads((files("getbill.templates") / "wording" / f"{name}.toml").read_text("utf-8"))
    return _RULES.validate_python(content["rules"])


def rules_for(language: str) -> tuple[WordingRule, ...]:
    """Return the rules on messages in a language."""
    return (*_file_rules(_ANY_LANGUAGE), *_file_rules(language))


@lru_cache(maxsize=256)
def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w)(?:{pattern})(?!\w)" for pattern in patterns))


def find_breaches(text: str, language: str, on: date, *, is_html: bool = False) -> Iterator[Breach]:
    """Yield each rule that a text breaks on a day, once, with the first words that break it."""
    readable = searchable_text(text, is_html=is_html)
    for rule in rules_for(language):
        if rule.is_in_force(on) and (words := _first_words(rule, readable)):
            yield Breach(rule, words)


def _first_words(rule: WordingRule, readable: str) -> str | None:
    matches = list(_compile(rule.patterns).finditer(readable))
    if not matches:
        return None
    exceptions = (
        [found.span() for found in _compile(rule.exceptions).finditer(readable)] if rule.exceptions else []
    )
    for found in matches:
        begins, ends = found.span()
        if not any(first <= begins and ends <= last for first, last in exceptions):
            return found.group()
    return None


def searchable_text(text: str, *, is_html: bool = False) -> str:
    """Return the readable text as patterns match it: lower case, single spaces, no accents or markup."""
    if is_html:
        text = unescape(_TAG.sub(" ", _INLINE.sub("", text)))
    text = unicodedata.normalize("NFKC", text)
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(_APOSTROPHES.sub(" ", plain(visible)).split())


@lru_cache(maxsize=1024)
def refused_words(wording: channels.Wording, language: str, on: date) -> Breach | None:
    """Return a refused passage of a published wording, whatever was checked when it was published."""
    for part, source in (("subject", wording.subject), ("text", wording.text), ("html", wording.html)):
        readable = _TEMPLATE_CODE.sub("", source or "")
        for breach in find_breaches(readable, language, on, is_html=part == "html"):
            if breach.rule.effect is Effect.REFUSE:
                return breach
    return None
