"""The means of a debt's messages: the facts of a debt and its workspace on which obstacles depend."""

from typing import NamedTuple

from getbill import channels
from getbill.companies import Company
from getbill.debtors import Identity
from getbill.debts.model import Debt
from getbill.debts.obstacles.accounts import account_of
from getbill.kit import calendar


class MessageMeans(NamedTuple):
    """The facts of a debt and its workspace that decide whether a message can be written and handed over."""

    is_payable: bool
    is_third_party: bool
    has_letterhead: bool
    has_imprint: bool
    fits_window: bool
    # None where unknown: then a channel has a provider, and a template exists.
    provided_channels: frozenset[str] | None
    template_names: frozenset[str] | None


def message_means(debt: Debt) -> MessageMeans:
    """Return the means with which a debt's messages are written."""
    workspace, company = debt.workspace, debt.workspace.company
    link, contact = debt.details.payment_link, company.email or company.phone
    return MessageMeans(
        is_payable=channels.has_way_to_pay(link, account_of(debt).iban, contact),
        is_third_party=company.is_third_party,
        has_letterhead=not workspace.is_live or bool(company.address),
        has_imprint=not workspace.is_live or _has_imprint(company),
        fits_window=_fits_window(debt.debtor.identity),
        provided_channels=workspace.provided_channels,
        template_names=workspace.template_names,
    )


def postal_lines(identity: Identity) -> list[str]:
    """Return the lines of a debtor's postal address, without the name."""
    town = " ".join(part for part in (identity.postal_code, identity.city) if part)
    country = identity.country if identity.country not in {None, calendar.DEFAULT_COUNTRY} else None
    return [line for line in (identity.street_line, town, country) if line]


def _has_imprint(company: Company) -> bool:
    # Art. R123-237 C. com.: registration number and register appear on every letter.
    return company.country != "FR" or bool(company.imprint)


def _fits_window(identity: Identity) -> bool:
    if not identity.is_postal:
        return True
    street = f"{identity.street_number or ''}, {identity.street_address or ''}"
    town = f"{identity.postal_code or ''} {identity.city or ''}"
    if channels.fits_line(identity.name) and channels.fits_line(street) and channels.fits_line(town):
        # As most addresses: each part takes one line.
        return True
    return channels.fits_window("\n".join([identity.name, *postal_lines(identity)]))
