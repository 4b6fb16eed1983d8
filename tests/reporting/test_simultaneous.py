"""Intervals over searches: Welch's t for one statement, Tukey's range for many equal ones, and wrong as seldom as they say."""

from __future__ import annotations

import numpy
import pytest
from repeats import searched
from scipy import stats

from blockspace.reporting import compare_sides, make_drawn_side, make_given_side, pool_seed_variance
from blockspace.reporting.sides import SeedVariance, estimate_image_variance
from blockspace.reporting.simultaneous import find_share, simulate_smallest_p

NONE = SeedVariance(0.0, 0)


def constant(means):
    """Units whose images all score alike: only the variance between units is left."""
    return numpy.repeat(numpy.asarray(means, dtype=float)[:, None], 5, axis=1)


def test_one_statement_is_welchs_t():
    first, second = [0.981, 0.984, 0.979, 0.990], [0.970, 0.975, 0.981, 0.972]
    (found,) = compare_sides([make_drawn_side(constant(one), NONE) for one in (first, second)], [(0, 1)])
    theirs = stats.ttest_ind(first, second, equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert (found.better.low, found.better.high, found.better.p) == pytest.approx((low, high, theirs.pvalue))
    assert (found.equal.low, found.equal.high) == pytest.approx(tuple(theirs.confidence_interval(0.90)))


def test_few_searches_of_a_family_are_not_made_up_for_by_another_familys():
    few, many = [0.98, 0.9801, 0.9799], [0.970, 0.975, 0.981, 0.972, 0.985, 0.969, 0.978, 0.983, 0.976, 0.974]
    (found,) = compare_sides([make_drawn_side(constant(one), NONE) for one in (few, many)], [(0, 1)])
    error = (numpy.var(few, ddof=1) / 3 + numpy.var(many, ddof=1) / 10) ** 0.5
    assert (found.better.high - found.better.low) / 2 == pytest.approx(stats.t.isf(0.025, 2 * (1 + 2 / 9)) * error)
    random, wrong = numpy.random.default_rng(4), 0
    for _ in range(1_500):
        sides = [make_drawn_side(constant(random.normal(0.98, sd, count)), NONE) for sd, count in ((0.004, 3), (0.002, 10))]
        wrong += compare_sides(sides, [(0, 1)])[0].better.excludes_zero
    assert wrong / 1_500 <= 0.075


def test_many_searches_of_equal_variance_are_tukeys():
    pairs = [(i, j) for i in range(4) for j in range(i)]
    share = find_share(simulate_smallest_p([1.0] * 4, [10_000] * 4, pairs, [0.0] * 6, 40_000), 0.05)
    assert stats.norm.isf(share / 2) == pytest.approx(stats.studentized_range.isf(0.05, 4, 10_000) / 2**0.5, abs=0.02)


def test_statements_that_share_nothing_are_sidaks():
    share = find_share(simulate_smallest_p([1.0] * 6, [50] * 6, [(0, 1), (2, 3), (4, 5)], [0.0] * 3, 40_000), 0.05)
    assert share == pytest.approx(1 - 0.95 ** (1 / 3), rel=0.06)


def test_a_statement_never_gets_more_error_than_it_would_alone():
    assert find_share(None, 0.05) == 0.05 and find_share(numpy.ones(100), 0.05) == 0.05


def test_the_images_own_variance_is_added_and_single_errors_are_not_counted_twice():
    """Two families that differ on these images: other images would differ otherwise, however many searches agree on these."""
    random = numpy.random.default_rng(3)
    taste = random.random(2_000) < 0.2
    one = numpy.stack([(random.random(2_000) < 0.9) | taste for _ in range(6)]).astype(float)
    other = numpy.stack([(random.random(2_000) < 0.9) & ~taste for _ in range(6)]).astype(float)
    sides = [make_drawn_side(units, NONE) for units in (one, other)]
    rates = numpy.where(taste, 1.0, 0.9) - numpy.where(taste, 0.0, 0.9)
    assert estimate_image_variance(*sides) == pytest.approx(rates.var() / 2_000, rel=0.05)
    same = [make_drawn_side(units, NONE) for units in (one[:3], one[3:])]
    assert estimate_image_variance(*same) < 0.1 * estimate_image_variance(*sides)


def test_given_networks_vary_by_their_seeds_alone():
    random = numpy.random.default_rng(5)
    runs = random.random((3, 400)) < 0.9
    side = make_given_side([runs.astype(float)], pool_seed_variance([runs.astype(float)]))
    assert side.variance == pytest.approx(runs.mean(axis=1).var(ddof=1) / 3) and side.freedom == 2
    assert make_given_side([runs[:1].astype(float)], NONE).variance == 0


def test_a_unit_is_a_searchs_networks_averaged():
    from blockspace.reporting.sides import stack_units

    runs = [(1, numpy.full((2, 3), 0.5)), (0, numpy.zeros((1, 3))), (1, numpy.ones((2, 3)))]
    assert stack_units(runs).tolist() == [[0.0] * 3, [0.75] * 3]


def test_units_that_agree_by_chance_are_no_certainty():
    side = make_drawn_side(constant([0.98, 0.98, 0.98]), SeedVariance(9e-6, 10), trainings=3)
    assert side.variance == pytest.approx(0.05 * 9e-6 / 3 / 3)
    with pytest.raises(ValueError, match="1 unit has no variance"):
        make_drawn_side(constant([0.98]), NONE)


@pytest.mark.parametrize("sds, searches", [((0.004, 0.004), (3, 3)), ((0.002, 0.006), (5, 5)), ((0.006, 0.002), (3, 10))])
def test_families_without_a_difference_are_told_apart_in_about_5_of_100_studies(sds, searches):
    random, wrong = numpy.random.default_rng(1), 0
    for _ in range(400):
        sides = [make_drawn_side(constant(random.normal(0.98, sd, count)), NONE) for sd, count in zip(sds, searches)]
        wrong += compare_sides(sides, [(0, 1)])[0].better.excludes_zero
    assert 0.02 <= wrong / 400 <= 0.08


def test_four_families_and_a_baseline_are_wrong_together_in_at_most_about_5_of_100_studies():
    random, wrong = numpy.random.default_rng(2), 0
    pairs = [(i, j) for i in range(5) for j in range(i)]
    for _ in range(200):
        sides = [make_drawn_side(constant(random.normal(0.98, sd, 5)), NONE) for sd in (0.002, 0.002, 0.002, 0.006, 0.004)]
        wrong += any(one.better.excludes_zero for one in compare_sides(sides, pairs, draws=1_000))
    assert wrong / 200 <= 0.09


def test_the_intervals_are_a_function_of_their_arguments():
    sides = [make_drawn_side(numpy.stack([one.correct.mean(axis=0) for one in searched(name, (0.97, 0.98, 0.96))]), NONE) for name in "abc"]
    pairs = [(0, 1), (1, 2)]
    assert compare_sides(sides, pairs) == compare_sides(sides, pairs)
    alone, together = (compare_sides(sides, pairs, simultaneous=one)[0].better for one in (False, True))
    assert together.low < alone.low and together.p > alone.p
