"""Which trials were drawn independently: not those that the study gives, nor those that a sampler chose by what it had learnt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reporting.runs import final, run
from study import tiny

from blockspace.records import TrialRecord, TrialState
from blockspace.study import load_study
from blockspace.study.random_draws import collect_draws, list_random_trials

HOLE, FAMILIES = "block", ("hs", "resnext")


def record(number: int, repeat: int = 0, state: TrialState = TrialState.TRAINED) -> TrialRecord:
    family = FAMILIES[number % 2]
    metrics = {"val_acc": number / 100} if state is TrialState.TRAINED else {}
    return TrialRecord(number, state, key=f"v3:{number}", families={HOLE: family}, metrics=metrics, values=metrics, repeat=repeat)


def test_the_start_is_counted_in_each_search():
    records = [record(number, repeat=number // 20) for number in range(40)]
    assert [one.number for one in list_random_trials(records, 3, 0)] == [0, 1, 2, 20, 21, 22]
    assert [one.number for one in list_random_trials(records, 3, 2)] == [2, 22]
    assert len(list(list_random_trials(records, None, 1))) == 38 and not list(list_random_trials(records, 0, 0))


def study(tmp_path, *texts: str):
    return load_study(tiny.write(tmp_path), texts)


def test_a_random_search_gives_all_its_networks_within_the_budgets(tmp_path):
    records = [record(n, state=TrialState.OVER_BUDGET if n in (3, 4) else TrialState.TRAINED) for n in range(30)]
    draws, reason = collect_draws(study(tmp_path, "search.sampler=random"), records, (), FAMILIES, HOLE)
    assert reason == "" and len(draws) == 1 and draws[0].metric == "val_acc"
    assert {family: len(values) for family, values in draws[0].values.items()} == {"hs": 14, "resnext": 14}


def test_a_model_gives_its_random_start_and_no_more(tmp_path):
    draws, _ = collect_draws(study(tmp_path), [record(n) for n in range(30)], (), FAMILIES, HOLE)
    assert draws[0].source == "the random start of the search, its first 10 proposals"
    assert draws[0].values == {"hs": (0.0, 0.02, 0.04, 0.06, 0.08), "resnext": (0.01, 0.03, 0.05, 0.07, 0.09)}


@pytest.mark.parametrize("sampler, words", [
    ("tpe", "learns from results after 10 proposals, which trained 1 network of a family at most"),
    ("grid", "the sampler grid does not draw at random"), ("random", "1 network of a family at most are trained"),
])  # fmt: skip
def test_too_few_are_said_with_what_gives_them(tmp_path, sampler, words):
    draws, reason = collect_draws(study(tmp_path, f"search.sampler={sampler}"), [record(0), record(1)], (), FAMILIES, HOLE)
    assert draws == () and words in reason and "`finalists.random=3`" in reason


def test_random_finalists_count_by_their_test_results(tmp_path):
    finals = [replace(final(f"r{n}", "hs", None), role="random") for n in range(3)] + list(run().finals)
    draws, _ = collect_draws(study(tmp_path, "search.sampler=grid"), [], finals, FAMILIES, HOLE)
    assert [one.metric for one in draws] == ["test_acc"] and draws[0].values == {"hs": (0.9, 0.9, 0.9), "resnext": ()}
