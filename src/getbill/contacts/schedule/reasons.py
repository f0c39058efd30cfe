"""Reasons of the schedule as people read them: why a step is moved or will not be taken, and the way out.

The ledger stores a reason as its English text; `stored_reason` returns the code and the message of one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

from getbill import companies, debts
from getbill.channels import MISSING
from getbill.compliance import Basis, ConsentRequired, FailedRule, Suppression
from getbill.creditors import ContactGap
from getbill.debts import Debt, Obstacle
from getbill.kit.messages import Message, Template, message, template
from getbill.scenarios import Step

ADDRESS_MISSING: Final = "SCENARIO-ADDRESS"
_EXPENSIVE: Final = "EXPENSIVE-DESTINATION"
_CONDITION: Final = "SCENARIO-CONDITION"

_SETTINGS: Final = message("the workspace's settings")
_INSTALLATION: Final = message("the installation's settings")
_SCENARIO: Final = message("the scenario")
_DEBTOR: Final = message("the debtor")
_DEBT: Final = message("the debt")
_COMPANY: Final = message("the company")
_SOURCES: Final = {
    "NO-PROVIDER": _INSTALLATION,
    "TEMPLATE-MISSING": _SCENARIO,
    "NOT-THIRD-PARTY": _COMPANY,
    "NO-MEANS-OF-PAYMENT": _DEBT,
    "NO-LETTERHEAD": _COMPANY,
    "NO-IMPRINT": _COMPANY,
    "ADDRESS-TOO-LONG": _DEBTOR,
}
_SWITCH_TEXTS: Final = {
    companies.STOPPED: message("Contact is stopped. Missed steps are handled as the scenario defines."),
    companies.DRY_RUN: message("Dry run: messages are scheduled and rendered, but not sent."),
}
_SWITCH_ON: Final = message(
    'Switch contact on with PUT /contact and {"contact": "on"}; if GET /contact shows that the installation is'
    " stopped, with `getbill contact resume --installation`."
)
_ADD_ADDRESS: Final = message("Add the address with PUT /debts/{id}.")
_SEND_OTHER_NUMBER: Final = message(
    "Send another number with PUT /debts/{id}, or `accept_expensive_destination: true`."
)
_GIVE_NOTICE: Final = message(
    "Choose a scenario that gives this notice first, such as `third_party_fr` in France, with PUT /debts/{id}."
)
_NO_NOTICE_YET: Final = message(
    "No template gives this notice yet: a third party cannot contact consumers in this country."
)
# What makes a rule allow a contact that waiting does not.
_WAYS_OUT_BY_LIMIT: Final = {
    Suppression: message(
        "GET /suppressions with the address shows the reason. Lift it with DELETE /suppressions/{id} only if the"
        " debtor agrees."
    ),
    ConsentRequired: message("Record the debtor's consent with POST /consents."),
}
_WAYS_OUT: Final = debts.OBSTACLE_WAYS_OUT | {
    ADDRESS_MISSING: _ADD_ADDRESS,
    _EXPENSIVE: _SEND_OTHER_NUMBER,
    "POLICY-SUPPRESSION": _WAYS_OUT_BY_LIMIT[Suppression],
    "US-TCPA": _WAYS_OUT_BY_LIMIT[ConsentRequired],
    "WAITS-TOO-LONG": message(
        "Give the step a fallback or a longer `wait_max_days` with PUT /scenarios/{id}, or send the debtor's postal code."
    ),
    "MINIMUM-BALANCE": message(
        "Write the balance off with POST /debts/{id}/payments, or lower the minimum with PUT /contact."
    ),
    "FR-LETTER": _GIVE_NOTICE,
    "DE-13A": _NO_NOTICE_YET,
    "BE-XIX-2": _NO_NOTICE_YET,
}
# The texts of the rules, for their translations.
RULE_TEXTS: Final = (
    template(
        "A third party's first message to a consumer is the free first reminder of art. XIX.2 of the code of"
        " economic law, which no template gives yet."
    ),
    template("A third party's first message to a private person contains the particulars of § 13a RDG."),
    template(
        "Calls and text messages: Monday to Friday, 10:00 to 13:00 and 14:00 to 20:00 where the debtor is."
    ),
    template("At most 4 calls and text messages in any 30 days for a case."),
    template("A third party must send the letter of art. R124-4 CPCE before any other contact."),
    template("No contact on weekends and public holidays."),
    template("E-mails and letters: 8:00 to 20:00 where the debtor is."),
    template("At most 4 contacts in any 7 days to one address or number, across all cases."),
    template(
        "One contact a day with one person, across all debts and creditors, unless the workspace sets another number."
    ),
    template(
        "One contact a day at one address or number, across all debts and creditors, unless the workspace sets another number."
    ),
    template("No contact at an address that opted out, belongs to another person, or bounces."),
    template("Between 8:00 and 21:00 where the consumer is."),
    template("At most 7 calls in any 7 days for a debt."),
    template("A call with an artificial voice requires the consent of the person called."),
    template("The scenario excludes this day."),
)
# The reasons that the ledger stores, by their codes; of two that match, the first.
_LEDGER_TEXTS: Final = (
    *((ADDRESS_MISSING, template_text) for template_text in map(Template, MISSING.values())),
    *debts.OBSTACLE_TEXTS.items(),
    ("NEVER-ALLOWED", template("never allowed: {rules}")),
    ("WAITS-TOO-LONG", template("waits too long: {rules}")),
    (_EXPENSIVE, template("expensive destination: {destination}")),
    (_CONDITION, template("conditions: {conditions}")),
    ("LATE", template("late: {policy}")),
    ("DEBT-STATUS", template("the debt is {status}")),
    ("ADDRESS-SUPPRESSED", template("the address is suppressed")),
    ("PLANNED-ANEW", template("an address was added")),
    ("PLANNED-ANEW", template("planned anew")),
    ("PLANNED-ANEW", template("the fallback is allowed earlier")),
    ("PLANNED-ANEW", template("an earlier step is taken again")),
    ("DRY-RUN", template("dry run: nothing was sent")),
    ("DRY-RUN", template("the dry run is over")),
    ("SKIPPED-BY-PERSON", template("a person skipped it")),
    ("NOT-RECEIVED", template("the provider never received it")),
    ("NOT-RECEIVED", template("the provider never received it; the debt has changed since")),
)


@dataclass(frozen=True, slots=True)
class ScheduleReason:
    """A rule that moved a contact (until an instant), or that blocks it (no instant), and its way out."""

    rule: str
    says: str
    basis: str
    source: str
    until: datetime | None = None
    way_out: Message | None = None


class StoredReason(NamedTuple):
    """A reason of the ledger: a stable code, the sentence, and the way out if there is one."""

    code: str | None
    text: str
    way_out: Message | None


def stored_reason(text: str) -> StoredReason:
    """Return a reason as the ledger stores it; what a provider said has no code and stays as it is."""
    for code, text_template in _LEDGER_TEXTS:
        match = _pattern(text_template).fullmatch(text)
        if match is not None:
            return StoredReason(
                code, text_template.filled(match.groupdict()), _way_out_of(code, match.groupdict())
            )
    return StoredReason(None, text, None)


def _way_out_of(code: str, facts: Mapping[str, str]) -> Message | None:
    return _WAYS_OUT.get(facts["rules"].split(", ")[0] if code == "NEVER-ALLOWED" else code)


@cache
def _pattern(text: Template) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)))


def rule_reason(failing: FailedRule) -> ScheduleReason:
    """Return a failed rule as a reason to show."""
    rule = failing.rule
    way_out = None
    if failing.until is None:
        way_out = _WAYS_OUT.get(rule.id) or _WAYS_OUT_BY_LIMIT.get(type(rule.limit))
    source = _SCENARIO if rule.source == _SCENARIO else rule.source
    return ScheduleReason(rule.id, Message(rule.says, {}), rule.basis, source, failing.until, way_out)


def obstacle_reason(obstacle: Obstacle) -> ScheduleReason:
    """Return an obstacle as a reason to show."""
    says = message("The step would be skipped: {reason}.", reason=obstacle.reason)
    source = _SOURCES[obstacle.code]
    return ScheduleReason(obstacle.code, says, Basis.PRODUCT_POLICY, source, way_out=obstacle.way_out)


def address_reason(missing: str) -> ScheduleReason:
    """Return why a step reaches no address as a reason to show."""
    if missing.startswith(debts.EXPENSIVE):
        says = message("The number is an {reason}, which the debt does not accept.", reason=missing)
        return ScheduleReason(_EXPENSIVE, says, Basis.PRODUCT_POLICY, _DEBT, way_out=_SEND_OTHER_NUMBER)
    says = message("There is {reason}.", reason=missing)
    return ScheduleReason(ADDRESS_MISSING, says, Basis.SCENARIO, _DEBTOR, way_out=_ADD_ADDRESS)


def spacing_reason(days: int, until: datetime) -> ScheduleReason:
    """Return the distance between two contacts as a reason."""
    says = (
        message("Two contacts are at least {days} days apart.", days=days)
        if days
        else message("Contacts keep the spacing of their offsets, up to one day.")
    )
    return ScheduleReason("SCENARIO-SPACING", says, Basis.SCENARIO, _SCENARIO, until)


def passed_reason(now: datetime) -> ScheduleReason:
    """Return the reason of a step whose time has passed."""
    says = message("The time of the step has passed.")
    return ScheduleReason("NOT-IN-THE-PAST", says, Basis.SCENARIO, _SCENARIO, now)


def late_reason() -> ScheduleReason:
    """Return the reason of a missed step that its scenario drops."""
    says = message("The step was missed, and is dropped as its scenario says.")
    return ScheduleReason("LATE", says, Basis.SCENARIO, _SCENARIO)


def waiting_reason(debt: Debt, until: datetime) -> ScheduleReason:
    """Return why a debtor is left alone until an instant: a promise, or the grace of an import."""
    if debts.is_promise_pending(debt):
        says = message("The debtor has promised to pay by this date.")
        return ScheduleReason("PROMISE-TO-PAY", says, Basis.PRODUCT_POLICY, _DEBTOR, until)
    says = message("Imported debts have a grace period before the first contact.")
    return ScheduleReason("IMPORT-GRACE", says, Basis.PRODUCT_POLICY, _SETTINGS, until)


def switch_reasons(debt: Debt) -> tuple[ScheduleReason, ...]:
    """Return why the switches of workspace and installation keep contacts from leaving."""
    contact = debt.workspace.contact
    if contact == companies.ON:
        return ()
    code = f"CONTACT-{contact.upper().replace('_', '-')}"
    says = _SWITCH_TEXTS[contact]
    return (ScheduleReason(code, says, Basis.PRODUCT_POLICY, _SETTINGS, way_out=_SWITCH_ON),)


def condition_reasons(debt: Debt, step: Step, at: datetime) -> tuple[ScheduleReason, ...]:
    """Return the conditions of a step that the debt, as it is now, does not satisfy at an instant."""
    if step.only_if is None:
        return ()
    return tuple(
        ScheduleReason(
            _CONDITION,
            message("The condition {name} is not satisfied.", name=name),
            Basis.SCENARIO,
            _SCENARIO,
        )
        for name in step.only_if.unmet(debts.condition_facts(debt, at))
    )


def minimum_text(debt: Debt) -> Message:
    """Return why a debt below the minimum balance is not contacted."""
    minimum = debts.minimum_balance(debt)
    return message(
        "the balance is below the minimum of {minimum} {currency}",
        minimum=minimum.decimal,
        currency=minimum.currency,
    )


def minimum_reason(debt: Debt) -> ScheduleReason:
    """Return the reason of a debt below the minimum balance."""
    return ScheduleReason(
        "MINIMUM-BALANCE",
        minimum_text(debt),
        Basis.PRODUCT_POLICY,
        _SETTINGS,
        way_out=_WAYS_OUT["MINIMUM-BALANCE"],
    )


def gap_reason(gap: ContactGap) -> ScheduleReason:
    """Return a duty that the collector does not meet as a reason; its sentence names the way out."""
    return ScheduleReason(gap.rule, gap.says, gap.basis, gap.source)


def set_aside_reason() -> ScheduleReason:
    """Return why no step of a debt is taken while one of its contacts is in quarantine."""
    says = message("A contact of the debt has failed and waits for a person's decision.")
    way_out = message(
        "Remove the cause, then decide the todo with POST /todos/{id}/decide; GET /todos?type=set_aside lists it."
    )
    return ScheduleReason("CONTACT-SET-ASIDE", says, Basis.PRODUCT_POLICY, _DEBT, way_out=way_out)
