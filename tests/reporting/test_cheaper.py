"""The cheaper network: its bounds are Student's and Dunnett's where those apply, hold together, and the choice among them follows."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from scipy import stats

from blockspace.reporting import (
    Answer,
    CheaperAnswer,
    CostRatio,
    ScoredFinalist,
    add_cheaper,
    answer_json,
    answer_table,
    compare_families,
    find_cheaper,
    read_answer,
)
from blockspace.reporting.cheaper import bound_differences, compute_pass_chance


def score(name: str, latency: float, correct: numpy.ndarray, family: str = "hs", **more) -> ScoredFinalist:
    return ScoredFinalist(family, name, {"macs": 1e6 * latency, "latency": latency}, correct, numpy.zeros(correct.shape), **more)


def right(random, accuracy: float, seeds: int = 3, images: int = 897) -> numpy.ndarray:
    return random.random((seeds, images)) < accuracy


def test_one_network_by_hand():
    """A network and a baseline: variance over seeds, variance over images less the noise that is in both, Satterthwaite, Student's t."""
    random = numpy.random.default_rng(3)
    ease = random.normal(2, 2, 600)
    one, base = (ease + random.normal(0, 1, (seeds, 600)) + random.normal(0, 0.2, (seeds, 1)) > 0 for seeds in (4, 3))
    (found,), (bound,) = bound_differences([one], base, draws=200_000)
    assert found == pytest.approx(one.mean() - base.mean())
    accuracies = [runs.mean(1) for runs in (one, base)]
    seed_variance = sum(((a - a.mean()) ** 2).sum() for a in accuracies) / 5
    noise = (3 * one.var(0, ddof=1).mean() + 2 * base.var(0, ddof=1).mean()) / 5 / 600
    assert seed_variance > noise, "the case is one where seeds matter"
    seeds = seed_variance * (1 / 4 + 1 / 3)
    images = (one.mean(0) - base.mean(0)).var(ddof=1) / 600 - noise * (1 / 4 + 1 / 3)
    freedom = (seeds + images) ** 2 / (seeds**2 / 5 + images**2 / 599)
    by_hand = found - stats.t.ppf(0.95, freedom) * (seeds + images) ** 0.5
    assert bound == pytest.approx(by_hand, abs=0.05 * (found - by_hand))


@pytest.mark.parametrize("count", [1, 3, 8])
def test_of_seeds_alone_they_are_those_of_dunnett(count):
    """Where all images of a training agree, the bounds are those of the many-to-one comparison of Dunnett (1955), which scipy has."""
    random = numpy.random.default_rng(count)
    samples = [random.normal(0.9, 0.02, 5) for _ in range(count + 1)]
    networks = [numpy.repeat(sample[:, None], 2_000, axis=1) for sample in samples]
    _, bounds = bound_differences(networks[1:], networks[0], draws=100_000)
    judge = stats.dunnett(*samples[1:], control=samples[0], alternative="greater", random_state=0).confidence_interval(0.95)
    assert bounds == pytest.approx(judge.low, abs=0.0004)


def test_the_chance_to_pass_by_hand():
    """One network, seeds alone: the difference is shown where Student's bound is above the margin, a noncentral t."""
    seeds, sd, margin = 5, 0.003, 0.005
    error = sd * (2 / seeds) ** 0.5
    freedom = 2 * (seeds - 1)
    judge = stats.nct.sf(stats.t.ppf(0.95, freedom), freedom, margin / error)
    assert compute_pass_chance(1, seeds, sd, 1e-9, margin) == pytest.approx(judge, abs=0.015)
    assert compute_pass_chance(8, seeds, sd, 0.001, margin) < compute_pass_chance(8, 2 * seeds, sd, 0.001, margin)


def test_more_networks_and_fewer_images_widen_the_bounds():
    random = numpy.random.default_rng(0)
    networks, base = [right(random, 0.95) for _ in range(6)], right(random, 0.95)
    alone, together = bound_differences(networks[:1], base)[1][0], bound_differences(networks, base)[1][0]
    assert bound_differences([networks[0][:, :300]], base[:, :300])[1][0] < together < alone


def test_agreement_by_chance_is_no_certainty():
    same = numpy.ones((3, 50), dtype=bool)
    (difference,), (bound,) = bound_differences([same], same)
    assert difference == 0 and bound == pytest.approx(-stats.t.ppf(0.95, 49) / 50, rel=0.05)


def test_the_cheapest_that_is_not_worse_is_chosen():
    random = numpy.random.default_rng(1)
    base = score("baseline", 1.0, right(random, 0.95, images=20_000))
    worse, good, dear = (score(*one, right(random, accuracy, images=20_000)) for *one, accuracy in (
        ("worse", 0.5, 0.90), ("good", 0.7, 0.95), ("dear", 1.2, 0.99)))  # fmt: skip
    found = find_cheaper([dear, good, worse], base, "latency", 0.01)
    assert found.chosen == "good" and [one.name for one in found.networks] == ["worse", "good", "dear"]
    assert [one.ratio for one in found.networks] == [0.5, 0.7, 1.2] and found.networks[0].bound < -0.01 < found.networks[1].bound
    assert find_cheaper([worse, dear], base, "latency", 0.01).chosen == "", "a network that is dearer is no answer"
    assert find_cheaper([worse], base, "latency", 0.2).chosen == "worse"
    assert find_cheaper([good], base, "params", 0.01) is None and find_cheaper([], base, "latency", 0.01) is None
    assert find_cheaper([good, worse], base, "macs", 0.2).chosen == "worse"


def test_random_networks_are_not_among_them_and_rows_end_with_the_baseline():
    random = numpy.random.default_rng(1)
    base = score("baseline", 1.0, right(random, 0.9), "baseline")
    best = [score("a", 0.9, right(random, 0.9)), score("drawn", 0.1, right(random, 0.9), is_random=True)]
    cheap = [score("b", 0.8, right(random, 0.9))]
    found = add_cheaper(compare_families(best, base), best, cheap, base, "latency", 0.005)
    assert [row.name for row in found.rows] == ["a", "drawn", "b", "baseline"]
    assert [one.name for one in found.cheaper.networks] == ["b", "a"]
    assert found.differences == compare_families(best, base).differences, "the families' comparison is of the best alone"


SAID = CheaperAnswer("latency", 0.005, (), "x", 897, 3)
ROWS = find_cheaper(
    [score(name, ratio, right(numpy.random.default_rng(seed), 0.95)) for seed, (name, ratio) in enumerate([("x", 0.7), ("y", 0.8)])],
    score("baseline", 1.0, right(numpy.random.default_rng(9), 0.95)), "latency", 0.005,
).networks  # fmt: skip


def said(**changes) -> str:
    """The sentence, of two networks with a difference of 0.1 and bounds of -0.2 and -0.9 points."""
    bounds = changes.pop("bounds", (-0.002, -0.009))
    networks = tuple(replace(row, difference=0.001, bound=bound) for row, bound in zip(changes.pop("networks", ROWS), bounds))
    return replace(SAID, networks=networks, **changes).sentence()


EVIDENCE = "a difference of +0.10 points, at least {} (95 %, all 2 networks together; 897 images, 3 seeds)"


def test_words_of_the_chosen_network():
    measured = CostRatio(0.71, 0.704, 0.73, 9)
    equal = f"is not worse than the baseline by more than 0.5 points, with {EVIDENCE.format('-0.20')}"
    cost = "takes 0.71x of the baseline's latency (95 % 0.70 to 0.73, measured after the choice)"
    assert said(remeasured=measured) == f"x {cost} and {equal}"
    assert said() == f"x takes 0.70x of the baseline's latency (measured once, before the choice) and {equal}"
    assert said(cost="macs") == f"x takes 0.70x of the baseline's macs and {equal}"
    assert said(seeds=1).endswith("897 images, 1 seed: what another seed would change is not in the bound)")
    dear = said(remeasured=replace(measured, high=1.01))
    assert dear.startswith(f"x {equal}, but is not shown to be cheaper: it takes 0.71x of") and "0.70 to 1.01" in dear


def test_words_where_none_passes():
    lead = "a loss of more than 0.5 points is excluded for none of the 2 networks with lower latency than the baseline"
    assert said(chosen="", bounds=(-0.009, -0.006)) == f"{lead}: the nearest, y, takes 0.80x of it, with {EVIDENCE.format('-0.60')}"
    one = said(chosen="", networks=(ROWS[0], replace(ROWS[1], ratio=1.0)), bounds=(-0.009, -0.001))
    only = "a loss of more than 0.5 points is not excluded for the only network with lower latency than the baseline"
    assert one.startswith(f"{only}: x takes")
    none = said(chosen="", networks=tuple(replace(row, ratio=row.ratio + 0.5) for row in ROWS))
    assert none == "none of 2 finalists has lower latency than the baseline: x has the lowest, 1.20x"


def test_it_leads_the_answer_and_is_read_again():
    random = numpy.random.default_rng(1)
    base = score("baseline", 1.0, right(random, 0.9), "baseline")
    best = [score("a", 0.9, right(random, 0.9))]
    answer: Answer = add_cheaper(compare_families(best, base), best, [], base, "latency", 0.5)
    answer = replace(answer, cheaper=replace(answer.cheaper, remeasured=CostRatio(0.9, 0.8, 0.95, 9)))
    assert answer.sentences()[0] == answer.cheaper.sentence() and answer.cheaper.chosen == "a"
    assert answer_table(answer).split("\n\n")[1].startswith("a takes 0.90x of the baseline's latency (95 % 0.80 to 0.95, measured after")
    assert read_answer(answer_json(answer)) == answer
    assert "cheaper" not in answer_json(compare_families(best, base)) and "shared" not in answer_json(answer)
    both = replace(answer, shared=(("hs", "resnext", 2),))
    assert read_answer(answer_json(both)) == both and "hs and resnext share 2 networks, found in both." in answer_table(both)


@pytest.mark.slow
@pytest.mark.parametrize(("seed_sd", "noise_sd"), [(0.0, 1.0), (0.3, 1.0)])
def test_the_bounds_hold_together(seed_sd, noise_sd):
    """Six networks as good as the baseline: in about 5 % of simulated studies, and no more, one of the bounds is above the truth."""
    random = numpy.random.default_rng(7)
    wrong, studies = 0, 1_000
    for number in range(studies):
        ease = random.normal(2.5, 2.0, 897)
        taste = random.normal(0, 0.7, (7, 1, 897))
        luck, noise = random.normal(0, seed_sd, (7, 3, 1)), random.normal(0, noise_sd, (7, 3, 897))
        base, *networks = ease + taste + luck + noise > 0
        wrong += max(bound_differences(networks, base, seed=number, draws=2_000)[1]) > 0
    assert 0.025 <= wrong / studies <= 0.065
