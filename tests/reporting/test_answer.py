"""The comparison: its interval is honest, it finds what is there, and its sentence says what the interval says."""

import numpy
import pytest

from blockspace.reporting import ScoredFinalist, bootstrap_difference, compare_families


def group(random, images, seed_sd, noise_sd, shift, networks=2, seeds=3):
    """Right or wrong for each network, seed and image: an image is right when its ease, the network's taste, the seed's luck and the run's
    own noise add up to more than zero."""
    taste = random.normal(0, 0.7, (networks, 1, len(images)))
    luck = random.normal(0, seed_sd, (networks, seeds, 1))
    noise = random.normal(0, noise_sd, (networks, seeds, len(images)))
    return list(images + taste + luck + noise + shift > 0)


def excluded(experiments, seed_sd, noise_sd, shift=0.0, **size):
    """The share of simulated experiments whose interval leaves out zero."""
    random = numpy.random.default_rng(11)
    found = 0
    for number in range(experiments):
        images = random.normal(2.5, 2.0, 897)
        first, second = group(random, images, seed_sd, noise_sd, 0.0, **size), group(random, images, seed_sd, noise_sd, shift, **size)
        found += bootstrap_difference(first, second, seed=number, draws=500).excludes_zero
    return found / experiments


@pytest.mark.parametrize(("seed_sd", "noise_sd"), [(0.0, 1.0), (0.1, 1.0), (0.4, 0.5)])
def test_equal_families_are_told_apart_in_about_5_of_100_experiments(seed_sd, noise_sd):
    assert 0.01 <= excluded(250, seed_sd, noise_sd) <= 0.08


def test_the_interval_is_honest_for_single_networks_too():
    assert 0.01 <= excluded(200, 0.3, 1.0, networks=1) <= 0.10


def test_five_points_are_found():
    assert excluded(40, 0.1, 0.5, shift=0.5) >= 0.95


def finalists(family, accuracies, seed=0, macs=8_000_000, seeds=3, images=897):
    random = numpy.random.default_rng(seed)
    found = []
    for index, accuracy in enumerate(accuracies):
        correct = random.random((seeds, images)) < accuracy
        log_loss = numpy.where(correct, 0.05, 2.0) + random.random((seeds, images)) * 0.01
        found.append(ScoredFinalist(family, f"{family}-{index}", {"macs": macs, "params": 120_000}, correct, log_loss))
    return found


LACK = "; one search says nothing of the families: `search.repeats=5` could"


def test_a_clear_difference_of_one_search_is_said_of_its_networks():
    answer = compare_families(finalists("hs", (0.97, 0.97)) + finalists("resnext", (0.90, 0.91), seed=1))
    (only,) = answer.differences
    assert only.accuracy.excludes_zero and only.accuracy.p < 0.01 and only.log_loss.high < 0
    points, low, high = (100 * value for value in (only.accuracy.estimate, only.accuracy.low, only.accuracy.high))
    interval = f"(95 % {low:.1f} to {high:.1f}; other images and seeds, not other searches)"
    said = f"these 2 hs networks score {points:.1f} points above these 2 resnext networks {interval} at equal macs"
    assert answer.sentence() == f"{said}, on 897 test images, 3 seeds{LACK}"
    assert only.verdict is None and not answer.is_decided and not answer.is_about_families


def test_one_search_never_says_that_a_family_is_better():
    rows = finalists("hs", (0.97,)) + finalists("resnext", (0.90,), seed=1)
    said = " ".join(compare_families(rows, finalists("baseline", (0.8,), seed=2)[0]).sentences())
    assert "better" not in said and "this hs network scores " in said and "above this resnext network" in said


def test_the_better_one_comes_first_whatever_the_order():
    answer = compare_families(finalists("resnext", (0.90, 0.91), seed=1) + finalists("hs", (0.97, 0.97)))
    assert answer.sentence().startswith("these 2 hs networks score ")
    low, high = answer.sentence().split("95 % ")[1].split(";")[0].split(" to ")
    assert 0 < float(low) < float(high)


def test_no_difference_is_called_that():
    answer = compare_families(finalists("hs", (0.95, 0.95)) + finalists("resnext", (0.95, 0.95), seed=1))
    assert " networks are not distinguishable at this size: difference " in answer.sentence() and answer.sentence().endswith(LACK)


def test_a_family_against_itself_is_no_difference():
    one = finalists("hs", (0.95, 0.96))
    other = [ScoredFinalist("again", f.name, f.costs, f.correct, f.log_loss) for f in one]
    (only,) = compare_families(one + other).differences
    assert only.accuracy.estimate == 0 and not only.accuracy.excludes_zero and only.accuracy.p > 0.9


def test_unequal_costs_are_named():
    rows = finalists("hs", (0.97,), macs=8_400_000) + finalists("resnext", (0.90,), seed=1)
    assert "with 5.0 % more macs, on" in compare_families(rows).sentence()
    rows = finalists("hs", (0.90,), macs=8_400_000) + finalists("resnext", (0.97,), seed=1)
    sentence = compare_families(rows).sentence()
    assert sentence.startswith("this resnext network scores ") and "with 4.8 % less macs, on" in sentence
    assert "at unknown latency" in compare_families(rows, cost="latency").sentence()


def with_latency(found, latency):
    return [ScoredFinalist(f.family, f.name, {**f.costs, "latency": latency}, f.correct, f.log_loss) for f in found]


@pytest.mark.parametrize(
    "accuracies, latencies, words",
    [
        ((0.97, 0.90), (1.0, 1.02), "at equal macs and at equal latency, on 897"),
        ((0.97, 0.90), (1.5, 1.0), "at equal macs and with 50.0 % more latency, on 897"),
        ((0.90, 0.97), (1.5, 1.0), "at equal macs and with 33.3 % less latency, on 897"),
        ((0.97, 0.90), (None, 1.0), "at equal macs, on 897"),
    ],
)
def test_latency_is_named_where_it_was_measured(accuracies, latencies, words):
    rows = [finalists(name, (a,), seed=i) for i, (name, a) in enumerate(zip(("hs", "resnext"), accuracies))]
    rows = [with_latency(found, latency) if latency else found for found, latency in zip(rows, latencies)]
    assert words in compare_families(rows[0] + rows[1]).sentence()


def test_who_is_slower_is_named_where_no_one_is_better():
    rows = [finalists(name, (0.95, 0.95), seed=i) for i, name in enumerate(("hs", "resnext"))]
    said = compare_families(with_latency(rows[0], 2.0) + with_latency(rows[1], 1.0)).sentence()
    first = "hs" if said.startswith("these 2 hs") else "resnext"
    assert f"{first} with {'100.0 % more' if first == 'hs' else '50.0 % less'} latency, on 897" in said


def test_both_costs_may_differ():
    hs, resnext = finalists("hs", (0.95, 0.95), macs=2_000_000), finalists("resnext", (0.95, 0.95), seed=1, macs=1_000_000)
    said = compare_families(with_latency(hs, 2.0) + with_latency(resnext, 1.0)).sentence()
    first, much = ("hs", "100.0 % more") if said.startswith("these 2 hs") else ("resnext", "50.0 % less")
    assert f"), {first} with {much} macs and {much} latency, on 897" in said


def test_one_family_can_be_the_one_that_others_are_compared_with():
    rows = finalists("a", (0.97,)) + finalists("b", (0.93,), seed=1) + finalists("c", (0.90,), seed=2)
    assert [(d.first, d.second) for d in compare_families(rows, against="b").differences] == [("a", "b"), ("b", "c")]


def test_three_families_and_a_baseline():
    rows = finalists("a", (0.97,)) + finalists("b", (0.93,), seed=1) + finalists("c", (0.90,), seed=2)
    answer = compare_families(rows, finalists("baseline", (0.90,), seed=3)[0])
    assert [(d.first, d.second) for d in answer.differences] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [d.second for d in answer.against_baseline] == ["the baseline"] * 3
    assert answer.sentence().count("\n") == 2 and len(answer.sentences()) == 6 and len(answer.rows) == 4
    assert answer.rows[0].accuracy == pytest.approx(0.97, abs=0.02) and answer.rows[0].accuracy_sd > 0
    alone = compare_families(rows[:1], finalists("baseline", (0.90,), seed=3)[0])
    assert alone.sentence().startswith("this a network scores ") and "above the baseline" in alone.sentence()


def test_one_seed_is_admitted():
    answer = compare_families(finalists("hs", (0.97,), seeds=1) + finalists("resnext", (0.90,), seed=1, seeds=1))
    assert "1 seed (what another seed would change is not in the interval)" in answer.sentence()
    assert answer.rows[0].accuracy_sd is None


def test_the_answer_is_a_function_of_its_arguments():
    rows = finalists("hs", (0.95,)) + finalists("resnext", (0.94,), seed=1)
    first, again, other = (compare_families(rows, seed=seed).differences for seed in (1, 1, 2))
    assert first == again != other


def test_arrays_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="no finalists"):
        compare_families([])
    with pytest.raises(ValueError, match=r"b-0: correct \(3, 500\), log_loss \(3, 500\), expected \(seeds, 897\)"):
        compare_families(finalists("a", (0.9,)) + finalists("b", (0.9,), images=500))
    with pytest.raises(ValueError, match="a group without networks"):
        bootstrap_difference([], [numpy.ones((3, 5))])
    with pytest.raises(ValueError, match=r"expected \(seeds, images\)"):
        bootstrap_difference([numpy.ones((3, 5))], [numpy.ones((3, 6))])
