"""The content of a report: a study's run directory as plain data, finished or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from blockspace.costs import Budget
from blockspace.graph import Graph
from blockspace.quantities import find_quantity
from blockspace.records import ComputeTotals, RunEnvironment, TrialRecord, TrialState, pareto_front
from blockspace.reporting.answer import Answer
from blockspace.reporting.independent_draws import IndependentDraws

FinalistRole: TypeAlias = Literal["best", "baseline", "random", "cheap"]
StudyState: TypeAlias = Literal["finished", "running", "stopped", "failed"]
REPORTED_STATES = tuple(dict.fromkeys(state.merged for state in TrialState))  # all failures are one
DEFAULT_METRIC = "val_acc"  # where no objective is a metric


@dataclass(frozen=True)
class FinalistTraining:
    """One training of a finalist.

    `replicate` is the number of its seed; None for the search's own training, which was evaluated on the validation split after each
    epoch. `state` is None until it has ended. `epochs` are the rows of its table of epochs, `metrics` what it ended with: accuracies in
    0..1, losses in nats.
    """

    replicate: int | None
    seed: int | None
    state: TrialState | None
    is_started: bool = True
    epochs: tuple[Mapping[str, float | None], ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return which training it is: `search` or `seed 0`."""
        return "search" if self.replicate is None else f"seed {self.replicate}"

    @property
    def state_label(self) -> str:
        """Return the state in words, also of a training that has not ended."""
        return self.state or ("unfinished" if self.is_started else "waiting")

    @property
    def is_final(self) -> bool:
        """Return whether it is a training after the search."""
        return self.replicate is not None

    @property
    def is_scored(self) -> bool:
        """Return whether it was scored on the test split."""
        return self.is_final and self.state is TrialState.TRAINED


@dataclass(frozen=True)
class FinalistReport:
    """A finalist, or, before they are retrained, a network that would be one.

    `number` is its trial's, None for the baseline and for a network that was drawn at random; `yaml` is its network file, `command`
    exports it. `role` is why it is one: the best of its family, the baseline, drawn at random, or taken for its cost.
    """

    name: str
    family: str
    number: int | None
    costs: Mapping[str, float]
    key: str
    yaml: str
    graph: Graph | None
    trainings: tuple[FinalistTraining, ...]
    command: str
    exported: str = ""  # the folder, where it was
    repeat: int = 0  # the search that found it
    role: FinalistRole = "best"

    @property
    def is_done(self) -> bool:
        """Return whether its final trainings have begun and all of them have ended."""
        states = [training.state for training in self.trainings if training.is_final]
        return bool(states) and None not in states

    @property
    def title(self) -> str:
        """Return number and name: `#17 hs-s4`."""
        return self.name if self.number is None else f"#{self.number} {self.name}"


@dataclass(frozen=True)
class Environment:
    """The environment of trainings: versions by name, and how many of the study's trainings ran so."""

    versions: Mapping[str, str]
    trainings: int


@dataclass(frozen=True)
class SearchCounts:
    """The searches of a study: how many were asked for, which are `whole` by their numbers from 0, and the one that has begun and is not.

    The answer is of the whole ones. A study `is_sequential` that may end before all of them.
    """

    repeats: int = 1
    whole: tuple[int, ...] = (0,)
    still_open: int | None = None
    is_sequential: bool = False

    def has(self, final: FinalistReport) -> bool:
        """Return whether a finalist is of a whole search, or the baseline."""
        return final.number is None or final.repeat in self.whole

    def words(self) -> str:
        """Return `2 of 5 searches are whole`."""
        verb = "is" if len(self.whole) == 1 else "are"
        return f"{len(self.whole)} of {'up to ' if self.is_sequential else ''}{self.repeats} searches {verb} whole"


@dataclass(frozen=True)
class SplitUse:
    """The use of a test split by a run: the run's own id, the split's digest, and how many runs have scored it (None: not counted)."""

    run: str
    digest: str
    uses: int | None

    def sentence(self) -> str:
        """Return how often the split was used."""
        if self.uses is None:
            return "not counted: there is no cache that can be written"
        runs = "1 run" if self.uses == 1 else f"{self.uses:,} runs"
        return f"this test split was scored by {runs} on this machine"


@dataclass(frozen=True)
class StudyProtocol:
    """The settings of a study, and the facts about its data, that checklists ask for.

    `repeats` are the independent searches, `trials` those of each. `random` are the random networks of a family among the finalists,
    `tune` says how the recipe was tuned (empty: not). `space_inside` is the search space's file in the run directory, empty where it is not
    kept there. `parts` are the numbers of images by part, `leaked` the test images that are also in train or val.
    """

    sampler: str
    seed: int
    trials: int
    repeats: int
    per_choice: tuple[str, ...]
    final_seeds: int
    random: int
    tune: str
    space_inside: str
    data: str
    digest: str
    parts: Mapping[str, int]
    leaked: int


@dataclass(frozen=True)
class StudyReport:
    """A study's run directory.

    `objectives` maps a metric or cost to `maximize` or `minimize`; `per` is the search parameter whose choices are the families;
    `baseline` are the baseline's costs.
    """

    name: str
    question: str
    state: StudyState
    words: str  # of the state: since when, or why
    folder: str
    command: str  # that starts or resumes it
    objectives: Mapping[str, str]
    trials: tuple[TrialRecord, ...]
    wanted: int  # trials that are to be trained, in all searches together
    per: str | None = None
    families: tuple[str, ...] = ()
    budgets: tuple[Budget, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    finals: tuple[FinalistReport, ...] = ()
    searches: SearchCounts = SearchCounts()
    answer: Answer | None = None
    settings: str = ""  # study.yaml
    facts: Mapping[str, str] = field(default_factory=dict)  # data, seeds, epochs: one line each
    left_out: Mapping[str, str] = field(default_factory=dict)  # files of the data that could not be read, and why
    environments: tuple[Environment, ...] = ()
    machines: tuple[RunEnvironment, ...] = ()
    compute: ComputeTotals | None = None
    test_use: SplitUse | None = None
    protocol: StudyProtocol | None = None
    notes: tuple[str, ...] = ()  # what could not be read
    draws: tuple[IndependentDraws, ...] = ()  # networks that were drawn independently
    no_draws: str = ""  # why there are none

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many trials were proposed, and how many are in each of `REPORTED_STATES`; `reused` of them were trained elsewhere."""
        states = Counter(trial.state.merged for trial in self.trials)
        named = {state.value: states[state] for state in REPORTED_STATES}
        return {"proposed": len(self.trials), **named, "reused": sum(bool(trial.reused) for trial in self.trials)}

    @property
    def trainings(self) -> tuple[int, int]:
        """Return how many trainings of the finalists are done, and how many there are to do."""
        final = [training for finalist in self.finals for training in finalist.trainings if training.is_final]
        return sum(training.is_scored for training in final), len(final)

    @cached_property
    def front(self) -> frozenset[int]:
        """Return the numbers of the trials that no other dominates."""
        return frozenset(trial.number for trial in pareto_front(self.trials, dict(self.objectives)))

    @cached_property
    def family_of(self) -> Mapping[int, str]:
        """Return each trial's family by its number; of a study that compares none, the study's name."""
        return {trial.number: trial.family(self.per, "" if self.per else self.name) for trial in self.trials}

    def budget(self, name: str) -> Budget | None:
        """Return the budget on a cost; None where there is none."""
        return next((budget for budget in self.budgets if budget.cost == name), None)

    def direction(self, name: str) -> str:
        """Return `maximize` or `minimize`: the objective's direction, else the quantity's."""
        return self.objectives.get(name) or find_quantity(name).direction
