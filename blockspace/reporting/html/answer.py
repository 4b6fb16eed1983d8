"""The answer as the page shows it: sentences, and the finals' table."""

from __future__ import annotations

from typing import Any

from blockspace.formatting import format_mean
from blockspace.quantities import find_quantity
from blockspace.reporting.answer import NetworkScore
from blockspace.reporting.study_report import FinalistReport, StudyReport


def answered(run: StudyReport) -> dict[str, Any]:
    """What templates/answer.html needs: sentences, whether they are final, and one line a network of the finals."""
    found = run.answer
    if found is None:
        return {"sentences": [], "costs": [], "rows": [], "images": 0, "whole": False}
    done, asked = run.trainings
    costs = list(dict.fromkeys(name for row in found.rows for name in row.costs))
    finals = {one.name: one for one in run.finals}
    return {
        "sentences": [(d.sentence() + ".", d.accuracy.excludes_zero) for d in (*found.differences, *found.against_baseline)],
        "costs": [find_quantity(name) for name in costs],
        "rows": [line(row, costs, finals.get(row.name), run) for row in found.rows],
        "images": found.images,
        "whole": done == asked,
    }


def line(row: NetworkScore, costs: list[str], final: FinalistReport | None, run: StudyReport) -> dict[str, Any]:
    """One network: costs, mean and standard deviation over seeds, and each seed's accuracy."""
    spread = None if row.accuracy_sd is None else row.accuracy_sd * 100
    return {
        "family": row.family,
        "place": run.families.index(row.family) if row.family in run.families else None,
        "title": final.title if final else row.name,
        "anchor": anchor(final) if final else "",
        "costs": [find_quantity(name).format(row.costs.get(name)) for name in costs],
        "accuracy": format_mean(row.accuracy * 100, spread, 2),
        "log_loss": format_mean(row.log_loss, row.log_loss_sd, 4),
        "seeds": row.seeds,
        "each": ", ".join(f"{t.metrics['test_acc'] * 100:.2f}" for t in final.trainings if "test_acc" in t.metrics) if final else "",
    }


def anchor(final: FinalistReport) -> str:
    """Where the page shows this finalist: `f17`, or `f-baseline`."""
    return "f-baseline" if final.number is None else f"f{final.number}"
