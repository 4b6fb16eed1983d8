"""Families: what became of each one's proposals, and how good the trained ones were on validation."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from blockspace.quantities import find_quantity
from blockspace.reporting.run import FAILED, Run

STATES = ("trained", "duplicate", "over_budget", "diverged", "failed", "running")


def families(run: Run, metric: str) -> list[dict[str, Any]]:
    """One line a family: counts by state, median and best of `metric` among those within the budgets."""
    lines = []
    for place, family in enumerate(run.families):
        own = [t for t in run.trials if t.family == family]
        counts = Counter("failed" if t.state in FAILED else t.state for t in own)
        values = [t.values[metric] for t in own if t.allowed and metric in t.values]
        best = (max if run.direction(metric) == "maximize" else min)(values, default=None)
        text = find_quantity(metric).format
        shown = {"median": text(median(values)) if values else "-", "best": text(best)}
        lines.append({"family": family, "place": place, "proposed": len(own), "counts": [counts[s] for s in STATES], **shown})
    return lines
