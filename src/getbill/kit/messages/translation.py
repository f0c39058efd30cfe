"""Translatable sentences: English in the code, translations in `locales/<language>/LC_MESSAGES/getbill.po`.

A message is created where its facts are known and translated where it is written: `message("There is no scope
{scope}.", scope=scope)`. It is a `str` in English; a translation is looked up only for its reader.
"""

import gettext
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from importlib import import_module
from re import compile as pattern
from typing import Any, Final, Self

LANGUAGES: Final = ("en", "fr")
DEFAULT: Final = "en"

_EXCERPT_CHARACTERS_MAX: Final = 100
# Control characters and those that change text direction: they would change how the rest of a sentence reads.
_UNREADABLE: Final = pattern("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Types of values that read alike in every language.
_PLAIN: Final = frozenset({str, int, Decimal})
_HEADER_CHARACTERS_MAX: Final = 1000
_RANGE: Final = pattern(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)[ \t]*(?:;[ \t]*q=([01](?:\.\d{0,3})?)[ \t]*)?"
)


class Template(str):
    """The English template of a message that stands in a table, with its plural form or its context.

    A context keeps apart two uses of one English text whose translations differ, or names the readers: texts in
    the context `debtor` are also in German and Spanish.
    """

    __slots__ = ("context", "plural")

    plural: str | None
    context: str | None

    def __new__(cls, text: str, plural: str | None = None, context: str | None = None) -> Self:
        """Create a template from its constant texts."""
        instance = super().__new__(cls, text)
        instance.plural = plural
        instance.context = context
        return instance

    def filled(self, facts: Mapping[str, Any]) -> "Message":
        """Return the message of these facts; `facts["count"]` decides between singular and plural."""
        return Message(self, facts, self.plural, self.context)


class Message(str):
    """An English sentence that keeps its template and values, and so can be translated."""

    __slots__ = ("context", "facts", "plural", "template")

    template: str
    plural: str | None
    context: str | None
    facts: Mapping[str, Any]

    def __new__(
        cls, template: str, facts: Mapping[str, Any], plural: str | None = None, context: str | None = None
    ) -> Self:
        """Fill in the English sentence; `facts["count"]` decides between singular and plural."""
        sentence_template = template if plural is None or facts["count"] == 1 else plural
        instance = super().__new__(cls, _filled(sentence_template, facts, DEFAULT))
        instance.template = template
        instance.plural = plural
        instance.context = context
        instance.facts = facts
        return instance

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle support: messages cross to other processes, inside refusals."""
        return type(self), (str(self.template), self.facts, self.plural, self.context)

    def translated(self, language: str) -> str:
        """Return the sentence in a language; in English if there is no translation."""
        if language == DEFAULT:
            return str(self)
        texts = _translations(language)
        if self.plural is not None:
            sentence_template = texts.ngettext(self.template, self.plural, self.facts["count"])
        elif self.context is not None:
            sentence_template = texts.pgettext(self.context, self.template)
        else:
            sentence_template = texts.gettext(self.template)
        return _filled(sentence_template, self.facts, language)

    def in_each_language(self) -> dict[str, str]:
        """Return the sentence by language, to be stored or shown side by side."""
        return {language: self.translated(language) for language in LANGUAGES}

    def with_subject(self, subject: "Message") -> "Message":
        """Return the message with its `{subject}` filled in; unchanged if it has none."""
        if "subject" not in self.facts:
            return self
        return Message(self.template, {**self.facts, "subject": subject}, self.plural, self.context)


def message(template: str, /, **facts: Any) -> Message:
    """Return a message: a constant template, and the value of each of its `{names}`.

    Values may be messages themselves, or lists, which are joined with commas. A value that a caller sent goes
    through `excerpt`.
    """
    return Message(template, facts)


def counted(singular: str, plural: str, /, *, count: int, **facts: Any) -> Message:
    """Return a message with a singular and a plural form; `count` decides."""
    return Message(singular, {"count": count, **facts}, plural)


def template(text: str, plural: str | None = None, /, *, context: str | None = None) -> Template:
    """Mark a template that stands in a table; `Template.filled` makes a message of it."""
    return Template(text, plural, context)


def joined(sentences: Sequence[Message]) -> Message:
    """Return several sentences as one message."""
    if len(sentences) == 1:
        return sentences[0]
    names = [f"sentence_{number}" for number in range(len(sentences))]
    # A template of names alone reads the same in every language.
    return Message(" ".join(f"{{{name}}}" for name in names), dict(zip(names, sentences, strict=True)))


def excerpt(value: Any) -> str:
    """Return a caller's value for use in a sentence: short, and without characters that would alter it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > _EXCERPT_CHARACTERS_MAX:
        text = f"{text[:_EXCERPT_CHARACTERS_MAX]}\N{HORIZONTAL ELLIPSIS}"
    return text if text.isprintable() else _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def translated(text: str, language: str) -> str:
    """Return a message in a language; any other text unchanged."""
    return text.translated(language) if isinstance(text, Message) else text


def _filled(text: str, facts: Mapping[str, Any], language: str) -> str:
    # A template without names may hold literal braces.
    if not facts:
        return text
    if _PLAIN.issuperset(map(type, facts.values())):
        return text.format_map(facts)
    return text.format_map({name: _value(value, language) for name, value in facts.items()})


def _value(value: Any, language: str) -> Any:
    if isinstance(value, str):
        return value.translated(language) if isinstance(value, Message) else value
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(str(_value(item, language)) for item in value)
    return value


# The subject of a sentence whose field is not known yet; see `Message.with_subject`.
VALUE: Final = message("The value")


@cache
def _translations(language: str) -> gettext.NullTranslations:
    catalogue: gettext.NullTranslations = import_module("getbill.kit.messages.catalogues").read(language)
    return catalogue


@lru_cache(maxsize=512)
def _preferred(accept_language: str) -> str | None:
    weights: dict[str, tuple[float, int]] = {}
    for index, part in enumerate(accept_language.split(",")):
        match = _RANGE.fullmatch(part)
        if match is not None:
            # The first range of a language counts, and of equal weights the earlier one.
            primary_tag = match[1].partition("-")[0].lower()
            weight = float(match[2] or 1), -index
            weights[primary_tag] = max(weight, weights.get(primary_tag, weight))
    any_weight = weights.get("*")
    candidates = {language: weights.get(language, any_weight) for language in LANGUAGES}
    accepted = {language: weight for language, weight in candidates.items() if weight and weight[0] > 0}
    # `*` means any language: then the default comes first.
    return max(accepted, key=lambda language: accepted[language]) if accepted else None


def preferred(accept_language: str | None) -> str | None:
    """Return the supported language that an Accept-Language prefers (RFC 9110 section 12.5.4), if any."""
    if not accept_language or len(accept_language) > _HEADER_CHARACTERS_MAX:
        return None
    return _preferred(accept_language)


def locale_of(language: str) -> str:
    """Return the language of messages for a person's language: French for French, else English."""
    return "fr" if language.startswith("fr") else DEFAULT


def negotiated(accept_language: str | None) -> str:
    """Return the language of a response: the caller's by Accept-Language, else English."""
    return preferred(accept_language) or DEFAULT
