"""A template in a company's own words: what it may say, and what is checked before it is published.

It fills in what it is given and reaches nothing else. It always says who writes and how to pay, whichever way there
is; a voice that is a machine's opens by saying so (Regulation (EU) 2024/1689, art. 50).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from markupsafe import Markup, escape

from getbill.channels.messages import (
    DISCLOSURES,
    NOTICES,
    Message,
    MessageFacts,
    TemplateUnknown,
    environment,
    frame_of,
    html_of,
    message_of,
    source_of,
    values_of,
)
from getbill.channels.model import Channel
from getbill.kit import messages
from getbill.kit.messages import excerpt
from getbill.kit.money import Money

CHARACTERS_MAX = 20_000
TEXT_MESSAGE_MAX = 640
# The law words these, not a company (art. R124-4 CPCE).
WORDED_BY_LAW = frozenset(NOTICES)
WITH_SUBJECT = frozenset({Channel.EMAIL, Channel.LETTER})

_CHANNELS = {
    "email": Channel.EMAIL,
    "sms": Channel.SMS,
    "call": Channel.AI_CALL,
    "letter": Channel.LETTER,
    "whatsapp": Channel.WHATSAPP,
}
_LISTS = frozenset({"creditor_address", "debtor_address"})
_FILTERS = frozenset({"upper", "lower", "capitalize", "trim"})
_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Const,
    nodes.Filter,
)
# Nothing that runs, and nothing fetched when the message is opened: reading is not watched.
_ACTIVE = re.compile(
    r"<\s*(script|iframe|object|embed|form|link|meta|base)\b|<\s*(img|video|audio)\b|\son\w+\s*=|url\s*\(|"
    r"javascript:|\bbackground\s*=",
    re.IGNORECASE,
)
_PROBE = MessageFacts(
    creditor="Qzcreditor",
    debtor="Qzdebtor",
    reference="Qz-1",
    balance=Money(234_000, "EUR"),
    sent_on=date(2024, 3, 15),
    due_on=date(2024, 1, 15),
    payment_link="https://pay.qz.example/p",
    creditor_address=("1 rue Qz", "75001 PARIS"),
    debtor_address=("2 rue Qz", "69001 LYON"),
)
# Each way to pay that a debt may have, and what of it a debtor must read.
_PROBES = (
    (_PROBE, "https://pay.qz.example/p"),
    (
        replace(_PROBE, payment_link=None, iban="FR7630006000011234567890189"),
        "FR76 3000 6000 0112 3456 7890 189",
    ),
    (replace(_PROBE, payment_link=None, contact_email="pay@qz.example", due_on=None), "pay@qz.example"),
)


@dataclass(frozen=True, slots=True)
class Wording:
    """A template's parts; without `html` the page of an e-mail or a letter is made of its text."""

    subject: str | None
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a wording from being published: the part (`subject`, `text`, `html`), a code, and a sentence."""

    part: str
    code: str
    detail: messages.Message


def channel_of(template: str) -> Channel:
    """Return the channel a template is for, which its name ends with; raise TemplateUnknown where it does not."""
    found = _CHANNELS.get(template.rpartition("_")[2])
    if found is None:
        raise TemplateUnknown(
            messages.message("There is no template '{template}'.", template=excerpt(template))
        )
    return found


def built_in_wording(template: str, language: str) -> Wording:
    """Return a template of ours as a company would write it; raise TemplateUnknown where there is none."""
    parts = source_of(template, language)
    for name, passage in (("_pay", "how_to_pay"), ("_foot", "foot")):
        for part, text in parts.items():
            parts[part] = re.sub(rf'{{% include "\w+/{name}\.\w+" %}}', f"{{{{ {passage} }}}}", text)
    html = parts.get("html")
    if html is not None:
        html = html.partition("{% block body %}")[2].rpartition("{% endblock %}")[0].strip()
    return Wording(parts.get("subject", "").strip() or None, parts["txt"].strip(), html)


def render_wording(wording: Wording, template: str, language: str, facts: MessageFacts) -> Message:
    """Return the message of a wording that was checked; raise HowToPayMissing where there is no way to pay."""
    values = values_of(language, facts)
    text = _compiled(wording.text)
    html = None
    if wording.html is not None:
        content = Markup(_compiled(wording.html, is_html=True).render(values))  # noqa: S704 - it was rendered escaping
        html = environment().get_template(frame_of(template)).render(values | {"content": content})
    elif wording.subject is not None:
        html = html_of(text, template, values)
    subject = _compiled(wording.subject).render(values) if wording.subject is not None else None
    return message_of(subject, text.render(values), html)


@lru_cache(maxsize=2048)
def _compiled(source: str, *, is_html: bool = False) -> Template:
    # Autoescaping goes by a template's name, and these have none.
    return environment(escapes=is_html).from_string(source)


def faults(wording: Wording, template: str, language: str) -> list[Fault]:
    """Return what keeps a wording from being published; nothing when it may be."""
    channel = channel_of(template)
    found = list(_faults_of_parts(wording, channel))
    if template in WORDED_BY_LAW:
        found.append(
            Fault(
                "text",
                "worded-by-law",
                messages.message(
                    "The law says what {template} says; it cannot be changed.", template=template
                ),
            )
        )
    sources = {"subject": wording.subject, "text": wording.text, "html": wording.html}
    for part, source in sources.items():
        if source is not None:
            found += _faults_of_source(part, source)
    return found or list(_faults_of_message(wording, template, channel, language))


def _faults_of_parts(wording: Wording, channel: Channel) -> Iterator[Fault]:
    has_subject = channel in WITH_SUBJECT
    if has_subject and not (wording.subject or "").strip():
        yield Fault(
            "subject", "missing", messages.message("A template for {channel} has a subject.", channel=channel)
        )
    if not has_subject:
        for part, source in (("subject", wording.subject), ("html", wording.html)):
            if source is not None:
                yield Fault(
                    part,
                    "not-on-this-channel",
                    messages.message("A template for {channel} has a text only.", channel=channel),
                )


def _faults_of_source(part: str, source: str) -> Iterator[Fault]:
    if len(source) > CHARACTERS_MAX:
        yield Fault(
            part,
            "too-long",
            messages.message("A template has at most {most} characters.", most=CHARACTERS_MAX),
        )
        return
    try:
        tree = environment().parse(source)
    except TemplateSyntaxError as error:
        yield Fault(
            part,
            "syntax",
            messages.message(
                "Line {line} cannot be read: {passage} Check its braces, its tags and its quotes.",
                line=error.lineno,
                passage=excerpt(source.splitlines()[error.lineno - 1].strip() if source.splitlines() else ""),
            ),
        )
        return
    if part == "html" and (active := _ACTIVE.search(source)):
        detail = messages.message(
            "'{passage}' cannot stand in a message: nothing runs, nothing is fetched on opening.",
            passage=excerpt(active.group().strip()),
        )
        yield Fault(part, "active-content", detail)
    known, loops = _known(), 0
    own: set[str] = set()
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.For):
            loops += 1
            own |= {name.name for name in node.find_all(nodes.Name) if name.ctx == "store"}
            if not (isinstance(node.iter, nodes.Name) and node.iter.name in _LISTS):
                yield Fault(
                    part,
                    "not-a-list",
                    messages.message(
                        "Line {line}: only {lists} are lists.", line=node.lineno, lists=_names(_LISTS)
                    ),
                )
        elif not isinstance(node, _NODES) or (isinstance(node, nodes.Filter) and node.name not in _FILTERS):
            yield Fault(
                part,
                "not-allowed",
                messages.message(
                    "Line {line}: a template cannot do that ({kind}).", line=node.lineno, kind=_kind(node)
                ),
            )
        elif isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in known | own:
            detail = messages.message(
                "Line {line}: there is no '{name}'; there are {known}.",
                line=node.lineno,
                name=excerpt(node.name),
                known=_names(known),
            )
            yield Fault(part, "unknown-variable", detail)
    if loops > len(_LISTS):
        yield Fault(part, "too-many-loops", messages.message("A template lists each address once."))


def _kind(node: nodes.Node) -> str:
    return node.name if isinstance(node, nodes.Filter) else type(node).__name__.lower()


def _names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(values_of("en", _PROBE))


def variables() -> list[str]:
    """Return the names of what a template may say."""
    return sorted(_known())


def _faults_of_message(wording: Wording, template: str, channel: Channel, language: str) -> Iterator[Fault]:
    told: set[tuple[str, str]] = set()
    for fault in _of_probes(wording, template, channel, language):
        if (fault.part, fault.code) not in told:
            told.add((fault.part, fault.code))
            yield fault


def _of_probes(wording: Wording, template: str, channel: Channel, language: str) -> Iterator[Fault]:
    for facts, way in _PROBES:
        try:
            message = render_wording(wording, template, language, facts)
        except TemplateError:
            detail = messages.message(
                "It could not be filled in with what is known of a debt. Check its conditions."
            )
            yield Fault("text", "not-rendered", detail)
            return
        bodies = {"text": message.text}
        if wording.html is not None:
            bodies["html"] = _compiled(wording.html, is_html=True).render(values_of(language, facts))
        for part, body in bodies.items():
            shown = body.replace("\u00a0", " ").replace("\u202f", " ")
            if facts.creditor not in shown:
                yield Fault(
                    part,
                    "no-sender",
                    messages.message("Say who writes: {{ creditor }} or {{ foot }}, in every case."),
                )
            if way not in shown and str(escape(way)) not in shown:
                yield Fault(
                    part,
                    "no-way-to-pay",
                    messages.message("Say how to pay: {{ how_to_pay }}, in every case."),
                )
        if channel == Channel.AI_CALL and not message.text.startswith(DISCLOSURES[language]):
            yield Fault("text", "no-disclosure", messages.message("An AI call opens with {{ disclosure }}."))
        if channel == Channel.SMS and len(message.text) > TEXT_MESSAGE_MAX:
            yield Fault(
                "text",
                "too-long",
                messages.message(
                    "A text message has at most {most} characters.",
                    most=TEXT_MESSAGE_MAX,
                ),
            )


def sample(**changes: Any) -> MessageFacts:
    """Return the facts of nobody's debt, to preview a template with."""
    facts = MessageFacts(
        creditor="Acme",
        debtor="Jean Dupont",
        reference="INV-2024-0042",
        balance=Money(234_000, "EUR"),
        sent_on=date(2024, 3, 15),
        due_on=date(2024, 1, 15),
        debtor_address=("2 rue des Lilas", "69001 LYON"),
    )
    return replace(facts, **changes)
