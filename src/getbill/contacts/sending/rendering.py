"""The words of a contact: its step's template filled with the debt as it stands, to the address known now.

Whatever is wrong with a message is found here, before anything leaves: a contact that cannot say how to pay, or
has no address, is skipped with that reason.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from getbill import channels, companies, templates
from getbill.channels import (
    AddressKind,
    Channel,
    HowToPayMissing,
    MessageFacts,
    TemplateUnknown,
    WordingBroken,
)
from getbill.channels.senders import MessageAuthor, Outgoing
from getbill.companies import Logo
from getbill.debtors import Identity
from getbill.debts import Debt
from getbill.kit import calendar, ids, messages
from getbill.kit.database import Transaction
from getbill.scenarios import Step
from getbill.templates import TemplateSet

# The IBAN of examples (ISO 13616): a sandbox whose company has none yet says how to pay with it, to nobody real.
_SANDBOX_IBAN = "FR1420041010050500013M02606"


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What a workspace writes with: its own templates, and the picture at the head of its e-mails."""

    templates: TemplateSet
    logo: Logo | None = None


async def load_render_context(tx: Transaction, workspace_id: UUID) -> RenderContext:
    """Return what a workspace writes with now."""
    return RenderContext(await templates.in_force(tx, workspace_id), await companies.logo(tx, workspace_id))


class CannotBeWritten(Exception):
    """The template is broken: the contact is set aside until it is mended; `detail` says why."""

    def __init__(self, detail: messages.Message) -> None:
        super().__init__(detail)
        self.detail = detail


class CannotBeSaid(Exception):
    """The contact has no address, or its message could not be written; the text says why."""


def address_of(identity: Identity, channel: Channel) -> str:
    """Return where a channel reaches the debtor; raise CannotBeSaid where it does not."""
    kind = channels.ADDRESS_OF[channel]
    if kind == AddressKind.EMAIL and identity.email:
        return identity.email
    if kind not in channels.reachable(identity.email, identity.phone, postal=identity.is_postal):
        raise CannotBeSaid(channels.MISSING[kind])
    if kind == AddressKind.POSTAL:
        return "\n".join([identity.name, *_address_lines(identity)])
    return identity.phone or ""


def render_message(
    debt: Debt, step: Step, key: str, now: datetime, render_context: RenderContext
) -> Outgoing:
    """Return the message of a step as it is taken for a debt; raise CannotBeSaid where there is none, CannotBeWritten where its template is broken."""
    identity, company = debt.debtor.identity, debt.workspace.company
    debtor_language = channels.language_of(identity.language, identity.country, company.language)
    language = step.language or debtor_language
    if step.notices and debt.details.creditor is None and company.collector == "third_party":
        # Art. R124-4 CPCE wants the creditor named.
        raise CannotBeSaid(messages.message("the creditor is not named"))
    logo = render_context.logo if step.channel == Channel.EMAIL and debt.details.creditor is None else None
    facts = _message_facts(debt, now, has_logo=logo is not None)
    try:
        message, version = render_context.templates.render(step.template, language, facts)
    except HowToPayMissing as error:
        raise CannotBeSaid(messages.message("no way to pay is known")) from error
    except TemplateUnknown as error:
        raise CannotBeSaid(
            messages.message(
                "no template {template} in {language}", template=step.template, language=language
            )
        ) from error
    except WordingBroken as error:
        raise CannotBeWritten(
            messages.message(
                "The template {template} in {language} cannot be sent: {why}",
                template=step.template,
                language=language,
                why=error.detail,
            )
        ) from error
    return Outgoing(
        key=key,
        channel=step.channel,
        address=address_of(identity, step.channel),
        writer=MessageAuthor(facts.creditor, company.email),
        subject=message.subject or facts.creditor,
        text=message.text,
        html=message.html,
        language=language,
        workspace=ids.show("workspace", debt.workspace_id),
        template=step.template,
        template_version=version,
        logo=(logo.media_type, logo.image) if logo else None,
        **_letter_fields(debt, step.channel, facts, now),
    )


def _letter_fields(debt: Debt, channel: Channel, facts: MessageFacts, now: datetime) -> dict[str, Any]:
    """Return what a letter carries besides its text; raise CannotBeSaid where it may not be posted without."""
    if channel != Channel.LETTER:
        return {}
    company = debt.workspace.company
    if debt.workspace.is_live and not company.address:
        raise CannotBeSaid(messages.message("the company has no letterhead"))
    if debt.workspace.is_live and company.country == "FR" and not company.imprint:
        # Art. R123-237 C. com.: number and register stand on every letter.
        raise CannotBeSaid(messages.message("the company's letterhead lacks its imprint"))
    try:
        channels.window(address_of(debt.debtor.identity, channel))
    except channels.AddressTooLong as error:
        raise CannotBeSaid(messages.message("the address does not fit a window")) from error
    return {
        "letterhead": (facts.collector or facts.creditor, *company.address),
        "imprint": company.imprint,
        "written_at": now,
    }


def _message_facts(debt: Debt, now: datetime, *, has_logo: bool) -> MessageFacts:
    identity, company, details = debt.debtor.identity, debt.workspace.company, debt.details
    iban = details.iban or company.iban
    if iban is None and not debt.workspace.is_live:
        iban = _SANDBOX_IBAN
    zone = identity.zones[0]
    return MessageFacts(
        creditor=details.creditor or company.name,
        collector=company.name if company.collector == "third_party" else None,
        debtor=identity.name,
        reference=debt.reference or "",
        balance=debt.money(debt.balance),
        sent_on=calendar.local_date(now, zone),
        due_on=debt.due_on,
        payment_link=details.payment_link,
        iban=iban,
        contact_email=company.email,
        contact_phone=company.phone,
        creditor_address=company.address,
        debtor_address=tuple(_address_lines(identity)),
        has_logo=has_logo,
    )


def _address_lines(identity: Identity) -> list[str]:
    town = " ".join(part for part in (identity.postal_code, identity.city) if part)
    country = identity.country if identity.country not in {None, calendar.DEFAULT_COUNTRY} else None
    return [line for line in (identity.street_line, town, country) if line]
