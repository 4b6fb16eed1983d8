"""Budget: a window on a named cost, absolute or relative to a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.costs.quantity import format_amount


def violation(value: float, low: float | None, high: float | None) -> float:
    """Return the distance of `value` outside [low, high], relative to the nearer bound; inside it is 0 or less, None leaves a side open.

    3 % above `high` is 0.03, and 10 % below it -0.1, unless `low` is nearer.
    """
    distances = [value / high - 1 if high else value] if high is not None else []
    distances += [1 - value / low if low else -value] if low is not None else []
    return max(distances, default=0.0)


@dataclass(frozen=True)
class Budget:
    """`low <= cost <= high`; None leaves a side open. Costs are counts, bytes or pixels, or, for `latency`, a ratio to the baseline."""

    cost: str
    low: float | None = None
    high: float | None = None

    def violation(self, value: float) -> float:
        """Return `violation` of this window; inside one that is open at a side it is 0."""
        distance = violation(value, self.low or None, self.high or None)
        return distance if distance > 0 or (self.low and self.high) else 0.0

    def holds(self, value: float) -> bool:
        return self.violation(value) <= 0

    def __str__(self) -> str:
        low, high = (format_amount(self.cost, bound or 0) for bound in (self.low, self.high))
        if self.low and self.high:
            return f"{self.cost} {low} to {high}"
        return f"{self.cost} at most {high}" if self.high else f"{self.cost} at least {low}"
