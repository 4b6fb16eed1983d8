"""A fixed list of jobs, each done once: the finalists, and everything else that is not proposed by a sampler."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from blockspace.executors import PRELOAD, Evaluate, Executor, Job, LocalExecutor, Result, adopt_result
from blockspace.records import FinalistTrained, Listener, ResultAdopted, ignore_event
from blockspace.searching.failures import failure_error
from blockspace.searching.interrupt import handle_stop_signals
from blockspace.searching.scheduler import QueuedJob, Scheduler


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
            executor = stack.enter_context(LocalExecutor(executor, PRELOAD))
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
        self._places = {QueuedJob(job): place for place, job in enumerate(jobs)}
        self._waiting = deque(queued for queued in self._places if not self._adopt(queued))

    def _adopt(self, queued: QueuedJob) -> bool:
        """Take the trained result that is in the job's folder; returns whether there was one."""
        job = queued.job
        result = adopt_result(job.folder, job.key, job.seed)
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

    def check_failures(self) -> None:
        """Raise FailureError if every job failed: there is nothing to compare then."""
        bad = [result for result in self.results.values() if not result.trained]
        if bad and len(bad) == len(self._places):
            raise failure_error(f"all {len(bad)} trainings failed, the last: {bad[-1].reason}")
