"""What a debtor reads or hears: a template filled with plain facts, in their language.

Every message says who writes, the reference, what is owed and how to pay; a message that could not say how
to pay is not rendered. An AI call opens by saying that it is one (Regulation (EU) 2024/1689, art. 50).
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import DictLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from getbill.kit import ibans
from getbill.kit.money import Money, decimals

LANGUAGES = ("fr", "en")
# What the law wants said once, by the template that says it.
NOTICES = {"opening_letter": ("FR-R124-4",)}
# Art. L111-8 CPCE, paragraphs 2 and 3, as art. R124-4 wants them quoted.
_COSTS_OF_LAW = (
    (
        "Les frais de recouvrement entrepris sans titre exécutoire restent à la charge du créancier, sauf s'ils"
        " concernent un acte dont l'accomplissement est prescrit par la loi. Toute stipulation contraire est réputée"
        " non écrite, sauf disposition législative contraire."
    ),
    (
        "Cependant, le créancier qui justifie du caractère nécessaire des démarches entreprises pour recouvrer sa"
        " créance peut demander au juge de l'exécution de laisser tout ou partie des frais ainsi exposés à la charge"
        " du débiteur de mauvaise foi."
    ),
)
DISCLOSURES = {
    "fr": "Bonjour, je suis un assistant vocal : vous parlez à une intelligence artificielle.",
    "en": "Hello, I am a voice assistant: you are speaking to an artificial intelligence.",
}
_LOCALES = {"fr": "fr_FR", "en": "en_GB"}
_FRENCH_SPEAKING = frozenset(
    {"FR", "MC", "GP", "MQ", "GF", "RE", "PM", "YT", "BL", "MF", "TF", "WF", "PF", "NC"}
)
# Babel parts digits with no-break spaces. In plain text they would force a text message into 70-character
# pieces (3GPP TS 23.038), and break a search for the amount.
_NO_BREAK_SPACES = str.maketrans("\u00a0\u202f", "  ")
_WEB_LINK = re.compile(r"https?://\S+")


class TemplateUnknown(LookupError):
    """No template has that name in that language."""


class HowToPayMissing(ValueError):
    """Neither a payment link, nor an IBAN, nor a way to ask: the message would lead nowhere."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What templates may say. Addresses are lines as printed on a letter, the name not among them."""

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
    # Who collects, where it is not the creditor itself.
    collector: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message; `subject` and `html` are None where the channel has none."""

    subject: str | None
    text: str
    html: str | None


def language_of(language: str | None, country: str | None, default: str = "en") -> str:
    """Return the language to write in: the debtor's own, else their country's, else `default`.

    `language` is a BCP 47 tag, of which the first part counts; English stands in for one without templates.
    """
    own = (language or "").replace("_", "-").split("-")[0].lower()
    if own in LANGUAGES:
        return own
    if country:
        return "fr" if country.upper() in _FRENCH_SPEAKING else "en"
    return default if default in LANGUAGES and not own else "en"


def render(template: str, language: str, facts: MessageFacts) -> Message:
    """Return the message; raise `TemplateUnknown`, `HowToPayMissing`, or Jinja's error on an unknown variable."""
    parts = _parts().get((language, template))
    if parts is None:
        raise TemplateUnknown(f"There is no template {template!r} in {language!r}.")
    values = _values(language, facts)
    rendered = {part: _environment().get_template(name).render(values) for part, name in parts.items()}
    subject = rendered.get("subject")
    return Message(
        subject=" ".join(subject.split()) if subject is not None else None,
        text=rendered["txt"].translate(_NO_BREAK_SPACES).strip() + "\n",
        html=rendered.get("html"),
    )


def is_web_link(text: str) -> bool:
    """Tell whether a text is a web address that a message can carry."""
    return _WEB_LINK.fullmatch(text) is not None


def _values(language: str, facts: MessageFacts) -> dict[str, Any]:
    locale = _LOCALES[language]
    contact = facts.contact_email or facts.contact_phone
    return {
        "language": language,
        "disclosure": DISCLOSURES[language],
        "creditor": facts.creditor,
        "collector": facts.collector or facts.creditor,
        "costs_of_law": _COSTS_OF_LAW,
        "debtor": facts.debtor,
        "reference": facts.reference,
        "balance": _written(facts.balance, locale),
        "sent_on": format_date(facts.sent_on, "long", locale),
        "due_on": format_date(facts.due_on, "long", locale) if facts.due_on else None,
        "pay_by": _pay_by(facts, contact),
        "payment_link": facts.payment_link,
        "iban": ibans.grouped(facts.iban) if facts.iban else None,
        "contact": contact,
        "creditor_address": facts.creditor_address,
        "debtor_address": facts.debtor_address,
    }


def _written(money: Money, locale: str) -> str:
    # With ISO's decimals: Babel's own would round away those that daily use has dropped.
    digits = decimals(money.currency)
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    pattern = pattern.replace(".00", "." + "0" * digits if digits else "")
    return format_currency(money.decimal, money.currency, pattern, locale=locale, currency_digits=False)


def _pay_by(facts: MessageFacts, contact: str | None) -> str:
    if facts.payment_link:
        if not is_web_link(facts.payment_link):
            raise HowToPayMissing("The payment link is not an http or https address.")
        return "link"
    if facts.iban:
        return "transfer"
    if contact:
        return "contact"
    raise HowToPayMissing(
        "Give the debt a payment_link, or the creditor an IBAN, an e-mail address or a phone."
    )


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(_sources()),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )


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
    """Return for each language and template its parts (`subject`, `txt`, `html`); those with `_` are included."""
    table: dict[tuple[str, str], dict[str, str]] = {}
    for name in _sources():
        language, _, file = name.rpartition("/")
        template, _, part = file.rpartition(".")
        if language and not template.startswith("_"):
            table.setdefault((language, template), {})[part] = name
    return table


def template_names() -> frozenset[str]:
    """Return the names of the templates there are in every language."""
    tables = [{template for one, template in _parts() if one == language} for language in LANGUAGES]
    return frozenset(set.intersection(*tables))
