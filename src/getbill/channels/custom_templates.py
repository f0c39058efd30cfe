"""Custom templates: what a company's own wording may contain, and its validation before publication.

A template fills in its variables and reaches nothing else. It always names the sender and the way to pay, for
every payment method; an AI call opens with its disclosure (Regulation (EU) 2024/1689, art. 50).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from html import unescape
from typing import Any

from markupsafe import Markup

from getbill.channels import markup, sample_debts, template_source
from getbill.channels.messages import (
    NOTICES,
    MessageFacts,
    RenderedMessage,
    TemplateUnknown,
    disclosure,
    environment,
    frame_of,
    html_of,
    message_of,
    payment_detail,
    render,
    source_of,
    values_of,
)
from getbill.channels.model import Channel
from getbill.channels.template_source import WordingBroken
from getbill.kit import messages
from getbill.kit.messages import excerpt
from getbill.kit.money import Money

TEXT_MESSAGE_MAX = 640
# The wording of these templates is set by law, not by a company (art. R124-4 CPCE).
WORDED_BY_LAW = frozenset(NOTICES)
WITH_SUBJECT = frozenset({Channel.EMAIL, Channel.LETTER})

_CHANNELS = {
    "email": Channel.EMAIL,
    "sms": Channel.SMS,
    "call": Channel.AI_CALL,
    "letter": Channel.LETTER,
    "whatsapp": Channel.WHATSAPP,
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The parts of a template; without `html`, the page of an e-mail or a letter is made from `text`."""

    subject: str | None
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason not to publish a wording: the part (`subject`, `text`, `html`), a code, and a message."""

    part: str
    code: str
    detail: messages.Message


# The content check of a caller: the faults of a rendered part, of which `is_html` says whether it is markup.
ContentCheck = Callable[[str, str, bool], Iterator[Fault]]


def _no_content_faults(_part: str, _text: str, _is_html: bool) -> Iterator[Fault]:
    return iter(())


def channel_of(template: str) -> Channel:
    """Return the channel that a template's name ends with; raise TemplateUnknown where it ends with none."""
    channel = _CHANNELS.get(template.rpartition("_")[2])
    if channel is None:
        raise TemplateUnknown(
            messages.message("There is no template '{template}'.", template=excerpt(template))
        )
    return channel


def built_in_wording(template: str, language: str) -> Wording:
    """Return the source of a built-in template; raise TemplateUnknown where there is none."""
    parts = source_of(template, language)
    for name, passage in (("_pay", "how_to_pay"), ("_foot", "foot")):
        for part, text in parts.items():
            parts[part] = re.sub(rf'{{% include "\w+/{name}\.\w+" %}}', f"{{{{ {passage} }}}}", text)
    html = parts.get("html")
    if html is not None:
        html = html.partition("{% block body %}")[2].rpartition("{% endblock %}")[0].strip()
    return Wording(parts.get("subject", "").strip() or None, parts["txt"].strip(), html)


def render_wording(wording: Wording, template: str, language: str, facts: MessageFacts) -> RenderedMessage:
    """Return the message of a wording, or the built-in message where the law sets the wording.

    Raises HowToPayMissing where there is no way to pay, WordingBroken where the wording cannot be filled in,
    where its page contains disallowed markup, or where a mandatory statement is missing.
    """
    if template in WORDED_BY_LAW:
        return render(template, language, facts)
    message = _fill_template(wording, template, language, facts)
    for fault in _missing_statements(message, channel_of(template), language, facts):
        raise WordingBroken(messages.message("{part}: {fault}", part=fault.part, fault=fault.detail))
    return message.whole


@dataclass(frozen=True, slots=True)
class _FilledTemplate:
    """A message, and its own page inside the built-in frame."""

    whole: RenderedMessage
    page: str | None


def _fill_template(wording: Wording, template: str, language: str, facts: MessageFacts) -> _FilledTemplate:
    values = values_of(language, facts)
    page = html = None
    if wording.html is not None:
        page, findings = markup.sanitize(template_source.fill(wording.html, values, is_html=True))
        if findings:
            raise WordingBroken(_removal_message(wording.html, findings[0]))
        content = Markup(page)  # noqa: S704 - nothing is in it but what is allowed
        html = environment().get_template(frame_of(template)).render(values | {"content": content})
    elif wording.subject is not None:
        html = html_of(partial(template_source.fill, wording.text), template, values)
    subject = template_source.fill(wording.subject, values) if wording.subject is not None else None
    return _FilledTemplate(message_of(subject, template_source.fill(wording.text, values), html), page)


def _removal_message(source: str, finding: markup.MarkupFinding) -> messages.Message:
    """Return the error for disallowed markup, which quotes the author's source only.

    The rendered page contains a debtor's data too.
    """
    is_known = finding.source.lower() in source.lower()
    tag = excerpt(f"{finding.source}>") if is_known else messages.message("a tag")
    return messages.message(
        "html: an element in {tag} is not allowed in a message; a preview of the template names it.",
        tag=tag,
    )


def faults(
    wording: Wording, template: str, language: str, check_content: ContentCheck = _no_content_faults
) -> list[Fault]:
    """Return the reasons not to publish a wording; empty when it may be published.

    `check_content` sees each part as rendered for every sample debt.
    """
    channel = channel_of(template)
    problems = list(_faults_of_parts(wording, channel))
    if template in WORDED_BY_LAW:
        problems.append(
            Fault(
                "text",
                "worded-by-law",
                messages.message(
                    "The wording of {template} is prescribed by law and cannot be changed.", template=template
                ),
            )
        )
    for part, source in (("subject", wording.subject), ("text", wording.text), ("html", wording.html)):
        if source is not None:
            problems += _faults_of_source(part, source)
    return problems or list(_faults_of_message(wording, template, channel, language, check_content))


def _faults_of_parts(wording: Wording, channel: Channel) -> Iterator[Fault]:
    has_subject = channel in WITH_SUBJECT
    if has_subject and not (wording.subject or "").strip():
        yield Fault(
            "subject",
            "missing",
            messages.message("A template for {channel} requires a subject.", channel=channel),
        )
    if not has_subject:
        for part, source in (("subject", wording.subject), ("html", wording.html)):
            if source is not None:
                yield Fault(
                    part,
                    "not-on-this-channel",
                    messages.message("A template for {channel} consists of text only.", channel=channel),
                )


def _faults_of_source(part: str, source: str) -> Iterator[Fault]:
    for fault in template_source.faults_of(source, _variable_names()):
        yield Fault(part, fault.code, fault.detail)


@lru_cache(maxsize=1)
def _variable_names() -> frozenset[str]:
    return frozenset(values_of("en", sample_debts.PLAIN))


def variables() -> list[str]:
    """Return the names of the variables that a template may use."""
    return sorted(_variable_names())


def _faults_of_message(
    wording: Wording, template: str, channel: Channel, language: str, check_content: ContentCheck
) -> Iterator[Fault]:
    """Yield each fault of the message once, with every combination of present and absent facts."""
    parts = {"subject": wording.subject, "text": wording.text, "html": wording.html}
    names = template_source.names_in([source for source in parts.values() if source is not None])
    size = sum(len(source) for source in parts.values() if source is not None)
    reported: set[tuple[str, str]] = set()
    for facts in sample_debts.every(names, size):
        for fault in _faults_with(wording, template, channel, language, facts, check_content):
            if (fault.part, fault.code) not in reported:
                reported.add((fault.part, fault.code))
                yield fault
        if any(code == "not-rendered" for _, code in reported):
            # The next sample costs as much and gives the same result.
            return
    if not reported:
        yield from _faults_of_hostile(wording, language)


def _faults_with(
    wording: Wording,
    template: str,
    channel: Channel,
    language: str,
    facts: MessageFacts,
    check_content: ContentCheck,
) -> Iterator[Fault]:
    if wording.html is not None:
        yield from _faults_of_page(wording.html, language, facts)
    try:
        message = _fill_template(wording, template, language, facts)
    except WordingBroken as error:
        # A fault of the page was reported already.
        if wording.html is None or not str(error).startswith("html: "):
            yield Fault("text", "not-rendered", error.detail)
        return
    yield from _missing_statements(message, channel, language, facts)
    for part, text in (
        ("subject", message.whole.subject),
        ("text", message.whole.text),
        ("html", message.page),
    ):
        if text is not None:
            yield from check_content(part, text, part == "html")
    if channel == Channel.SMS and len(message.whole.text) > TEXT_MESSAGE_MAX:
        detail = messages.message("A text message may have at most {most} characters.", most=TEXT_MESSAGE_MAX)
        yield Fault("text", "too-long", detail)


def _faults_of_page(source: str, language: str, facts: MessageFacts) -> Iterator[Fault]:
    try:
        page = template_source.fill(source, values_of(language, facts), is_html=True)
    except WordingBroken as error:
        yield Fault("html", "not-rendered", error.detail)
        return
    _, findings = markup.sanitize(page)
    for finding in findings:
        yield Fault("html", finding.code, _located(source, finding))
    if wrong := template_source.unprintable(unescape(page)):
        yield Fault("html", "not-encodable", wrong)


def _located(source: str, finding: markup.MarkupFinding) -> messages.Message:
    """Return a finding with its line: in the source where it occurs there, else in the rendered page."""
    at = source.lower().find(finding.source.lower())
    if at < 0:
        return messages.message("Line {line} of the page: {fault}", line=finding.line, fault=finding.detail)
    line = source.count("\n", 0, at) + 1
    return messages.message("Line {line}: {fault}", line=line, fault=finding.detail)


def _faults_of_hostile(wording: Wording, language: str) -> Iterator[Fault]:
    """Yield the fault that a name with quotes, spaces and tags would cause in the page."""
    if wording.html is None:
        return
    for fault in _faults_of_page(wording.html, language, sample_debts.HOSTILE):
        way_out = messages.message(
            'Use variables in text and in double-quoted attributes (title="{{ reference }}"), never in a style.'
        )
        yield Fault(fault.part, fault.code, messages.joined([fault.detail, way_out]))
        return


def _missing_statements(
    message: _FilledTemplate, channel: Channel, language: str, facts: MessageFacts
) -> Iterator[Fault]:
    """Yield the mandatory statements that are missing: the sender, the way to pay, the AI disclosure."""
    payment = payment_detail(facts)
    bodies = {"text": message.whole.text}
    if message.page is not None:
        bodies["html"] = unescape(message.page)
    for part, body in bodies.items():
        visible_text = _spaced(body)
        if _spaced(facts.creditor) not in visible_text:
            detail = messages.message(
                "State the sender: {{ creditor }} or {{ foot }}, under every condition."
            )
            yield Fault(part, "no-sender", detail)
        if _spaced(payment) not in visible_text:
            detail = messages.message("State how to pay: {{ how_to_pay }}, under every condition.")
            yield Fault(part, "no-way-to-pay", detail)
    if channel == Channel.AI_CALL and not message.whole.text.startswith(disclosure(language)):
        detail = messages.message("An AI call must begin with {{ disclosure }}.")
        yield Fault("text", "no-disclosure", detail)


def _spaced(text: str) -> str:
    """Return a text with each run of whitespace replaced by one ordinary space."""
    return " ".join(text.split())


def sample(**changes: Any) -> MessageFacts:
    """Return the facts of a sample debt, to preview a template."""
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
