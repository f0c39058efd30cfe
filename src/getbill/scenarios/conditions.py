"""What must hold of a debt for a step to be taken, looked at when the step is due.

All that is named must hold. A condition never makes a contact lawful: the rules of `compliance` come on top.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field

from getbill.channels import AddressKind

_Money = Annotated[Decimal, Field(ge=0, le=10**12)]
_Days = Annotated[int, Field(ge=0, le=36_600)]
_Tags = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=20)]
# Where the debtor's promise to pay stands; see `debts.promises`.
PromiseWord = Literal["none", "open", "kept", "broken"]


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
    promise: str
    metadata: Mapping[str, Any]

    @property
    def tags(self) -> frozenset[str]:
        """The tags of a debt: the words its metadata lists as `tags`."""
        listed = self.metadata.get("tags")
        words = listed.split(",") if isinstance(listed, str) else listed if isinstance(listed, list) else ()
        return frozenset(word.strip() for word in words if isinstance(word, str))


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
    promise: tuple[PromiseWord, ...] = ()
    tags: _Tags = ()
    not_tags: _Tags = ()
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
        yield "promise", not self.promise or standing.promise in self.promise
        yield "tags", standing.tags.issuperset(self.tags)
        yield "not_tags", standing.tags.isdisjoint(self.not_tags)
        yield "contactable", standing.reachable.issuperset(self.contactable)
        yield "not_contactable", standing.reachable.isdisjoint(self.not_contactable)
        for key, wanted in (self.metadata or {}).items():
            yield f"metadata.{key}", standing.metadata.get(key) == wanted
