"""Define budgets: windows on a named cost, absolute or relative to a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from numbers import Real

from blockspace.costs.cost import COSTS, LATENCY, format_amount
from blockspace.errors import did_you_mean, error


def compute_violation(value: float, low: float | None, high: float | None) -> float:
    """Return the distance of `value` outside [low, high], relative to the nearer bound; inside it is 0 or less, None leaves a side open.

    3 % above `high` is 0.03, and 10 % below it -0.1, unless `low` is nearer.
    """
    distances = [_relative_excess(value, high)] if high is not None else []
    distances += [0.0 - _relative_excess(value, low)] if low is not None else []
    return max(distances, default=0.0)


def _relative_excess(value: float, bound: float) -> float:
    """Return (value - bound) / |bound|. Counts are divided first: stored trials hold that rounding, and a resumed search repeats it."""
    if isinstance(value, int):
        return value / bound - 1 if bound else float(value)
    return (value - bound) / abs(bound or 1)


def is_amount(value: object) -> bool:
    """Return whether a value is an amount of a cost: a finite number of at least 0."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < inf


@dataclass(frozen=True)
class Budget:
    """`low <= cost <= high`; None leaves a side open. Costs are counts, bytes or pixels, or, for `latency`, a ratio to the baseline."""

    cost: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Check the window. Raises BlockspaceError: E-KEY for a cost that does not exist, E-TYPE for a bound that is no number, E-RANGE."""
        known = (*COSTS, LATENCY.name)
        if self.cost not in known:
            help = did_you_mean(str(self.cost), known) or f"known: {', '.join(known)}"
            raise error("E-KEY", f"Budget: no cost {self.cost!r}", help=help)
        for name, bound in (("low", self.low), ("high", self.high)):
            if bound is not None and not is_amount(bound):
                message = f"Budget: {name} should be a number of at least 0, or None, got {bound!r}"
                raise error("E-TYPE", message, help="Budget('macs', 0, 60e6)")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise error("E-RANGE", f"Budget: {self.cost}: low ({self.low}) is above high ({self.high})")

    def violation(self, value: float) -> float:
        """Return how far a value is outside, relative to the nearer bound; 0 or less inside, and 0 inside a window open at a side."""
        distance = compute_violation(value, self.low or None, self.high or None)
        return distance if distance > 0 or (self.low and self.high) else 0.0

    def holds(self, value: float) -> bool:
        """Return whether a value lies in the window."""
        return self.violation(value) <= 0

    def __str__(self) -> str:
        low, high = (format_amount(self.cost, bound or 0) for bound in (self.low, self.high))
        if self.low and self.high:
            return f"{self.cost} {low} to {high}"
        return f"{self.cost} at most {high}" if self.high else f"{self.cost} at least {low}"
