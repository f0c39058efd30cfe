"""A figure: what we reach beside the limit of its kind, and whether their ratio meets the target."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `target` bounds the ratio: from below where more is better, else from above."""

    name: str
    ours: float
    limit: float
    unit: str
    target: float | None
    is_more_better: bool
    # Where several pairs were measured, the median of their ratios, which outlives a noisy pair.
    paired_ratio: float | None = None

    @property
    def ratio(self) -> float:
        """Ours to the limit's."""
        return self.paired_ratio if self.paired_ratio is not None else self.ours / self.limit

    @property
    def is_met(self) -> bool:
        """Whether the target holds; without one there is nothing to miss."""
        if self.target is None:
            return True
        return self.ratio >= self.target if self.is_more_better else self.ratio <= self.target

    def line(self) -> dict[str, Any]:
        """Return the figure as its JSON line."""
        return {
            "name": self.name,
            "ours": round(self.ours, 3),
            "limit": round(self.limit, 3),
            "ratio": round(self.ratio, 3),
            "target": self.target,
            "unit": f"{self.unit}, {'more' if self.is_more_better else 'less'} is better",
            "met": self.is_met,
        }


@dataclass(frozen=True, slots=True)
class Pairs:
    """What alternating pairs gave: ours, the limit, ours, the limit..."""

    ours: list[float]
    limit: list[float]

    def figure(self, name: str, unit: str, target: float | None, *, is_more_better: bool) -> Figure:
        """Return their figure: the medians of both sides and the median ratio of the pairs."""
        ratio = median(ours / limit for ours, limit in zip(self.ours, self.limit, strict=True))
        values = (median(self.ours), median(self.limit), unit, target, is_more_better)
        return Figure(name, *values, paired_ratio=ratio)


def alternate(
    ours: Callable[[int], float], limit: Callable[[int], float], say: Callable[[str], None]
) -> Pairs:
    """Measure five alternating pairs; each measure is told the number of its pair."""
    pairs = Pairs([], [])
    for number in range(5):
        pairs.ours.append(ours(number))
        pairs.limit.append(limit(number))
        say(f"pair {number + 1}: {pairs.ours[-1]:.4g} to {pairs.limit[-1]:.4g}")
    return pairs
