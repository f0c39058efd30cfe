"""The words of a contact: its step's template filled with the debt as it stands, to the address known now.

Whatever is wrong with a message is found here, before anything leaves: a contact that cannot say how to pay, or
has no address, is skipped with that reason.
"""

from datetime import datetime

from getbill import channels, debts
from getbill.channels import AddressKind, Channel, HowToPayMissing, MessageFacts, TemplateUnknown
from getbill.channels.senders import Outgoing, Writer
from getbill.debtors import Identity
from getbill.debts import Debt
from getbill.kit import calendar
from getbill.scenarios import Step

# The IBAN of examples (ISO 13616): a sandbox whose company has none yet says how to pay with it, to nobody real.
_SANDBOX_IBAN = "FR1420041010050500013M02606"


class CannotBeSaid(Exception):
    """The contact has no address, or its message could not be written; the text says why."""


def address_of(identity: Identity, channel: Channel) -> str:
    """Return where a channel reaches the debtor; raise CannotBeSaid where it does not."""
    kind = channels.ADDRESS_OF[channel]
    known = channels.reachable(identity.email, identity.phone, postal=identity.is_postal)
    if kind not in known:
        raise CannotBeSaid(channels.MISSING[kind])
    if kind == AddressKind.POSTAL:
        return "\n".join([identity.name, *_lines(identity)])
    return (identity.email if kind == AddressKind.EMAIL else identity.phone) or ""


def write(debt: Debt, step: Step, key: str, now: datetime) -> Outgoing:
    """Return the message of a step as it is taken for a debt; raise CannotBeSaid where there is none."""
    identity, company = debt.debtor.identity, debt.workspace.company
    own = channels.language_of(identity.language, identity.country, company.language)
    language = step.language or own
    if step.notices and debt.details.creditor is None and company.collector == "third_party":
        # Art. R124-4 CPCE wants the creditor named.
        raise CannotBeSaid("the creditor is not named")
    facts = _facts(debt, now)
    try:
        message = channels.render(step.template, language, facts)
    except HowToPayMissing as error:
        raise CannotBeSaid("no way to pay is known") from error
    except TemplateUnknown as error:
        raise CannotBeSaid(f"no template {step.template} in {language}") from error
    return Outgoing(
        key=key,
        channel=step.channel,
        address=address_of(identity, step.channel),
        writer=Writer(facts.creditor, company.email),
        subject=message.subject or facts.creditor,
        text=message.text,
        html=message.html,
        language=language,
    )


def _facts(debt: Debt, now: datetime) -> MessageFacts:
    identity, company, details = debt.debtor.identity, debt.workspace.company, debt.details
    iban = details.iban or company.iban
    if iban is None and not debt.workspace.is_live:
        iban = _SANDBOX_IBAN
    zone = debts.zones_of(identity)[0]
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
        debtor_address=tuple(_lines(identity)),
    )


def _lines(identity: Identity) -> list[str]:
    street = " ".join(part for part in (identity.street_number, identity.street_address) if part)
    town = " ".join(part for part in (identity.postal_code, identity.city) if part)
    country = identity.country if identity.country not in {None, calendar.DEFAULT_COUNTRY} else None
    return [line for line in (street, town, country) if line]
