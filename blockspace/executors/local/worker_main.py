"""The main function of a worker process, which runs one job; it ends with its parent, and no other process ends with it."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

from blockspace.executors.base import Evaluate, Job, ProgressReporter
from blockspace.executors.execute import run_job
from blockspace.executors.local.timeouts import DUMP
from blockspace.executors.result import Result

PR_SET_PDEATHSIG = 1


def die_with_parent(signum: int, parent: int) -> None:
    """Ask the kernel for `signum` when `parent` dies (Linux); elsewhere the pipes' end of file does the same."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signum)


def _offer_to_oom_killer() -> None:
    """Make this process the first that the kernel kills when memory runs out, so that the driver survives."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


def become_worker(log: int, parent: int) -> None:
    """Start a session of its own, so that one signal reaches all its processes, and send output and crash traces to `log`."""
    os.setsid()
    die_with_parent(signal.SIGKILL, parent)
    _offer_to_oom_killer()
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False, errors="backslashreplace")
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False, errors="backslashreplace")
    faulthandler.enable(file=2)
    faulthandler.register(DUMP, file=2)  # in C: it answers also where Python stands still


def run_pickled_job(payload: tuple[bytes, bytes], reporter: ProgressReporter) -> bytes:
    """Run a pickled function on a pickled job. Returns the pickled Result or StorageFault, or nothing where the job was stopped."""
    job: Job = replace(ForkingPickler.loads(payload[1]), reporter=reporter)

    def evaluate(job: Job) -> Result:
        function: Evaluate = ForkingPickler.loads(payload[0])  # may import a module that fails: a failed job as well
        return function(job)

    result = run_job(evaluate, job)
    return b"" if result is None else bytes(ForkingPickler.dumps(result))
