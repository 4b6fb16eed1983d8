"""Amounts of costs with their units: 45.61M macs, 9.188 MiB, 427 px."""

from __future__ import annotations

from blockspace.costs.quantity import COSTS
from blockspace.formatting import format_bytes, format_si


def amount(name: str, number: float) -> str:
    """Return a number of the cost `name` with its unit: 45.61M, 9.188 MiB, 427 px; for `latency` a ratio, 1.3x."""
    if name not in COSTS:
        return f"{number:.3g}x"
    unit = COSTS[name].unit
    if unit == "B":
        return format_bytes(number)
    return f"{number:,} {unit}" if unit else format_si(number)
