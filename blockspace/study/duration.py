"""How long a study would take: each kind of work that it does is timed once, on its baseline, and counted as often as the study does it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

from blockspace.formatting import count_noun, format_duration
from blockspace.graph import Graph
from blockspace.study.cheaper_networks import COUNT
from blockspace.study.cheaper_stage import MEASUREMENTS
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.study_file import MEASURED
from blockspace.study.worker_jobs import PRELOAD

if TYPE_CHECKING:
    from torch import nn

    from blockspace.data import Split

WARM, STEPS, LOOKED_AT = 3, 24, 1024  # steps and images that are timed
SHARED_CORES = 1.4  # a training beside other workers, relative to one alone: measured by benchmarks/overhead.py, rounded up


@dataclass(frozen=True)
class Timings:
    """Seconds of CPU time of each kind of work: a worker's start, a training's set-up, a step of it, an evaluated image, and the others.

    `latency` is one measurement, 0 where none is asked for; `first_export` is an export with the imports that it needs.
    """

    start: float
    setup: float
    step: float
    look: float
    latency: float
    first_export: float
    export: float


@dataclass(frozen=True)
class StagePlan:
    """One stage of a study: what is done in it, how often, and the seconds that it takes on all workers together."""

    words: str
    seconds: float


@dataclass(frozen=True)
class StudyTimer:
    """How long the work of a study takes: the seconds of each kind, and the number of images of the parts train, val and test."""

    timings: Timings
    images: tuple[int, int, int]

    @classmethod
    def of(cls, resolved: ResolvedStudy) -> StudyTimer:
        """Time each kind of work of a study on its baseline."""
        import torch

        from blockspace.data import load

        torch.set_num_threads(1)
        data = load(resolved.study.data)
        train, val = data.search_split()
        return cls(time_work(resolved, train, val), (len(train), len(val), len(data.final_split()[1])))

    def estimate(self, resolved: ResolvedStudy) -> float:
        """Return the seconds that a study of the same work takes, perhaps with another number of searches."""
        return sum(stage.seconds for stage in plan_stages(resolved, self.timings, self.images))

    def describe(self, resolved: ResolvedStudy) -> str:
        """Return a line with an estimate of the study's stages and of the whole."""
        stages = plan_stages(resolved, self.timings, self.images)
        parts = ", ".join(f"{stage.words} about {format_duration(stage.seconds)}" for stage in stages)
        whole = f"together about {format_duration(self.estimate(resolved))}"
        workers = count_noun(resolved.options.search.worker_count(), "worker")
        batch = f"baseline, batch {resolved.options.train.batch}, one thread"
        return f"{1000 * self.timings.step:.1f} ms a step ({batch}); {parts}; {whole} on {workers}"


def plan_stages(resolved: ResolvedStudy, timings: Timings, images: tuple[int, int, int]) -> list[StagePlan]:
    """Return the stages of a study with their durations; `images` are those of the parts train, val and test.

    Searches run one after the other, so each of them waits for its slowest worker; the baseline's trainings are of the first.
    """
    options, (train, val, test) = resolved.options, images
    repeats = options.search.repeat_count
    recipe, workers, final = options.train, options.search.worker_count(), options.finalists
    families = max(1, len(resolved.budgeted_space.families()))
    steps = max(1, train // recipe.batch)
    trial = timings.setup + SHARED_CORES * recipe.epochs * (steps * timings.step + val * timings.look)
    chosen = min(final.take * families, options.search.trials)
    once = (1 + final.random * families) * final.seeds  # the baseline and the random networks
    trainings = repeats * chosen * final.seeds + once
    busiest = share_among(chosen * final.seeds + once, workers) + (repeats - 1) * share_among(chosen * final.seeds, workers)
    longer = max(1, (train + val) // recipe.batch) * timings.step * (final.epochs or recipe.epochs)
    one_final = timings.setup + SHARED_CORES * (longer + test * timings.look)
    trials = options.search.trials
    stages = [StagePlan("the start", timings.start)]
    if options.tune is not None:
        tried = len(options.tune.list_changes()) * families * options.tune.seeds
        stages.append(StagePlan(count_noun(tried, "tuning"), share_among(tried, workers) * trial))
    if options.budget.latency is not None:
        seconds = timings.start + repeats * trials * timings.latency  # in a process of their own, one after another
        stages.append(StagePlan(count_noun(repeats * trials, "latency", "latencies"), seconds))
    searches = f" in {repeats} searches" if repeats > 1 else ""
    stages += [
        StagePlan(f"{count_noun(repeats * trials, 'trial')}{searches}", repeats * share_among(trials, workers) * trial),
        StagePlan(f"finals of {count_noun(trainings, 'training')}", busiest * one_final),
        *([plan_cheaper(resolved, timings, trial, one_final)] if resolved.study.comparison.cheaper else []),
        StagePlan(count_noun(chosen, "export"), timings.first_export + (chosen - 1) * timings.export),
    ]
    return stages


def plan_cheaper(resolved: ResolvedStudy, timings: Timings, trial: float, one_final: float) -> StagePlan:
    """Return the stage of the networks that are retrained for their cost, with the baseline's trial and what is measured anew."""
    workers, seeds = resolved.options.search.worker_count(), resolved.options.finalists.seeds
    measured = timings.start + MEASUREMENTS * timings.latency if resolved.study.comparison.cheaper in MEASURED else 0.0
    seconds = trial + share_among(COUNT * seeds, workers) * one_final + measured
    return StagePlan(f"finals of {COUNT} networks for their cost", seconds)


def share_among(jobs: int, workers: int) -> int:
    """Return how many jobs the busiest of the workers has, all jobs being equal."""
    return -(-jobs // workers)


# -- timing --------------------------------------------------------------------------------------------------------------------------------


def time_work(resolved: ResolvedStudy, train: Split, val: Split) -> Timings:
    """Return the CPU seconds, which other processes do not disturb, of each kind of work on the baseline."""
    graph = Graph.from_dict(resolved.baseline.arch["graph"])
    setup, step, look = time_training(resolved, graph, train, val)
    first, later = time_exports(resolved, graph)
    return Timings(time_worker_start(), setup, step, look, time_latency(resolved), first, later)


def time_training(resolved: ResolvedStudy, graph: Graph, train: Split, val: Split) -> tuple[float, float, float]:
    """Return the CPU seconds of a training's set-up, of a step of it, and of evaluating one image."""
    from dataclasses import replace

    from blockspace.compiler import compile
    from blockspace.training import fit, predict

    recipe = resolved.options.train.model_copy(update={"epochs": 1})
    module = compile(graph, seed=0)

    def spent(work: Callable[..., object], split: Split, count: int, *rest: object) -> float:
        start = process_time()
        work(module, replace(split, labels=split.labels[:count]), *rest)  # images beyond the labels are not looked at
        return process_time() - start

    # the first steps are slower than all others; what a start costs is in both of the other two
    _, brief, whole = (spent(fit, train, steps * recipe.batch, None, recipe, 0) for steps in (WARM, WARM, WARM + STEPS))
    warm, all_steps = (min(steps, len(train) // recipe.batch) for steps in (WARM, WARM + STEPS))
    step = max(0.0, whole - brief) / max(1, all_steps - warm)
    _, looked = (spent(predict, val, LOOKED_AT) for _ in range(2))
    return max(0.0, brief - warm * step), step, looked / min(LOOKED_AT, len(val))


def time_worker_start() -> float:
    """Return the CPU seconds in which a new process imports what the workers' server does."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {', '.join(PRELOAD)}"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def time_latency(resolved: ResolvedStudy) -> float:
    """Return the CPU seconds of one measurement of a latency, as the study measures it; 0 where it measures none."""
    from blockspace.runtimes import measure_graphs
    from blockspace.study.latency_measurer import latency_options

    window = resolved.options.budget.latency
    if window is None:
        return 0.0
    graph, start = resolved.baseline.arch["graph"], process_time()
    measure_graphs(graph, graph, **latency_options(window))
    return process_time() - start


def time_exports(resolved: ResolvedStudy, graph: Graph) -> tuple[float, float]:
    """Return the CPU seconds of the first export of this process, with what it imports, and of another."""
    from blockspace.compiler import compile

    module: nn.Module = compile(graph, seed=0)
    return time_export(resolved, graph, module), time_export(resolved, graph, module)


def time_export(resolved: ResolvedStudy, graph: Graph, module: nn.Module) -> float:
    """Return the CPU seconds of an export of the baseline to a folder that is removed again."""
    from blockspace.exporting import export_folder

    with TemporaryDirectory() as folder:
        start = process_time()
        export_folder(graph, module, Path(folder) / "baseline", resolved.to_yaml(resolved.baseline), "")
        return process_time() - start
