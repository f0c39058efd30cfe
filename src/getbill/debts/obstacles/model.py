"""The obstacles of a step by their codes, each with its text and its way out; computed once for each combination of facts."""

from functools import lru_cache
from typing import Final, NamedTuple

from getbill import channels
from getbill.channels import Channel
from getbill.debts.obstacles.means import MessageMeans
from getbill.kit.messages import Message, message, template
from getbill.scenarios import Step

_CASES_MAX: Final = 4096

_NO_PROVIDER: Final = template("no provider for {channel}")
_TEMPLATE_MISSING: Final = template("no template {template} in {language}")
_NOT_THIRD_PARTY: Final = template("the company is not a third-party collector")
_NO_MEANS_OF_PAYMENT: Final = template("no means of payment is known")
_NO_LETTERHEAD: Final = template("the company has no letterhead")
_NO_IMPRINT: Final = template("the company's letterhead has no imprint")
_ADDRESS_TOO_LONG: Final = template("the address does not fit the envelope window")
# The texts of obstacles, as the ledger stores them, by their codes.
OBSTACLE_TEXTS: Final = {
    "NO-PROVIDER": _NO_PROVIDER,
    "TEMPLATE-MISSING": _TEMPLATE_MISSING,
    "NOT-THIRD-PARTY": _NOT_THIRD_PARTY,
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
    "NOT-THIRD-PARTY": message(
        "The scenario states that you collect for somebody else: choose another one with PUT /debts/{id}."
    ),
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


class _MessageNeeds(NamedTuple):
    """The facts of a step that decide it, on the channel that it uses."""

    channel: Channel
    template: str
    language: str | None
    has_notices: bool


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
        # The notice states that the company collects for somebody else.
        "NOT-THIRD-PARTY": means.is_third_party or not needs.has_notices,
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
