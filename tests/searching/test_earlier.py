"""Results of other runs stand for equal trainings, and what is to be tried first is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import PRELOAD, search_fakes, train

from blockspace.errors import BlockspaceError
from blockspace.executors import LocalExecutor, read_result
from blockspace.records import RunDir, count_saved_trainings
from blockspace.searching import Interrupted, ResultCache, SearchOptions

CODE = {"torch": "9"}
OPTIONS = {"trials": 6, "sampler": "random"}


def versioned(task):
    """The fake training, by known code, with a file beside its result."""
    (Path(task.folder) / "weights").write_text(task.key)
    return replace(train(task), versions=CODE)


@pytest.fixture(scope="module")
def workers():
    with LocalExecutor(1, [*PRELOAD, __name__], grace=1.0) as workers:
        yield workers


def search(folder, workers, options=None, **rest):
    return search_fakes(folder, workers, SearchOptions(**{**OPTIONS, **(options or {})}), evaluate=versioned, **rest)


@pytest.fixture(scope="module")
def there(tmp_path_factory, workers):
    folder = tmp_path_factory.mktemp("there")
    return folder, search(folder, workers)


def known(there, seed=0, code=CODE):
    earlier = ResultCache(("weights",))
    return earlier, earlier.add(there[0], "runs/there", there[1], seed, code)


def trained(rows):
    return [row for row in rows if row.state == "trained"]


def ran(folder):
    return sorted(path.parent.name for path in folder.glob("trials/*/ran.txt"))


def same(row):
    return replace(row, started=None, ended=None, seconds=0.0, reused="")


def test_equal_trainings_are_taken_over(tmp_path, workers, there):
    earlier, counts = known(there)
    assert counts == (6, 0)
    before = {path: path.stat().st_mtime_ns for path in there[0].rglob("*")}
    rows = search(tmp_path, workers, {"trials": 8}, earlier=earlier)
    assert {path: path.stat().st_mtime_ns for path in there[0].rglob("*")} == before
    taken = [row for row in trained(rows) if row.reused]
    assert [same(row) for row in rows[: len(there[1])]] == [same(row) for row in there[1]]
    assert len(trained(rows)) == 8 and len(taken) == 6 == count_saved_trainings(rows)["reused"] and len(ran(tmp_path)) == 2
    for row in taken:
        place = RunDir(tmp_path).trial(row.number).path
        assert row.reused == f"runs/there#{row.number}" == read_result(place).origin and row.seconds == 0.0 and row.is_feasible
        assert (place / "weights").read_text() == row.key
    assert search(tmp_path, workers, {"trials": 8}) == rows  # the record is whole without the other run


def test_another_seed_other_code_and_changed_recipes_are_not(tmp_path, workers, there):
    assert known(there, seed=1)[1] == (0, 0)
    assert known(there, code={"torch": "10"})[1] == (0, 6)
    earlier, _ = known(there)
    assert not any(row.reused for row in search(tmp_path, workers, {"seed": 1, "trials": 2}, earlier=earlier))
    halved = [replace(row, comparable=False) for row in there[1]]
    assert ResultCache().add(there[0], "x", halved, 0, CODE) == (0, 0)


def test_a_result_taken_over_survives_a_stop(tmp_path, workers, there):
    """Stopped between the copy and the record, then gone on without the other run: the copy is entered, and says whose it is."""
    earlier, _ = known(there)
    heard = []
    with pytest.raises(KeyError):
        listen = lambda event: heard.append({}["stop"] if event.kind == "adopted" else event.kind)  # noqa: E731
        search(tmp_path, workers, earlier=earlier, on_event=listen)
    number = there[1].index(trained(there[1])[0])
    assert read_result(RunDir(tmp_path).trial(number).path).origin == f"runs/there#{number}"
    rows = search(tmp_path, workers)
    assert [row.number for row in rows if row.reused] == [number] and len(ran(tmp_path)) == 5
    assert [same(row) for row in rows] == [same(row) for row in there[1]]


FIRST = [
    {"block": "resnext", "width": 5, "cardinality": 4},
    {"block": "hs", "width": 7, "splits": 5},
    {"block": "hs", "width": 8, "splits": 5},  # the same network
    {"block": "hs", "width": 23, "splits": 3},  # over the budget
]


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid", "nsga2"])
def test_what_is_first_is_tried_first_and_counts(tmp_path, workers, sampler):
    rows = search(tmp_path, workers, {"sampler": sampler, "per_choice": {"block": "equal"}}, initial=FIRST)
    assert [row.params for row in rows[:4]] == FIRST
    assert [row.state for row in rows[:4]] == ["trained", "trained", "duplicate", "over_budget"]
    assert [row.families["block"] for row in trained(rows)].count("hs") == 3 and count_saved_trainings(rows)["duplicate"] >= 1


def test_first_ones_are_kept_on_resume(tmp_path, workers):
    whole = search(tmp_path / "whole", workers, initial=FIRST)
    started = []
    with pytest.raises(Interrupted):
        note = lambda event: started.extend([event.number] if event.kind == "started" else [])  # noqa: E731
        search(tmp_path / "cut", workers, initial=FIRST, on_event=note, stop=lambda: len(started) >= 2)
    assert [same(row) for row in search(tmp_path / "cut", workers, initial=FIRST)] == [same(row) for row in whole]
    with pytest.raises(BlockspaceError, match="search.seeds"):
        search(tmp_path / "cut", workers, initial=FIRST[:2])
