"""Trainings that hang, run on, run out of memory or are killed: the right state, the reason, nothing left running, the search goes on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import optuna
import pytest
from fakes import PRELOAD, FakeSpace, search_fakes, train
from processes import alive, group, needs_proc, wait_for

from blockspace.executors import FinishedJob, Job, LocalExecutor, TimeLimits
from blockspace.executors.execute import is_out_of_memory
from blockspace.executors.local.executor import explain_sigkill, read_kernel_kills
from blockspace.records import TrialRecord
from blockspace.searching import FailureLimits, SearchOptions
from blockspace.searching.optuna_adapter import Teller

NEVER = FailureLimits(first=99, after=99)


@pytest.fixture(scope="module")
def workers():
    with LocalExecutor(2, PRELOAD, grace=1.0) as workers:
        yield workers


def wait_until_finished(workers) -> list[FinishedJob]:
    finished = []
    assert wait_for(lambda: finished.extend(workers.wait(0.2)) or finished)
    return finished


def search(folder, workers, faults: dict, again=None, on_event=None, **options) -> list[TrialRecord]:
    options = SearchOptions(**{"trials": 3, "sampler": "random", "failures": NEVER, **options})
    return search_fakes(folder, workers, options, FakeSpace(99), on_event=on_event, retry=again, job_options={"faults": faults})


def test_a_training_that_stands_still_is_hung_and_its_log_says_where(tmp_path, workers):
    rows = search(tmp_path, workers, {"0": "stand_still"}, stall_s=0.8)
    assert rows[0].state == "hung" and not rows[0].values and not rows[0].is_feasible
    assert rows[0].reason == "no step for 0.8 s after epoch 1 of 4; where it stood is in its log.txt"
    assert "wait_for_nothing" in (tmp_path / "trials/0000/log.txt").read_text()
    assert sum(row.state == "trained" for row in rows) == 3


def test_the_start_of_a_training_may_take_longer(tmp_path, workers):
    rows = search(tmp_path, workers, {"0": "hang"}, stall_s=0.3)
    assert (rows[0].state, rows[0].reason.partition(";")[0]) == ("hung", "no step for 1.5 s before the first one")


@needs_proc
def test_a_timeout_holds_while_the_driver_is_busy(tmp_path, workers):
    handle = workers.submit(train, Job(str(tmp_path), {}, 7, "key", {"fault": "stubborn"}, limits=TimeLimits(2.0)))
    written = tmp_path / "ran.txt"
    assert wait_for(lambda: written.exists() and written.read_text().endswith("\n"))
    assert wait_for(lambda: not alive(int(written.read_text()))), "stopped although nobody waits for it"
    (finished,) = wait_until_finished(workers)
    assert finished.handle is handle and not finished.lost
    assert finished.result.state == "timeout" and finished.result.reason == "longer than 2 s"


@needs_proc
def test_a_timeout_leaves_no_process_of_its_group(tmp_path, workers):
    rows = search(tmp_path, workers, {"0": "with_helpers", "1": "with_helpers"}, timeout=3.0)
    assert [row.state for row in rows[:2]] == ["timeout", "timeout"]
    for number in range(2):
        leader = int((tmp_path / f"trials/000{number}/ran.txt").read_text())
        helpers = [int(pid) for pid in (tmp_path / f"trials/000{number}/helpers.txt").read_text().split()]
        assert len(helpers) == 2 and wait_for(lambda leader=leader: not group(leader)) and not any(map(alive, helpers))


@needs_proc
@pytest.mark.parametrize("counts, state, words", [
    ((3, 4), "oom", "killed by the kernel, which was out of memory"),
    ((None, None), "oom", "killed from outside, as the kernel does when memory runs out"),
    ((3, 3), "failed", "killed from outside, and not by the kernel for want of memory"),
])  # fmt: skip
def test_a_worker_killed_from_outside(tmp_path, workers, monkeypatch, counts, state, words):
    told = iter(counts)
    monkeypatch.setattr("blockspace.executors.local.executor.read_kernel_kills", lambda: next(told))
    workers.submit(train, Job(str(tmp_path), {}, 7, "key", {"fault": "hang"}))
    assert wait_for(lambda: workers.wait(0.05) == [] and (tmp_path / "ran.txt").exists())
    assert wait_for(lambda: (tmp_path / "ran.txt").read_text().endswith("\n"))
    os.kill(int((tmp_path / "ran.txt").read_text()), signal.SIGKILL)
    (finished,) = wait_until_finished(workers)
    result = finished.result
    assert result.state == state and words in result.reason and "signal 9" in result.reason


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts them")
def test_the_kernels_counter_is_read(tmp_path):
    counter = tmp_path / "vmstat"
    counter.write_text("nr_free_pages 1\noom_kill 12\n")
    assert read_kernel_kills(counter) == 12 and read_kernel_kills(tmp_path / "gone") is None
    assert explain_sigkill(12, 12, 3_100_000_000)[1].startswith("worker died (signal 9), holding 3.1 GB")


@pytest.mark.parametrize("reason, expected", [
    (MemoryError(), True),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate"), True),
    (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
    (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
    (type("OutOfMemoryError", (RuntimeError,), {})("whatever"), True),
    (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    (ValueError("out of memory"), False),
])  # fmt: skip
def test_what_running_out_of_memory_looks_like(reason, expected):
    assert is_out_of_memory(reason) is expected


def halved(task, result):
    return ({"batch": 32}, "trained with batches of 32") if result.state == "oom" else None


def test_out_of_memory_is_tried_once_more_and_not_comparable(tmp_path, workers):
    kinds = []
    rows = search(tmp_path, workers, {"0": "too_large", "1": "memory"}, halved, lambda event: kinds.append(event.kind))
    assert rows[0].state == "trained" and not rows[0].comparable and not rows[0].is_feasible
    assert rows[0].reason == "trained with batches of 32" and rows[0].values
    assert rows[1].state == "oom" and rows[1].reason == "trained with batches of 32; MemoryError"
    assert kinds.count("retried") == 2 and all(row.comparable for row in rows[2:])
    again = search(tmp_path, workers, {"0": "too_large", "1": "memory"}, halved)
    assert again == rows


def test_a_retry_that_was_killed_is_still_not_comparable(tmp_path, workers, monkeypatch):
    """Stopped between the retry's result file and its record: adopted, with what it was trained with."""
    tell = Teller.tell

    def stop_at_first(self, trial, *rest, **facts):
        if trial.number == 0:
            raise Killed
        return tell(self, trial, *rest, **facts)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Teller, "tell", stop_at_first)
        search(tmp_path, workers, {"0": "too_large"}, halved)
    rows = search(tmp_path, workers, {"0": "too_large"}, halved)
    assert rows[0].state == "trained" and not rows[0].comparable and rows[0].reason == "trained with batches of 32"
    assert len((tmp_path / "trials/0000/ran.txt").read_text().split()) == 2


class Killed(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_diverged_is_never_complete_and_never_best(tmp_path, workers, sampler):
    faults = {str(number): "diverge" for number in range(0, 40, 2)}
    rows = search(tmp_path, workers, faults, trials=4, sampler=sampler)
    study = optuna.load_study(study_name="fake", storage=f"sqlite:///{tmp_path / 'study.db'}")
    bad = [row for row in rows if row.state == "diverged"]
    assert bad and not any(row.is_feasible or row.values for row in bad)
    for row in bad:
        stored = study.trials[row.number]
        assert stored.state == optuna.trial.TrialState.PRUNED and stored.constraints["diverged"] > 0 and stored.values is None
    assert study.best_trial.number not in {row.number for row in bad}
    assert all("step 3" in row.reason for row in bad)


def test_beats_are_told_while_a_training_runs(tmp_path, workers):
    beats = []
    search(tmp_path, workers, {"0": "stand_still"}, on_event=beats.append, stall_s=0.8)
    last = [beat for beat in beats if beat.kind == "beat" and beat.number == 0][-1]
    assert (last.steps, last.epoch, last.epochs, last.loss, last.metric, last.share) == (2, 1, 4, 0.5, 0.25, 0.25)


def test_a_study_given_up_tells_its_rows(tmp_path, workers):
    told = {}
    faults = {str(number): "raise" for number in range(9)}
    with pytest.raises(Exception, match="the first 3 trainings failed with the same cause"):
        search(tmp_path, workers, faults, on_event=lambda event: told.update({event.kind: event}), failures=FailureLimits())
    assert [row.state for row in told["given_up"].records].count("failed") == 3
    assert Path(tmp_path / "study.db").exists()
