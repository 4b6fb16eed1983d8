"""The protocol of an executor: jobs are submitted, report their progress while they run, and end in results.

A job never sees the study's storage: it gets an architecture, a seed and a folder. `LocalExecutor` (`blockspace.executors.local`) runs
jobs in processes of this machine; another executor is one more module beside this file (see `registry`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from blockspace.errors import Mistake, StorageError
from blockspace.executors.result import Result


@dataclass(frozen=True)
class JobProgress:
    """Progress of a running job: steps so far, epochs done and to do (0: unknown), and of the last epoch the loss and a metric, or None.

    `metric` is the training's first one, for classification the validation accuracy in 0..1; the loss is in nats.
    """

    steps: int = 0
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    metric: float | None = None

    @property
    def share(self) -> float:
        """Return how much of the training is done, in 0..1."""
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0


class ProgressReporter(Protocol):
    """Reports the progress of a running job. Both calls are made in the training loop, so they must not block or do I/O per step."""

    def step(self) -> None:
        """Report that one more step was taken. A job that reports none for `TimeLimits.stall` seconds is taken for hung."""

    def epoch(self, done: int, epochs: int, loss: float | None = None, metric: float | None = None) -> None:
        """Report that `done` of `epochs` epochs are over, with the loss and the metric of the last one."""


class SilentReporter:
    """The reporter of a job that no executor watches: both calls do nothing."""

    def step(self) -> None:
        """Ignore the step."""

    def epoch(self, done: int, epochs: int, loss: float | None = None, metric: float | None = None) -> None:
        """Ignore the epoch."""


@dataclass(frozen=True)
class TimeLimits:
    """Time limits of one job in seconds; None: no limit. `stall` is the longest time between two reported steps."""

    timeout: float | None = None
    stall: float | None = None


@dataclass(frozen=True)
class Resources:
    """The resources that one job needs: CPU cores, GPUs (0.5: half of one) and memory in bytes (None: whatever there is).

    Executors that place jobs on machines read it; `LocalExecutor` runs a fixed number of single-threaded jobs and does not.
    """

    cores: int = 1
    gpus: float = 0.0
    memory: int | None = None


@dataclass(frozen=True)
class Job:
    """One training (or another evaluation) of one network.

    `arch` and `options` are plain data that can be pickled. The result must carry `key` and `seed`, by which a later start of the driver
    recognises it in `folder`. `number` and `label` are for people. The executor replaces `reporter` where the job runs.
    """

    folder: str
    arch: dict[str, Any]
    seed: int
    key: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    label: str = ""
    limits: TimeLimits = TimeLimits()
    resources: Resources = Resources()
    reporter: ProgressReporter = field(default_factory=SilentReporter, compare=False, repr=False)


Evaluate = Callable[[Job], Result]


class JobStopped(Exception):
    """Raised by a job that was asked to stop and left a checkpoint: it has no result, and the next start of the driver continues it."""


@dataclass(frozen=True, eq=False)
class Handle:
    """The ticket of a submitted job. Handles are equal only to themselves."""

    job: Job


@dataclass(frozen=True)
class StorageFault:
    """The reason why a job has no result although nothing is wrong with it: the storage failed where it ran.

    `code` is E-DISK or E-IO, `message` and `help` are for people. `is_private` says that it was not the job's folder that failed but
    something that only this worker uses, such as a temporary folder: another start of the job may do.
    """

    code: str
    message: str
    help: str | None = None
    is_private: bool = False

    def error(self) -> StorageError:
        """Return the error to raise in the driver."""
        return StorageError(Mistake(self.code, self.message, help=self.help))


class FinishedJob(NamedTuple):
    """A job that has ended: its result, or why there is none. `result` is None for a job that was cancelled before it had one.

    `lost` is true where the executor failed under the job (its server or node died), which is not a fault of the job. `cpu` are the seconds
    of CPU time of its process and those that this started, 0 where the executor does not know.
    """

    handle: Handle
    result: Result | StorageFault | None
    lost: bool = False
    cpu: float = 0.0


class Executor(Protocol):
    """Runs jobs, a fixed number at a time. Not thread-safe: use one from one thread, and as a context manager.

    An executor must keep these promises, which the search relies on to resume:

    - the result of a job is written to its folder (`Result.write`) before `wait` returns it; `execute.run_job` does so;
    - an exception in a job is a failed Result, never an exception of the executor; one about the storage where it ran is a StorageFault;
      a failure of the executor itself is `lost`;
    - a job ends with the driver, however the driver ends;
    - the job's time limits hold also while the driver is busy and does not call `wait`.
    """

    @property
    def capacity(self) -> int:
        """Return how many jobs run at a time."""

    @property
    def free(self) -> int:
        """Return how many more jobs may be submitted now."""

    def submit(self, evaluate: Evaluate, job: Job) -> Handle:
        """Start `evaluate(job)` and return its handle.

        `evaluate` must be importable by name, and not from `__main__`. Call it only while `free` is positive.
        """

    def wait(self, timeout: float) -> list[FinishedJob]:
        """Return the jobs that have ended as soon as there is one, or an empty list after `timeout` seconds. Each is returned once."""

    def progress(self) -> dict[Handle, JobProgress]:
        """Return the latest progress of every running job."""

    def cancel(self, handle: Handle, grace: float | None) -> None:
        """Ask a job to stop, and kill it after `grace` seconds (None: never). `wait` still returns it; a result it had is kept."""

    def cancel_all(self) -> None:
        """Kill the running jobs and forget them. Returns when they are gone; the executor can be used again."""

    def close(self) -> None:
        """Kill the running jobs and free every resource."""

    def __enter__(self) -> Self:
        """Return the executor itself."""

    def __exit__(self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None) -> None:
        """Close the executor."""
