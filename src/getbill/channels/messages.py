"""Rendering of messages to debtors: a template filled with plain facts, in the debtor's language.

Every message states the sender, the reference, the amount due and the way to pay; a message without a way to
pay is not rendered. An AI call opens with its disclosure (Regulation (EU) 2024/1689, art. 50).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import DictLoader, StrictUndefined, Template, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from getbill.kit.errors import WrongValue
from getbill.kit.messages import excerpt, message, template
from getbill.kit.money import Money, decimals
from getbill.kit.text import ibans

LANGUAGES = ("fr", "en", "de", "es")
# Legal notices sent once, with the template that contains each.
NOTICES = {"opening_letter": ("FR-R124-4",)}
_DISCLOSURE = template(
    "Hello, I am a voice assistant: you are speaking to an artificial intelligence.", context="debtor"
)
_LOCALES = {"fr": "fr_FR", "en": "en_GB", "de": "de_DE", "es": "es_ES"}
# Countries with one of these languages; where several are spoken, as in CH and BE, the debtor must choose.
_SPEAKING = {
    country: language
    for language, countries in {
        "fr": "FR MC GP MQ GF RE PM YT BL MF TF WF PF NC",
        "de": "DE AT LI",
        "es": "ES MX AR CO CL PE VE EC GT CU BO DO HN PY SV NI CR PA UY",
    }.items()
    for country in countries.split()
}
# The frame around a template's text; a template with its own page is not framed.
_FRAMES = {"email": "layout.html", "letter": "letter.html"}
# Babel groups digits with no-break spaces. In plain text they would force a text message into 70-character
# segments (3GPP TS 23.038), and break a search for the amount.
_NO_BREAK_SPACES = ("\u00a0", "\u202f")
_PARTIALS = {"how_to_pay": "_pay", "foot": "_foot"}
_EMPTY_LINES = re.compile(r"\n\s*\n")
_WEB_LINK = re.compile(r"https?://\S+")


class TemplateUnknown(WrongValue, LookupError):
    """No template has that name in that language."""


class HowToPayMissing(WrongValue):
    """The message has no payment link, IBAN or contact detail, so the debtor would not know how to pay."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """The facts that templates may use; addresses are lines as printed on a letter, without the name."""

    creditor: str
    debtor: str
    reference: str
    balance: Money
    sent_on: date
    due_on: date | None = None
    payment_link: str | None = None
    iban: str | None = None
    contact_email: str | None = None
    contact_phone: str | None = None
    creditor_address: tuple[str, ...] = ()
    debtor_address: tuple[str, ...] = ()
    # The collector, where it is not the creditor itself.
    collector: str | None = None
    collector_address: tuple[str, ...] = ()
    # The holder of the account with this IBAN, where it is not the creditor.
    payee: str | None = None
    # Whether an e-mail contains a picture named `logo`.
    has_logo: bool = False


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A rendered message; `subject` and `html` are None where the channel has none."""

    subject: str | None
    text: str
    html: str | None


def language_of(language: str | None, country: str | None, default: str = "en") -> str:
    """Return the language of a message: the debtor's own, else their country's, else `default`.

    `language` is a BCP 47 tag, of which the first part counts; English replaces a language without templates.
    """
    language_code = (language or "").replace("_", "-").split("-")[0].lower()
    if language_code in LANGUAGES:
        return language_code
    if country:
        return _SPEAKING.get(country.upper(), "en")
    return default if default in LANGUAGES and not language_code else "en"


def render(template: str, language: str, facts: MessageFacts) -> RenderedMessage:
    """Return the message; raise TemplateUnknown, HowToPayMissing, or Jinja's error on an unknown variable."""
    language, parts = _template_parts(template, language)
    values = values_of(language, facts)
    rendered = {part: fill_template(_built_in_template(name), values) for part, name in parts.items()}
    if "subject" in rendered and "html" not in rendered:
        rendered["html"] = html_of(_built_in_template(parts["txt"]).render, template, values)
    return message_of(rendered.get("subject"), rendered["txt"], rendered.get("html"))


def _template_parts(template: str, language: str) -> tuple[str, dict[str, str]]:
    """Return the parts of a template in a language, or in English where it lacks the language."""
    for code in (language, "en") if language in LANGUAGES else ():
        parts = _parts().get((code, template))
        if parts is not None:
            return code, parts
    raise TemplateUnknown(
        message(
            "There is no template '{template}' in '{language}'.",
            template=excerpt(template),
            language=excerpt(language),
        )
    )


def message_of(subject: str | None, text: str, html: str | None) -> RenderedMessage:
    """Return a message from its rendered parts: the subject on one line, the text with ordinary spaces."""
    for space in _NO_BREAK_SPACES:
        text = text.replace(space, " ")
    return RenderedMessage(
        subject=" ".join(subject.split()) if subject is not None else None,
        text=text.strip() + "\n",
        html=html,
    )


def fill_template(template: Template, values: dict[str, Any]) -> str:
    """Return a template filled in; its parts share the same values, which are not copied."""
    return "".join(template.root_render_func(template.new_context(values, shared=True)))


def html_of(fill: Callable[[dict[str, Any]], str], name: str, values: dict[str, Any]) -> str:
    """Return the page of a template without its own: its text in paragraphs, in the channel's frame."""
    marks = {part: f"\x00{part}\x00" for part in _PARTIALS}
    text = fill(values | marks)
    pages = {mark: values[part].__html__() for part, mark in marks.items()}
    head = {
        "\n".join((values[who], *values[f"{who}_address"])) for who in ("creditor", "collector", "debtor")
    }
    paragraphs = []
    for block in _EMPTY_LINES.split(text.strip()):
        paragraph = block.strip()
        if paragraph in pages:
            paragraphs.append(pages[paragraph])
        elif paragraph not in head:
            paragraphs.append(
                f"<p>{_with_passages(pages, str(escape(paragraph)).replace(chr(10), '<br>'))}</p>"
            )
    frame = _built_in_template(frame_of(name))
    content = Markup("\n".join(paragraphs))  # noqa: S704 - each of them was escaped
    return frame.render(values | {"content": content})


def _with_passages(pages: dict[str, str], text: str) -> str:
    for mark, page in pages.items():
        text = text.replace(mark, page)
    return text


def frame_of(template: str) -> str:
    """Return the frame of a template's page."""
    return _FRAMES["letter" if template.endswith("letter") else "email"]


def is_web_link(text: str) -> bool:
    """Return whether a text is a web address that a message can contain."""
    return _WEB_LINK.fullmatch(text) is not None


def values_of(language: str, facts: MessageFacts) -> dict[str, Any]:
    """Return the values of a template's variables, formatted for the language; raise HowToPayMissing."""
    locale = _LOCALES[language]
    contact = facts.contact_email or facts.contact_phone
    values: dict[str, Any] = {
        "language": language,
        "disclosure": disclosure(language),
        "creditor": facts.creditor,
        "collector": facts.collector or facts.creditor,
        "collector_address": facts.collector_address if facts.collector else facts.creditor_address,
        "payee": facts.payee or facts.creditor,
        "costs_of_law": _costs_of_law(),
        "debtor": facts.debtor,
        "reference": facts.reference,
        "balance": _amount_text(facts.balance, locale),
        "sent_on": _date_text(facts.sent_on, locale),
        "due_on": _date_text(facts.due_on, locale) if facts.due_on else None,
        "pay_by": _pay_by(facts, contact),
        "payment_link": facts.payment_link,
        "iban": ibans.grouped(facts.iban) if facts.iban else None,
        "contact": contact,
        "creditor_address": facts.creditor_address,
        "debtor_address": facts.debtor_address,
        "has_logo": facts.has_logo,
    }
    return values | {name: _Partial(f"{language}/{file}", values) for name, file in _PARTIALS.items()}


def disclosure(language: str) -> str:
    """Return the sentence with which an AI call opens."""
    return _DISCLOSURE.filled({}).translated(language)


@cache
def _costs_of_law() -> tuple[str, ...]:
    """Return art. L111-8 CPCE, paragraphs 2 and 3, quoted in French as art. R124-4 requires."""
    return tuple(_EMPTY_LINES.split(_sources()["costs_of_law.txt"].strip()))


class _Partial:
    """A built-in passage that a template includes (how to pay, or who writes), rendered only where used."""

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        self._name = name
        self._values = values

    def __str__(self) -> str:
        return fill_template(_built_in_template(f"{self._name}.txt"), self._values).strip()

    def __html__(self) -> str:
        return fill_template(_built_in_template(f"{self._name}.html"), self._values).strip()


@lru_cache(maxsize=1024)
def _date_text(day: date, locale: str) -> str:
    return format_date(day, "long", locale)


def _amount_text(money: Money, locale: str) -> str:
    if money.minor < 0:
        return _format_money(money, locale)
    digits = str(money.minor).rjust(decimals(money.currency) + 1, "0")
    return _amount_pattern(money.currency, locale, len(digits)).format(*digits)


@lru_cache(maxsize=1024)
def _amount_pattern(currency: str, locale: str, digits: int) -> str:
    """Return the pattern of amounts with this many digits, with a placeholder for each digit."""
    return _format_money(Money(int("1" * digits), currency), locale).replace("1", "{}")


def _format_money(money: Money, locale: str) -> str:
    # ISO decimals: Babel would round away the decimals that daily use has dropped.
    digits = decimals(money.currency)
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    pattern = pattern.replace(".00", "." + "0" * digits if digits else "")
    return format_currency(money.decimal, money.currency, pattern, locale=locale, currency_digits=False)


def has_way_to_pay(payment_link: str | None, iban: str | None, contact: str | None) -> bool:
    """Return whether a message with these facts tells how to pay: a payment link that is none forbids it."""
    return is_web_link(payment_link) if payment_link else bool(iban or contact)


def _pay_by(facts: MessageFacts, contact: str | None) -> str:
    if facts.payment_link:
        if not is_web_link(facts.payment_link):
            raise HowToPayMissing(message("The payment link is not an http or https URL."))
        return "link"
    if facts.iban:
        return "transfer"
    if contact:
        return "contact"
    raise HowToPayMissing(
        message("Add a payment_link to the debt, or an IBAN, e-mail address or phone number to the creditor.")
    )


def payment_detail(facts: MessageFacts) -> str:
    """Return the payment detail that a message must contain; raise HowToPayMissing where there is none."""
    contact = facts.contact_email or facts.contact_phone or ""
    details = {"link": facts.payment_link, "transfer": ibans.grouped(facts.iban) if facts.iban else None}
    return details.get(_pay_by(facts, contact)) or contact


@lru_cache(maxsize=1)
def environment() -> ImmutableSandboxedEnvironment:
    """Return the environment that renders templates: they reach nothing but their variables.

    Values are escaped in templates whose name ends with html.
    """
    sandbox = ImmutableSandboxedEnvironment(
        loader=DictLoader(_sources()),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    # All variables come with each message; the library's globals would be searched each time.
    sandbox.globals.clear()
    return sandbox


# The library's own cache takes a lock and a weak reference for each of a message's seven parts.
@cache
def _built_in_template(name: str) -> Template:
    return environment().get_template(name)


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    """Return every template by its name, such as `fr/wave_1_email.txt`."""
    root = files("getbill.channels") / "templates"
    shared = {file.name: file.read_text("utf-8") for file in root.iterdir() if file.is_file()}
    return shared | {
        f"{language}/{file.name}": file.read_text("utf-8")
        for language in LANGUAGES
        for file in (root / language).iterdir()
    }


@lru_cache(maxsize=1)
def _parts() -> dict[tuple[str, str], dict[str, str]]:
    """Return each template's parts by language (`subject`, `txt`, `html`); names with `_` are includes."""
    table: dict[tuple[str, str], dict[str, str]] = {}
    for name in _sources():
        language, _, file = name.rpartition("/")
        template, _, part = file.rpartition(".")
        if language and not template.startswith("_"):
            table.setdefault((language, template), {})[part] = name
    return table


def has_template(name: str, language: str, own_names: frozenset[str] | None) -> bool:
    """Return whether a template can be rendered in a language; an unknown set of own names has every name.

    A template of a workspace's own is rendered in another language where it lacks this one.
    """
    if name in built_in_names():
        return language in LANGUAGES
    return own_names is None or name in own_names


def source_of(template: str, language: str) -> dict[str, str]:
    """Return the sources of a built-in template's parts; raise TemplateUnknown where there is none."""
    _, parts = _template_parts(template, language)
    return {part: _sources()[name] for part, name in parts.items()}


@lru_cache(maxsize=1)
def built_in_names() -> tuple[str, ...]:
    """Return the names of the built-in templates."""
    return tuple(sorted({template for _, template in _parts()}))
