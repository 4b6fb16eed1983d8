"""The scheduler: keeps an executor busy with the jobs of a source, a search or a fixed list, until the source has none or a stop is asked.

It polls: the executor's `wait` is the only place where the driver waits, at most `POLL` seconds between two looks at the stop request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Generic, Protocol, TypeVar

from blockspace.executors import (
    ATTEMPTS,
    PRELOAD,
    Evaluate,
    Executor,
    Handle,
    Job,
    JobProgress,
    Result,
    StorageFault,
    adopt_result,
    open_executor,
)
from blockspace.files import RESULT, check_anchors, make_folder, storage_error, sweep_temporaries
from blockspace.formatting import count_noun
from blockspace.records import (
    FinalistTrained,
    Listener,
    ResourcesSpent,
    ResultAdopted,
    StopRequested,
    TrainingProgressed,
    TrainingRequeued,
    TrainingStarted,
    TrialState,
    Warned,
    ignore_event,
)
from blockspace.searching.failures import failure_error
from blockspace.searching.interrupt import StopRequest, handle_stop_signals

POLL = 0.2  # seconds between looks at the stop request


@dataclass(eq=False)
class QueuedJob:
    """A job that waits to be started, or runs; `attempts` counts its starts."""

    job: Job
    attempts: int = 0


Queued = TypeVar("Queued", bound=QueuedJob)


class JobSource(Protocol[Queued]):
    """The source of jobs, which also receives their results.

    `lookahead` is how many jobs are prepared before the executor has room for them; 0 where a job should know all earlier results.
    """

    @property
    def lookahead(self) -> int:
        """Return how many jobs to prepare ahead."""

    def has_next(self) -> bool:
        """Return whether `next_job` may be called now. False with no job running ends the scheduler."""

    def next_job(self) -> Queued | None:
        """Prepare and return the next job, or None if what would have been next needs none."""

    def finish_job(self, queued: Queued, result: Result) -> Queued | None:
        """Take a job's result. Returns the job, changed, where it is to be run once more."""

    def note_fault(self, queued: Queued, fault: StorageFault) -> None:
        """Take the reason why a job has no result: the storage failed. Raises StorageError where nothing can go on without it."""


class Scheduler(Generic[Queued]):
    """Runs the jobs of one source on one executor. `ready` jobs wait for room, `running` ones are submitted."""

    def __init__(self, executor: Executor, evaluate: Evaluate, request: StopRequest, emit: Listener):
        self.executor, self.evaluate, self.request, self.emit = executor, evaluate, request, emit
        self.ready: deque[Queued] = deque()
        self.running: dict[Handle, Queued] = {}
        self._progress: dict[Handle, JobProgress] = {}  # as last emitted

    def drive(self, source: JobSource[Queued]) -> bool:
        """Run until the source has no more jobs. Returns False if a stop was requested: what ran was stopped, and can be continued.

        However it ends, also by an exception of the source, no job is left running: the executor may be shared.
        """
        try:
            while self.ready or self.running or source.has_next():
                if self.request:
                    self._stop(source)
                    return False
                check_anchors()
                self._collect(source, 0.0 if self._wants_job(source) else POLL)
                self._start_ready()
                if self._wants_job(source):
                    queued = source.next_job()
                    if queued is not None:
                        self.ready.append(queued)
                    self._start_ready()
            return not self.request  # it may have come while the last result was taken
        finally:
            self.executor.cancel_all()

    def _wants_job(self, source: JobSource[Queued]) -> bool:
        return len(self.ready) < self.executor.free + source.lookahead and not self.request and source.has_next()

    def _start_ready(self) -> None:
        while self.ready and self.executor.free > 0 and not self.request:
            queued = self.ready.popleft()
            job = queued.job
            clear_job_folder(Path(job.folder))
            queued.attempts += 1
            self.running[self.executor.submit(self.evaluate, job)] = queued
            self.emit(TrainingStarted(job.number, job.label, job.folder))

    def _collect(self, source: JobSource[Queued], timeout: float) -> None:
        """Pass the results of ended jobs to the source, and emit the progress of the others."""
        for handle, result, lost, cpu in self.executor.wait(timeout):
            queued = self.running.pop(handle)
            self.emit(ResourcesSpent("training", round(cpu, 3), driver=round(process_time(), 3)))
            self._progress.pop(handle, None)
            can_repeat = lost or (isinstance(result, StorageFault) and result.is_private)
            if can_repeat and queued.attempts < ATTEMPTS:
                self.emit(TrainingRequeued(queued.job.number, queued.job.label))
                self.ready.appendleft(queued)
            elif isinstance(result, StorageFault):
                source.note_fault(queued, result)
            elif result is not None:
                again = source.finish_job(queued, result)
                if again is not None:
                    self.ready.appendleft(again)
            else:
                self.emit(TrainingRequeued(queued.job.number, queued.job.label))
        for handle, progress in self.executor.progress().items():
            if progress != self._progress.get(handle):
                self._progress[handle] = progress
                self.emit(TrainingProgressed(handle.job.number, **vars(progress)))

    def _stop(self, source: JobSource[Queued]) -> None:
        """Ask what runs to stop, and take what still ends."""
        self.emit(StopRequested(len(self.running), self.request.grace is None))
        for handle in self.running:
            self.executor.cancel(handle, self.request.grace)
        while self.running:
            self._collect(source, POLL)


def clear_job_folder(folder: Path) -> None:
    """Make a job's folder, and remove what a dead training of it left unfinished. Raises StorageError (E-IO)."""
    try:
        make_folder(folder)
        (folder / RESULT).unlink(missing_ok=True)
    except OSError as reason:
        raise storage_error(folder, reason) from reason
    sweep_temporaries(folder)


def run_jobs(
    jobs: Sequence[Job],
    evaluate: Evaluate,
    executor: int | Executor,
    on_event: Listener | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Result]:
    """Return the jobs' results, in their order. One whose folder holds the trained result of its key and seed is not run again.

    `executor` may be a number of local worker processes. Because a worker writes the result last and at once, what the training looked at
    (a test split) was looked at once per job, however often the command was killed after that. A job that failed before is tried again.
    Raises Interrupted, and FailureError when all fail.
    """
    emit = on_event or ignore_event
    with ExitStack() as stack:
        request = stack.enter_context(handle_stop_signals(stop))
        if isinstance(executor, int):
            executor = stack.enter_context(open_executor("local", executor, PRELOAD))
        batch = JobBatch(jobs, emit)
        if not Scheduler[QueuedJob](executor, evaluate, request, emit).drive(batch):
            raise request.interrupted()
    batch.check_failures()
    return [batch.results[place] for place in range(len(jobs))]


class JobBatch:
    """The source of a fixed list of jobs; `results` are by place in the list."""

    lookahead = 0

    def __init__(self, jobs: Sequence[Job], emit: Listener):
        self.emit = emit
        self.results: dict[int, Result] = {}
        self.fault: StorageFault | None = None  # the last one
        self._places = {QueuedJob(job): place for place, job in enumerate(jobs)}
        self._waiting = deque(queued for queued in self._places if not self._adopt(queued))

    def _adopt(self, queued: QueuedJob) -> bool:
        """Take the trained result that is in the job's folder; returns whether there was one."""
        job = queued.job
        result = adopt_result(job.folder, job.key, job.seed, lambda text: self.emit(Warned(text)))
        if result is None or not result.trained:
            return False
        self.results[self._places[queued]] = result
        self.emit(ResultAdopted(job.number, job.label))
        return True

    def has_next(self) -> bool:
        """Return whether a job waits."""
        return bool(self._waiting)

    def next_job(self) -> QueuedJob:
        """Return the first job that waits."""
        return self._waiting.popleft()

    def finish_job(self, queued: QueuedJob, result: Result) -> None:
        """Keep the result."""
        self.results[self._places[queued]] = result
        self.emit(FinalistTrained(queued.job.number, queued.job.label, result.state, result.reason, result.seconds))

    def note_fault(self, queued: QueuedJob, fault: StorageFault) -> None:
        """Keep a failed result, which is not written, so that the job is tried again by the next start; the other jobs go on."""
        job, self.fault = queued.job, fault
        found = adopt_result(job.folder, job.key, job.seed)  # written, although not for certain flushed to the disk
        is_written = found is not None and found.trained
        result = found if found and is_written else Result(TrialState.FAILED, seed=job.seed, key=job.key, reason=fault.message)
        self.finish_job(queued, result)

    def check_failures(self) -> None:
        """Raise FailureError if every job failed, StorageError if the storage did: there is nothing to compare then."""
        bad = [result for result in self.results.values() if not result.trained]
        if bad and len(bad) == len(self._places):
            if self.fault is not None:
                raise self.fault.error()
            raise failure_error(f"all of {count_noun(len(bad), 'training')} failed, the last: {bad[-1].reason}")
