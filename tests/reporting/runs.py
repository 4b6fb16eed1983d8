"""A run as plain data, with everything a report can show, and any names one likes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy

import blockspace as bs
from blockspace.costs import Budget
from blockspace.reporting import Final, Finalist, Run, Surroundings, Training, Trial, compare

STATES = ("trained", "trained", "trained", "duplicate", "over_budget", "diverged", "failed", "oom", "running")


def trial(number: int, family: str, label: str) -> Trial:
    """A trial whose numbers follow from its own."""
    draw = random.Random(number)
    state = STATES[number % len(STATES)]
    values = {"macs": 4_400_000 + number, "params": 100_000 + number, "latency": 0.6 + draw.random()}
    if state in ("trained", "duplicate"):
        values |= {"val_acc": 0.5 + draw.random() / 2, "val_loss": draw.random()}
    trained = state == "trained"
    return Trial(
        number, state, family, label, f"v1:{number:032x}", values, {"splits": number % 7}, trained, trained and number < 3, 2.5 * trained,
        1000 + number, "" if state in ("trained", "duplicate") else f"because of {label}", number - 1 if state == "duplicate" else None,
    )  # fmt: skip


def training(replicate: int | None) -> Training:
    last = {"val_acc": 0.8, "val_loss": 0.5} if replicate is None else {"val_acc": None, "val_loss": None}
    epochs = tuple({"epoch": n, "train_loss": 2.0 / (n + 1), "lr": 0.1, "seconds": 1.0, **last} for n in range(4))
    return Training(replicate, 77, "trained", epochs, *((None, None) if replicate is None else (0.9, 0.3)))


def final(name: str, family: str, number: int | None, seeds: int = 2) -> Final:
    graph = bs.load("hs_block", splits=3).graph((12, 8, 8))
    trainings = ((training(None),) if number is not None else ()) + tuple(map(training, range(seeds)))
    costs = {"macs": 4_400_000, "params": 100_000, "latency": 0.9}
    return Final(name, family, number, costs, "v1:abc", f"network: {name}\n", graph, trainings, f"blockspace export 'runs/x#{name}'")


def answer(finals: list[Final], seeds: int = 2):
    draw = numpy.random.default_rng(0)

    def scores(one: Final) -> Finalist:
        correct = draw.random((seeds, 200)) < (0.9 if one.number == 0 else 0.7)
        return Finalist(one.family, one.name, dict(one.costs), correct, draw.random((seeds, 200)))

    return compare([scores(one) for one in finals if one.number is not None], next((scores(o) for o in finals if o.number is None), None))


def run(trials: int = 40, families: tuple[str, ...] = ("hs", "resnext"), name: str = "net", question: str = "Is one better?") -> Run:
    """A finished run; `name` is put wherever a name stands."""
    rows = tuple(trial(n, families[n % len(families)], f"{name}-{n}") for n in range(trials))
    finals = [final(f"{name}-{n}", family, n) for n, family in enumerate(families)] + [final("baseline", "baseline", None)]
    return Run(
        name=name, question=question, state="finished", words="today", folder=f"runs/{name}", command="blockspace search x.yaml",
        objectives={"val_acc": "maximize", "latency": "minimize"}, trials=rows, wanted=trials, families=families,
        budgets=(Budget("macs", 4_000_000, 4_500_000), Budget("latency", None, 1.3)),
        baseline={"macs": 4_450_000, "params": 110_000, "latency": 1.0}, finals=tuple(finals), answer=answer(finals),
        settings=f"study: {name}\n", facts={"data": name}, left_out={f"{name}.png": name}, notes=(name,),
        surroundings=(Surroundings({"python": "3.13", "machine": name}, 9),),
    )  # fmt: skip


def begun(**changes) -> Run:
    """A run of which nothing is finished."""
    return replace(run(0), answer=None, finals=(), surroundings=(), state="running", **changes)
