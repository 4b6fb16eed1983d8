"""The calibration: its model is what it says, its studies are wrong as seldom as they say, and its searches are the product's own."""

from __future__ import annotations

import importlib
from itertools import product
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def calibration(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("calibration")


def test_the_model_has_the_accuracy_and_the_correlation_that_were_measured(calibration):
    cell = calibration.Cell((0.004, 0.004), 10_000, (40, 40))
    random = numpy.random.default_rng(0)
    first, second = calibration.Simulation(cell, 0.005).draw_study(random)
    runs = numpy.concatenate([first[:, 0], second[:, 0]]).astype(float)
    pairs = numpy.corrcoef(runs)[numpy.triu_indices(len(runs), 1)]
    assert numpy.median(pairs) == pytest.approx(0.42, abs=0.04)
    means = [group.mean(axis=(1, 2)) for group in (first, second)]
    assert means[0].mean() - means[1].mean() == pytest.approx(0.005, abs=0.003)
    assert numpy.mean([one.std(ddof=1) for one in means]) == pytest.approx((0.004**2 + 0.003**2 / 3) ** 0.5, rel=0.25)
    seeds = first.mean(axis=2).std(axis=1, ddof=1)
    assert numpy.sqrt((seeds**2).mean()) == pytest.approx(0.003, rel=0.2)


def test_a_few_studies_of_unequal_families(calibration):
    counted = calibration.count(calibration.Cell((0.002, 0.006), 897, (5, 5)), 60)
    assert max(counted.better, counted.missed, counted.equal) <= 0.15
    assert abs(counted.power - counted.expected_power) <= 0.2
    assert counted == calibration.count(counted.cell, 60), "a function of the seed"


def test_a_pool_is_searched_by_the_products_loop(calibration):
    pool = importlib.import_module("searched_pool")
    words = list(pool.OPERATIONS)
    cells = [dict(zip(pool.EDGES, values)) for values in product(words, repeat=6)]
    table = {pool.cell_string(one): 0.9 + 0.01 * sum(value == "nor3x3" for value in one.values()) for one in cells}
    assert len(table) == 15_625 and "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|" in table
    found = pool.make_pool(table, pool.PoolCell("random", 6), 3)
    assert found.shape == (3, 2) and 0.91 < found.mean() < 0.96
    assert (found == pool.make_pool(table, pool.PoolCell("random", 6), 3)).all()
    assert len({tuple(row) for row in found}) > 1, "each search has a seed of its own"
    counted = calibration.count_pools({"random-6": found}, 2)
    assert len(counted) == 6 and "random-6 against itself, take 1, R=3" in calibration.tabulate_pools(counted)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sds, searches", [((0.004, 0.004), (5, 5)), ((0.006, 0.002), (3, 10)), ((0.0018, 0.0018, 0.0018, 0.006), (5, 5, 5, 5))]
)
def test_studies_are_wrong_in_at_most_about_5_of_100(calibration, sds, searches):
    counted = calibration.count(calibration.Cell(sds, 897, searches, has_baseline=len(sds) > 2), 400)
    assert max(counted.better, counted.missed, counted.equal) <= 0.08
