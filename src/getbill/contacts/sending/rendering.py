"""The message of a contact: its step's template filled with the debt, for the current address.

Whether it can be written at all is known beforehand (`debts.writing_obstacles`); a broken template is found
here, before anything is sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from getbill import channels, companies, creditors, debts, templates
from getbill.channels import (
    AddressKind,
    Channel,
    MessageFacts,
    TemplateUnknown,
    WordingBroken,
)
from getbill.channels.senders import MessageAuthor, Outgoing
from getbill.companies import Logo
from getbill.debtors import Identity
from getbill.debts import Debt, Obstacle
from getbill.kit import calendar, ids, messages
from getbill.kit.database import Transaction
from getbill.scenarios import Step
from getbill.templates import TemplateSet


@dataclass(frozen=True, slots=True)
class RenderContext:
    """A workspace's custom templates and the header image of its e-mails."""

    templates: TemplateSet
    logo: Logo | None = None
    # By creditor, of those that have one.
    creditor_logos: Mapping[UUID, Logo] = field(default_factory=dict)

    def logo_of(self, debt: Debt) -> Logo | None:
        """Return the logo of a debt's creditor."""
        return self.logo if debt.creditor is None else self.creditor_logos.get(debt.creditor.id)


async def load_render_context(
    tx: Transaction, workspace_id: UUID, for_debts: Iterable[Debt], template_set: TemplateSet | None = None
) -> RenderContext:
    """Return a workspace's current templates, and the header images of its company and of these debts' creditors.

    `template_set` are its templates if they are known already.
    """
    creditors_with_logo = {debt.creditor.id for debt in for_debts if debt.creditor and debt.creditor.has_logo}
    return RenderContext(
        template_set or await templates.in_force(tx, workspace_id),
        await companies.logo(tx, workspace_id),
        await creditors.logos(tx, workspace_id, creditors_with_logo) if creditors_with_logo else {},
    )


class MessageNotRenderable(Exception):
    """The template is broken: the contact is set aside until it is repaired; `detail` says why."""

    def __init__(self, detail: messages.Message) -> None:
        super().__init__(detail)
        self.detail = detail


class StepNotPossible(Exception):
    """The contact has no address, or its message cannot be written; `reasons` say why, the first one first."""

    def __init__(self, *reasons: messages.Message, ways_out: tuple[messages.Message, ...] = ()) -> None:
        super().__init__(*reasons)
        self.reasons = reasons
        self.ways_out = ways_out

    @classmethod
    def of(cls, obstacles: tuple[Obstacle, ...]) -> "StepNotPossible":
        """Return the error of some obstacles."""
        return cls(
            *(obstacle.reason for obstacle in obstacles),
            ways_out=tuple(obstacle.way_out for obstacle in obstacles),
        )

    def __str__(self) -> str:
        return str(self.reasons[0])


def address_of(identity: Identity, channel: Channel) -> str:
    """Return a debtor's address on a channel; raise StepNotPossible if there is none."""
    kind = channels.ADDRESS_OF[channel]
    if kind == AddressKind.EMAIL and identity.email:
        return identity.email
    if kind not in channels.reachable(identity.email, identity.phone, postal=identity.is_postal):
        raise StepNotPossible(channels.MISSING[kind])
    if kind == AddressKind.POSTAL:
        return "\n".join([identity.name, *debts.postal_lines(identity)])
    return identity.phone or ""


def render_message(
    debt: Debt,
    step: Step,
    key: str,
    now: datetime,
    render_context: RenderContext,
    *,
    earlier_attempts: int = 0,
) -> Outgoing:
    """Render a step's message for a debt; raise StepNotPossible without one, MessageNotRenderable if broken."""
    identity, company = debt.debtor.identity, debt.workspace.company
    debtor_language = channels.language_of(identity.language, identity.country, company.language)
    language = step.language or debtor_language
    obstacles = debts.writing_obstacles(debts.message_means(debt), step)
    if obstacles:
        raise StepNotPossible.of(obstacles)
    logo = render_context.logo_of(debt) if step.channel == Channel.EMAIL else None
    facts = _message_facts(debt, now, has_logo=logo is not None)
    try:
        message, version = render_context.templates.render(step.template, language, facts)
    except TemplateUnknown as error:
        raise StepNotPossible(
            messages.message(
                "no template {template} in {language}", template=step.template, language=language
            )
        ) from error
    except WordingBroken as error:
        raise MessageNotRenderable(
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
        earlier_attempts=earlier_attempts,
        **_letter_fields(debt, step.channel, facts, now),
    )


def _letter_fields(debt: Debt, channel: Channel, facts: MessageFacts, now: datetime) -> dict[str, Any]:
    """Return the extra fields of a letter."""
    if channel != Channel.LETTER:
        return {}
    company = debt.workspace.company
    return {
        "letterhead": _sender_lines(facts),
        "imprint": company.imprint,
        "written_at": now,
    }


def _sender_lines(facts: MessageFacts) -> tuple[str, ...]:
    """Return the name and the address of who writes: a third party itself, otherwise the creditor."""
    if facts.collector is not None:
        return facts.collector, *facts.collector_address
    return facts.creditor, *facts.creditor_address


def _message_facts(debt: Debt, now: datetime, *, has_logo: bool) -> MessageFacts:
    identity, company, details = debt.debtor.identity, debt.workspace.company, debt.details
    account = debts.account_of(debt)
    zone = identity.zones[0]
    return MessageFacts(
        creditor=debt.creditor_name or company.name,
        collector=company.name if company.is_third_party else None,
        collector_address=company.address,
        payee=account.holder,
        debtor=identity.name,
        reference=debt.reference or "",
        balance=debt.money(debt.balance),
        sent_on=calendar.local_date(now, zone),
        due_on=debt.due_on,
        payment_link=details.payment_link,
        iban=account.iban,
        contact_email=company.email,
        contact_phone=company.phone,
        creditor_address=_creditor_address(debt),
        debtor_address=tuple(debts.postal_lines(identity)),
        has_logo=has_logo,
    )


def _creditor_address(debt: Debt) -> tuple[str, ...]:
    """Return the address of a debt's creditor; letters without one come back to the company."""
    company = debt.workspace.company
    if debt.creditor is None:
        return company.address
    return debt.creditor.profile.address_lines or (() if company.is_third_party else company.address)
