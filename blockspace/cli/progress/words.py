"""How numbers are said on the way: few characters, always the same."""

from __future__ import annotations

from blockspace.costs import short
from blockspace.searching import Row


def value(name: str, number: float) -> str:
    """An objective or a metric: shares and losses with four digits, ratios with three, counts with their letter."""
    if name in ("val_acc", "val_loss"):
        return f"{number:.4f}"
    return f"{number:.3f}" if name == "latency" else short(number)


def values(row: Row) -> str:
    """A trained row's objectives: `val_acc 0.9233  latency 0.871`."""
    return "  ".join(f"{name} {value(name, number)}" for name, number in row.values.items())


def duration(seconds: float) -> str:
    """`42 s`, `3.5 min`, `2.1 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def state(word: str) -> str:
    return word.replace("_", " ")
