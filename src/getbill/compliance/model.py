"""Contact rules, and the rulebook of all rules in force.

Rules are dated data with their source. `basis` separates law from product policy: a workspace may tighten
policy, but law cannot be loosened.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
from pydantic import ConfigDict, TypeAdapter

from getbill.channels import Channel
from getbill.compliance.facts import Collector, Party
from getbill.compliance.limits import Limit

EVERYWHERE = "*"


class Basis(StrEnum):
    """The origin of a rule."""

    LAW = "law"
    GUIDANCE = "guidance"
    PRODUCT_POLICY = "product_policy"
    SCENARIO = "scenario"


class Severity(StrEnum):
    """The effect of a broken rule: block the contact, or only warn."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated rule: its subjects, channels, limit and source.

    `jurisdiction` is a country or `*`; a missing `party` or `collector` means any.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    says: str
    channels: tuple[Channel, ...]
    limit: Limit
    source: str
    basis: Basis
    valid_from: date
    reviewed_on: date
    valid_to: date | None = None
    jurisdiction: str = EVERYWHERE
    party: Party | None = None
    collector: Collector | None = None
    severity: Severity = Severity.BLOCK

    def binds(self, where: "Binding", on: date) -> bool:
        """Return whether the rule applies to this debtor, collector and channel on that day."""
        return (
            where.channel in self.channels
            and self.jurisdiction in {EVERYWHERE, where.country}
            and self.party in {None, where.party}
            and self.collector in {None, where.collector}
            and self.valid_from <= on
            and (self.valid_to is None or on <= self.valid_to)
        )


class Binding(NamedTuple):
    """The criteria that decide which rules apply."""

    country: str
    party: Party
    collector: Collector
    channel: Channel


@dataclass(frozen=True, eq=False)
class Rulebook:
    """A set of rules; `version` is a hash of them, logged with each decision."""

    rules: tuple[Rule, ...]
    version: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(_ADAPTER.dump_json(self.rules)).hexdigest()
        object.__setattr__(self, "version", digest[:16])


def to_data(rule: Rule) -> dict[str, Any]:
    """Return the rule as plain JSON values."""
    data: dict[str, Any] = _ADAPTER.dump_python((rule,), mode="json")[0]
    return data


def from_data(data: dict[str, Any]) -> Rule:
    """Return the rule stored as `data`; raise pydantic's ValidationError if it is invalid."""
    return _ADAPTER.validate_json(orjson.dumps([data]))[0]


def parse(text: bytes) -> tuple[Rule, ...]:
    """Return the rules of a file; raise pydantic's ValidationError if one is invalid."""
    return _ADAPTER.validate_json(text)


_ADAPTER = TypeAdapter(tuple[Rule, ...])
