"""A space of two families and a training without torch, importable by name so that worker processes find them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256

from blockspace.errors import error
from blockspace.executors import Job, Result
from blockspace.searching import Candidate

BLOCKS = ["hs", "resnext"]
OBJECTIVES = {"acc": "maximize"}
PRELOAD = ["fakes"]  # of an executor: a training then starts as quickly as the server forks
FOREVER = 600.0  # seconds, far longer than a test waits


class FakeSpace:
    """Neighbouring widths are one network (duplicates), widths over `limit` are over budget, `splits` and `cardinality` are conditional."""

    def __init__(self, limit: int = 20, top: int = 24):
        self.limit, self.top = limit, top

    def suggest(self, trial) -> dict:
        chosen = {"block": trial.suggest_categorical("block", BLOCKS), "width": trial.suggest_int("width", 1, self.top)}
        if chosen["block"] == "hs":
            return {**chosen, "splits": trial.suggest_int("splits", 3, 8)}
        return {**chosen, "cardinality": trial.suggest_categorical("cardinality", [1, 2, 4, 8])}

    def propose(self, assignment: dict) -> Candidate:
        arch = {**assignment, "width": (assignment["width"] + 1) // 2}
        label = "-".join(str(value) for value in arch.values())
        return Candidate(
            assignment=assignment,
            key=f"v1:{label}",
            arch={"label": label, **arch},
            solved={"half": arch["width"]},
            costs={"macs": 2000 * arch["width"]},
            violations={"macs": (2 * arch["width"] - self.limit) / self.limit},
            label=label,
            families={"block": assignment["block"]},
        )

    def choices(self, name: str) -> list[str]:
        if name != "block":
            raise error("E-NAME", f"no choice named {name!r}")
        return BLOCKS


def search_fakes(
    folder, executor, options, space=None, evaluate=None, objectives=OBJECTIVES, on_event=None, stop=None, lock=None, digest=None, **plan
):
    """Search the fake space; `plan` are further fields of the SearchPlan."""
    from blockspace.searching import SearchPlan, optimize  # here: a worker that imports `train` must not import Optuna

    plan = SearchPlan(space or FakeSpace(), evaluate or train, objectives, options, **plan)
    return optimize(plan, "fake", folder, digest, on_event, stop, executor, lock)


def accuracy(task: Job) -> float:
    """A value that depends on the network and the seed alone."""
    return int(sha256(f"{task.key}{task.seed}".encode()).hexdigest()[:8], 16) / 2**32


def train(task: Job) -> Result:
    """Sleep a little, leave a line in `ran.txt` per training, return the metric.

    `options["faults"]` maps a trial's number to a fault; `options["gate"]` is a file without which no training goes on.
    """
    with open(os.path.join(task.folder, "ran.txt"), "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(task.options.get("sleep", 0.0))
    while not os.path.exists(task.options.get("gate", task.folder)):
        time.sleep(0.02)
    fault = task.options.get("faults", {}).get(str(task.number)) or task.options.get("fault")
    if fault:
        return FAULTS[fault](task)
    return Result("trained", {"acc": accuracy(task)}, task.options.get("sleep", 0.0), task.seed, task.key)


def raise_value(task):
    raise ValueError("bad width\nsecond line")


def recurse(task):
    return recurse(task)


def out_of_memory(task):
    raise MemoryError


def diverge(task):
    return Result("diverged", {"acc": float("nan")}, 0.1, task.seed, task.key, "loss is nan at step 3")


def spam(task):
    for number in range(40_000):
        print(f"line {number} " + "x" * 90)
    raise ValueError("after the spam")


def no_metric(task):
    return Result("trained", {"other": 1.0}, 0.1, task.seed, task.key)


def stubborn(task):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(os.path.join(task.folder, "stubborn.txt"), "w").close()
    time.sleep(FOREVER)


def stand_still(task):
    """A few steps, then none."""
    task.reporter.step()
    task.reporter.epoch(1, 4, 0.5, 0.25)
    wait_for_nothing()


def wait_for_nothing():
    time.sleep(FOREVER)


def with_helpers(task):
    """Two processes of its own, one of which ignores TERM, and then a sleep: what a timeout must not leave behind."""
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    helpers = [subprocess.Popen([sys.executable, "-c", code]) for code in ("import time; time.sleep(600)", ignoring)]
    with open(os.path.join(task.folder, "helpers.txt"), "w") as file:
        file.write(" ".join(str(helper.pid) for helper in helpers))
    time.sleep(FOREVER)


def too_large(task):
    """Fits in memory with small batches only."""
    if task.options.get("batch", 64) > 32:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    return Result("trained", {"acc": accuracy(task)}, 0.1, task.seed, task.key)


FAULTS = {
    "raise": raise_value,
    "recurse": recurse,
    "memory": out_of_memory,
    "diverge": diverge,
    "spam": spam,
    "no_metric": no_metric,
    "stubborn": stubborn,
    "stand_still": stand_still,
    "with_helpers": with_helpers,
    "too_large": too_large,
    "exit": lambda task: sys.exit(3),
    "os_exit": lambda task: os._exit(7),
    "segfault": lambda task: ctypes.string_at(0),
    "kill": lambda task: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda task: time.sleep(FOREVER),
    "wrong": lambda task: {"acc": 1.0},
}
