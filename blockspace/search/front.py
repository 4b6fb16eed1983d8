"""The front: rows that no other dominates."""

from __future__ import annotations

from collections.abc import Iterable

from blockspace.search.row import Row


def dominates(first: Row, second: Row, objectives: dict[str, str]) -> bool:
    """At least as good in every objective, and better in one; `objectives` maps a name to maximize or minimize."""
    signs = [1 if direction == "maximize" else -1 for direction in objectives.values()]
    pairs = [(sign * first.values[name], sign * second.values[name]) for sign, name in zip(signs, objectives)]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def front(rows: Iterable[Row], objectives: dict[str, str]) -> list[Row]:
    """The rows that may be called best and that no other of them dominates, in their order."""
    allowed = [row for row in rows if row.best_allowed]
    return [row for row in allowed if not any(dominates(other, row, objectives) for other in allowed)]
