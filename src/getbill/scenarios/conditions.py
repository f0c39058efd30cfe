"""What must hold of a debt for a step to be taken, looked at when the step is due.

All that is named must hold. A condition never makes a contact lawful: the rules of `compliance` come on top.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import ConfigDict, Field

from getbill.channels import AddressKind

_Money = Annotated[Decimal, Field(ge=0, le=10**12)]
_Days = Annotated[int, Field(ge=0, le=36_600)]


class Standing(NamedTuple):
    """Where a debt stands, as far as conditions ask. Sums are in the debt's own currency.

    `age_days` count from the day it was due, or was made where no day is known.
    """

    balance: Decimal
    amount: Decimal
    age_days: int
    reachable: frozenset[AddressKind]
    was_reached: bool
    has_answered: bool
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold, all of it; what is not named does not matter."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    balance_min: _Money | None = None
    balance_max: _Money | None = None
    amount_min: _Money | None = None
    amount_max: _Money | None = None
    age_days_min: _Days | None = None
    age_days_max: _Days | None = None
    reached: bool | None = None
    answered: bool | None = None
    contactable: tuple[AddressKind, ...] = ()
    not_contactable: tuple[AddressKind, ...] = ()
    metadata: Annotated[dict[str, str | int | bool | Decimal], Field(max_length=20)] | None = None

    def unmet(self, standing: Standing) -> tuple[str, ...]:
        """Return the names of the conditions that do not hold."""
        return tuple(name for name, holds in self._asked(standing) if not holds)

    def _asked(self, standing: Standing) -> Iterator[tuple[str, bool]]:
        for name, value in (
            ("balance", standing.balance),
            ("amount", standing.amount),
            ("age_days", standing.age_days),
        ):
            least, most = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            yield f"{name}_min", least is None or value >= least
            yield f"{name}_max", most is None or value <= most
        yield "reached", self.reached in {None, standing.was_reached}
        yield "answered", self.answered in {None, standing.has_answered}
        yield "contactable", standing.reachable.issuperset(self.contactable)
        yield "not_contactable", standing.reachable.isdisjoint(self.not_contactable)
        for key, wanted in (self.metadata or {}).items():
            yield f"metadata.{key}", standing.metadata.get(key) == wanted
