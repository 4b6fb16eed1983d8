"""A fixed list of trainings, each done once: the finalists, and everything else that is not proposed by a sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from blockspace.executors import PRELOAD, Evaluate, Executor, Handle, Job, JobProgress, LocalExecutor, Result, adopt_result
from blockspace.files import RESULT
from blockspace.records import (
    FinalistTrained,
    Listener,
    ResultAdopted,
    StopRequested,
    TrainingProgressed,
    TrainingStarted,
    ignore_event,
)
from blockspace.searching.failures import failed
from blockspace.searching.interrupt import StopRequest, stoppable

POLL = 0.2  # seconds between looks at the stop request


def run_tasks(
    tasks: Sequence[Job],
    evaluate: Evaluate,
    workers: int | Executor,
    on_event: Listener | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Result]:
    """The tasks' results, in their order. One whose folder holds the trained result of its key and seed is not run again.

    Because a worker writes the result last and at once, what the training looked at (a test split) was looked at once per task,
    however often the command was killed after that. A task that failed before is tried again. Raises Interrupted, and FailureError
    when all fail.
    """
    with ExitStack() as stack:
        request = stack.enter_context(stoppable(stop))
        if isinstance(workers, int):
            workers = stack.enter_context(LocalExecutor(workers, PRELOAD))
        batch = Batch(tasks, evaluate, workers, on_event or ignore_event)
        try:
            return batch.go(request)
        finally:
            workers.cancel_all()


class Batch:
    """Tasks on their way: results by position, handles of those that run."""

    def __init__(self, tasks: Sequence[Job], evaluate: Evaluate, workers: Executor, emit: Listener):
        self.tasks, self.evaluate, self.workers, self.emit = tasks, evaluate, workers, emit
        self.results: dict[int, Result] = {}
        self.running: dict[Handle, int] = {}
        self.beats: dict[Handle, JobProgress] = {}  # as last told
        self.attempts = [0] * len(tasks)

    def go(self, request: StopRequest) -> list[Result]:
        waiting = [place for place in range(len(self.tasks)) if not self.adopt(place)]
        while waiting or self.running:
            if request:
                self.stop(request)
            while waiting and self.workers.free > 0:
                self.start(waiting.pop(0))
            waiting[:0] = self.collect()
        self.check()
        return [self.results[place] for place in range(len(self.tasks))]

    def adopt(self, place: int) -> bool:
        task = self.tasks[place]
        result = adopt_result(task.folder, task.key, task.seed)
        if result is None or not result.trained:
            return False
        self.results[place] = result
        self.emit(ResultAdopted(task.number, task.label))
        return True

    def start(self, place: int) -> None:
        task = self.tasks[place]
        self.attempts[place] += 1
        (Path(task.folder) / RESULT).unlink(missing_ok=True)
        self.running[self.workers.submit(self.evaluate, task)] = place
        self.emit(TrainingStarted(task.number, task.label, task.folder))

    def collect(self) -> list[int]:
        """Take what has ended, and tell how far the others are; the places to run again, because the worker server died under them."""
        again = []
        for handle, result, lost in self.workers.wait(POLL):
            place, task = self.running.pop(handle), handle.job
            if lost and self.attempts[place] < 2:
                again.append(place)
            elif result is not None:
                self.results[place] = result
                self.emit(FinalistTrained(task.number, task.label, result.state, result.reason, result.seconds))
        for handle, beat in self.workers.progress().items():
            if beat != self.beats.get(handle):
                self.beats[handle] = beat
                self.emit(TrainingProgressed(handle.job.number, **vars(beat)))
        return again

    def stop(self, request: StopRequest) -> None:
        self.emit(StopRequested(len(self.running), request.grace is None))
        for handle in self.running:
            self.workers.cancel(handle, request.grace)
        while self.running:
            self.collect()
        raise request.interrupted()

    def check(self) -> None:
        """Nothing to compare when everything failed."""
        bad = [result for result in self.results.values() if not result.trained]
        if bad and len(bad) == len(self.tasks):
            raise failed(f"all {len(bad)} trainings failed, the last: {bad[-1].reason}")
