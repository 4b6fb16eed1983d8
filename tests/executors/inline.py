"""A second implementation of the Executor protocol: a job runs in the driver's process, when `wait` is called."""

from __future__ import annotations

from dataclasses import replace

from blockspace.executors import FinishedJob, Handle, JobProgress, run_job


class RecordingReporter:
    """Keeps the latest progress."""

    def __init__(self):
        self.latest = JobProgress()

    def step(self):
        self.latest = replace(self.latest, steps=self.latest.steps + 1)

    def epoch(self, done, epochs, loss=None, metric=None):
        self.latest = JobProgress(self.latest.steps + 1, done, epochs, loss, metric)


class InlineExecutor:
    """Runs one job at a time, in the order of submission, without any process; limits of time do not hold."""

    def __init__(self, capacity=1, preload=()):
        self.capacity = capacity
        self.submitted = {}
        self.progress_of = {}

    @property
    def free(self):
        return self.capacity - len(self.submitted)

    def submit(self, evaluate, job):
        handle = Handle(job)
        self.submitted[handle] = evaluate
        self.progress_of[handle] = RecordingReporter()
        return handle

    def wait(self, timeout):
        if not self.submitted:
            return []
        handle = next(iter(self.submitted))
        evaluate = self.submitted.pop(handle)
        return [FinishedJob(handle, run_job(evaluate, replace(handle.job, reporter=self.progress_of.pop(handle))))]

    def progress(self):
        return {handle: reporter.latest for handle, reporter in self.progress_of.items()}

    def cancel(self, handle, grace):
        self.submitted[handle] = lambda job: None

    def cancel_all(self):
        self.submitted.clear()
        self.progress_of.clear()

    def close(self):
        self.cancel_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


EXECUTOR = InlineExecutor
