"""How numbers are said on the way: few characters, always the same."""

from __future__ import annotations

from blockspace.formatting import format_si
from blockspace.records import TrialRecord


def value(name: str, number: float) -> str:
    """An objective or a metric: shares and losses with four digits, ratios with three, counts with their letter."""
    if name in ("val_acc", "val_loss"):
        return f"{number:.4f}"
    return f"{number:.3f}" if name == "latency" else format_si(number)


def values(row: TrialRecord) -> str:
    """A trained row's objectives: `val_acc 0.9233  latency 0.871`."""
    return "  ".join(f"{name} {value(name, number)}" for name, number in row.values.items())


def state(word: str) -> str:
    return word.replace("_", " ")
