"""When a debt's next contact is due: what its scenario wants, moved to where the rules allow it.

Pure: scenarios say what should happen, compliance what may, and neither knows the other. Both the answer of a
create and the worker compute it here.
"""

from datetime import date, datetime

from getbill import compliance, scenarios
from getbill.channels import reachable
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts.model import Debt, Planned
from getbill.kit import calendar
from getbill.scenarios import Scenario, StartMode

# The ledger's channel and step of the moment a person decides, at the scenario's end.
REVIEW = "review"
END = "end"

_THIRD_PARTY = {"creditor": compliance.Collector.CREDITOR, "third_party": compliance.Collector.THIRD_PARTY}


def zones_of(identity: Identity) -> tuple[str, ...]:
    """Return every zone the debtor may live in, the likeliest first."""
    return calendar.zones_of(identity.country, identity.postal_code, identity.phone)


def day_zero(identity: Identity, now: datetime, due_on: date | None, mode: str | None) -> date:
    """Return the day the scenario's offsets count from, on the debtor's calendar."""
    today = calendar.local_date(now, zones_of(identity)[0])
    return scenarios.day_zero(today, due_on, StartMode(mode or StartMode.IMMEDIATE))


def facts_of(
    workspace: Workspace,
    identity: Identity,
    scenario: Scenario,
    contacts: tuple[compliance.Contact, ...] = (),
) -> compliance.Facts:
    """Return what the rules look at for a debtor of this workspace."""
    lookup = workspace.lookup
    return compliance.Facts(
        zones=zones_of(identity),
        place=calendar.place_of(identity.country, identity.postal_code),
        party=compliance.Party.BUSINESS if identity.company else compliance.Party.CONSUMER,
        collector=_THIRD_PARTY[workspace.company.collector],
        contacts=contacts,
        # Only contacts made are looked for by these, and a new debt has none.
        email_hash=lookup.hash("email", identity.email.lower()) if identity.email and contacts else None,
        phone_hash=lookup.hash("phone", identity.phone) if identity.phone and contacts else None,
        exclusions=scenario.exclusions,
    )


def next_contact(
    debt: Debt, now: datetime, after: str | None = None, contacts: tuple[compliance.Contact, ...] = ()
) -> Planned:
    """Return the contact after the step `after` (the first one by default), not before `now`.

    `contacts` are those made so far on this case and on the person's other ones.
    """
    identity = debt.debtor.identity
    scenario = scenarios.built_in(debt.scenario, debt.scenario_version)
    facts = facts_of(debt.workspace, identity, scenario, contacts)
    start = scenarios.Start(debt.started_on, facts.zones[0], facts.place)
    kinds = reachable(identity.email, identity.phone, postal=identity.is_postal)
    found = scenarios.next_step(scenario, after, kinds) if after else scenarios.first_step(scenario, kinds)
    last = max((contact.at for contact in contacts if contact.same_case), default=None)
    if found.step is not None:
        nominal = scenarios.nominal_instant(scenario, found.step, start, last)
        saying = facts.saying(found.step.notices)
        due_at = compliance.next_allowed(saying, found.step.channel, max(now, nominal), compliance.STANDARD)
        if due_at is not None:
            return Planned(found.step.key, found.step.channel, due_at, found.skipped)
    end = scenarios.nominal_instant(scenario, scenario.end, start)
    return Planned(END, REVIEW, max(now, end), found.skipped)
