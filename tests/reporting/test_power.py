"""Power: the probability that simulated studies show a difference, and what follows from it for the number of searches."""

from __future__ import annotations

import numpy
import pytest
from scipy import stats

from blockspace.reporting import (
    DifferenceVariance,
    GivenSide,
    StudyDesign,
    compute_power,
    find_shown_difference,
    predict_unit_variance,
    searches_to_show,
)

TWO = StudyDesign((0.003**2, 0.003**2), 5)


@pytest.mark.parametrize("sds, searches", [((0.003, 0.003), 5), ((0.002, 0.006), 10), ((0.004, 0.004), 3)])
def test_power_is_how_often_welchs_t_finds_the_difference(sds, searches):
    design = StudyDesign(tuple(sd**2 for sd in sds), searches)
    said = compute_power(0.005, design.variance_of((0, 1)), design.share)
    random = numpy.random.default_rng(0)
    draws = [random.normal(mean, sd, (searches, 20_000)) for mean, sd in zip((0.005, 0.0), sds)]
    found = stats.ttest_ind(*draws, equal_var=False).pvalue < 0.05
    assert said == pytest.approx(found.mean(), abs=0.012)


def test_the_difference_that_is_shown_has_its_power():
    shown = find_shown_difference(TWO)
    assert compute_power(shown, TWO.variance_of((0, 1)), TWO.share) == pytest.approx(0.8)
    assert find_shown_difference(TWO.with_searches(20)) < shown < find_shown_difference(TWO.with_searches(3))


def test_several_statements_show_less():
    more = StudyDesign((0.003**2,) * 4, 5, GivenSide(0.001**2, 40))
    assert len(more.pairs) == 10 and more.share < 0.02
    assert find_shown_difference(more) > find_shown_difference(TWO)
    assert StudyDesign((1e-6,) * 4, 5, to_first=True).pairs == [(0, 1), (0, 2), (0, 3)]


def test_the_searches_that_are_said_are_the_fewest():
    least, most = searches_to_show(TWO, 0.005)
    assert least == most
    powers = [compute_power(0.005, one.variance_of((0, 1)), one.share) for one in map(TWO.with_searches, (least - 1, least))]
    assert powers[0] < 0.8 <= powers[1]


def test_a_variance_that_was_estimated_gives_a_range():
    exact, _ = searches_to_show(TWO, 0.005)
    least, most = searches_to_show(TWO, 0.005, freedoms=(4, 4))
    assert least < exact < most
    assert searches_to_show(TWO, 0.00001) == (None, None)


def test_a_baseline_with_few_seeds_cannot_be_made_up_for_by_searches():
    design = StudyDesign((0.001**2,), 5, GivenSide(0.01**2, 2))
    assert design.widest_pair == (0, 1) and searches_to_show(design, 0.005) == (None, None)


def test_the_variance_of_a_search_is_its_networks_and_seeds():
    assert predict_unit_variance(0.004, 0.003, networks=2, seeds=3) == pytest.approx((0.004**2 + 0.003**2 / 3) / 2)


def test_a_difference_beyond_all_doubt_has_power_one():
    assert compute_power(0.5, DifferenceVariance((1e-8, 1e-8), (4, 4)), 0.05) == pytest.approx(1.0)


def test_with_one_variance_it_is_the_noncentral_t():
    one = DifferenceVariance((0.003**2 / 5, 0.0), (4, 0))
    critical, shift = stats.t.isf(0.025, 4), 0.005 / (0.003 / 5**0.5)
    assert compute_power(0.005, one, 0.05) == pytest.approx(stats.nct.sf(critical, 4, shift), abs=1e-4)
