"""Where new debts begin: day 0 and the first contact, looked at once for all that begin alike.

A file of debts is a few cases repeated: the same zone, the same due date, the same ways to reach the debtor. The
invariant: what is said of a debt here is what `day_zero` and `next_contact` say of it alone.
"""

from datetime import date, datetime
from typing import Any

from getbill.debtors import Hashes, Identity
from getbill.debts.model import Debt, NewDebt, Planned
from getbill.debts.schedule import Past, day_zero, expensive_destination, next_contact, usable
from getbill.kit import calendar
from getbill.scenarios import Scenario


class Beginnings:
    """The beginnings of debts made at one instant in one workspace."""

    def __init__(
        self,
        now: datetime,
        suppressed: frozenset[bytes] = frozenset(),
        consents: frozenset[tuple[bytes, str]] = frozenset(),
    ) -> None:
        self._now = now
        self._past = Past(suppressed=suppressed, consents=consents)
        # Whoever has one of these addresses is looked at alone.
        self._apart = suppressed.union(address for address, _ in consents)
        self._days: dict[Any, date] = {}
        self._planned: dict[Any, Planned] = {}

    def started_on(self, new: NewDebt, identity: Identity, script: Scenario) -> date:
        """Return day 0 of a debt."""
        mode = new.details.start_mode
        place = calendar.place_of(identity.country, identity.postal_code) if mode else None
        alike = (identity.zones[0], new.due_on, mode, place, script.name, script.version)
        found = self._days.get(alike)
        if found is None:
            found = self._days[alike] = day_zero(identity, script, self._now, new.due_on, mode)
        return found

    def first_contact(self, debt: Debt, hashes: Hashes) -> Planned:
        """Return the first contact of a debt; the hashes are of its debtor's addresses."""
        if self._apart and self._apart.intersection((hashes.email, hashes.phone)):
            return next_contact(debt, self._now, past=self._past)
        identity = debt.debtor.identity
        alike = (
            identity.zones,
            calendar.place_of(identity.country, identity.postal_code),
            identity.company is None,
            usable(debt),
            expensive_destination(debt),
            debt.started_on,
            debt.not_before,
            debt.scenario,
            debt.scenario_version,
        )
        found = self._planned.get(alike)
        if found is None:
            found = self._planned[alike] = next_contact(debt, self._now)
        return found
