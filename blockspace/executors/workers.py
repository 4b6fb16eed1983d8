"""Worker processes as the driver sees them: submit, wait, cancel."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count as count_up
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from time import monotonic, sleep

from blockspace.executors.clocks import STARTING, Limits
from blockspace.executors.forkserver import BOOT
from blockspace.executors.memory import kernel_kills, killed_outside
from blockspace.executors.pulse import Beat, Pulses
from blockspace.executors.result import Result, adopt
from blockspace.executors.task import Task
from blockspace.records import TrialState

PRELOAD = ("torch", "lightning")
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")}
LOG = "log.txt"


@dataclass(eq=False)
class Handle:
    """A submitted task. `result` is set once it has ended, except for one that was cancelled (`cancelled`) before it had one."""

    id: int
    task: Task
    limits: Limits
    slot: int  # of its pulse
    kills: int | None  # of the kernel's out-of-memory killer, before it
    pid: int | None = None
    started: float = 0.0  # monotonic seconds
    cancelled: bool = False
    lost: bool = False  # the worker server died under it: no fault of the task
    result: Result | None = None


class Workers:
    """`count` processes at a time, each single-threaded, each for one task, forked from a server that has imported `preload`.

    A child dies with the driver, however that dies (no orphan after two seconds). SIGTERM asks a child to stop; an evaluate that leaves
    a checkpoint installs its own handler, raises Stopped, and has `grace` seconds after its timeout. Its output goes to `log.txt` in the
    task's folder, at most `log_cap` bytes. Use it from one thread, and as a context manager: leaving it kills what still runs.
    """

    def __init__(self, count: int, preload: Sequence[str] = PRELOAD, grace: float = 5.0, log_cap: int = 1_000_000):
        self.count, self.preload, self.grace, self.log_cap = count, list(preload), grace, log_cap
        self.running: dict[int, Handle] = {}
        self._ids = count_up()
        self._start_server()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def free(self) -> int:
        """How many more tasks may be submitted now."""
        return self.count - len(self.running)

    def submit(
        self, evaluate: Callable[[Task], Result], task: Task, timeout: float | None = None, stall: float | None = None
    ) -> Handle:  # fmt: skip
        """Start `evaluate(task)` in a child. `evaluate` must be importable by name, and not from `__main__`: no child runs that again.

        After `timeout` seconds it is stopped (state `timeout`); after `stall` seconds without a beat of its pulse (five times as many
        before the first) it is killed, its stacks in its log (state `hung`). Both hold also while nobody waits.
        """
        if getattr(evaluate, "__module__", None) == "__main__":
            raise ValueError(f"{evaluate.__qualname__} is defined in the script that was started; move it to a module that can be imported")
        if self._server.poll() is not None and not self.running:
            self._restart()
        slot = min(set(range(self.count)) - {handle.slot for handle in self.running.values()})
        handle = Handle(next(self._ids), task, Limits(timeout, stall, self.grace), slot, kernel_kills())
        self._pulses[slot].clear()
        self.running[handle.id] = handle
        payload = tuple(bytes(ForkingPickler.dumps(part)) for part in (evaluate, task))
        self._send(("run", handle.id, payload, str(Path(task.folder) / LOG), slot, handle.limits))
        return handle

    def beat(self, handle: Handle) -> Beat:
        """What the running task last said of itself."""
        return self._pulses[handle.slot].read()

    def wait(self, timeout: float) -> list[Handle]:
        """The tasks that have ended, as soon as there is one, at the latest after `timeout` seconds (then an empty list)."""
        end = monotonic() + timeout
        finished: list[Handle] = []
        while self.running:
            patience = 0.0 if finished else max(0.0, end - monotonic())
            if self._control.poll(patience):
                finished += self._receive()
            elif finished or monotonic() >= end:
                return finished
        if not finished:
            sleep(max(0.0, min(end - monotonic(), 0.05)))  # nothing runs: do not spin
        return finished

    def cancel(self, handle: Handle, grace: float | None) -> None:
        """TERM to the task's process group now, KILL after `grace` seconds (None: never). `wait` still reports it; a result is kept."""
        handle.cancelled = True
        self._send(("stop", handle.id, grace))

    def kill_all(self) -> None:
        """Kill what runs, and forget it; the workers can be used again. Returns when they are gone."""
        for handle in self.running.values():
            handle.cancelled = True
            self._send(("kill", handle.id))
        while self.running:
            self.wait(1.0)

    def close(self) -> None:
        """Kill every child and the server; returns when the server is gone."""
        self._control.close()  # its end of file is the order
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:  # still importing
            self._server.kill()
            self._server.wait()
        self._errors.close()
        self._pulses.close()
        self.running.clear()

    def _start_server(self) -> None:
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()
        self._pulses = Pulses(self.count)
        descriptors = {"control": theirs.fileno(), "pulses": self._pulses.descriptor}
        settings = {"path": sys.path, "parent": os.getpid(), "preload": self.preload, "cap": self.log_cap, "count": self.count}
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

    def _send(self, message: tuple) -> None:
        try:
            self._control.send(message)
        except OSError:  # the server is dead: `wait` will see it
            pass

    def _receive(self) -> list[Handle]:
        try:
            kind, id, *rest = self._control.recv()
        except (EOFError, OSError):
            return self._server_died()
        handle = self.running.get(id)
        if handle is None:
            return []
        if kind == "started":
            self._started(handle, *rest)
            return []
        del self.running[id]
        handle.result = self._ended(handle, *rest)
        return [handle]

    def _started(self, handle: Handle, pid: int) -> None:
        handle.pid, handle.started = pid, monotonic()

    def _ended(self, handle: Handle, code: int, output: bytes, ended_by: str, peak: int) -> Result | None:
        """The result it sent; else the one it wrote before it died; else why there is none."""
        task = handle.task
        result = decode(output) or adopt(task.folder, task.key, task.seed)
        clock = ended_by in ("timeout", "hung")
        if result is not None and (result.trained or not (clock or handle.cancelled)):
            return result
        if clock:
            return self._without(handle, TrialState(ended_by), self._overrun(handle, ended_by), ended_by)
        if handle.cancelled:
            return None
        if code == -signal.SIGKILL and not ended_by:
            state, reason = killed_outside(handle.kills, kernel_kills(), peak)
            return self._without(handle, state, reason, "killed from outside")
        reason = f"worker died (signal {-code})" if code < 0 else f"worker exited with code {code} and no result"
        return self._without(handle, TrialState.FAILED, reason, reason)

    def _overrun(self, handle: Handle, clock: str) -> str:
        """Why a clock ended the task, in words."""
        if clock == "timeout":
            return f"longer than {handle.limits.timeout:g} s"
        beat = self.beat(handle)
        where = f" after epoch {beat.epoch} of {beat.epochs}" if beat.epoch else "" if beat.steps else " before the first one"
        seconds = (handle.limits.stall or 0.0) * (1 if beat.steps else STARTING)
        return f"no step for {seconds:g} s{where}; where it stood is in its {LOG}"

    def _without(self, handle: Handle, state: TrialState, reason: str, signature: str) -> Result:
        task, seconds = handle.task, monotonic() - handle.started if handle.started else 0.0
        return Result(state, seconds=seconds, seed=task.seed, key=task.key, reason=reason, signature=signature)

    def _server_died(self) -> list[Handle]:
        """Every running task is lost with it; a new server starts with the next task."""
        self._server.wait()
        handles = list(self.running.values())
        reason = f"the worker server died ({self._last_words()})"
        for handle in handles:
            handle.lost = True
            handle.result = self._without(handle, TrialState.FAILED, reason, "server died")
        self.running.clear()
        return handles

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        words = [line for line in lines if line.strip()]
        return words[-1][:160] if words else f"code {self._server.returncode}"


def decode(output: bytes) -> Result | None:
    """The result a child sent; None for nothing, or for the part that a child sent which was killed meanwhile."""
    try:
        return ForkingPickler.loads(output)
    except Exception:
        return None
