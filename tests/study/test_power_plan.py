"""What a dry run says of a study's power: where the spread of searches comes from, and which numbers follow from it."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import variance

import numpy
import pytest
from study import tiny

from blockspace.errors import BlockspaceError
from blockspace.reporting import ScoredFinalist, compute_pass_chance, find_shown_difference
from blockspace.study import describe_power, draw_families, read_spread, resolve_study
from blockspace.study.dry_run import describe_shared_draws
from blockspace.study.power_plan import PowerPlan, with_repeats
from blockspace.study.spread import SHIPPED_SPREADS, FamilySpread, MeasuredSpread, measure_spread

SPREAD = MeasuredSpread({"hs": FamilySpread(0.002**2, 4), "mine": FamilySpread(0.003**2, 4)}, 0.003, 1, 2, 0.0, 300, "a test")


def finalist(family: str, repeat: int, accuracy: float, random) -> ScoredFinalist:
    correct = random.random((2, 4_000)) < accuracy
    return ScoredFinalist(family, f"{family}-{repeat}-{accuracy}", {}, correct, numpy.zeros(correct.shape), repeat)


def test_searches_of_all_runs_are_units():
    """Two runs of two searches with two finalists: the variance of four means for each family."""
    random = numpy.random.default_rng(0)
    runs = [[finalist(f, r, a, random) for f, a in (("hs", 0.9), ("hs", 0.8), ("mine", 0.7)) for r in (0, 1)] for _ in range(2)]
    found = measure_spread(runs, "here")
    for family, spread in found.families.items():
        units = [numpy.mean([one.correct.mean() for one in run if (one.family, one.repeat) == (family, r)]) for run in runs for r in (0, 1)]
        assert spread.variance == pytest.approx(variance(units)) and spread.freedom == 3
    assert found.seeds == 2 and found.images == 4_000 and found.source == "4 searches in here"
    seeds = [one.correct.mean(1) for run in runs for one in run]
    assert found.seed_sd**2 == pytest.approx(numpy.mean([values.var(ddof=1) for values in seeds]))


def test_one_search_shows_no_spread():
    random = numpy.random.default_rng(0)
    with pytest.raises(BlockspaceError, match="holds one search, which does not show how far searches differ") as caught:
        measure_spread([[finalist("hs", 0, 0.9, random), finalist("hs", 0, 0.8, random)]], "runs/x")
    assert "search.seed" in caught.value.mistakes[0].help


def test_a_shipped_study_and_names_that_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_spread(["hs_vs_resnext"]) is SHIPPED_SPREADS["hs_vs_resnext"]
    with pytest.raises(BlockspaceError, match="no run directory, it has no study.yaml") as caught:
        read_spread(["hs_vs_resnet"])
    assert "did you mean 'hs_vs_resnext'?" in caught.value.mistakes[0].help


def test_other_numbers_of_finalists_and_seeds_change_the_spread():
    """A search's mean over finalists: what is between networks and what is between seeds are divided by their numbers."""
    spread = replace(SPREAD, take=2, seeds=3)
    network = 0.002**2 * 2 - 0.003**2 / 3
    assert spread.predict_variance("hs", 2, 3) == spread.families["hs"]
    assert spread.predict_variance("hs", 5, 1).variance == pytest.approx((network + 0.003**2) / 5)
    assert spread.predict_variance("unknown", 2, 3) == spread.families["mine"], "the largest"


@pytest.fixture
def resolved(tmp_path):
    return resolve_study(tiny.write(tmp_path), ["search.repeats=5", f"out={tmp_path / 'run'}"])


def test_what_the_study_would_show(resolved):
    shown, needed, source = describe_power(resolved, SPREAD)
    plan = PowerPlan(resolved, SPREAD, 300)
    assert f"5 searches show a difference of {find_shown_difference(plan.design(5)) * 100:.2f} points in 80 %" in shown
    assert shown.endswith("(6 statements together; 2 seeds, 300 test images)")
    counts = re.search(r"power: (\d+) to (\d+) searches would show the margin of 0.5 points: ([\d,]+) to ([\d,]+) trainings", needed)
    least, most, first, last = (int(text.replace(",", "")) for text in counts.groups())
    assert least < most and (first, last) == (least * 12, most * 12), "6 trials, and 3 finalists with 2 seeds"
    assert source == "spread between searches: hs 0.20, mine 0.30 points (sd; a test)"
    assert find_shown_difference(plan.design(most)) <= 0.005 * 1.35


def test_the_chance_of_a_cheaper_network(resolved):
    compare = resolved.study.comparison.model_copy(update={"cheaper": "params"})
    study = replace(resolved.study, options=resolved.options.model_copy(update={"compare": compare}))
    line = describe_power(replace(resolved, study=study), SPREAD)[2]
    chance = compute_pass_chance(5 * 3 + 4, 2, 0.003, 0.0, 0.005)
    said = "power: a network as good as the baseline is shown not to be worse by more than 0.5 points"
    assert line == f"{said} in {chance * 100:.0f} % of studies like this (19 networks together, 2 seeds)"


def test_the_time_of_more_searches(resolved):
    (_, needed, _) = describe_power(resolved, SPREAD, lambda study: 60.0 * study.options.search.repeat_count)
    least, most = re.search(r"power: (\d+) to (\d+) searches", needed).groups()
    assert needed.endswith(f"trainings with the finals, about {least}.0 min to {most}.0 min")
    assert with_repeats(resolved, 7).options.search.repeat_count == 7


def test_too_few_searches_and_no_spread(tmp_path):
    path = tiny.write(tmp_path)
    one, unknown = describe_power(resolve_study(path), None)
    assert one == "power: the answer of 1 search speaks of these networks alone: no sentence on families is printed; search.repeats=5 could"
    assert unknown.startswith("power: not known") and "--spread" in unknown
    two = describe_power(resolve_study(path, ["search.repeats=2"]), SPREAD)[0]
    assert two.startswith("power: the answer of 2 searches gives an interval over searches and no verdict: no sentence on families")


def test_images_that_are_not_known(resolved):
    spec = {"name": "digits", "train": 200, "val": 100}
    study = replace(resolved.study, options=resolved.options.model_copy(update={"data": spec}))
    assert "2 seeds, ? test images" in describe_power(replace(resolved, study=study), SPREAD)[0]


def test_families_that_share_networks_are_named(tmp_path):
    path = tiny.write(tmp_path)
    assert describe_shared_draws(draw_families(resolve_study(path), samples=3)) == []
    (tmp_path / "space.yaml").write_text(tiny.SPACE.replace("mine:    {plain_pair: {}}", "mine:    {resnext: {cardinality: 2}}"))
    (line,) = describe_shared_draws(draw_families(resolve_study(path), samples=12))
    assert re.fullmatch(r"resnext and mine share networks: \d+ of \d+ different ones that were compared", line)
