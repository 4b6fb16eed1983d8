"""The loop's promises on a fake space: states, duplicates, balance, counts, failures, limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from fakes import PRELOAD, FakeSpace, search_fakes

from blockspace.errors import BlockspaceError, FailureError, InfeasibleError, StorageError
from blockspace.executors import LocalExecutor
from blockspace.records import TrialRecord
from blockspace.searching import Interrupted, SearchOptions, StudyLock


@pytest.fixture(scope="module")
def workers():
    with LocalExecutor(2, PRELOAD, grace=1.0) as workers:
        yield workers


def search(folder, workers, space=None, options=None, **rest) -> list[TrialRecord]:
    options = SearchOptions(**{"trials": 6, **(options or {})})
    return search_fakes(folder, workers, options, space, **rest)


def ran(folder) -> Counter:
    """How often each trial trained."""
    return Counter({path.parent.name: len(path.read_text().split()) for path in folder.glob("trials/*/ran.txt")})


def trained(rows) -> list[TrialRecord]:
    return [row for row in rows if row.state == "trained"]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "grid", pytest.param("gp", marks=pytest.mark.slow)])
def test_exactly_n_distinct_networks_train(tmp_path, workers, sampler):
    rows = search(tmp_path, workers, FakeSpace(limit=12, top=16), {"trials": 12, "sampler": sampler, "per_choice": {"block": "equal"}})
    good = trained(rows)
    assert len({row.key for row in good}) == len(good) == 12 == len(ran(tmp_path)) == sum(ran(tmp_path).values())
    assert Counter(row.families["block"] for row in good) == {"hs": 6, "resnext": 6}
    assert [row.number for row in rows] == list(range(len(rows)))
    for row in rows:
        assert row.is_feasible == (row.state == "trained") and row.key and row.label and row.costs and row.solved
        assert (2 * row.solved["half"] > 12) == (row.violations["macs"] > 0)
        if row.violations["macs"] > 0:
            assert not row.values and row.seconds == 0.0 and row.reason.startswith("macs")


def test_a_duplicate_copies_its_original_at_no_cost(tmp_path, workers):
    rows = search(tmp_path, workers, FakeSpace(top=3), {"trials": 10, "sampler": "random"})
    copies = [row for row in rows if row.state == "duplicate"]
    assert copies
    for row in copies:
        original = rows[row.duplicate_of]
        assert (row.key, row.values, row.metrics, row.seconds) == (original.key, original.values, original.metrics, 0.0)
        assert original.state == "trained" and not row.is_feasible


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_small_space_is_searched_to_its_end(tmp_path, workers, sampler):
    rows = search(tmp_path, workers, FakeSpace(top=2), {"trials": 8, "sampler": sampler})
    assert len(trained(rows)) == 8  # of ten


def test_an_exhausted_space_ends_with_its_reason(tmp_path, workers):
    events = []
    options = {"trials": 30, "sampler": "grid"}
    rows = search(tmp_path, workers, FakeSpace(top=1), options, on_event=events.append)
    assert len(trained(rows)) == 10 and len(rows) == 10  # 6 splits and 4 cardinalities at one width
    assert events[-1].kind == "ended" and events[-1].reason == "the space is exhausted"


def test_proposals_are_capped(tmp_path, workers):
    rows = search(tmp_path, workers, FakeSpace(top=1), {"trials": 11, "sampler": "random", "proposals": 2})
    assert len(rows) == 22 and len(trained(rows)) <= 10


def test_nothing_feasible_says_what_was_nearest(tmp_path, workers):
    with pytest.raises(InfeasibleError) as caught:
        search(tmp_path, workers, FakeSpace(limit=0.5), {"trials": 2, "proposals": 5, "sampler": "random"})
    assert caught.value.exit_code == 5
    assert "none of 10 proposals is within the budget (macs outside: 10)" in str(caught.value)
    assert "the nearest was" in caught.value.mistakes[0].help


def test_faults_become_states_and_the_search_goes_on(tmp_path, workers):
    names = ["raise", "memory", "diverge", "exit", "os_exit", "kill", "recurse", "no_metric", "wrong", "segfault"]
    faults = {str(number): name for number, name in enumerate(names)}
    options = {"trials": 6, "sampler": "random", "seed": 3, "failures": {"after": 50}}
    rows = search(tmp_path, workers, FakeSpace(limit=999, top=500), options, job_options={"faults": faults})
    fresh = {row.number: row for row in rows if row.state != "duplicate"}
    expected = {
        0: ("failed", "ValueError: bad width"),
        1: ("oom", "MemoryError"),
        2: ("diverged", "loss is nan at step 3"),
        3: ("failed", "SystemExit: 3"),
        4: ("failed", "worker exited with code 7 and no result"),
        5: ("failed", "worker died (signal 9)"),
        6: ("failed", "RecursionError: maximum recursion depth exceeded"),
        7: ("failed", "no value for the objective 'acc'"),
        8: ("failed", "TypeError: a training must return a Result, got dict"),
        9: ("failed", "worker died (signal 11)"),
    }
    for number, (status, reason) in expected.items():
        assert fresh[number].state == status and fresh[number].reason.startswith(reason), fresh[number]
        assert not fresh[number].values and not fresh[number].is_feasible
    assert fresh[2].violations["diverged"] == 1.0
    assert len(trained(rows)) == 6
    assert "ValueError: bad width" in (tmp_path / "trials/0000/log.txt").read_text()
    assert "Segmentation fault" in (tmp_path / "trials/0009/log.txt").read_text()


def test_the_same_cause_from_the_start_stops_the_study(tmp_path, workers):
    message = r"the first 3 trainings failed with the same cause: ValueError: bad width \(trial \d\)"
    with pytest.raises(FailureError, match=message) as caught:
        search(tmp_path, workers, options={"sampler": "random"}, job_options={"fault": "raise"})
    assert caught.value.exit_code == 4
    rows = search(tmp_path, workers, options={"sampler": "random"})  # mended: the same command goes on
    assert len(trained(rows)) == 6


def test_too_many_failures_stop_the_study(tmp_path, workers):
    faults = {str(number): "diverge" if number % 2 else "raise" for number in range(2, 40)}
    with pytest.raises(FailureError, match="6 of 10 trainings failed|of 1[0-4] trainings failed"):
        search(tmp_path, workers, FakeSpace(limit=999, top=500), {"trials": 20, "sampler": "random"}, job_options={"faults": faults})


def test_a_training_longer_than_its_timeout_is_stopped(tmp_path, workers):
    options = {"trials": 2, "sampler": "random", "timeout": 0.5}
    rows = search(tmp_path, workers, FakeSpace(limit=99), options, job_options={"faults": {"0": "stubborn", "1": "hang"}})
    late = [row for row in rows if row.number in (0, 1)]
    assert [row.state for row in late] == ["timeout", "timeout"] and len(trained(rows)) == 2
    assert late[0].reason == "longer than 0.5 s" and late[0].seconds >= 0.5


def test_measured_once_per_network_and_limited(tmp_path, workers):
    calls = Counter()

    def measure(candidate):
        calls[candidate.key] += 1
        return {"latency": candidate.assignment["width"] / 10}

    settings = {"objectives": {"acc": "maximize", "latency": "minimize"}, "measure": measure, "limits": {"latency": (None, 1.3)}}
    rows = search(tmp_path, workers, options={"trials": 4, "sampler": "random"}, **settings)
    assert set(calls.values()) == {1}
    for row in trained(rows):
        assert row.values["latency"] == row.measured["latency"] <= 1.3 and row.violations["latency"] <= 0
    slow = [row for row in rows if row.measured.get("latency", 0) > 1.3]
    assert slow and all(row.state in ("over_budget", "duplicate") and not row.values for row in slow)
    before = sum(calls.values())
    assert search(tmp_path, workers, options={"trials": 4, "sampler": "random"}, **settings) == rows and sum(calls.values()) == before


def test_nsga2_gets_the_worst_values_but_the_table_does_not_show_them(tmp_path, workers):
    rows = search(tmp_path, workers, FakeSpace(limit=6), {"trials": 4, "sampler": "nsga2"})
    refused = [row for row in rows if row.state == "over_budget"]
    assert refused and not any(row.values for row in refused)


def test_trials_is_a_total_and_may_grow(tmp_path, workers):
    first = search(tmp_path, workers, options={"trials": 3})
    more = search(tmp_path, workers, options={"trials": 5})
    assert more[: len(first)] == first and len(trained(more)) == 5
    with pytest.raises(BlockspaceError, match=r"search.trials: 5 -> 4 \(may only grow\)"):
        search(tmp_path, workers, options={"trials": 4})


def test_a_changed_study_is_refused_with_a_diff(tmp_path, workers):
    search(tmp_path, workers, options={"trials": 1}, digest={"space": {"base": [12, 16]}, "out": "a"})
    search(tmp_path, workers, options={"trials": 1, "workers": 2, "timeout": 9.0}, digest={"space": {"base": [12, 16]}, "out": "b"})
    with pytest.raises(BlockspaceError) as caught:
        search(tmp_path, workers, options={"trials": 1, "seed": 1}, digest={"space": {"base": [12, 20]}})
    assert caught.value.exit_code == 2 and caught.value.mistakes[0].code == "E-CHANGED"
    assert "space.base[1]: 16 -> 20" in str(caught.value) and "search.seed: 0 -> 1" in str(caught.value)


def test_what_earlier_versions_did_not_record_is_no_change(tmp_path, workers):
    """The blocks that imported blocks import: a run directory without them goes on, one with them notices a change."""
    old, new = tmp_path / "old", tmp_path / "new"
    known, more = {"space": {"base": [12]}}, {"space": {"base": [12]}, "imports": {"unit/norm": {"flow": ["relu"]}}}
    search(old, workers, options={"trials": 1}, digest=known)
    search(old, workers, options={"trials": 1}, digest=more)
    search(new, workers, options={"trials": 1}, digest=more)
    with pytest.raises(BlockspaceError, match="imports.unit/norm.flow"):
        search(new, workers, options={"trials": 1}, digest=known | {"imports": {"unit/norm": {"flow": ["silu"]}}})


def test_a_second_driver_is_refused(tmp_path, workers):
    with StudyLock(tmp_path), pytest.raises(StorageError, match=r"another process runs this study \(pid \d+ on .* since 20") as caught:
        search(tmp_path, workers)
    assert caught.value.exit_code == 3
    with StudyLock(tmp_path) as lock:
        assert search(tmp_path, workers, options={"trials": 1}, lock=lock)


def test_a_damaged_database_is_refused(tmp_path, workers):
    search(tmp_path, workers, options={"trials": 1})
    (tmp_path / "study.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="the study's database is damaged") as caught:
        search(tmp_path, workers, options={"trials": 1})
    assert caught.value.mistakes[0].code == "E-STORE"


def test_results_are_adopted_when_the_database_is_gone(tmp_path, workers):
    rows = search(tmp_path, workers, options={"trials": 4, "sampler": "random"})
    for path in tmp_path.glob("study.db*"):
        path.unlink()
    again = search(tmp_path, workers, options={"trials": 4, "sampler": "random"})
    assert [replace(row, started=None, ended=None) for row in again] == [replace(row, started=None, ended=None) for row in rows]
    assert set(ran(tmp_path).values()) == {1}


def test_uneven_trials_are_refused(tmp_path, workers):
    with pytest.raises(BlockspaceError, match="5 trials do not divide equally among the 2 choices of 'block'") as caught:
        search(tmp_path, workers, options={"trials": 5, "per_choice": {"block": "equal"}})
    assert caught.value.mistakes[0].help == "nearest: 4 or 6"


def test_stop_leaves_running_trials_to_the_next_start(tmp_path, workers):
    started = []

    def note(event):
        started.extend([event.number] if event.kind == "started" else [])

    with pytest.raises(Interrupted) as caught:
        search(tmp_path, workers, job_options={"sleep": 0.4}, on_event=note, stop=lambda: len(started) >= 2)
    assert caught.value.exit_code == 130
    assert [row.state for row in caught.value.rows].count("running") >= 1
    rows = search(tmp_path, workers)
    assert len(trained(rows)) == 6 and all(row.state != "running" for row in rows)


def test_an_odd_folder_name(tmp_path, workers):
    rows = search(tmp_path / "a {b} %20 ?x=1 ü", workers, options={"trials": 1})
    assert len(trained(rows)) == 1 and (tmp_path / "a {b} %20 ?x=1 ü" / "study.db").exists()
