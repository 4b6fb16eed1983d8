"""Records of trials: states, JSON, families, and who is best."""

from __future__ import annotations

import json

import pytest

from blockspace.executors import Result
from blockspace.records import TrialRecord, TrialState, count_saved_trainings, count_shared_networks, pareto_front, select_best

OBJECTIVES = {"val_acc": "maximize", "latency": "minimize"}


def trained(number: int, accuracy: float, latency: float, **facts) -> TrialRecord:
    return TrialRecord(number, TrialState.TRAINED, key=f"v3:{number}", values={"val_acc": accuracy, "latency": latency}, **facts)


def test_states_are_the_words_on_disk():
    assert list(TrialState) == ["trained", "duplicate", "over_budget", "diverged", "failed", "oom", "timeout", "hung", "running"]
    assert [state for state in TrialState if state.is_failure] == ["failed", "oom", "timeout", "hung"]
    assert [state for state in TrialState if state.is_trained] == ["trained"]
    assert {state.merged for state in TrialState} == {"trained", "duplicate", "over_budget", "diverged", "failed", "running"}
    assert f"{TrialState.OVER_BUDGET}" == "over_budget" and TrialState.OVER_BUDGET.label == "over budget"


@pytest.mark.parametrize("state", TrialState)
def test_a_result_has_the_state_of_a_training_that_has_ended(state):
    if state.is_training_end:
        assert Result(state.value).state is state
    else:
        with pytest.raises(ValueError, match="must be one of trained, diverged"):
            Result(state)


def test_a_record_survives_json():
    record = trained(17, 0.9, 1.1, params={"block": "hs", "splits": 4}, nearest={"seed": "hs", "changed": 3}, label="hs-s4")
    again = TrialRecord.from_dict(json.loads(json.dumps(record.as_dict())))
    assert again == record and again.state is TrialState.TRAINED and again.name == "#17 hs-s4"


def test_what_a_trial_chose_of_a_parameter_is_its_family():
    record = trained(1, 0.9, 1.0, params={"block": "hs", "net.splits": 4})
    assert (record.family("block", "?"), record.family("net.splits", "?"), record.family("other", "?")) == ("hs", "splits 4", "?")
    assert TrialRecord(2, TrialState.OVER_BUDGET, params={"block": "hs"}).family("block", "?") == "?", "it was never expanded"


def test_the_front_holds_what_nothing_dominates():
    records = [trained(0, 0.9, 1.0), trained(1, 0.8, 1.0), trained(2, 0.95, 1.2), trained(3, 0.99, 0.5, comparable=False)]
    records.append(trained(4, 0.99, 0.5, violations={"macs": 0.1}))
    records.append(TrialRecord(5, TrialState.DUPLICATE, values={"val_acc": 0.99, "latency": 0.5}))
    assert [record.number for record in pareto_front(records, OBJECTIVES)] == [0, 2]


def test_the_best_of_each_family():
    found = [(0.7, "a"), (0.9, "b"), (0.8, "a"), (0.6, "b")]
    records = [trained(n, accuracy, 1.0, params={"block": block}) for n, (accuracy, block) in enumerate(found)]
    assert [r.number for r in select_best(records, OBJECTIVES, "block", ["a", "b"], 1)] == [2, 1]
    assert [r.number for r in select_best(records, OBJECTIVES, None, [], 3)] == [1, 2, 0]


def test_a_duplicate_of_a_refused_network_saved_no_training():
    refused, copy = TrialRecord(0, TrialState.OVER_BUDGET), TrialRecord(1, TrialState.DUPLICATE, duplicate_of=0)
    good, again = trained(2, 0.9, 1.0, reused="runs/first#3"), TrialRecord(3, TrialState.DUPLICATE, duplicate_of=2)
    assert count_saved_trainings([refused, copy, good, again]) == {"duplicate": 1, "reused": 1}


def test_networks_that_two_families_share_are_counted():
    found = [("a", "v1:1"), ("b", "v1:1"), ("b", "v1:2"), ("a", "v1:2"), ("c", "v1:3"), ("a", "v1:1"), ("c", "")]
    records = [TrialRecord(n, TrialState.TRAINED, key=key, params={"block": block}) for n, (block, key) in enumerate(found)]
    assert count_shared_networks(records, "block") == {("a", "b"): 2} and count_shared_networks(records, None) == {}
