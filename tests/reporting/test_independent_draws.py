"""The expected best of n and the tests of distributions, against sums over all outcomes and against counting."""

from __future__ import annotations

from itertools import product
from statistics import fmean, pstdev

import pytest
from scipy.stats import ks_2samp

from blockspace.reporting import ENOUGH_DRAWS, IndependentDraws, compare_distributions, expect_best

VALUES = [(0.5,), (0.1, 0.9), (0.7, 0.2, 0.2), (0.31, 0.77, 0.42, 0.42, 0.9)]


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("best", [max, min])
def test_the_expected_best_is_the_mean_over_all_outcomes(values, best):
    """All len(values) ** n draws with replacement are equally likely."""
    found = expect_best(values, is_maximum=best is max)
    assert [one.count for one in found] == list(range(1, len(values) + 1))
    for one in found:
        outcomes = [best(draw) for draw in product(values, repeat=one.count)]
        assert one.mean == pytest.approx(fmean(outcomes)) and one.deviation == pytest.approx(pstdev(outcomes), abs=1e-9)


def test_of_one_network_it_is_the_mean_and_it_never_falls():
    values = [0.31, 0.77, 0.42, 0.9, 0.05, 0.6]
    means = [one.mean for one in expect_best(values)]
    assert means[0] == pytest.approx(fmean(values)) and means == sorted(means) and means[-1] < max(values)


def test_each_pair_of_families_with_enough_draws_is_tested():
    values = {"a": (0.1, 0.2, 0.3, 0.4), "b": (0.25, 0.5, 0.6), "few": (0.1,) * (ENOUGH_DRAWS - 1), "c": (0.9, 0.91, 0.92)}
    tests = compare_distributions(IndependentDraws("drawn", "val_acc", values))
    assert [(test.first, test.second) for test in tests] == [("a", "b"), ("a", "c"), ("b", "c")]
    for test in tests:
        here, there = values[test.first], values[test.second]
        steps = [abs(sum(v <= at for v in here) / len(here) - sum(v <= at for v in there) / len(there)) for at in (*here, *there)]
        assert test.distance == pytest.approx(max(steps)) and test.sizes == (len(here), len(there))
        assert test.p == pytest.approx(ks_2samp(here, there, method="exact").pvalue)
