"""A run as plain data, with everything a report can show, and any names one likes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy

import blockspace as bs
from blockspace.costs import Budget
from blockspace.records import TrialRecord, TrialState
from blockspace.reporting import (
    Environment,
    FinalistReport,
    FinalistTraining,
    IndependentDraws,
    ScoredFinalist,
    StudyReport,
    compare_families,
)

STATES = [TrialState.TRAINED, TrialState.TRAINED, *(state for state in TrialState if state not in ("timeout", "hung"))]


def trial(number: int, family: str, label: str) -> TrialRecord:
    """A trial whose numbers follow from its own."""
    draw = random.Random(number)
    state = STATES[number % len(STATES)]
    costs = {"macs": 4_400_000 + number, "params": 100_000 + number}
    measured = {"latency": 0.6 + draw.random()}
    has_metrics = state in (TrialState.TRAINED, TrialState.DUPLICATE)
    metrics = {"val_acc": 0.5 + draw.random() / 2, "val_loss": draw.random()} if has_metrics else {}
    return TrialRecord(
        number, state, label, f"v1:{number:032x}", params={"splits": number % 7}, families={"block": family}, costs=costs,
        measured=measured, metrics=metrics, values={"val_acc": metrics["val_acc"], **measured} if has_metrics else {},
        seconds=2.5 * state.is_trained, seed=1000 + number, reason="" if has_metrics else f"because of {label}",
        duplicate_of=number - 1 if state is TrialState.DUPLICATE else None,
    )  # fmt: skip


def training(replicate: int | None) -> FinalistTraining:
    last = {"val_acc": 0.8, "val_loss": 0.5} if replicate is None else {"val_acc": None, "val_loss": None}
    epochs = tuple({"epoch": n, "train_loss": 2.0 / (n + 1), "lr": 0.1, "seconds": 1.0, **last} for n in range(4))
    metrics = {} if replicate is None else {"test_acc": 0.9, "test_loss": 0.3}
    return FinalistTraining(replicate, 77, TrialState.TRAINED, epochs=epochs, metrics=metrics)


def final(name: str, family: str, number: int | None, seeds: int = 2) -> FinalistReport:
    graph = bs.load("hs_block", splits=3).graph((12, 8, 8))
    trainings = ((training(None),) if number is not None else ()) + tuple(map(training, range(seeds)))
    costs = {"macs": 4_400_000, "params": 100_000, "latency": 0.9}
    command = f"blockspace export 'runs/x#{name}'"
    return FinalistReport(name, family, number, costs, "v1:abc", f"network: {name}\n", graph, trainings, command)


def answer(finals: list[FinalistReport], seeds: int = 2):
    draw = numpy.random.default_rng(0)

    def scores(one: FinalistReport) -> ScoredFinalist:
        correct = draw.random((seeds, 200)) < (0.9 if one.number == 0 else 0.7)
        return ScoredFinalist(one.family, one.name, dict(one.costs), correct, draw.random((seeds, 200)))

    rivals = [scores(one) for one in finals if one.number is not None]
    return compare_families(rivals, next((scores(one) for one in finals if one.number is None), None))


def drawn(families: tuple[str, ...]) -> IndependentDraws:
    """Twelve networks of each family, drawn at random."""
    draw = random.Random(5)
    values = {family: tuple(0.5 + 0.1 * place + 0.3 * draw.random() for _ in range(12)) for place, family in enumerate(families)}
    return IndependentDraws("all networks of the search", "val_acc", values)


def run(trials: int = 40, families: tuple[str, ...] = ("hs", "resnext"), name: str = "net", question: str = "Is it better?") -> StudyReport:
    """A finished run; `name` is put wherever a name stands."""
    rows = tuple(trial(n, families[n % len(families)], f"{name}-{n}") for n in range(trials))
    finals = [final(f"{name}-{n}", family, n) for n, family in enumerate(families)] + [final("baseline", "baseline", None)]
    return StudyReport(
        name=name, question=question, state="finished", words="today", folder=f"runs/{name}", command="blockspace search x.yaml",
        objectives={"val_acc": "maximize", "latency": "minimize"}, trials=rows, wanted=trials, per="block", families=families,
        budgets=(Budget("macs", 4_000_000, 4_500_000), Budget("latency", None, 1.3)),
        baseline={"macs": 4_450_000, "params": 110_000, "latency": 1.0}, finals=tuple(finals), answer=answer(finals),
        settings=f"study: {name}\n", facts={"data": name}, left_out={f"{name}.png": name}, notes=(name,),
        environments=(Environment({"python": "3.13", "machine": name}, 9),), draws=(drawn(families),),
    )  # fmt: skip


def begun(**changes) -> StudyReport:
    """A run of which nothing is finished."""
    return replace(run(0), answer=None, finals=(), environments=(), state="running", **changes)
