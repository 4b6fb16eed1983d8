"""Collect what the page shows of whole families: the best so far, and what independent draws of networks say."""

from __future__ import annotations

from typing import Any

from blockspace.quantities import find_quantity
from blockspace.reporting.html.charts import draw_best_so_far, draw_edf, draw_expected_best, list_whole_repeats
from blockspace.reporting.independent_draws import IndependentDraws, TwoSampleTest, compare_distributions
from blockspace.reporting.study_report import StudyReport


def describe_curves(run: StudyReport, metric: str) -> dict[str, Any]:
    """Return the data of `curves.html`: the best so far, and charts and tests of each set of independent draws."""
    return {
        "best": draw_best_so_far(run, metric),
        "searches": len(list_whole_repeats(run)),
        "draws": [describe_draws(run, draws) for draws in run.draws],
        "no_draws": run.no_draws,
    }


def describe_draws(run: StudyReport, draws: IndependentDraws) -> dict[str, Any]:
    """Return the charts and the tests of one set of independent draws."""
    here = find_quantity(draws.metric)
    is_maximum = (run.objectives.get(draws.metric) or here.direction) == "maximize"
    return {
        "source": draws.source,
        "metric": here.title,
        "expected": draw_expected_best(draws, run.families, is_maximum),
        "edf": draw_edf(draws, run.families),
        "tests": [describe_test(test) for test in compare_distributions(draws)],
    }


def describe_test(test: TwoSampleTest) -> dict[str, Any]:
    """Return the row of one pair of families."""
    return {"pair": f"{test.first}, {test.second}", "sizes": test.sizes, "distance": f"{test.distance:.2f}", "p": f"{test.p:.2g}"}
