"""Conditions of a step: what must hold for a debt when the step is due.

All given conditions must hold. A condition never makes a contact lawful: the rules of `compliance` apply in
addition.
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
# The state of the debtor's promise to pay; see `debts.promises`.
PromiseWord = Literal["none", "open", "kept", "broken"]


class ConditionFacts(NamedTuple):
    """The facts of a debt that conditions evaluate. Amounts are in the debt's own currency.

    `age_days` counts from the due date, or from creation without one.
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
        """The tags of a debt: the words listed as `tags` in its metadata."""
        tags_value = self.metadata.get("tags")
        words = (
            tags_value.split(",")
            if isinstance(tags_value, str)
            else tags_value
            if isinstance(tags_value, list)
            else ()
        )
        return frozenset(word.strip() for word in words if isinstance(word, str))


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions that must all hold; omitted ones do not matter."""

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

    def unmet(self, facts: ConditionFacts) -> tuple[str, ...]:
        """Return the names of the conditions that do not hold."""
        return tuple(name for name, holds in self._evaluate(facts) if not holds)

    def _evaluate(self, facts: ConditionFacts) -> Iterator[tuple[str, bool]]:
        for name, value in (
            ("balance", facts.balance),
            ("amount", facts.amount),
            ("age_days", facts.age_days),
        ):
            least, most = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            yield f"{name}_min", least is None or value >= least
            yield f"{name}_max", most is None or value <= most
        yield "reached", self.reached in {None, facts.was_reached}
        yield "answered", self.answered in {None, facts.has_answered}
        yield "promise", not self.promise or facts.promise in self.promise
        yield "tags", facts.tags.issuperset(self.tags)
        yield "not_tags", facts.tags.isdisjoint(self.not_tags)
        yield "contactable", facts.reachable.issuperset(self.contactable)
        yield "not_contactable", facts.reachable.isdisjoint(self.not_contactable)
        for key, expected in (self.metadata or {}).items():
            yield f"metadata.{key}", facts.metadata.get(key) == expected
