"""A stored search asked again: equal where nothing was changed, and the first change in its database is named."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import OBJECTIVES, FakeSpace, search_fakes, train

from blockspace.executors import read_result
from blockspace.records import RunDir, TrialFinished, TrialProposed
from blockspace.searching import SearchOptions, SearchPlan, find_other_order, read_stored_searches, replay_search

sys.path.append(str(Path(__file__).parents[1] / "executors"))
from inline import InlineExecutor

OPTIONS = {"trials": 14, "sampler": "tpe", "per_choice": {"block": "equal"}}


def latency(candidate) -> dict[str, float]:
    """A measured value that depends on the network alone; every third width cannot be measured."""
    if candidate.arch["width"] % 5 == 4:
        raise ValueError("no clock")
    return {"latency": 1 + candidate.arch["width"] / 8}


class LateExecutor(InlineExecutor):
    """Gives back the job that was submitted last, so that several run when the sampler is asked."""

    def wait(self, timeout):
        if timeout == 0.0:  # the search wants to propose first
            return []
        self.submitted = dict(reversed(self.submitted.items()))
        return super().wait(timeout)


def make_plan(sampler: str = "tpe", measured: bool = False) -> SearchPlan:
    limits = {"latency": (None, 2.0)} if measured else {}
    options = SearchOptions(**OPTIONS | {"sampler": sampler})
    return SearchPlan(
        FakeSpace(limit=12, top=16), train, OBJECTIVES, options, measure=latency if measured else None, limits=limits, compared=("block",)
    )


def search(folder: Path, executor, plan: SearchPlan, told: list | None = None):
    fields = {name: getattr(plan, name) for name in ("measure", "limits", "compared")}
    note = (lambda event: told.append((event.kind, event))) if told is not None else None
    return search_fakes(folder, executor, plan.options, plan.space, on_event=note, **fields)


def replay(folder: Path, plan: SearchPlan):
    (stored,) = read_stored_searches(folder)
    return replay_search(plan, stored, lambda record: read_result(RunDir(folder).trial(record.number).path))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A search with two workers that finish out of order, and the events of it."""
    folder, told = tmp_path_factory.mktemp("stored"), []
    rows = search(folder, LateExecutor(2), make_plan(), told)
    assert {"trained", "duplicate", "over_budget"} <= {row.state for row in rows}
    return folder, told


@pytest.fixture
def copy(stored, tmp_path):
    """A copy of that search whose database may be changed: a function that runs SQL in it."""
    folder = shutil.copytree(stored[0], tmp_path / "copy")

    def change(sql: str) -> Path:
        with sqlite3.connect(RunDir(folder).storage) as database:
            assert database.execute(sql).rowcount
        database.close()
        return folder

    return change


@pytest.mark.parametrize("sampler, measured", [("tpe", True), ("random", False), ("nsga2", True), ("grid", False)])
def test_a_search_is_replayed_without_a_difference(tmp_path, sampler, measured):
    plan = make_plan(sampler, measured)
    rows = search(tmp_path, LateExecutor(2), plan)
    assert len(rows) >= 14 and replay(tmp_path, plan) is None


def test_results_in_the_order_they_were_told_in(stored):
    """With two workers the order matters: told each at once, the sampler would have proposed something else."""
    (found,) = read_stored_searches(stored[0])
    at_once = list(found.trials)
    for place, trial in enumerate(at_once[1:]):
        at_once[place].datetime_complete = trial.datetime_start
    assert replay(stored[0], make_plan()) is None
    other = replay_search(make_plan(), replace(found, trials=at_once), lambda record: None)
    assert other is not None and other.where.startswith("trial ")


def number_of(folder: Path, state: str) -> int:
    (found,) = read_stored_searches(folder)
    return [record.number for record in found.records if record.state == state][1]


OF = "WHERE trial_id = (SELECT trial_id FROM trials WHERE number = {})"


def test_a_changed_proposal_is_named(stored, copy):
    number = number_of(stored[0], "trained")
    folder = copy(f"UPDATE trial_user_attributes SET value_json = '\"hs-1-3\"' {OF.format(number)} AND key = 'label'")
    assert replay(folder, make_plan()).sentence().startswith(f"trial {number}: proposed ")
    assert replay(folder, make_plan()).stored == "hs-1-3"


def test_a_changed_score_is_named(stored, copy):
    number = number_of(stored[0], "trained")
    found = replay(copy(f"UPDATE trial_values SET value = 0.5 {OF.format(number)}"), make_plan())
    assert (found.where, found.stored) == (f"trial {number}", "0.5") and "values: acc is" in found.what


def test_a_changed_decision_is_named(stored, copy):
    number = number_of(stored[0], "duplicate")
    found = replay(copy(f"UPDATE trial_user_attributes SET value_json = '1000' {OF.format(number)} AND key = 'duplicate_of'"), make_plan())
    assert (found.where, found.stored) == (f"trial {number}", "1000")


def test_another_seed_proposes_something_else(stored):
    plan = make_plan()
    assert replay(stored[0], replace(plan, options=plan.options.model_copy(update={"seed": 1}))) is not None


def test_another_order_than_that_of_the_events_is_named(stored, copy):
    told = [(kind, event) for kind, event in stored[1] if isinstance(event, TrialProposed | TrialFinished)]
    assert find_other_order(read_stored_searches(stored[0]), told) is None
    first = next(event.number for _, event in told if isinstance(event, TrialFinished))
    folder = copy(f"UPDATE trials SET datetime_complete = '2100-01-01 00:00:00.000000' WHERE number = {first}")
    found = find_other_order(read_stored_searches(folder), told)
    assert (found.where, found.replayed) == ("order", f"trial {first} finished")
