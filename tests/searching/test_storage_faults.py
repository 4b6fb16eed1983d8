"""Storage that fails under a search: the search stops or starts the training again, and no network is failed for it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest
from fakes import PRELOAD, FakeSpace, accuracy, search_fakes

from blockspace.errors import BlockspaceError, StorageError
from blockspace.executors import FinishedJob, Job, LocalExecutor, Result, StorageFault, run_job, submit_and_wait
from blockspace.records import TrialRecord, TrialState
from blockspace.searching import Interrupted, SearchOptions, StudyLock, handle_stop_signals, raise_on_signals, read_stored_study, run_jobs
from blockspace.searching.hopeless_choices import HopelessChoices


@pytest.fixture(scope="module")
def workers():
    with LocalExecutor(2, [*PRELOAD, __name__], grace=1.0) as workers:
        yield workers


def train_here(task: Job) -> Result:
    """Train, or fail as `fault` in the job's options says: (number of an error, `own` or `private`, a file while which exists)."""
    number, where, broken = task.options["fault"]
    with open(os.path.join(task.folder, "ran.txt"), "a") as file:
        file.write("x")
    if task.number == 1 and os.path.exists(broken):
        if where == "private":
            os.unlink(broken)
        place = task.folder if where == "own" else "/tmp"
        raise OSError(number, os.strerror(number), os.path.join(place, "file"))
    return Result("trained", {"acc": accuracy(task)}, 0.0, task.seed, task.key)


def search(folder, workers, fault, broken, **options) -> list[TrialRecord]:
    options = SearchOptions(**{"trials": 4, "sampler": "random", "workers": 1, **options})
    job_options = {"fault": [*fault, str(broken)]}
    return search_fakes(folder, workers, options, FakeSpace(99), train_here, job_options=job_options)


FAULTS = [(errno.ENOSPC, "E-DISK"), *(pytest.param(*fault, marks=pytest.mark.slow) for fault in (
    (errno.EDQUOT, "E-DISK"), (errno.EIO, "E-IO"), (errno.EACCES, "E-IO"),
))]  # fmt: skip


@pytest.mark.parametrize("number, code", FAULTS)
def test_a_run_directory_that_fails_stops_the_search_and_fails_no_network(tmp_path, workers, number, code):
    undisturbed = search(tmp_path / "undisturbed", workers, (0, "own"), tmp_path / "nothing")
    broken = tmp_path / "broken"
    broken.touch()
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            search(tmp_path / "run", workers, (number, "own"), broken)
        assert caught.value.exit_code == 3 and caught.value.mistakes[0].code == code and caught.value.mistakes[0].help
        states = {record.number: record.state for record in read_stored_study(tmp_path / "run").records}
        assert states[1] is TrialState.RUNNING and TrialState.FAILED not in states.values()
    broken.unlink()
    rows = search(tmp_path / "run", workers, (number, "own"), broken)
    assert [(row.number, row.key, row.values) for row in rows] == [(row.number, row.key, row.values) for row in undisturbed]


def test_a_workers_private_storage_only_starts_the_training_again(tmp_path, workers):
    broken = tmp_path / "broken"
    broken.touch()
    rows = search(tmp_path / "run", workers, (errno.ENOSPC, "private"), broken)
    assert {row.state for row in rows} <= {"trained", "duplicate"} and not broken.exists()
    assert (tmp_path / "run/trials/0001/ran.txt").read_text() == "xx"


def fail_always(task: Job) -> Result:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/scratch/file")


def test_private_storage_that_fails_twice_stops(tmp_path, workers):
    job = Job(str(tmp_path / "job"), {}, 7, "key")
    with pytest.raises(StorageError, match="/scratch/file: the disk is full"):
        submit_and_wait(workers, fail_always, job)
    with pytest.raises(StorageError, match="/scratch/file: the disk is full"):
        search_fakes(tmp_path / "run", workers, SearchOptions(trials=2, workers=1), FakeSpace(99), fail_always)


def test_a_job_whose_folder_is_gone_is_a_fault_and_makes_nothing(tmp_path):
    outcome = run_job(train_here, Job(str(tmp_path / "gone" / "0001"), {}, 7, "key"))
    assert isinstance(outcome, StorageFault) and outcome.code == "E-IO" and not outcome.is_private
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_cannot_be_written_is_a_fault(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    job = Job(str(tmp_path), {}, 7, "key", {"fault": [0, "own", ""]})
    assert isinstance(run_job(train_here, job), StorageFault) and not list(tmp_path.glob("result.json"))


class FailsUnder:
    """An executor that reports a fault of the storage for the jobs with these numbers, and results for others; nothing runs."""

    capacity = free = 1

    def __init__(self, numbers):
        self.numbers, self.jobs = numbers, []

    def submit(self, evaluate, job):
        from blockspace.executors import Handle

        self.jobs.append(Handle(job))
        return self.jobs[-1]

    def wait(self, timeout):
        if not self.jobs:
            return []
        handle = self.jobs.pop()
        job = handle.job
        if job.number in self.numbers:
            return [FinishedJob(handle, StorageFault("E-IO", f"{job.folder}/result.json cannot be written"))]
        return [FinishedJob(handle, Result("trained", {"acc": 1.0}, 0.0, job.seed, job.key))]

    def progress(self):
        return {}

    def cancel_all(self):
        self.jobs.clear()


def test_a_list_of_jobs_goes_on_without_the_one_whose_storage_fails(tmp_path):
    jobs = [Job(str(tmp_path / str(number)), {}, 7, f"key{number}", {}, number) for number in range(3)]
    results = run_jobs(jobs, train_here, FailsUnder({1}))
    assert [result.state for result in results] == ["trained", "failed", "trained"]
    assert results[1].reason.endswith("1/result.json cannot be written") and not (tmp_path / "1" / "result.json").exists()
    with pytest.raises(StorageError, match="result.json cannot be written"):
        run_jobs(jobs, train_here, FailsUnder({0, 1, 2}))


# the run directory


def remove_when(kind: str, folder: Path, into: Path | None):
    """Return a listener that moves or removes the folder at the second event of a kind."""
    count = []

    def listen(event):
        if event.kind == kind:
            count.append(event)
            if len(count) == 2:
                shutil.move(folder, into) if into else shutil.rmtree(folder)

    return listen


@pytest.mark.parametrize("kind", ["proposed", "started", "finished"])
@pytest.mark.parametrize("moved", [True, False])
def test_a_run_directory_that_is_moved_or_removed_stops_the_search(tmp_path, workers, kind, moved):
    run, into = tmp_path / "run", tmp_path / "elsewhere"
    listen = remove_when(kind, run, into if moved else None)
    options = SearchOptions(trials=6, sampler="random", workers=1)
    with pytest.raises(StorageError) as caught:
        search_fakes(run, workers, options, FakeSpace(99), on_event=listen)
    assert caught.value.exit_code == 3 and len(caught.value.mistakes) == 1
    assert not run.exists()
    if moved:
        rows = search_fakes(into, workers, options, FakeSpace(99))
        assert sum(row.state == "trained" for row in rows) == 6


@pytest.mark.parametrize("name", ["study.db", "study.lock"])
def test_a_file_in_use_that_is_removed_stops_the_search(tmp_path, workers, name):
    def listen(event):
        if event.kind == "finished":
            (tmp_path / name).unlink(missing_ok=True)

    with pytest.raises(StorageError, match=f"{name} was moved, removed or replaced while it was in use"):
        search_fakes(tmp_path, workers, SearchOptions(trials=6, sampler="random", workers=1), FakeSpace(99), on_event=listen)


# locks


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EACCES, errno.EIO, errno.EOPNOTSUPP])
def test_a_lock_that_is_refused_and_not_held_says_why(tmp_path, monkeypatch, number):
    def refuse(_descriptor, _operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(StorageError, match=os.strerror(number)) as caught, StudyLock(tmp_path):
        pass
    assert caught.value.mistakes[0].code == "E-IO"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_lock_file_that_cannot_be_opened_says_why(tmp_path, monkeypatch, number):
    opened = os.open

    def refuse(path, *rest, **options):
        if str(path).endswith("study.lock"):
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    words = "the disk is full" if number == errno.ENOSPC else os.strerror(number)
    with pytest.raises(StorageError, match=f"study.lock.* {words}") as caught, StudyLock(tmp_path):
        pass
    assert caught.value.mistakes[0].code == ("E-DISK" if number == errno.ENOSPC else "E-IO")


# damaged records


@pytest.fixture(scope="module")
def finished(tmp_path_factory, workers) -> Path:
    """A finished search."""
    folder = tmp_path_factory.mktemp("finished")
    search_fakes(folder, workers, SearchOptions(trials=4, sampler="random", workers=1), FakeSpace(99))
    return folder


@pytest.fixture
def stored(tmp_path, finished) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(finished, tmp_path / "stored")


DAMAGE = [
    ("trial_user_attributes", "value_json", "key = 'costs'"),
    ("trial_user_attributes", "value_json", "key = 'key'"),
    ("trial_params", "distribution_json", "1"),
    ("study_user_attributes", "value_json", "1"),
]


@pytest.mark.parametrize(
    "table, column, which, text", [*((*place, '{"torn') for place in DAMAGE), (*DAMAGE[0], "[" * 200_000), (*DAMAGE[2], "")]
)
def test_damaged_text_in_the_database_is_one_line(stored, workers, table, column, which, text):
    with sqlite3.connect(stored / "study.db") as database:
        assert database.execute(f"UPDATE {table} SET {column} = ? WHERE {which}", (text,)).rowcount
    database.close()
    found = read_stored_study(stored)
    assert found.notes and all("damaged and left out" in note and "\n" not in note for note in found.notes)
    with pytest.raises(StorageError, match="study.db: the study's database is damaged") as caught:
        search_fakes(stored, workers, SearchOptions(trials=5, sampler="random", workers=1), FakeSpace(99))
    assert caught.value.exit_code == 3
    (stored / "study.db").rename(stored / "damaged.db")  # as the message says
    for name in ("study.db-wal", "study.db-shm"):
        (stored / name).unlink(missing_ok=True)
    adopted = []
    rows = search_fakes(
        stored, workers, SearchOptions(trials=4, sampler="random", workers=1), FakeSpace(99),
        on_event=lambda event: adopted.append(event.kind),
    )  # fmt: skip
    assert sum(row.state == "trained" for row in rows) == 4 == adopted.count("adopted")


def test_a_record_of_another_type_is_one_line(stored):
    with sqlite3.connect(stored / "study.db") as database:
        database.execute("UPDATE trial_user_attributes SET value_json = '5' WHERE key = 'costs'")
    database.close()
    with pytest.raises(StorageError, match="study.db: .*costs is int, not dict"):
        read_stored_study(stored)


@pytest.mark.parametrize("change", [
    lambda content: "[" * 200_000,
    lambda content: json.dumps(content | {"result": content["result"] | {"new": 1}}),
    lambda content: json.dumps(content | {"format": "blockspace/result/2"}),
    lambda content: json.dumps([content]),
    lambda content: json.dumps(content)[:40],
])  # fmt: skip
def test_a_result_that_cannot_be_read_is_said_and_its_training_repeated(tmp_path, workers, change):
    jobs = [Job(str(tmp_path / "0"), {}, 7, "key", {"fault": [0, "own", ""]}, 0)]
    run_jobs(jobs, train_here, workers)
    path = tmp_path / "0" / "result.json"
    path.write_text(change(json.loads(path.read_text())))
    told = []
    results = run_jobs(jobs, train_here, workers, on_event=told.append)
    assert results[0].trained and (tmp_path / "0" / "ran.txt").read_text() == "xx"
    (warning,) = [event.reason for event in told if event.kind == "warning"]
    assert str(path) in warning and warning.endswith("the training is repeated") and "\n" not in warning


# signals


@pytest.mark.parametrize("signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_last_result_is_taken_is_honoured(tmp_path, workers, signum, code):
    def listen(event):
        if event.kind == "finished" and event.trained == 3:
            os.kill(os.getpid(), signum)

    options = SearchOptions(trials=3, sampler="random", workers=1)
    with pytest.raises(Interrupted) as caught:
        search_fakes(tmp_path / "run", workers, options, FakeSpace(99), on_event=listen)
    assert caught.value.exit_code == code
    jobs = [Job(str(tmp_path / "0"), {}, 7, "key", {"fault": [0, "own", ""]}, 0)]
    with pytest.raises(Interrupted) as caught:
        run_jobs(jobs, train_here, workers, on_event=lambda event: event.kind == "retrained" and os.kill(os.getpid(), signum))
    assert caught.value.exit_code == code


def test_a_signal_that_a_block_does_not_notice_ends_it():
    with pytest.raises(Interrupted), handle_stop_signals():
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_in_a_finaliser_is_not_lost():
    class Finalised:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    with pytest.raises(Interrupted) as caught, raise_on_signals():
        one = Finalised()
        del one
        signal.pause()
    assert caught.value.exit_code == 143


# choices of which nothing is within the budget


def record(number: int, choice: str, state: str, violation: float = 0.0) -> TrialRecord:
    return TrialRecord(number, TrialState(state), families={"block": choice}, violations={"latency": violation})


def test_a_choice_is_given_up_after_so_many_refusals_and_never_once_one_was_inside():
    hopeless = HopelessChoices(["block"], refusals=3)
    for number in range(3):
        assert hopeless.given_up() == {}
        hopeless.note(record(number, "hs", ["over_budget", "duplicate"][number % 2], 0.4))
        hopeless.note(record(number, "resnext", "over_budget", 0.4) if number else record(number, "resnext", "failed"))
    assert hopeless.given_up() == {"block": {"hs"}}


@pytest.mark.parametrize("per_choice", [{"block": "equal"}, pytest.param({}, marks=pytest.mark.slow)])
def test_a_choice_outside_the_measured_budget_is_not_asked_for_without_end(tmp_path, workers, per_choice):
    options = SearchOptions(trials=4, sampler="random", workers=1, per_choice=per_choice)

    def measure(candidate):
        return {"latency": 2.0 if candidate.families["block"] == "hs" else 0.5}

    def run(folder):
        return search_fakes(
            folder, workers, options, FakeSpace(99), measure=measure, limits={"latency": (None, 1.0)}, compared=("block",)
        )

    rows = run(tmp_path / "run")
    assert sum(row.state == "trained" for row in rows) == 4
    refused = [row for row in rows if row.families["block"] == "hs"]
    assert len(refused) <= 24 and (not per_choice or len(refused) == 24)
    with pytest.raises(BlockspaceError, match="none of .* proposals is within the budget"):
        search_fakes(
            tmp_path / "none", workers, options, FakeSpace(99), measure=lambda _: {"latency": 2.0}, limits={"latency": (None, 1.0)},
            compared=("block",),
        )  # fmt: skip
    assert len(read_stored_study(tmp_path / "none").records) < 100


def test_another_number_of_objectives_is_a_change(stored, workers):
    with pytest.raises(BlockspaceError, match="objectives.macs: .* -> \"minimize\""):
        search_fakes(
            stored, workers, SearchOptions(trials=4, sampler="random", workers=1), FakeSpace(99),
            objectives={"acc": "maximize", "macs": "minimize"},
        )  # fmt: skip
