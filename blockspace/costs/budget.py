"""Budget: a window on a named cost, absolute or relative to a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.costs.quantity import format_amount


@dataclass(frozen=True)
class Budget:
    """`low <= cost <= high`; None leaves a side open. Costs are counts, bytes or pixels, or, for `latency`, a ratio to the baseline."""

    cost: str
    low: float | None = None
    high: float | None = None

    def violation(self, value: float) -> float:
        """How far outside, relative to the nearer bound; 0 or less inside."""
        over = value / self.high - 1 if self.high else 0.0
        under = 1 - value / self.low if self.low else 0.0
        return max(over, under, 0.0) if (over > 0 or under > 0) else min(0.0, max(over, under))

    def holds(self, value: float) -> bool:
        return self.violation(value) <= 0

    def __str__(self) -> str:
        low, high = (format_amount(self.cost, bound or 0) for bound in (self.low, self.high))
        if self.low and self.high:
            return f"{self.cost} {low} to {high}"
        return f"{self.cost} at most {high}" if self.high else f"{self.cost} at least {low}"
