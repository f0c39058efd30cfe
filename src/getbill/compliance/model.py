"""A rule on contacting a debtor, and the book of all rules in force.

Rules are dated data with their source. Law and product policy are kept apart by `basis`: policy may be made
stricter by a workspace, law may not be loosened by anyone.
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
    """Where a rule comes from."""

    LAW = "law"
    GUIDANCE = "guidance"
    PRODUCT_POLICY = "product_policy"
    SCENARIO = "scenario"


class Severity(StrEnum):
    """What a broken rule does: forbid the contact, or only be shown."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated rule: whom it binds, on which channels, what it asks, and where it is written.

    `jurisdiction` is a country or `*`; no `party` or no `collector` means any of them.
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
        """Tell whether the rule speaks of this debtor, this collector and this channel on that day."""
        return (
            where.channel in self.channels
            and self.jurisdiction in {EVERYWHERE, where.country}
            and self.party in {None, where.party}
            and self.collector in {None, where.collector}
            and self.valid_from <= on
            and (self.valid_to is None or on <= self.valid_to)
        )


class Binding(NamedTuple):
    """What decides which rules apply."""

    country: str
    party: Party
    collector: Collector
    channel: Channel


@dataclass(frozen=True, eq=False)
class Rulebook:
    """A set of rules; `version` is a hash of them, written to the log beside each decision."""

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
    """Return the rule stored as `data`; raise pydantic's ValidationError when it is not one."""
    return _ADAPTER.validate_json(orjson.dumps([data]))[0]


def parse(text: bytes) -> tuple[Rule, ...]:
    """Return the rules of a file; raise pydantic's ValidationError when they are none."""
    return _ADAPTER.validate_json(text)


_ADAPTER = TypeAdapter(tuple[Rule, ...])
