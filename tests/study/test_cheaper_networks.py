"""Which trials become finalists for their cost, and the cost that is measured anew."""

from __future__ import annotations

import json
import random

import numpy
import pytest
from scipy import stats

from blockspace.records import RunDir, TrialRecord, TrialState
from blockspace.reporting import Answer, BoundedNetwork, CheaperAnswer
from blockspace.study.cheaper_networks import is_clearly_below, list_undominated, spread_evenly, take_along_cost
from blockspace.study.remeasured_cost import add_remeasured, summarize_ratios, write_remeasured


def trial(number: int, latency: float, accuracy: float, key: str = "") -> TrialRecord:
    key = key or f"v3:{number}"
    return TrialRecord(number, TrialState.TRAINED, f"n{number}", key, metrics={"val_acc": accuracy}, measured={"latency": latency})


def numbers(records) -> list[int]:
    return [record.number for record in records]


def test_below_by_more_than_the_noise_of_the_images():
    """Of many images the bound is the usual one of two proportions; of few, nothing is clear."""
    edge = 0.95 - 0.005 - stats.norm.ppf(0.95) * (2 * 0.95 * 0.05 / 100_000) ** 0.5
    assert is_clearly_below(edge - 2e-4, 0.95, 0.005, 100_000) and not is_clearly_below(edge + 2e-4, 0.95, 0.005, 100_000)
    assert not is_clearly_below(0.5, 0.9, 0.005, 5) and is_clearly_below(0.5, 0.9, 0.005, 100)
    assert not is_clearly_below(1.0, 1.0, 0.005, 10)


def test_the_undominated_by_brute_force():
    draw = random.Random(4)
    records = [trial(n, round(draw.uniform(0.5, 1.2), 1), round(draw.uniform(0.9, 1.0), 2)) for n in range(60)]

    def beats(one: TrialRecord, other: TrialRecord) -> bool:
        pairs = [(one.measured["latency"], other.measured["latency"]), (-one.metrics["val_acc"], -other.metrics["val_acc"])]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    want = {(r.measured["latency"], r.metrics["val_acc"]) for r in records if not any(beats(other, r) for other in records)}
    found = list_undominated(records, "latency")
    assert [(r.measured["latency"], r.metrics["val_acc"]) for r in found] == sorted(want)


def test_they_lie_along_the_cost():
    front = [trial(n, 0.5 + n / 20, 0.90 + n / 100) for n in range(9)]
    worse = [trial(20, 0.55, 0.80), trial(21, 0.60, 0.85)]
    assert numbers(take_along_cost([*worse, *front], "latency", set())) == [0, 3, 5, 8]
    assert numbers(take_along_cost([*worse, *front[:3]], "latency", set())) == [0, 1, 20, 2], "what only the chosen ones beat comes next"
    assert numbers(take_along_cost(front[:2], "latency", set())) == [0, 1]


def test_networks_that_are_finalists_beat_others_and_are_not_taken_again():
    best, beaten, other = trial(0, 0.6, 0.99), trial(1, 0.7, 0.95), trial(2, 0.5, 0.90)
    assert numbers(take_along_cost([best, beaten, other], "latency", {best.key}, count=1)) == [2]
    assert numbers(take_along_cost([best, beaten, other], "latency", {best.key})) == [2, 1]


@pytest.mark.parametrize("count, places", [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (12, list(range(10)))])
def test_even_distances(count, places):
    records = [trial(n, 1.0, 0.9) for n in range(10)]
    assert numbers(spread_evenly(records, count)) == places


def test_repeated_measurements_have_students_interval():
    ratios = [0.70, 0.72, 0.71, 0.69, 0.74]
    found = summarize_ratios(ratios)
    logs = numpy.log(ratios)
    low, high = stats.t.interval(0.95, 4, loc=logs.mean(), scale=stats.sem(logs))
    assert (found.ratio, found.low, found.high) == pytest.approx((stats.gmean(ratios), numpy.exp(low), numpy.exp(high)))
    assert found.measurements == 5
    for bad in ([0.7], [0.7, 0.0], []):
        with pytest.raises(ValueError, match="two or more ratios above 0"):
            summarize_ratios(bad)


def test_a_measurement_is_read_again_for_the_same_network_alone(tmp_path):
    found = CheaperAnswer("latency", 0.005, (BoundedNetwork("x", 0.7, 0.0, 0.0),), "x", 10, 3)
    run, answer = RunDir(tmp_path), Answer((), (), (), 10, cheaper=found)
    assert add_remeasured(run, answer, {"x": "v3:1"}) == answer
    write_remeasured(run, "x", "v3:1", "latency", [0.7, 0.8])
    assert add_remeasured(run, answer, {"x": "v3:1"}).cheaper.remeasured == summarize_ratios([0.7, 0.8])
    assert add_remeasured(run, answer, {"x": "v3:2"}) == answer
    for text in ("{", json.dumps({"format": "blockspace/latency/1"}), json.dumps([1])):
        run.remeasured("x").write_text(text)
        assert add_remeasured(run, answer, {"x": "v3:1"}) == answer
