"""Obstacles of a step: what it lacks to leave now, whatever the hour, each with its way out.

Pure, and the only place that knows them: the plan of a debt, its timeline and the last look before departure
all ask here, so that none of them promises what another refuses. No text is rendered: whether a message can
be written depends on a few facts of workspace, debt and step, and is computed once for each combination.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from getbill import channels
from getbill.channels import Channel
from getbill.companies import Company
from getbill.debtors import Identity
from getbill.debts.model import Debt
from getbill.kit import calendar
from getbill.kit.messages import Message, message, template
from getbill.scenarios import Step

# The example IBAN (ISO 13616): means of payment of a sandbox whose company has none. No real account.
_SANDBOX_IBAN: Final = "FR1420041010050500013M02606"
_CASES_MAX: Final = 4096

_NO_PROVIDER: Final = template("no provider for {channel}")
_TEMPLATE_MISSING: Final = template("no template {template} in {language}")
_CREDITOR_UNNAMED: Final = template("the creditor has no name")
_NO_MEANS_OF_PAYMENT: Final = template("no means of payment is known")
_NO_LETTERHEAD: Final = template("the company has no letterhead")
_NO_IMPRINT: Final = template("the company's letterhead has no imprint")
_ADDRESS_TOO_LONG: Final = template("the address does not fit the envelope window")
# The texts of obstacles, as the ledger stores them, by their codes.
OBSTACLE_TEXTS: Final = {
    "NO-PROVIDER": _NO_PROVIDER,
    "TEMPLATE-MISSING": _TEMPLATE_MISSING,
    "CREDITOR-UNNAMED": _CREDITOR_UNNAMED,
    "NO-MEANS-OF-PAYMENT": _NO_MEANS_OF_PAYMENT,
    "NO-LETTERHEAD": _NO_LETTERHEAD,
    "NO-IMPRINT": _NO_IMPRINT,
    "ADDRESS-TOO-LONG": _ADDRESS_TOO_LONG,
}
OBSTACLE_WAYS_OUT: Final = {
    "NO-PROVIDER": message(
        "Configure SMTP or a gateway for this channel in the worker's settings, and restart the worker."
    ),
    "TEMPLATE-MISSING": message(
        "Give the step another template, or a language in which the template exists (fr, en, de or es), in a new"
        " version of its scenario; move the debt to it with `scenario_version` in PUT /debts/{id}."
    ),
    "CREDITOR-UNNAMED": message("Name the creditor in `company` with PUT /debts/{id}."),
    "NO-MEANS-OF-PAYMENT": message(
        "Send a `payment_link` or an `iban` with PUT /debts/{id}, or set the company's IBAN, e-mail address or"
        " phone number with `getbill company set`."
    ),
    "NO-LETTERHEAD": message("Set the company's address with `getbill company letterhead --address`."),
    "NO-IMPRINT": message("Set the company's imprint with `getbill company letterhead --address --imprint`."),
    "ADDRESS-TOO-LONG": message(
        "Shorten the debtor's address with PUT /debts/{id}: with the name, it may take 6 lines of 38"
        " characters."
    ),
}
# The text of a stored reason up to its first value.
_PREFIXES: Final = tuple(text.partition("{")[0] for text in OBSTACLE_TEXTS.values())


class Obstacle(NamedTuple):
    """A reason for which a step cannot leave: a stable code, its text, and what removes it."""

    code: str
    reason: Message
    way_out: Message


class MessageMeans(NamedTuple):
    """The facts of a debt and its workspace that decide whether a message can be written and handed over."""

    is_payable: bool
    is_creditor_named: bool
    has_letterhead: bool
    has_imprint: bool
    fits_window: bool
    # None where unknown: then a channel has a provider, and a template exists.
    provided_channels: frozenset[str] | None
    template_names: frozenset[str] | None


class _MessageNeeds(NamedTuple):
    """The facts of a step that decide it, on the channel that it uses."""

    channel: Channel
    template: str
    language: str | None
    has_notices: bool


def message_means(debt: Debt) -> MessageMeans:
    """Return the means with which a debt's messages are written."""
    workspace, company = debt.workspace, debt.workspace.company
    link, contact = debt.details.payment_link, company.email or company.phone
    return MessageMeans(
        is_payable=channels.has_way_to_pay(link, account_of(debt), contact),
        is_creditor_named=debt.details.creditor is not None or company.collector != "third_party",
        has_letterhead=not workspace.is_live or bool(company.address),
        has_imprint=not workspace.is_live or _has_imprint(company),
        fits_window=_fits_window(debt.debtor.identity),
        provided_channels=workspace.provided_channels,
        template_names=workspace.template_names,
    )


def account_of(debt: Debt) -> str | None:
    """Return the IBAN to which a debt is paid; a sandbox always has one."""
    iban = debt.details.iban or debt.workspace.company.iban
    return iban or (None if debt.workspace.is_live else _SANDBOX_IBAN)


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
    return channels.fits_window("\n".join([identity.name, *postal_lines(identity)]))


def obstacles_of(means: MessageMeans, step: Step) -> tuple[Obstacle, ...]:
    """Return everything that keeps a step from leaving on its own channel now; nothing if it can leave."""
    return _obstacles(means, _MessageNeeds(step.channel, step.template, step.language, bool(step.notices)))


def writing_obstacles(means: MessageMeans, step: Step) -> tuple[Obstacle, ...]:
    """Return everything that keeps the message of a step from being written."""
    return obstacles_of(means._replace(provided_channels=None), step)


@lru_cache(maxsize=_CASES_MAX)
def _obstacles(means: MessageMeans, needs: _MessageNeeds) -> tuple[Obstacle, ...]:
    is_letter = needs.channel == Channel.LETTER
    is_provided = means.provided_channels is None or needs.channel in means.provided_channels
    language = needs.language or "en"
    is_worded = channels.has_template(needs.template, language, means.template_names)
    present_by_code = {
        "NO-PROVIDER": is_provided,
        # Art. R124-4 CPCE requires that the creditor is named.
        "CREDITOR-UNNAMED": means.is_creditor_named or not needs.has_notices,
        "NO-MEANS-OF-PAYMENT": means.is_payable,
        "TEMPLATE-MISSING": is_worded,
        "NO-LETTERHEAD": means.has_letterhead or not is_letter,
        "NO-IMPRINT": means.has_imprint or not is_letter,
        "ADDRESS-TOO-LONG": means.fits_window or not is_letter,
    }
    facts = {"channel": str(needs.channel), "template": needs.template, "language": language}
    return tuple(_obstacle(code, facts) for code, is_present in present_by_code.items() if not is_present)


def _obstacle(code: str, facts: dict[str, str]) -> Obstacle:
    text = OBSTACLE_TEXTS[code]
    named_facts = {name: value for name, value in facts.items() if "{" + name + "}" in text}
    return Obstacle(code, text.filled(named_facts), OBSTACLE_WAYS_OUT[code])


def is_obstacle(reason: str) -> bool:
    """Return whether a stored reason is an obstacle: its step can be taken once that is removed."""
    return reason.startswith(_PREFIXES)
