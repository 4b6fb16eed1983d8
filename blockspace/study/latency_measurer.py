"""How a study measures latencies: as ratios to the baseline's, each measurement in a process of its own that has torch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from blockspace.errors import error
from blockspace.executors import Executor, Job, TimeLimits, open_executor, submit_and_wait
from blockspace.files import make_folder
from blockspace.records import Listener, RunDir, ignore_event
from blockspace.searching import Candidate
from blockspace.study.study_file import LatencyWindow
from blockspace.study.worker_jobs import measure_latency

Measure = Callable[[Candidate], dict[str, float]]
MEASURE_PRELOAD = ("torch", "blockspace.compiler")
MEASURE_TIMEOUT = 300.0  # seconds
LATENCY_PAIRS = 100  # about a second; the ratio then repeats within 3 % beside two busy workers


def latency_options(window: LatencyWindow) -> dict[str, Any]:
    """Return the settings of `measure_graphs` for the latency of a study's networks."""
    return {"runtime": window.runtime, "threads": window.threads, "batch": window.batch, "pairs": LATENCY_PAIRS}


def make_latency_measurer(
    baseline: Candidate, window: LatencyWindow, folder: Path, stack: ExitStack, emit: Listener = ignore_event
) -> Measure:
    """Return the function that measures a candidate's latency as a ratio to the baseline's, in a process that has torch.

    `emit` is told of what each measurement has taken.
    """
    shared = {"baseline": baseline.arch["graph"], "latency": latency_options(window)}
    child: list[Executor] = []  # started with the first measurement: a finished study that is run again needs none

    def measure(candidate: Candidate) -> dict[str, float]:
        if not child:
            child.append(stack.enter_context(open_executor("local", 1, MEASURE_PRELOAD)))
        place = make_folder(RunDir(folder).measuring)
        job = Job(str(place), {"graph": candidate.arch["graph"]}, 0, candidate.key, shared, limits=TimeLimits(MEASURE_TIMEOUT))
        result = submit_and_wait(child[0], measure_latency, job, emit)
        if result is None or not result.trained:
            reason = result.reason if result else "it was stopped"
            raise error("E-LATENCY", f"the latency of {candidate.label} could not be measured: {reason}")
        return {"latency": result.metrics["latency"]}

    return measure
