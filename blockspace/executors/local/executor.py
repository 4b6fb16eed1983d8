"""LocalExecutor: jobs in processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count as count_up
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from blockspace.errors import error
from blockspace.executors.base import Evaluate, FinishedJob, Handle, Job, JobProgress, SilentReporter, StorageFault
from blockspace.executors.local.forkserver import BOOT
from blockspace.executors.local.heartbeat import HeartbeatTable
from blockspace.executors.local.timeouts import STARTING
from blockspace.executors.registry import PRELOAD
from blockspace.executors.result import Result, adopt_result
from blockspace.files import as_storage_error, make_folder
from blockspace.records import TrainingDir, TrialState

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")}
OOM_COUNTER = Path("/proc/vmstat")  # its `oom_kill` counts every process that the kernel killed for want of memory, in any container


@dataclass(eq=False)
class _RunningJob:
    """The driver's view of a job in a worker."""

    id: int
    handle: Handle
    slot: int  # of its heartbeat
    kernel_kills: int | None  # of the kernel's out-of-memory killer, before it
    started: float = 0.0  # monotonic seconds
    cancelled: bool = False

    @property
    def job(self) -> Job:
        return self.handle.job


class LocalExecutor:
    """`capacity` processes at a time, each single-threaded, each for one job, forked from a server that has imported `preload`.

    A child dies with the driver, however that dies (no orphan after two seconds). SIGTERM asks a child to stop; an evaluate that leaves
    a checkpoint installs its own handler, raises JobStopped, and has `grace` seconds after its timeout. Its output goes to `log.txt` in
    the job's folder, at most `log_cap` bytes. Use it from one thread, and as a context manager: leaving it kills what still runs.
    """

    def __init__(self, capacity: int, preload: Sequence[str] = PRELOAD, grace: float = 5.0, log_cap: int = 1_000_000):
        check_platform()
        self.capacity, self.preload, self.grace, self.log_cap = capacity, list(preload), grace, log_cap
        self._running: dict[Handle, _RunningJob] = {}
        self._ids = count_up()
        self._start_server()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def free(self) -> int:
        """Return how many more jobs may be submitted now."""
        return self.capacity - len(self._running)

    def submit(self, evaluate: Evaluate, job: Job) -> Handle:
        """Start `evaluate(job)` in a child. `evaluate` must be importable by name, and not from `__main__`: no child runs that again.

        After `job.limits.timeout` seconds it is stopped (state `timeout`); after `job.limits.stall` seconds without a reported step (five
        times as many before the first) it is killed, its stacks in its log (state `hung`). Both hold also while nobody waits.
        Raises StorageError where the job's folder cannot be made.
        """
        if getattr(evaluate, "__module__", None) == "__main__":
            name = getattr(evaluate, "__qualname__", repr(evaluate))
            raise ValueError(f"{name} is defined in the script that was started; move it to a module that can be imported")
        if self._server.poll() is not None and not self._running:
            self._restart()
        with as_storage_error(job.folder):
            make_folder(job.folder)
        slot = min(set(range(self.capacity)) - {run.slot for run in self._running.values()})
        run = _RunningJob(next(self._ids), Handle(job), slot, read_kernel_kills())
        self._heartbeats[slot].clear()
        self._running[run.handle] = run
        sent = replace(job, reporter=SilentReporter())
        payload = (bytes(ForkingPickler.dumps(evaluate)), bytes(ForkingPickler.dumps(sent)))
        self._send(("run", run.id, payload, str(TrainingDir(Path(job.folder)).log), slot, job.limits, self.grace))
        return run.handle

    def progress(self) -> dict[Handle, JobProgress]:
        """Return what each running job last reported."""
        return {handle: self._heartbeats[run.slot].read() for handle, run in self._running.items()}

    def wait(self, timeout: float) -> list[FinishedJob]:
        """Return the jobs that have ended, as soon as there is one, at the latest after `timeout` seconds (then an empty list)."""
        end = monotonic() + timeout
        finished: list[FinishedJob] = []
        while self._running:
            patience = 0.0 if finished else max(0.0, end - monotonic())
            if self._control.poll(patience):
                finished += self._receive()
            elif finished or monotonic() >= end:
                return finished
        if not finished:
            sleep(max(0.0, min(end - monotonic(), 0.05)))  # nothing runs: do not spin
        return finished

    def cancel(self, handle: Handle, grace: float | None) -> None:
        """Send TERM to the job's process now, and KILL to its group after `grace` seconds (None: never).

        `wait` still returns the job; a result it had is kept.
        """
        run = self._running.get(handle)
        if run is not None:
            run.cancelled = True
            self._send(("stop", run.id, grace))

    def cancel_all(self) -> None:
        """Kill what runs, and forget it; the executor can be used again. Returns when the processes are gone."""
        for run in self._running.values():
            run.cancelled = True
            self._send(("kill", run.id))
        while self._running:
            self.wait(1.0)

    def close(self) -> None:
        """Kill every child and the server; returns when the server is gone."""
        self._control.close()  # its end of file is the order
        if not self._running:  # it has no child left, and may take seconds more to import
            self._server.kill()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:  # it cannot answer
            self._server.kill()
            self._server.wait()
        self._errors.close()
        self._heartbeats.close()
        self._running.clear()

    def _start_server(self) -> None:
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()
        self._heartbeats = HeartbeatTable(self.capacity)
        descriptors = {"control": theirs.fileno(), "heartbeats": self._heartbeats.descriptor}
        settings = {"path": sys.path, "parent": os.getpid(), "preload": self.preload, "cap": self.log_cap, "count": self.capacity}
        self._server = subprocess.Popen(
            [sys.executable, "-c", BOOT, json.dumps(settings | descriptors)],
            pass_fds=list(descriptors.values()),
            env={**os.environ, **ONE_THREAD},  # before the first import of torch: later is too late
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,  # the terminal's Ctrl-C is for the driver alone
        )
        theirs.close()
        self._control = Connection(ours.detach())

    def _restart(self) -> None:
        self.close()
        self._start_server()

    def _send(self, message: tuple[object, ...]) -> None:
        try:
            self._control.send(message)
        except OSError:  # the server is dead: `wait` will see it
            pass

    def _receive(self) -> list[FinishedJob]:
        try:
            kind, id, *rest = self._control.recv()
        except (EOFError, OSError):
            return self._lose_all()
        run = next((run for run in self._running.values() if run.id == id), None)
        if run is None:
            return []
        if kind == "started":
            run.started = monotonic()
            return []
        code, output, ended_by, peak, cpu = rest
        result = self._result_of(run, code, output, ended_by, peak)
        del self._running[run.handle]
        return [FinishedJob(run.handle, result, cpu=cpu)]

    def _result_of(self, run: _RunningJob, code: int, output: bytes, ended_by: str, peak: int) -> Result | StorageFault | None:
        """Return the result it sent, else the one it wrote before it died, else why there is none."""
        job = run.job
        result = _unpickle_outcome(output) or adopt_result(job.folder, job.key, job.seed)
        overran = ended_by in ("timeout", "hung")
        if isinstance(result, StorageFault):
            return None if run.cancelled else result
        if result is not None and (result.trained or not (overran or run.cancelled)):
            return result
        if overran:
            return self._failed(run, TrialState(ended_by), self._describe_overrun(run, ended_by), ended_by)
        if run.cancelled:
            return None
        if code == -signal.SIGKILL and not ended_by:
            state, reason = explain_sigkill(run.kernel_kills, read_kernel_kills(), peak)
            return self._failed(run, state, reason, "killed from outside")
        reason = f"worker died (signal {-code})" if code < 0 else f"worker exited with code {code} and no result"
        return self._failed(run, TrialState.FAILED, reason, reason)

    def _describe_overrun(self, run: _RunningJob, ended_by: str) -> str:
        """Return in words which time limit the job exceeded, and where it was."""
        if ended_by == "timeout":
            return f"longer than {run.job.limits.timeout:g} s"
        last = self._heartbeats[run.slot].read()
        where = f" after epoch {last.epoch} of {last.epochs}" if last.epoch else "" if last.steps else " before the first one"
        seconds = (run.job.limits.stall or 0.0) * (1 if last.steps else STARTING)
        return f"no step for {seconds:g} s{where}; where it stood is in its {TrainingDir(Path(run.job.folder)).log.name}"

    def _failed(self, run: _RunningJob, state: TrialState, reason: str, signature: str) -> Result:
        job, seconds = run.job, monotonic() - run.started if run.started else 0.0
        return Result(state, seconds=seconds, seed=job.seed, key=job.key, reason=reason, signature=signature)

    def _lose_all(self) -> list[FinishedJob]:
        """Return every running job as lost, since the server died; a new server starts with the next job."""
        self._server.wait()
        reason = f"the worker server died ({self._last_error()})"
        runs = list(self._running.values())
        self._running.clear()
        return [FinishedJob(run.handle, self._failed(run, TrialState.FAILED, reason, "server died"), lost=True) for run in runs]

    def _last_error(self) -> str:
        """Return the last line that the server wrote to stderr."""
        self._errors.seek(0)
        lines = [line for line in self._errors.read().decode(errors="replace").split("\n") if line.strip()]
        return lines[-1][:160] if lines else f"code {self._server.returncode}"


EXECUTOR = LocalExecutor  # found by `executors.registry`


def _unpickle_outcome(output: bytes) -> Result | StorageFault | None:
    """Return the result or fault a child sent; None for nothing, or for a part sent by a child that was killed meanwhile."""
    try:
        result: Result | StorageFault = ForkingPickler.loads(output)
        return result
    except Exception:
        return None


def read_kernel_kills(counter: Path = OOM_COUNTER) -> int | None:
    """Return how many processes the kernel's out-of-memory killer has ended since boot; None where the kernel does not say."""
    try:
        lines = counter.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def explain_sigkill(before: int | None, now: int | None, peak: int) -> tuple[TrialState, str]:
    """Return (state, reason) for a worker that another process or the kernel killed with SIGKILL.

    `before` and `now` are `read_kernel_kills` at the job's start and at its end; `peak` is the worker's memory in bytes.
    """
    text = f"worker died (signal 9), holding {peak / 1e9:.2g} GB"
    if before is None or now is None:
        return TrialState.OOM, f"{text}: killed from outside, as the kernel does when memory runs out"
    if now > before:
        return TrialState.OOM, f"{text}: killed by the kernel, which was out of memory"
    return TrialState.FAILED, f"{text}: killed from outside, and not by the kernel for want of memory"


def check_platform() -> None:
    """Raise BlockspaceError (E-DEVICE) on a system that cannot fork, as Windows: jobs are forked from a server with torch imported."""
    if not hasattr(os, "fork"):
        message = f"search and train run their trainings in forked processes, which {sys.platform} does not have"
        raise error("E-DEVICE", message, help="use Linux, macOS or WSL; show, check, cost, compile and export work here")
