"""Random networks of the finals: how they are drawn, kept and read again, and what is missing of them."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from study import tiny

from blockspace.errors import BlockspaceError, Mistake, StorageError
from blockspace.records import RunDir, Warned
from blockspace.reporting import Missing
from blockspace.study import resolve_study
from blockspace.study.missing import find_missing_random
from blockspace.study.random_networks import DRAWS, RandomDrawer, read_random_networks, select_random_networks
from blockspace.study.retrain import finalist_jobs, make_random_finalist, select_finalists


@pytest.fixture
def study(tmp_path):
    """The tiny study with three random networks of each family."""
    tiny.write(tmp_path)
    (tmp_path / "run").mkdir()
    return lambda *texts: resolve_study(tmp_path / "study.yaml", [f"out={tmp_path / 'run'}", "finalists.random=3", *texts])


def draw(resolved, measure=None):
    told = []
    return RandomDrawer(resolved, measure, told.append).draw_all(), told


def test_networks_of_each_family_are_drawn_within_the_budget(study):
    resolved = study()
    found, _ = draw(resolved)
    assert [(one.family, one.index) for one in found] == [(f, n) for f in ("hs", "resnext", "mine") for n in range(3)]
    budget = resolved.budgeted_space.budgets["macs"]
    for one in found:
        candidate = resolved.candidate(one.params)
        assert candidate.key == one.key and candidate.costs == one.costs and budget.holds(one.costs["macs"])
        assert one.name == f"{candidate.label}.random-{one.index}" and one.params["block"] == one.family


def test_draws_follow_from_the_seed_the_family_and_the_index_alone(study):
    first, _ = draw(study())
    again, _ = draw(study("finalists.random=1"))
    assert again == [one for one in first if one.index == 0], "what is kept is taken"
    RunDir(study().study.folder).random_networks.unlink()
    assert draw(study("finalists.random=5"))[0][:3] == first[:3], "more of them leave the first as they are"
    RunDir(study().study.folder).random_networks.unlink()
    assert [one.params for one in draw(study("search.seed=1"))[0]] != [one.params for one in first]


def test_every_feasible_topology_is_drawn_and_no_other(study):
    """Of the nine topologies of a family, those that can be solved into the budget."""
    resolved = study()
    drawer = RandomDrawer(resolved, None, lambda event: None)
    counts = Counter(json.dumps(drawer.draw_network("hs", {"block": "hs"}, index).params) for index in range(40))
    every = [{"block": "hs", "block.hs.splits": splits, "stage1.repeat": repeat} for splits in (3, 4, 5) for repeat in (1, 2, 3)]
    feasible = [one for one in every if resolved.candidate(one).violations["macs"] <= 0]
    assert set(counts) == set(map(json.dumps, feasible)) and len(feasible) < 9


def test_a_measured_network_outside_its_limit_is_not_taken_and_not_measured_again(study):
    calls = []

    def measure(candidate):
        calls.append(candidate.key)
        return {"latency": 2.0 if len(calls) % 3 == 1 else 1.0}

    resolved = study("budget.latency.high=130%")
    found, told = draw(resolved, measure)
    assert len(found) == 9 and all(one.measured == {"latency": 1.0} for one in found)
    kept = read_random_networks(RunDir(resolved.study.folder))
    assert len(kept) == len(calls) == len(told) and sum(not one.is_taken for one in kept) == sum(n % 3 == 0 for n in range(len(calls)))
    assert draw(resolved, measure)[0] == found and len(calls) == len(kept)


def test_a_network_that_cannot_be_measured_is_said_and_another_is_drawn(study):
    calls = []

    def measure(candidate):
        calls.append(candidate.label)
        if len(calls) == 1:
            raise BlockspaceError(Mistake("E-LATENCY", "no"))
        return {"latency": 1.0}

    found, told = draw(study("budget.latency.high=130%"), measure)
    assert len(found) == 9 and len(calls) == 10
    assert [event.reason for event in told if isinstance(event, Warned)] == [f"{calls[0]}.random-0: no; another network is drawn"]


def test_a_shortfall_is_missing(study):
    resolved = study()
    found, _ = draw(resolved)
    finalists = [make_random_finalist(resolved, one) for one in found if one.family != "mine" and one.index < 2]
    reason = f"none of {DRAWS} draws is within the budget"
    assert list(find_missing_random(resolved, finalists)) == [
        Missing("random network", f"{index} of {family}", reason)
        for family, indices in (("hs", (2,)), ("resnext", (2,)), ("mine", (0, 1, 2))) for index in indices
    ]  # fmt: skip
    assert list(find_missing_random(study("finalists.random=0"), [])) == []


def test_a_budget_that_nothing_meets_ends_the_drawing(study, monkeypatch):
    resolved = study()
    draws = []
    monkeypatch.setattr("blockspace.study.random_networks.DRAWS", 5)
    monkeypatch.setattr(RandomDrawer, "make_network", lambda self, *where: draws.append(where))
    assert draw(resolved)[0] == [] and len(draws) == 3 * 5


def test_their_trainings_are_their_own(study):
    """A random network that is also a finalist, or is drawn twice, is trained with other seeds."""
    resolved = study()
    found, _ = draw(resolved)
    finalists = [make_random_finalist(resolved, one) for one in found]
    jobs = finalist_jobs(resolved, [*select_finalists(resolved, []), *finalists])
    assert len({job.seed for job in jobs}) == len(jobs) == 2 + 9 * 2
    assert {job.folder.split("finalists/")[1] for job in jobs} >= {f"{one.name}/seed-{r}" for one in found for r in (0, 1)}
    assert all(one.record is None and one.role == "random" for one in finalists)


def test_a_report_takes_the_families_and_the_number_that_the_study_has(study):
    resolved = study()
    found, _ = draw(resolved)
    run = RunDir(resolved.study.folder)
    assert select_random_networks(run, resolved.options) == found
    fewer = select_random_networks(run, study("finalists.random=1").options)
    assert [(one.family, one.index) for one in fewer] == [("hs", 0), ("resnext", 0), ("mine", 0)]
    other = study("finalists.per=stage1.repeat", "compare=null").options
    assert select_random_networks(run, other) == []


@pytest.mark.parametrize("damage", ["{", '{"format": "blockspace/random/1"}', '{"format": "blockspace/random/1", "networks": [{}]}', "[]"])
def test_a_damaged_file_is_named(study, damage):
    run = RunDir(study().study.folder)
    run.random_networks.write_text(damage)
    with pytest.raises(StorageError, match="random_networks.json: damaged"):
        read_random_networks(run)
