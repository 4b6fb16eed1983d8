"""Worker processes by themselves: results, logs, and what a worker is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from fakes import PRELOAD, train
from processes import wait_for

from blockspace.errors import BlockspaceError
from blockspace.executors import Job, LocalExecutor, Result, submit_and_wait
from blockspace.searching import run_jobs


@pytest.fixture(scope="module")
def workers():
    with LocalExecutor(2, ["json", *PRELOAD], grace=0.5) as workers:
        yield workers


def task(folder: Path, number: int = 0, **options) -> Job:
    return Job(str(folder / str(number)), {}, 7, f"key{number}", options, number)




def look(task: Job) -> Result:
    """What a worker sees of itself, as a reason."""
    score = Path("/proc/self/oom_score_adj").read_text().strip() if sys.platform == "linux" else "1000"
    loaded = [str(name in sys.modules) for name in ("json", "optuna")]
    facts = [os.environ["OMP_NUM_THREADS"], str(os.getsid(0) == os.getpid()), score, *loaded]
    print("said", "in", "the", "log")
    os.system("echo from a grandchild; sleep 30 &")
    return Result("trained", {}, 0.0, task.seed, task.key, " ".join(facts))


def test_a_worker_is_single_threaded_and_alone(tmp_path, workers):
    result = submit_and_wait(workers, look, task(tmp_path))
    assert result.reason == "1 True 1000 True False"
    assert (tmp_path / "0/log.txt").read_text() == "said in the log\nfrom a grandchild\n"
    assert (tmp_path / "0/result.json").exists()


def test_the_log_is_capped_and_keeps_its_end(tmp_path, workers):
    result = submit_and_wait(workers, train, task(tmp_path, fault="spam"))
    log = (tmp_path / "0/log.txt").read_text()
    assert result.reason == "ValueError: after the spam"
    assert len(log) < 1_001_000 and log.startswith("line 0 ") and "bytes left out" in log
    assert log.rstrip().endswith("ValueError: after the spam")


def test_cancel_asks_then_kills(tmp_path, workers):
    for fault in ("hang", "stubborn"):
        handle = workers.submit(train, task(tmp_path, fault=fault))
        workers.wait(0.5)
        workers.cancel(handle, workers.grace)
        finished = []
        assert wait_for(lambda found=finished: found.extend(workers.wait(1.0)) or found)
        assert [one[:3] for one in finished] == [(handle, None, False)]


def test_a_function_of_the_main_script_is_refused(tmp_path, workers):
    def here(task):
        return None

    here.__module__ = "__main__"
    with pytest.raises(ValueError, match="move it to a module that can be imported"):
        workers.submit(here, task(tmp_path))


def test_a_module_that_does_not_import_is_a_reason(tmp_path, workers):
    broken = tmp_path / "broken_module.py"
    broken.write_text("def train(task): pass\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import broken_module

        assert submit_and_wait(workers, broken_module.train, task(tmp_path)).reason.startswith("ModuleNotFoundError")
    finally:
        sys.path.remove(str(tmp_path))


def test_tasks_keep_their_order_and_run_once(tmp_path, workers):
    tasks = [task(tmp_path, number, sleep=0.05 * (3 - number)) for number in range(3)]
    events = []
    first = run_jobs(tasks, train, workers, lambda event: events.append(event.kind))
    assert [result.key for result in first] == ["key0", "key1", "key2"] and events.count("started") == 3
    events.clear()
    assert run_jobs(tasks, train, workers, lambda event: events.append(event.kind)) == first
    assert events == ["adopted"] * 3
    assert all((tmp_path / str(number) / "ran.txt").read_text().count("\n") == 1 for number in range(3))


def test_a_failed_task_is_tried_again(tmp_path, workers):
    bad = run_jobs([task(tmp_path, 0, fault="raise"), task(tmp_path, 1)], train, workers)
    assert [result.state for result in bad] == ["failed", "trained"]
    good = run_jobs([task(tmp_path, 0), task(tmp_path, 1)], train, workers)
    assert [result.state for result in good] == ["trained", "trained"]


def test_a_system_without_fork_is_refused(monkeypatch):
    monkeypatch.delattr("os.fork")
    with pytest.raises(BlockspaceError, match="forked processes") as refused:
        LocalExecutor(1)
    assert refused.value.mistakes[0].code == "E-DEVICE"
