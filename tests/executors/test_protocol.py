"""The seam of executors: another implementation runs whole searches and lists of jobs, and is found by its name."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace

import inline
import pytest
from fakes import PRELOAD, search_fakes, train

from blockspace.errors import BlockspaceError
from blockspace.executors import Executor, FinishedJob, Job, LocalExecutor, Result, open_executor
from blockspace.executors.registry import list_executors
from blockspace.searching import SearchOptions, run_jobs

OPTIONS = {"trials": 8, "sampler": "tpe", "per_choice": {"block": "equal"}, "workers": 1}


def timeless(record):
    return replace(record, started=None, ended=None, seconds=0.0)


def test_a_search_gives_the_same_records_on_another_executor(tmp_path):
    with inline.InlineExecutor() as executor:
        here = search_fakes(tmp_path / "inline", executor, SearchOptions(**OPTIONS))
    with LocalExecutor(1, PRELOAD) as executor:
        there = search_fakes(tmp_path / "local", executor, SearchOptions(**OPTIONS))
    assert [timeless(record) for record in here] == [timeless(record) for record in there]
    assert sum(record.state == "trained" for record in here) == 8


def test_a_failing_job_is_a_result_and_jobs_are_done_once(tmp_path):
    jobs = [Job(str(tmp_path / str(n)), {}, 7, f"key{n}", {"fault": "raise"} if n == 1 else {}, n) for n in range(3)]
    with inline.InlineExecutor(2) as executor:
        results = run_jobs(jobs, train, executor)
        assert [result.state for result in results] == ["trained", "failed", "trained"]
        assert results[1].reason == "ValueError: bad width"
        run_jobs(jobs, train, executor)
    assert [len((tmp_path / str(n) / "ran.txt").read_text().split()) for n in range(3)] == [1, 2, 1]


class LosesTheFirst(inline.InlineExecutor):
    """An executor under which the first job of each folder dies."""

    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def wait(self, timeout):
        finished = super().wait(timeout)
        if finished and self.losses:
            self.losses -= 1
            job = finished[0].handle.job
            return [FinishedJob(finished[0].handle, Result("failed", seed=job.seed, key=job.key, reason="node died"), lost=True)]
        return finished


@pytest.mark.parametrize("losses, state", [(1, "trained"), (2, "failed")])
def test_a_lost_job_is_started_once_more(tmp_path, losses, state):
    jobs = [Job(str(tmp_path / str(n)), {}, 7, f"key{n}", {}, n) for n in range(2)]
    results = run_jobs(jobs, train, LosesTheFirst(losses))
    assert [result.state for result in results] == [state, "trained"]


@pytest.mark.parametrize("implementation", [LocalExecutor, inline.InlineExecutor])
def test_implementations_have_the_members_of_the_protocol(implementation):
    members = [name for name, _ in inspect.getmembers(Executor) if not name.startswith("_")]
    missing = [name for name in members if not hasattr(implementation, name) and name != "capacity"]
    assert missing == [] and {"submit", "wait", "cancel", "progress", "close"} <= set(members)


def test_executors_are_found_by_name():
    assert list_executors() == {"local": LocalExecutor}
    with open_executor("local", 1, []) as executor:
        assert isinstance(executor, LocalExecutor) and executor.free == executor.capacity == 1
    with pytest.raises(BlockspaceError, match="no executor is named 'locl'") as caught:
        open_executor("locl", 1)
    assert caught.value.mistakes[0].help.startswith("did you mean 'local'?")


def test_one_more_executor_is_one_file(tmp_path, monkeypatch):
    """A module beside the others with `EXECUTOR` in it is an executor of that name."""
    import blockspace.executors

    source = inspect.getsource(inline)
    (tmp_path / "inline_copy.py").write_text(source)
    monkeypatch.setattr(blockspace.executors, "__path__", [*blockspace.executors.__path__, str(tmp_path)])
    try:
        assert list(list_executors()) == ["inline_copy", "local"]
        with open_executor("inline_copy", 3) as executor:
            assert executor.capacity == 3
    finally:
        sys.modules.pop("blockspace.executors.inline_copy", None)
