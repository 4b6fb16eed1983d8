"""What happens inside a worker process: become a process that dies alone and with its parent, run one task, return one Result."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from time import monotonic
from types import TracebackType

from blockspace.executors.clocks import DUMP
from blockspace.executors.memory import out_of_memory
from blockspace.executors.pulse import Pulse
from blockspace.executors.result import Result, adopt
from blockspace.executors.task import Stopped, Task
from blockspace.records import TrialState

PR_SET_PDEATHSIG = 1


def die_with_parent(signum: int, parent: int) -> None:
    """Ask the kernel for `signum` when `parent` dies (Linux); elsewhere the pipes' end of file does the same."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signum)


def offer_to_oom_killer() -> None:
    """Make this process the first that the kernel kills when memory runs out, so that the driver survives."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


def become_worker(log: int, parent: int) -> None:
    """A session of its own, so that one signal reaches all of its processes; output and crash traces to `log`."""
    os.setsid()
    die_with_parent(signal.SIGKILL, parent)
    offer_to_oom_killer()
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    sys.stdout = open(1, "w", buffering=1, closefd=False, errors="backslashreplace")
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")
    faulthandler.enable(file=2)
    faulthandler.register(DUMP, file=2)  # in C: it answers also where Python stands still


def work(payload: tuple[bytes, bytes], pulse: Pulse) -> bytes:
    """Run a pickled function on a pickled task; the Result, pickled; nothing where it was stopped.

    Whatever else the function raises becomes a failed or oom Result.
    """
    task: Task = replace(ForkingPickler.loads(payload[1]), pulse=pulse)
    started = monotonic()
    try:
        result = ForkingPickler.loads(payload[0])(task)
        if not isinstance(result, Result):
            raise TypeError(f"a training must return a Result, got {type(result).__name__}")
    except Stopped:
        return b""
    except BaseException as reason:  # SystemExit, MemoryError and RecursionError too: a failed trial is data
        traceback.print_exc()
        result = failure(reason, task, monotonic() - started)
    return bytes(ForkingPickler.dumps(recorded(result, task)))


def recorded(result: Result, task: Task) -> Result:
    """The result with its file in the task's folder, which a function that writes its own has made already."""
    if adopt(task.folder, task.key, task.seed) is None:
        try:
            result.write(task.folder)
        except Exception as reason:
            traceback.print_exc()
            return failure(reason, task, result.seconds)
    return result


def failure(reason: BaseException, task: Task, seconds: float) -> Result:
    """The Result of an exception: its type and the first line of its message; its signature adds where it was raised."""
    text = str(reason).strip().splitlines()
    kind = type(reason).__name__
    line = f"{kind}: {text[0]}"[:200] if text else kind
    state = TrialState.OOM if out_of_memory(reason) else TrialState.FAILED
    return Result(state, seconds=seconds, seed=task.seed, key=task.key, reason=line, signature=f"{kind} in {origin(reason.__traceback__)}")


def origin(trace: TracebackType | None) -> str:
    """File and function that raised: the last frame."""
    frames = traceback.extract_tb(trace)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].name}" if frames else "?"
