"""The initial schedule of new debts: day 0 and first contact, computed once for all similar debts.

A file of debts repeats few cases: the same zone, due date and reachable channels. The invariant: the result
equals that of `day_zero` and `next_contact` for the debt alone.
"""

from datetime import date, datetime
from typing import Any

from getbill.debtors import Identity
from getbill.debts.model import Debt, NewDebt, PlannedContact
from getbill.debts.obstacles import message_means
from getbill.debts.schedule.evaluator import PriorContacts, expensive_destination, hashes_of, usable_kinds
from getbill.debts.schedule.next_contact import day_zero, due_date_over_at, next_contact
from getbill.kit import calendar
from getbill.scenarios import Scenario


class InitialSchedule:
    """The initial schedules of debts created at one instant in one workspace."""

    def __init__(
        self,
        now: datetime,
        suppressed: frozenset[bytes] = frozenset(),
        consents: frozenset[tuple[bytes, str]] = frozenset(),
    ) -> None:
        self._now = now
        self._prior_contacts = PriorContacts(suppressed=suppressed, consents=consents)
        # A debtor with one of these addresses is computed individually.
        self._listed_addresses = suppressed.union(address for address, _ in consents)
        self._start_days: dict[Any, date] = {}
        self._first_contacts: dict[Any, PlannedContact] = {}

    def start_day(self, new_debt: NewDebt, identity: Identity, scenario: Scenario) -> date:
        """Return day 0 of a debt."""
        mode = new_debt.details.start_mode
        region = calendar.region_of(identity.country, identity.postal_code) if mode else None
        cache_key = (identity.zones[0], new_debt.due_on, mode, region, scenario.name, scenario.version)
        start_day = self._start_days.get(cache_key)
        if start_day is None:
            start_day = self._start_days[cache_key] = day_zero(
                identity, scenario, self._now, new_debt.due_on, mode
            )
        return start_day

    def first_contact(self, debt: Debt) -> PlannedContact:
        """Return the first contact of a debt."""
        identity = debt.debtor.identity
        if self._listed_addresses and self._listed_addresses.intersection(
            hashes_of(debt.workspace, identity)
        ):
            return next_contact(debt, self._now, prior_contacts=self._prior_contacts)
        cache_key = (
            identity.zones,
            calendar.region_of(identity.country, identity.postal_code),
            identity.company is None,
            usable_kinds(debt),
            expensive_destination(debt),
            message_means(debt),
            debt.started_on,
            debt.not_before,
            due_date_over_at(debt, self._now),
            debt.scenario,
            debt.scenario_version,
        )
        contact = self._first_contacts.get(cache_key)
        if contact is None:
            contact = self._first_contacts[cache_key] = next_contact(debt, self._now)
        return contact
