"""How numbers are said on the way: few characters, always the same."""

from __future__ import annotations

from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord


def values(row: TrialRecord) -> str:
    """A trained row's objectives: `val_acc 0.9233  latency 0.871`."""
    return "  ".join(f"{name} {find_quantity(name).format_stored(number)}" for name, number in row.values.items())


def state(word: str) -> str:
    return word.replace("_", " ")
