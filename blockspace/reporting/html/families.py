"""Families: what became of each one's proposals, and how good the trained ones were on validation."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from blockspace.quantities import find_quantity
from blockspace.reporting.study_report import REPORTED_STATES, StudyReport


def families(run: StudyReport, metric: str) -> list[dict[str, Any]]:
    """One line a family: counts by state, median and best of `metric` among those within the budgets."""
    lines = []
    for place, family in enumerate(run.families):
        own = [t for t in run.trials if run.family_of[t.number] == family]
        counts = Counter(t.state.merged for t in own)
        values = [t.quantities[metric] for t in own if t.is_feasible and metric in t.quantities]
        best = (max if run.direction(metric) == "maximize" else min)(values, default=None)
        text = find_quantity(metric).format
        shown = {"median": text(median(values)) if values else "-", "best": text(best)}
        lines.append({"family": family, "place": place, "proposed": len(own), "counts": [counts[s] for s in REPORTED_STATES], **shown})
    return lines
