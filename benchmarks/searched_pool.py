"""Pools of real searches on NAS-Bench-201, from which calibration.py draws studies.

A search is the product's own: its samplers, its loop, its keys, with a database in memory. A training is a row of the table: the test
accuracy after 200 epochs, plus noise for the validation accuracy by which the search chooses.
"""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import optuna

import blockspace as bs
from blockspace.executors import FinishedJob, Handle, Job, JobProgress, Result
from blockspace.records import RunDir, ignore_event
from blockspace.searching import Candidate, SearchOptions, SearchPlan
from blockspace.searching.interrupt import handle_stop_signals
from blockspace.searching.numbering import TrialNumbers
from blockspace.searching.reproducible_sampler import ReproducibleSampler
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.search_loop import SearchLoop

EDGES = ("e21", "e31", "e32", "e41", "e42", "e43")
OPERATIONS = {"none": "none", "skip": "skip_connect", "nor1x1": "nor_conv_1x1", "nor3x3": "nor_conv_3x3", "avg3x3": "avg_pool_3x3"}
VALIDATION_SD = 0.003  # of one training's validation accuracy, in 0..1


@dataclass(frozen=True)
class PoolCell:
    """Searches of one kind: the sampler, and how many networks each trains."""

    sampler: str
    trials: int

    @property
    def name(self) -> str:
        return f"{self.sampler}-{self.trials}"


def read_table(path: Path) -> dict[str, float]:
    """The accuracies (0..1) of all cells, by the benchmark's string."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {name: float(accuracy) / 100 for name, accuracy in rows}


def cell_string(assignment: dict[str, Any]) -> str:
    """The benchmark's string of a cell."""
    words = iter(OPERATIONS[assignment[edge]] for edge in EDGES)
    return "+".join("|" + "|".join(f"{next(words)}~{place}" for place in range(node)) + "|" for node in (1, 2, 3))


@cache
def key_of(values: tuple[str, ...]) -> str:
    """The canonical key of a cell in a small network: equal keys are one network."""
    return str(bs.load("nasbench201", n=1, c=4).graph((3, 8, 8), values=dict(zip(EDGES, values))).key())


class TableSpace:
    """The space of the table, as the search sees one."""

    def suggest(self, trial: optuna.trial.Trial) -> dict[str, Any]:
        return {edge: trial.suggest_categorical(edge, list(OPERATIONS)) for edge in EDGES}

    def propose(self, assignment: dict[str, Any]) -> Candidate:
        name = cell_string(assignment)
        return Candidate(assignment, key_of(tuple(assignment[edge] for edge in EDGES)), {"cell": name}, label=name)

    def choices(self, name: str) -> list[str]:
        return list(OPERATIONS)


class InstantExecutor:
    """Runs a job where it is submitted."""

    capacity = 1

    def __init__(self) -> None:
        self.ended: list[FinishedJob] = []

    @property
    def free(self) -> int:
        return 1 - len(self.ended)

    def submit(self, evaluate, job: Job) -> Handle:
        handle = Handle(job)
        self.ended.append(FinishedJob(handle, evaluate(job)))
        return handle

    def wait(self, timeout: float) -> list[FinishedJob]:
        found, self.ended = self.ended, []
        return found

    def progress(self) -> dict[Handle, JobProgress]:
        return {}

    def cancel(self, handle: Handle, grace: float | None) -> None:
        pass

    def cancel_all(self) -> None:
        self.ended = []

    def close(self) -> None:
        pass


def search_table(table: dict[str, float], cell: PoolCell, seed: int, take: int) -> list[float]:
    """The true accuracies of the `take` networks that one search would retrain, the best by validation first."""

    def train(job: Job) -> Result:
        noise = numpy.random.default_rng(job.seed).normal(0, VALIDATION_SD)
        return Result("trained", {"val_acc": table[job.arch["cell"]] + noise}, seed=job.seed, key=job.key)

    options = SearchOptions(sampler=cell.sampler, trials=cell.trials, seed=seed)
    plan = SearchPlan(TableSpace(), train, {"val_acc": "maximize"}, options)
    sampler = ReproducibleSampler(SAMPLERS[cell.sampler], seed)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    with tempfile.TemporaryDirectory() as folder, handle_stop_signals(None) as request:
        loop = SearchLoop(plan, RunDir(Path(folder)), study, TrialNumbers(), lambda: sampler.exhausted, ignore_event)
        records = loop.run(InstantExecutor(), request)
    best = sorted((one for one in records if one.is_feasible), key=lambda one: -one.values["val_acc"])[:take]
    return [table[one.label] for one in best]


def make_pool(table: dict[str, float], cell: PoolCell, searches: int, take: int = 2) -> numpy.ndarray:
    """The finalists' true accuracies of many independent searches (searches, take)."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return numpy.array([search_table(table, cell, seed, take) for seed in range(searches)])
