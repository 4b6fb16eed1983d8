"""Run: one run directory as plain data, finished or not: what the page, and every other report, is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from blockspace.costs import Budget
from blockspace.graph import Graph
from blockspace.quantities import find_quantity
from blockspace.reporting.answer import Answer

State = Literal["finished", "running", "stopped", "failed"]
FAILED = ("failed", "oom", "timeout", "hung")
DEFAULT_METRIC = "val_acc"  # where no objective is a metric


@dataclass(frozen=True)
class Trial:
    """One proposal. `state` as in results.csv; `values` holds every number known of it: metrics, costs (batch 1), latency (a ratio).

    `allowed`: trained and inside every budget. `front`: no other is at least as good in every objective and better in one.
    """

    number: int
    state: str
    family: str = ""
    label: str = ""
    key: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)
    allowed: bool = False
    front: bool = False
    seconds: float = 0.0
    seed: int | None = None
    reason: str = ""
    duplicate_of: int | None = None
    reused: str = ""  # the trial of another run whose result this is

    @property
    def name(self) -> str:
        """`#17 hs-s4`."""
        return f"#{self.number} {self.label}".rstrip()


@dataclass(frozen=True)
class Training:
    """One training of a finalist: its seed, epochs (rows of metrics.csv), and, scored, accuracy (0..1) and log-loss (nats) on test.

    The search's own training has `replicate` None: it was evaluated on the validation split after each epoch.
    """

    replicate: int | None
    seed: int | None
    state: str
    epochs: tuple[Mapping[str, float | None], ...] = ()
    test_acc: float | None = None
    test_loss: float | None = None

    @property
    def name(self) -> str:
        return "search" if self.replicate is None else f"seed {self.replicate}"


@dataclass(frozen=True)
class Final:
    """A network of the finals (or, before them, one that would be): its trial's number (None for the baseline), file and trainings."""

    name: str
    family: str
    number: int | None
    costs: Mapping[str, float]
    key: str
    yaml: str
    graph: Graph | None
    trainings: tuple[Training, ...]
    command: str  # that exports it
    exported: str = ""  # the folder, where it was

    @property
    def title(self) -> str:
        return self.name if self.number is None else f"#{self.number} {self.name}"


@dataclass(frozen=True)
class Surroundings:
    """What trainings ran with: versions by name, and how many of the study's trainings ran so."""

    versions: Mapping[str, str]
    trainings: int


@dataclass(frozen=True)
class Run:
    """A study's run directory. `objectives` maps a metric or cost to maximize or minimize; `baseline` are the baseline's costs."""

    name: str
    question: str
    state: State
    words: str  # of the state: since when, or why
    folder: str
    command: str  # that starts or resumes it
    objectives: Mapping[str, str]
    trials: tuple[Trial, ...]
    wanted: int  # trials that are to be trained
    families: tuple[str, ...] = ()
    budgets: tuple[Budget, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    finals: tuple[Final, ...] = ()
    answer: Answer | None = None
    settings: str = ""  # study.yaml
    facts: Mapping[str, str] = field(default_factory=dict)  # data, seeds, epochs: one line each
    left_out: Mapping[str, str] = field(default_factory=dict)  # files of the data that could not be read, and why
    surroundings: tuple[Surroundings, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be read

    @property
    def counts(self) -> Mapping[str, int]:
        """How many were proposed, and what became of them; `failed` includes out of memory, out of time and hung.

        `reused` of the trained were trained by another run.
        """
        states = Counter("failed" if t.state in FAILED else t.state for t in self.trials)
        named = {name: states.get(name, 0) for name in ("trained", "duplicate", "over_budget", "diverged", "failed", "running")}
        return {"proposed": len(self.trials), **named, "reused": sum(bool(t.reused) for t in self.trials)}

    @property
    def trainings(self) -> tuple[int, int]:
        """How many trainings of the finals are done, and how many there are to do."""
        final = [t for one in self.finals for t in one.trainings if t.replicate is not None]
        return sum(t.state == "trained" for t in final), len(final)

    def budget(self, name: str) -> Budget | None:
        return next((b for b in self.budgets if b.cost == name), None)

    def direction(self, name: str) -> str:
        """Return `maximize` or `minimize`: the objective's direction, else the quantity's."""
        return self.objectives.get(name) or find_quantity(name).direction
